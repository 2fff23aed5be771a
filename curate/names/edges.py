"""What is no part of a name at the edges of what the tagger took for one, in whatever language it stands.

To a tagger of English `Hola`, `Danke` and `Combien` at the place of a name are parts of it. Greetings, thanks,
forms of address and words that begin questions are lists (`evidence.txt`); a word in small letters that no list
of names has, and the noun that an article belongs to ("den Artikel Vaultly"), are none by their form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from curate.names.evidence import introduced
from curate.names.span import Span
from curate.names.tokens import BIT, Lexicon
from curate.names.tongue import PARTICLES, lists

BEFORE = 48  # characters looked at before a name
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_ENGLISH = frozenset(
    "a an the and or but if when while else this that these those of for with from by as in on at to is are was were can how".split()  # noqa: SIM905
)
_NAMES = BIT["first"] | BIT["last"]
# articles that are no words of English and no particles of names
_ARTICLE = re.compile(
    r"(?i)(?<!\w)(?:der|die|das|den|dem|des|eine?[mnrs]?|le|les|une?|el|los|las|una|il|gli|uno|het|een|um|uma)[ \t]+\Z"
)
_GOES_ON = re.compile(r",?[ \t]+(?:[^\W\d_a-z]|heer|mevrouw|mevr|pan[ia]?\b|fru\b)")  # with whom is greeted
_INSIDE = re.compile(
    r"(?i)(?<!\w)(?:in|à|nach|near|via|around|inside|outside)[ \t]+\Z"
)  # stands before places alone
_TOWARDS = re.compile(
    r"(?i)(?<!\w)(?:to|from|at|of|en|em|aus|nach|naar|vers|desde|a|da|till|från)[ \t]+\Z"
)  # and persons


def trimmed(spans: Sequence[Span], text: str, lexicon: Lexicon) -> list[Span]:
    """The spans with persons cut to what may be a name; a town behind its preposition is a place."""
    if text.islower():
        return [span for span in spans if text[span.start : span.end] not in lists()["chat"]]
    kept: list[Span] = []
    for span in spans:
        if span.label != "PERSON":
            kept.append(span)
            continue
        words = list(_WORD.finditer(text, span.start, span.end))
        if words and all(word[0].lower() in lists()["fields"] for word in words):
            continue
        low, high = _edges(words, text, lexicon)
        if low < high:
            start = span.start if low == 0 else words[low].start()
            end = span.end if high == len(words) else words[high - 1].end()
            one = words[low][0] if high - low == 1 else ""
            place = one and _is_town(one, text[max(0, start - BEFORE) : start], text[end : end + 2], lexicon)
            kept.append(span._replace(start=start, end=end, label="LOCATION" if place else "PERSON"))
        elif not words:
            kept.append(span)
    return kept


def _edges(words: list[re.Match[str]], text: str, lexicon: Lexicon) -> tuple[int, int]:
    """The first and the last of the words that may be of a name, half open."""
    low, high = 0, len(words)
    if words and introduced(text[max(0, words[0].start() - BEFORE) : words[0].start()]):
        return low, high
    opened = False
    while low < high:
        word, more = words[low][0], high - low > 1
        small, flags = word.lower(), lexicon.flags(word)
        is_opening = small in lists()["openings"] and _opens(words[low:], text, lexicon)
        of_address = opened and more and small in lists()["titles"]
        strange = word.islower() and small not in PARTICLES and not flags & _NAMES
        noun = (
            low == 0 and more and not flags & _NAMES and _ARTICLE.search(text[: words[0].start()][-BEFORE:])
        )
        common = more and small in _ENGLISH and not lexicon.flags(words[low + 1][0]) & _NAMES
        if not (common or is_opening or of_address or strange or noun):
            break
        opened = opened or is_opening
        low += 1
    while high > low:
        word = words[high - 1][0]
        if not word.islower() or (word not in PARTICLES and lexicon.flags(word) & _NAMES):
            break
        high -= 1
    return low, high


def _opens(words: list[re.Match[str]], text: str, lexicon: Lexicon) -> bool:
    """Whether the first of the words, a greeting or a question by the lists, is one here: `Caro Luigi`, not `Caro`."""
    flags = lexicon.flags(words[0][0])
    if not flags & _NAMES:
        return True
    if len(words) > 1:
        return bool(lexicon.flags(words[1][0]) & BIT["first"]) or words[1][0].islower()
    return not flags & BIT["first"] or _GOES_ON.match(text, words[0].end()) is not None


def _is_town(word: str, before: str, after: str, lexicon: Lexicon) -> bool:
    """Whether a word is a town's name where a place is told."""
    flags = lexicon.flags(word)
    if flags & BIT["first"] or after.startswith(("'", "’")):
        return False
    if flags & BIT["big_city"]:
        return bool(_INSIDE.search(before) or _TOWARDS.search(before))
    return bool(not flags and (_INSIDE.search(before) or (word.isupper() and _TOWARDS.search(before))))
