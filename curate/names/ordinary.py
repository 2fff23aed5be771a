"""A name of one word that is an ordinary word or a product too: a person only where its surroundings say so.

English writes the first word of a sentence, the words on buttons and the names of things with a capital
as it writes names. `Mark` in "Mark all as read" and `Mac` in "any Mac" are nobody; "Mark called" and
"I spoke to Mac, and he agreed" are of persons.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from curate.names.span import Span
from curate.names.tokens import BIT, Lexicon

BEFORE = 60  # characters looked at before a name
SHORT = 4  # letters in capitals, up to which a name is rather an abbreviation
AFTER = 80  # and behind it
_COMMON = sum(BIT[name] for name in ("english_300", "english_1500", "english_5000", "english_15000"))
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
# one thing among others of its kind
_ARTICLE = re.compile(r"\b(?:an?|any|each|every|another|both|per|which|your)[ \t]+\Z", re.IGNORECASE)
_THE = re.compile(r"\b(?:the|these|those|its)[ \t]+\Z", re.IGNORECASE)
# what is done to buttons, menus and programs
_PRESSED = re.compile(
    r"(?:\b(?:press|pressed|pressing|click|clicked|clicking|tap|tapped|tapping|hit|choose|chosen|select|selected|toggle|uncheck|check"
    r"|untick|tick|enter|type|menu|button|tab|option|key|field|install|launch|reinstall|uninstall)(?:[ \t]+(?:on|the|then))*[ \t]+"
    r"|[>›»→|][ \t]*|[\[<{`][ \t]*)[\"'“‘*_]*\Z",
    re.IGNORECASE,
)
# beside these a month's name is the month: "as of June", "3 May", "end of April", "Ende Juli", "am 5. Mai"
_DATED = re.compile(
    r"(?:\b(?:in|of|into|until|till|by|since|during|through|throughout|between|within|early|mid|late|last|next|this|every|end|beginning"
    r"|ende|anfang|mitte|bis|seit|ab|im|fin|début|finales|principios|fine|inizio|eind|begin|sinds|tot|od|do|koniec)[ \t-]+"
    r"|\b\d{1,2}(?:st|nd|rd|th|\.|er)?[ \t]+(?:of[ \t]+|de[ \t]+)?)\Z",
    re.IGNORECASE,
)
_DAY = re.compile(
    r",?[ \t]*(?:\d{1,2}(?:st|nd|rd|th)?\b(?![:.]\d)|(?:19|20)\d\d\b|(?:and|or|to|[-–])[ \t]*(?:January|February|March|April|May|June|July|August|September|October|November|December)\b)"
)
# of these a thing is not the other side
_SURELY = re.compile(
    r"(?:\b(?:hi|hello|dear|good (?:morning|afternoon|evening)|mr|mrs|ms|miss|mx|dr|prof|aunt|uncle|sister|brother|regards|sincerely|wishes|cheers|yours|faithfully"
    r"|truly|named|name is|name['’]s|i['’]a?m|i am|signed|met|married|husband|wife|son|daughter|mother|father|mum|mom|dad|friend|colleague|boss|manager|agent"
    r"|neighbou?r|partner|cousin|nephew|niece|boyfriend|girlfriend|spoke (?:to|with)|talked (?:to|with))[.,:]?[ \t]*\n?[ \t]*|\bname:[ \t]*)[\"'“‘(*_]*\Z",
    re.IGNORECASE,
)
_TITLED = re.compile(r"(?i)\b(?:mr|mrs|ms|miss|mx|dr|prof)\.?[ \t]+\Z")
_GREETED = re.compile(r"\bhey,?[ \t]*[\"'“‘]*\Z", re.IGNORECASE)
# what only somebody does, or what is only somebody's
_ACTS = re.compile(
    r"(?:['’]s\b|[ \t]*,?[ \t]+(?:(?:and|or)[ \t]+(?:I|[A-Z][a-z]+)\b|(?:has|had|have|was|is|also|just|never|then|later|once|still|only|already|kindly|finally|suddenly|quickly|slowly)?[ \t]*"
    r"(?:said|says|told|tells|asked|asks|wrote|writes|replied|answered|promised|thinks?|thought|knew|knows|wants|wanted|needs to|felt|feels|went|came|comes|goes|took|saw|got|made|found|left|began"
    r"|kept|held|ran|sat|stood|met|heard|bought|paid|sent|gave|lost|spoke|drove|ate|slept|woke|grew up|taught|led|won|lives|works|loves|likes|hates|born|married|my)\b"
    r"|(?:is|was|seems|seemed|sounded)[ \t]+(?:very|so|really|too|quite|extremely|not|always)?[ \t]*(?:kind|rude|helpful|nice|friendly|polite|patient|happy|sad|angry|tired|upset|sick|ill|late|afraid|excited)\b"
    r"|(?:is|was)[ \t]+(?:an?|the|our|my|your)[ \t]+(?:[\w-]+[ \t]+){0,2}(?:programmer|engineer|developer|designer|writer|author|singer|dancer|actor|actress|artist|painter|player|driver|farmer"
    r"|baker|chef|leader|officer|worker|scientist|professor|soldier|hero|person|guy|owner|member)\b"
    r"|(?:from|in|at)[ \t]+(?:billing|sales|support|accounts?|accounting|marketing|hr|it|reception|customer|[A-Z][a-z]+)\b"
    r"|[a-z]{2,}ed\b(?!\s+(?:by|in|on|with|for|to|as|at)\b)))"
)
_PERSONAL = re.compile(
    r"\b(?:he|she|him|his|her|hers|himself|herself|who|whose|husband|wife|son|daughter|mother|father|friend|brother|sister|lawyer|doctor|nurse|boss|colleague"
    r"|girl|boy|woman|man|lady|kid|child|student|teacher|pupil|owner|manager|agent|clerk|neighbou?r|customer|client|employee|patient|years old|year-old)\b",
    re.IGNORECASE,
)
_CALLED = re.compile(r"\A[ \t]*(?:,[ \t]*(?:\n|\Z|[a-z])|[.!]?[ \t]*(?:\n|\Z)|,?[ \t]+here\b)")
_ALONE = re.compile(
    r"\A[ \t\n]*(?:[^\W\d_][\w ]{0,40}:[ \t]*)?\Z"
)  # a value with the name of its column or none
_CAPITAL_BEFORE = re.compile(r"(?<![^\W\d_])[^\W\d_a-z][\w.'’-]*,?[ \t]\Z")
_CAPITAL_AFTER = re.compile(r",?[ \t][^\W\d_a-z]")
_MONTHS = frozenset(
    ("april", "may", "june", "august", "july", "march", "mai", "juni", "juli", "julio", "abril")
)
_OPENING = " \t\"'“‘*_#>-(•–"


@lru_cache(maxsize=1)
def _lists() -> dict[str, frozenset[str]]:
    """The lists of `doubtful.txt` by name."""
    lists: dict[str, set[str]] = {}
    current: set[str] = set()
    for line in Path(__file__).with_name("doubtful.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith(":"):
            current = lists.setdefault(line[1:], set())
        elif not line.startswith("#"):
            current.update(line.split())
    return {name: frozenset(words) for name, words in lists.items()}


def is_word_too(name: str) -> bool:
    """Whether a given name, in small letters, is an ordinary word as well: `hope`, `mark`."""
    return name in _lists()["words"]


def persons(spans: Sequence[Span], text: str, lexicon: Lexicon) -> list[Span]:
    """The spans without persons of one word that is rather something else where it stands.

    A word that its surroundings call a person once is one wherever else it stands in the text, buttons
    and single things excepted.
    """
    doubtful = {at: name for at, span in enumerate(spans) if (name := _doubtful(span, text, lexicon))}
    if not doubtful:
        return list(spans)
    named = {name for at, name in doubtful.items() if _is_somebody(spans[at], text, name)}
    if any(_speaks(span, text) for at, span in enumerate(spans) if at not in doubtful):
        named |= {name for at, name in doubtful.items() if _speaks(spans[at], text)}
    kept = []
    for at, span in enumerate(spans):
        name = doubtful.get(at, "")
        if not name or (name in named and not _is_thing(span, text, name)):
            kept.append(span)
    return kept


def _speaks(span: Span, text: str) -> bool:
    """Whether a name stands before what is said, as in a play."""
    line = text[text.rfind("\n", 0, span.start) + 1 : span.start]
    behind = text[span.end : span.end + 4].lstrip("*_ ")
    return span.label == "PERSON" and not line.strip(" \t*_>") and behind.startswith(":")


def _doubtful(span: Span, text: str, lexicon: Lexicon) -> str:
    """The one word of a person's name in small letters, if it may be something else; else nothing."""
    if span.label != "PERSON":
        return ""
    words = _WORD.findall(text, span.start, span.end)
    if len(words) == 2 and words[0].lower() in ("both", "the", "any", "each", "hey"):
        words = words[1:]
    if len(words) != 1 or text.islower():
        return ""
    word: str = words[0].lower()
    if _is_acronym(words[0], span, text, lexicon):
        return word
    lists = _lists()
    ordinary = lexicon.flags(word) & _COMMON and not lexicon.flags(word) & (BIT["first"] | BIT["last"])
    listed = word in lists["words"] or word in lists["things"] or word in _MONTHS
    return word if listed or ordinary else ""


