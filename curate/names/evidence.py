"""What a person's name needs where the words around it are in another language than English.

The tagger knows by its lists which English words are ordinary. In another language each word is new to
it, so each sentence's first word and each heading may look like a name. There a name needs evidence that
does not hang on the language: a listed given name, a title or a form's field before it, or two words of
which one is a listed family name.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curate.names.span import Span
from curate.names.tokens import BIT, Lexicon
from curate.names.tongue import COUNTED, PARTICLES, is_german, lists, no_names, strange

SURE = 0.8  # score from which a listed family name and another word are a name
ACRONYM = 4  # letters in capitals, up to which a word is rather an abbreviation
BEFORE = 48  # characters looked at before a name

_PLACES = sum(BIT[name] for name in ("big_city", "country", "state", "demonym"))
_OTHER = _PLACES | sum(
    BIT[name]
    for name in ("corporate", "institution", "industry", "organisation", "ending", "road", "month", "weekday")
)
_ARTICLES = frozenset(("der", "den", "des", "ter", "ten"))  # in a name only after one of these
_OF = frozenset(("von", "van", "in", "auf", "aus", "zu"))
_CALENDAR = BIT["month"] | BIT["weekday"]
_COUNTED = re.compile(r"(?<![\w.,/-])\d{1,3}(?:[.,]\d+)?[ \t\xa0]+\Z")  # `30 Tage`
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_LAST_WORDS = re.compile(r"[^\W\d_]+(?:\.[^\W\d_]+)?")
_TITLED = re.compile(r"([^\W\d_]+(?:\.[^\W\d_]+)?)[.ªº]*\s*\Z")
_FIELD = re.compile(r"([^\W\d_]+)(?:[ /]+[^\W\d_]+){0,3}\s*\.?:[ \t]*(?:[^\W\d_]{1,4}[.ªº]+[ \t]*)*\Z")
_THING = re.compile(
    r"([^\W\d_]+)(?:\s+[^\W\d_]+)?\s+(?:de|del|di|do|da|von|van|d['’])(?:\s+(?:la|las|los|el))?\s*\Z"
)


class _Part(NamedTuple):
    """A word of what was taken for a name."""

    start: int
    end: int
    text: str
    flags: int
    solid: bool  # no word that may as well be an ordinary one
    splits: bool  # a word that no name has in it


def evident(
    spans: Sequence[Span],
    text: str,
    places: Sequence[tuple[int, int]],
    marks: NDArray[np.bool_],
    lexicon: Lexicon,
    *,
    beside: bool = False,
) -> list[Span]:
    """The spans, without persons in words of another language for which nothing speaks.

    Of those that stay, words of grammar, titles and names of fields at their ends are cut off. `places`
    are those of the text's words, `marks` what they tell (`counts`), `beside` whether the other texts of
    the row are in another language.
    """
    joined = _joined(spans, text)
    persons = [number for number, span in enumerate(joined) if span.label == "PERSON"]
    at = [bisect_left(places, (joined[number].start,)) for number in persons]
    # a line that has other words than names: in small letters, or all of it is
    line = "\n" not in text.strip() and (text.islower() or bool(marks[:, COUNTED].any()))
    told = strange(marks, at, beside=beside, line=line)
    if not any(told):
        return list(spans)
    foreign = {number for number, is_foreign in zip(persons, told, strict=True) if is_foreign}
    german = is_german(marks)
    small = {word for word in (text[start:end] for start, end in places) if word.islower()}
    lower = text.islower()
    kept: list[Span] = []
    for number, span in enumerate(joined):
        if number not in foreign:
            kept += [one for one in spans if span.start <= one.start < span.end]
            continue
        words = _WORD.finditer(text, span.start, span.end)
        parts = [_part(word, lexicon, small, lower=lower) for word in words]
        kept += [
            span._replace(start=run[0].start, end=run[-1].end)
            for run in _runs(parts, text)
            if _speaks_for(run, text, span.score, german=german)
        ]
    return kept


def _joined(spans: Sequence[Span], text: str) -> list[Span]:
    """The spans; persons with nothing but a space between them, as two surnames are, as one."""
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if last and last.label == span.label == "PERSON" and text[last.end : span.start] == " ":
            joined[-1] = last._replace(end=span.end, score=min(last.score, span.score))
        else:
            joined.append(span)
    return joined


def _part(word: re.Match[str], lexicon: Lexicon, small: set[str], *, lower: bool) -> _Part:
    value = word[0]
    folded = value.lower()
    given = folded in lists()["given"]
    flags = lexicon.flags(value) & ~(_OTHER if given else 0) | (BIT["first"] if given else 0)
    named = value[0].isupper() or lower
    # `Ortega y Gasset`; without capitals it is rather the next thing that is said
    is_particle = folded in PARTICLES and not (lower and len(folded) == 1)
    grammar = folded in no_names()
    heading = folded in lists()["titles"] or folded in lists()["labels"]
    # `Ella` is a pronoun in Spanish
    splits = not is_particle and (heading or not named or (grammar and not flags & BIT["first"]))
    acronym = value.isupper() and 1 < len(value) <= ACRONYM
    unsure = (
        len(value) < 3
        or is_particle
        or grammar
        or acronym
        or folded in lists()["doubtful"]
        or (not lower and folded in small)
        or bool(flags & _CALENDAR)
    )
    return _Part(word.start(), word.end(), value, flags, not (unsure or splits), splits)


def _runs(parts: list[_Part], text: str) -> list[list[_Part]]:
    """Words that stand together, with no word between them that no name has, nor a particle at an end."""
    runs: list[list[_Part]] = [[]]
    for part in parts:
        after = runs[-1][-1].text.lower() if runs[-1] else ""
        if part.text in _ARTICLES and after not in _OF:
            runs.append([])
            continue
        if part.splits or (runs[-1] and "\n" in text[runs[-1][-1].end : part.start]):
            runs.append([])
        if not part.splits:
            runs[-1].append(part)
    cut = []
    for run in runs:
        while run and run[-1].text.lower() in PARTICLES:
            run.pop()
        while run and run[0].text.lower() in PARTICLES and (run[0].text.islower() or len(run) < 2):
            run.pop(0)
        if run:
            cut.append(run)
    return cut


def _speaks_for(run: list[_Part], text: str, score: float, *, german: bool) -> bool:
    """Whether something but the tagger says that these words are a person's name.

    In German a word with a capital beside a listed family name is as often any noun.
    """
    before = text[max(0, run[0].start - BEFORE) : run[0].start]
    words = [part for part in run if part.text.lower() not in PARTICLES]
    initial = any(len(part.text) == 1 for part in words)
    long = [part for part in words if len(part.text) > 1]
    firsts = [part for part in long if part.flags & BIT["first"] and part.solid]
    lasts = [part for part in long if part.flags & (BIT["last"] | BIT["first"]) and part.solid]
    if not long:
        return False
    if text.islower():
        return bool(firsts) and len(lasts) > 1
    if introduced(before):
        return any(not part.text.isupper() or len(part.text) > ACRONYM for part in long)
    thing = _THING.search(before)
    if (thing and thing[1].lower() in lists()["things"]) or (len(words) == 1 and _COUNTED.search(before)):
        return False
    if _greeted(before) and long[0].flags & BIT["first"]:
        return True
    if len(words) == 1:
        return bool(firsts) and not firsts[0].flags & _OTHER
    if firsts or (score >= SURE and _given_and_family(long)):
        return True
    return bool(lasts) and score >= SURE and (initial or (not german and all(part.solid for part in long)))


def _given_and_family(words: list[_Part]) -> bool:
    """Whether all words are listed names in the order of names, though each may be an ordinary word."""
    first, *rest = words
    family = all(part.flags & BIT["last"] and not part.text.isupper() for part in rest)
    return bool(rest) and bool(first.flags & BIT["first"]) and not first.text.isupper() and family


def _greeted(before: str) -> bool:
    """Whether a greeting or thanks stand just before."""
    said = _TITLED.search(before)
    return said is not None and said[1].lower() in lists()["openings"] and "\n" not in said[0]


def introduced(before: str) -> bool:
    """Whether a title or the name of a form's field stands just before."""
    title = _TITLED.search(before)
    if title and title[1].lower() in lists()["titles"] and "\n" not in title[0]:
        return len(title[1]) > 1 or "." in title[0]
    field = _FIELD.search(before)
    return field is not None and field[1].lower() in lists()["labels"]
