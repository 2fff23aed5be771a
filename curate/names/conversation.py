"""Persons of one conversation: a name found surely once is found wherever it stands in it, and numbered."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from curate.names.known_places import well_known
from curate.names.span import Span
from curate.names.tagger import lexicon
from curate.names.tokens import BIT

LEAD = 200  # characters before a name that tell whether it begins a sentence
SURE = 0.95  # score from which a name is looked for in the rest of the conversation
_COMMON = sum(BIT[name] for name in ("english_300", "english_1500", "english_5000", "english_15000"))
# Given names that begin a sentence more often as ordinary words
_BOTH = frozenset(
    (
        "amber", "angel", "april", "art", "august", "autumn", "bill", "brook", "buck", "chance",
        "charity", "chase", "chip", "cliff", "crystal", "daisy", "dale", "dawn", "dean", "destiny",
        "drew", "duke", "earl", "eve", "faith", "frank", "gene", "genesis", "ginger", "glen", "grace",
        "grant", "guy", "harmony", "hazel", "heather", "holly", "hope", "iris", "ivy", "jade", "jay",
        "journey", "joy", "june", "king", "lily", "major", "mark", "max", "may", "melody", "miles",
        "olive", "pat", "pearl", "prince", "rain", "ray", "reed", "rich", "river", "rob", "robin",
        "rocky", "rose", "ruby", "sandy", "sky", "skye", "star", "sue", "summer", "trinity", "van",
        "victor", "violet", "will", "young",
    )
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
# A name is no part of an address, a path or an identifier, nor of a longer word
_BEFORE = re.compile(r"(?<![\w@/\\])(?<![\w][.-])")
_AFTER = re.compile(r"(?![\w@/\\]|[.-]\w|['’-](?!s\b)\w)")


class Found(NamedTuple):
    """A span, and for a person its number within the conversation, from 1 in reading order."""

    span: Span
    person: int | None
    unsure: bool = False  # whether it may be another person of the conversation as well


def linked(texts: Sequence[str], spans: Sequence[list[Span]]) -> list[list[Found]]:
    """The spans of the texts of one conversation with the names added that were found elsewhere in it.

    A name of a person with a score of SURE or more is looked for in all texts, as a whole and by its
    parts ("Anna Schmidt", then "Anna", "Schmidt"); a part that is an ordinary word too is taken only
    where a sentence does not begin. Names that share all the parts of the shorter one are one person; a
    part that several persons have is the one's who was named last, and marked as unsure.
    """
    names = _sure(texts, spans)
    every: list[list[Span]] = []
    for text, found in zip(texts, spans, strict=True):
        every.append(_with_others(text, found, names) if names else found)
    persons = _Persons()
    return [
        [
            Found(span, *persons.number(text[span.start : span.end]))
            if span.label == "PERSON"
            else Found(span, None)
            for span in found
        ]
        for text, found in zip(texts, every, strict=True)
    ]


def _sure(texts: Sequence[str], spans: Sequence[list[Span]]) -> list[str]:
    """The sure names as they stand, and their parts, the longest first."""
    names: set[str] = set()
    for text, found in zip(texts, spans, strict=True):
        for span in found:
            if span.label == "PERSON" and span.score >= SURE and "\n" not in text[span.start : span.end]:
                name = text[span.start : span.end]
                parts = _WORD.findall(name)
                if not parts or all(part in well_known() for part in parts):
                    continue
                if name[0].isupper() or len(parts) > 1:
                    names.add(name)
                names.update(
                    part for part in parts if len(part) > 2 and part[0].isupper() and _of_a_name(part)
                )
    return sorted(names, key=lambda name: (-len(name), name))


def _of_a_name(part: str) -> bool:
    """Whether a part of a name is one by itself too: no ordinary word, or a listed name."""
    flags = lexicon().flags(part)
    return bool(flags & (BIT["first"] | BIT["last"])) or not flags & _COMMON


def _places(text: str, names: Sequence[str]) -> list[tuple[int, int]]:
    """Where the names stand as whole words, the longest first where several do, none over another."""
    found: list[tuple[int, int]] = []
    for name in names:
        at = text.find(name)
        while at >= 0:
            end = at + len(name)
            if _BEFORE.match(text, at) and _AFTER.match(text, end):
                found.append((at, -end))
            at = text.find(name, at + 1)
    done = 0
    places = []
    for start, end in sorted(found):
        if start >= done:
            places.append((start, -end))
            done = -end
    return places


def _with_others(text: str, found: list[Span], names: Sequence[str]) -> list[Span]:
    """The spans of a text and the names known from elsewhere; those that overlap a span are part of it."""
    taken = sorted(found)
    starts = [span.start for span in taken]
    ends = list(accumulate((span.end for span in taken), max))
    added = [
        Span(start, end, "PERSON", SURE)
        for start, end in _places(text, names)
        if not ((before := bisect_left(starts, end)) and ends[before - 1] > start)
        and not _ordinary(text[start:end], text, start)
    ]
    return sorted([*found, *added]) if added else found


def _ordinary(name: str, text: str, at: int) -> bool:
    """Whether a single word is more likely an ordinary one here: it is one, and begins a sentence."""
    if " " in name:
        return False
    flags = lexicon().flags(name)
    if not flags & _COMMON or (flags & BIT["first"] and name.lower() not in _BOTH):
        return False
    lead = text[max(0, at - LEAD) : at]
    before = lead.rstrip(" \"'*_#>-(")
    return not before or before[-1] in ".!?:\n"


class _Persons:
    """Numbers for names: the same for a name and for its parts."""

    def __init__(self) -> None:
        self._known: list[set[str]] = []
        self._named: list[int] = []  # when each was named last
        self._clock = 0

    def number(self, name: str) -> tuple[int, bool]:
        """The number of the person of that name, a new one where no person fits, and whether several do.

        Of several it is the one named last: a reader takes `Schmidt` for the Schmidt just spoken of.
        """
        parts = {part.casefold() for part in _WORD.findall(name)} or {name}
        fitting = [at for at, known in enumerate(self._known) if _fits(parts, known) or _fits(known, parts)]
        same = [at for at in fitting if self._known[at] == parts]
        if not fitting:
            self._known.append(set())
            self._named.append(0)
        at = max(same or fitting, key=self._named.__getitem__, default=len(self._known) - 1)
        self._clock += 1
        self._named[at] = self._clock
        unsure = len(fitting) > 1 and not same
        if not unsure:
            self._known[at] |= parts
        return at + 1, unsure


def _fits(few: set[str], many: set[str]) -> bool:
    """Whether each part of the shorter name is in the longer one, an initial as a word's first letter."""
    if not any(len(part) > 1 for part in few):
        return False
    return all(part in many or (len(part) == 1 and _initial(part, many)) for part in few)


def _initial(letter: str, parts: set[str]) -> bool:
    return any(part.startswith(letter) for part in parts)
