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
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curate.names.span import Span
from curate.names.tokens import BIT, Lexicon

AROUND = 60  # words to either side by which the language is told
# (words in small letters, share of them in the lists of English): less than that is another language
TOLD = ((6, 0.62), (4, 0.55))
GRAMMAR = 2  # words of another language's grammar that tell it too, if they are more than English ones
SURE = 0.8  # score from which a listed family name and another word are a name
ACRONYM = 4  # letters in capitals, up to which a word is rather an abbreviation
BEFORE = 48  # characters looked at before a name

_LISTED = sum(
    BIT[name] for name in ("english_300", "english_1500", "english_5000", "english_15000", "english_60000")
)
_COMMON = sum(BIT[name] for name in ("english_300", "english_1500", "english_5000", "english_15000"))
_NAMES = BIT["first"] | BIT["last"]
_PLACES = sum(BIT[name] for name in ("big_city", "country", "state", "demonym"))
_OTHER = _PLACES | sum(
    BIT[name]
    for name in ("corporate", "institution", "industry", "organisation", "ending", "road", "month", "weekday")
)
_TRIMMED = ("es", "ca", "pt", "fr", "it", "de", "nl")  # languages whose words of grammar are cut off a name
PARTICLES = frozenset(
    "de del la las los da do das dos di du des van von der den ten ter zu y e i el al bin ibn".split()  # noqa: SIM905
)
_ARTICLES = frozenset(("der", "den", "des", "ter", "ten"))  # in a name only after one of these
_OF = frozenset(("von", "van", "in", "auf", "aus", "zu"))
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_LAST_WORDS = re.compile(r"[^\W\d_]+(?:\.[^\W\d_]+)?")
_TITLED = re.compile(r"([^\W\d_]+(?:\.[^\W\d_]+)?)[.ªº]*\s*\Z")
_FIELD = re.compile(r"([^\W\d_]+)(?:[ /]+[^\W\d_]+){0,3}\s*\.?:[ \t]*(?:[^\W\d_]{1,4}[.ªº]+[ \t]*)*\Z")
_THING = re.compile(
    r"([^\W\d_]+)(?:\s+[^\W\d_]+)?\s+(?:de|del|di|do|da|von|van|d['’])(?:\s+(?:la|las|los|el))?\s*\Z"
)


@lru_cache(maxsize=1)
def lists() -> dict[str, frozenset[str]]:
    """The lists of `evidence.txt` by name."""
    lists: dict[str, set[str]] = {}
    current: set[str] = set()
    for line in Path(__file__).with_name("evidence.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith(":"):
            current = lists.setdefault(line[1:], set())
        elif not line.startswith("#"):
            current.update(line.split())
    return {name: frozenset(words) for name, words in lists.items()}


@lru_cache(maxsize=1)
def _grammar() -> tuple[frozenset[str], frozenset[str]]:
    """Words of grammar of other languages than English: those that tell of one, those that are no names."""
    from curate.checks.quality.words import LANGUAGES_OF

    telling = frozenset(word for word, named in LANGUAGES_OF.items() if "en" not in named and len(word) > 1)
    trimmed = frozenset(word for word, named in LANGUAGES_OF.items() if not set(named).isdisjoint(_TRIMMED))
    return telling - PARTICLES, trimmed


def counts(word: str, flags: int, style: str) -> tuple[bool, bool, bool, bool]:
    """What a word tells of its text's language.

    Whether it counts, whether it then is in the lists of English, whether it is of another language's
    grammar, and of English grammar. In a text all in small letters or capitals names cannot be told from
    other words, so there grammar alone counts.
    """
    counted = style == "n" and len(word) > 1 and word.islower() and word.isalpha()
    small = word.islower() or style == "u"
    common = small and bool(flags & BIT["english_300"])
    other = small and not common and word.lower() in _grammar()[0]
    # a form has fields and hardly a sentence: `Nombre`, `Apellidos`
    other = other or (not flags & (_COMMON | _NAMES) and word.lower() in lists()["labels"])
    return counted, counted and bool(flags & _LISTED), other, common


def strange(marks: NDArray[np.bool_], at: Sequence[int]) -> list[bool]:
    """Whether the words around some words of a text are in another language than English.

    `marks` is (words, 4) of `counts`, `at` numbers words. Where there are too few around one, all words of
    the text decide; where these are too few, it is not.
    """
    told = []
    whole = marks.sum(axis=0)
    if whole[2] < GRAMMAR and whole[0] - whole[1] < 2:  # English, or too little to say
        return [False] * len(at)
    for place in at:
        near = marks[max(0, place - AROUND) : place + AROUND + 1].sum(axis=0)
        counted, english, other, common = (near if near[0] >= TOLD[0][0] else whole).tolist()
        told.append(
            (other >= GRAMMAR and other > common)
            or any(counted >= least and english < share * counted for least, share in TOLD)
        )
    return told


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
) -> list[Span]:
    """The spans, without persons in words of another language for which nothing speaks.

    Of those that stay, words of grammar, titles and names of fields at their ends are cut off. `places`
    are those of the text's words, `marks` what they tell (`counts`).
    """
    joined = _joined(spans, text)
    persons = [number for number, span in enumerate(joined) if span.label == "PERSON"]
    told = strange(marks, [bisect_left(places, (joined[number].start,)) for number in persons])
    if not any(told):
        return list(spans)
    foreign = {number for number, is_foreign in zip(persons, told, strict=True) if is_foreign}
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
            if _speaks_for(run, text, span.score)
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
    flags = lexicon.flags(value)
    named = value[0].isupper() or lower
    # `Ortega y Gasset`; without capitals it is rather the next thing that is said
    is_particle = folded in PARTICLES and not (lower and len(folded) == 1)
    grammar = folded in _grammar()[1]
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


def _speaks_for(run: list[_Part], text: str, score: float) -> bool:
    """Whether something but the tagger says that these words are a person's name."""
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
    if thing and thing[1].lower() in lists()["things"]:
        return False
    if _greeted(before) and long[0].flags & BIT["first"]:
        return True
    if len(words) == 1:
        return bool(firsts) and not firsts[0].flags & _OTHER
    if firsts or (score >= SURE and _given_and_family(long)):
        return True
    return bool(lasts) and score >= SURE and (initial or all(part.solid for part in long))


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