def _is_acronym(word: str, span: Span, text: str, lexicon: Lexicon) -> bool:
    """Whether a word in capitals stands among words that are not, and is no listed name."""
    if not word.isupper() or text.isupper():
        return False
    listed = 0 if len(word) <= SHORT else BIT["first"] | BIT["last"]
    begin = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    line = text[begin : span.start] + text[span.end : end if end >= 0 else len(text)]
    beside = _CAPITAL_BEFORE.search(text[begin : span.start]) or _CAPITAL_AFTER.match(text, span.end)
    return not (lexicon.flags(word) & listed or beside) and any(map(str.islower, line))


def _is_thing(span: Span, text: str, name: str) -> bool:
    """Whether a button is pressed or one thing of a kind is spoken of."""
    inside = text[span.start : span.end].lower().find(name)  # `both Mac` is one span
    before = text[max(0, span.start - BEFORE) : span.start + max(0, inside)]
    if _PRESSED.search(before) or _ARTICLE.search(before):
        return True
    if name in _MONTHS and (_DATED.search(before) or _DAY.match(text, span.end)):
        return True
    if _GREETED.search(before) and name in _lists()["things"]:
        return True
    return bool(_THE.search(before))


def _is_somebody(span: Span, text: str, name: str) -> bool:
    """Whether what stands before or behind the word says that it is a person's name."""
    before, after = text[max(0, span.start - BEFORE) : span.start], text[span.end : span.end + AFTER]
    if _ALONE.search(text[: span.start]) and not text[span.end :].strip(" \t\n.,!"):
        return True
    if _is_thing(span, text, name):
        return False
    surely = bool(_SURELY.search(before))
    if surely and _TITLED.search(before):  # `Mr.` ends no sentence
        return True
    if text[span.start : span.end].isupper():
        return surely or bool(_ACTS.match(after))
    if name in _lists()["grammar"]:
        return surely
    acts = bool(_ACTS.match(after))
    if name in _lists()["things"] and name not in _lists()["words"]:
        return surely or acts or bool(re.search(r"\A[^.!?\n]{0,40}\b(?:he|she)\b", after))
    sentence = re.split(r"[.!?\n]", after, maxsplit=1)[0]
    personal = bool(_PERSONAL.search(sentence))
    if _opens(before):
        return acts or personal or bool(_CALLED.match(after))
    return True


def _opens(before: str) -> bool:
    """Whether a sentence, a line or an item begins here, where any word has a capital."""
    left = before.rstrip(_OPENING)
    return not left or left[-1] in ".!?:\n;" or before.endswith(("- ", "• ", "* "))
