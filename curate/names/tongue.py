"""Which words of a text are in another language than English, for a tagger that knows the words of English alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curate.names.tokens import BIT

AROUND = 60  # words to either side by which the language is told
# (words in small letters, share of them in the lists of English): less than that is another language
TOLD = ((6, 0.62), (4, 0.55))
GRAMMAR = 2  # words of another language's grammar that tell it too, if they are more than English ones

# the columns of what a word tells
COUNTED, LISTED, OTHER, COMMON, SURE, GERMAN, ENGLISH, USUAL = range(8)
MARKS = 8

_ALL = sum(
    BIT[name] for name in ("english_300", "english_1500", "english_5000", "english_15000", "english_60000")
)
_KNOWN = sum(BIT[name] for name in ("english_300", "english_1500", "english_5000", "english_15000"))
_USUAL = sum(BIT[name] for name in ("english_300", "english_1500", "english_5000"))
_NAMES = BIT["first"] | BIT["last"]
_TRIMMED = ("es", "ca", "pt", "fr", "it", "de", "nl")  # languages whose words of grammar are cut off a name
PARTICLES = frozenset(
    "de del la las los da do das dos di du des van von der den ten ter zu y e i el al bin ibn".split()  # noqa: SIM905
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
def _languages() -> dict[str, tuple[str, ...]]:
    """Words of grammar to the languages that have them."""
    from curate.checks.quality.words import LANGUAGES_OF

    return LANGUAGES_OF


@lru_cache(maxsize=1)
def _telling() -> frozenset[str]:
    """Words of grammar that English has not."""
    return (
        frozenset(word for word, named in _languages().items() if "en" not in named and len(word) > 1)
        - PARTICLES
    )


@lru_cache(maxsize=1)
def no_names() -> frozenset[str]:
    """Words of grammar that are cut off a name."""
    return frozenset(word for word, named in _languages().items() if not set(named).isdisjoint(_TRIMMED))


def counts(word: str, flags: int, style: str) -> tuple[bool, ...]:
    """What a word tells of its text's language, a column each.

    Whether it counts, whether it then is in the lists of English, whether it is of another language's
    grammar, and of English grammar; whether by itself it tells of another language, of German, and of
    English; whether it is at least a usual word of English. In a text all in small letters or capitals
    names cannot be told from other words, so there grammar alone counts.
    """
    lower = word.lower()
    counted = style == "n" and len(word) > 1 and word.islower() and word.isalpha()
    small = word.islower() or style == "u"
    common = small and bool(flags & BIT["english_300"])
    grammar = not common and lower in _telling()
    other = small and grammar
    # a form has fields and hardly a sentence: `Nombre`, `Apellidos`
    other = other or (not flags & (_KNOWN | _NAMES) and lower in lists()["labels"])
    # the first word of a sentence too, if it is no name
    begins = small or (style == "n" and word.istitle() and not flags & (_NAMES | _KNOWN))
    sure = begins and not flags & _USUAL and (grammar or lower in lists()["telling"])
    sure = sure or (counted and not flags & _ALL and not word.isascii())
    languages = _languages().get(lower, ())
    german = sure and ("de" in languages or "ß" in word or lower in lists()["german"])
    english = common and (not languages or languages == ("en",))
    usual = english or (
        (counted or (style == "l" and len(word) > 1)) and bool(flags & _USUAL) and not languages
    )
    return counted, counted and bool(flags & _ALL), other, common, sure, german, english, usual


def strange(
    marks: NDArray[np.bool_], at: Sequence[int], *, beside: bool = False, line: bool = False
) -> list[bool]:
    """Whether the words around some words of a text are in another language than English.

    `marks` is (words, MARKS) of `counts`, `at` numbers words. Where there are too few around one, all words of
    the text decide. One without any usual word of English is strange where `beside`, the other texts of its
    row, are, and where it is one `line` of words: several may be an address.
    """
    told = []
    whole = marks.sum(axis=0)
    # no word of English: not even `hi`
    silent = bool(not whole[USUAL] and (beside or line))
    if silent or (not whole[SURE] and whole[OTHER] < GRAMMAR and whole[COUNTED] - whole[LISTED] < 2):
        return [silent] * len(at)
    for place in at:
        near = marks[max(0, place - AROUND) : place + AROUND + 1].sum(axis=0)
        sums = (near if near[COUNTED] >= TOLD[0][0] else whole).tolist()
        told.append(
            (sums[OTHER] >= GRAMMAR and sums[OTHER] > sums[COMMON])
            or sums[SURE] > sums[USUAL]
            or any(sums[COUNTED] >= least and sums[LISTED] < share * sums[COUNTED] for least, share in TOLD)
        )
    return told


def is_strange(marks: NDArray[np.bool_]) -> bool:
    """Whether all words together are in another language than English."""
    return any(strange(marks, [len(marks) // 2])) if len(marks) else False


def is_german(marks: NDArray[np.bool_]) -> bool:
    """Whether a text is in a language that writes each noun with a capital."""
    sums = marks.sum(axis=0)
    return bool(sums[GERMAN] > sums[ENGLISH])
