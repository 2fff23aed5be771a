"""Persons of one conversation: a name found surely once is found wherever it stands in it, and numbered."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, combinations, islice
from typing import NamedTuple

from curate.names.known_places import well_known
from curate.names.ordinary import is_word_too
from curate.names.span import Span
from curate.names.tagger import lexicon
from curate.names.tokens import BIT

MANY = 6  # parts of a name, above which their choices are not gone through
LEAD = 200  # characters before a name that tell whether it begins a sentence
_PLACES = sum(
    BIT[name] for name in ("big_city", "country", "state", "demonym", "month", "weekday", "product")
)
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
_RUN = re.compile(r"\w+")
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
    sure = _sure(texts, spans)
    names = _Names(sure)
    every: list[list[Span]] = []
    for text, found in zip(texts, spans, strict=True):
        every.append(_with_others(text, found, names) if sure else found)
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


def _sure(texts: Sequence[str], spans: Sequence[list[Span]]) -> set[str]:
    """The sure names as they stand, and their parts."""
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
                if len(parts) > 1:  # as an index or a careless hand writes it
                    names |= {name.lower(), f"{parts[-1]}, {' '.join(parts[:-1])}".lower()}
                own = [part for part in parts if len(part) > 2 and part[0].isupper() and _of_a_name(part)]
                names.update(own)
                names.update(part.lower() for part in own if _of_names_alone(part))
                names.update(part.upper() for part in own if len(part) > 3)
    return names


def _of_names_alone(part: str) -> bool:
    """Whether a word means nothing else in small letters: no ordinary word of English, no place, no other thing."""
    flags = lexicon().flags(part)
    if len(part) < 4 or is_word_too(part.lower()) or flags & _PLACES:
        return False
    return bool(flags & BIT["first"]) or not flags & (_COMMON | BIT["english_60000"])


def _of_a_name(part: str) -> bool:
    """Whether a part of a name is one by itself too: no ordinary word, or a listed name."""
    flags = lexicon().flags(part)
    return bool(flags & (BIT["first"] | BIT["last"])) or not flags & _COMMON


class _Names:
    """Names to look for in a text in one pass: by the run of letters and digits that each begins with."""

    def __init__(self, names: Iterable[str]) -> None:
        self._all = frozenset(names)
        self._lengths: dict[str, set[int]] = defaultdict(set)  # of the names that begin with a run
        self._others: list[str] = []  # that begin with neither letter nor digit
        for name in self._all:
            run = _RUN.match(name)
            if run:
                self._lengths[run[0]].add(len(name))
            else:
                self._others.append(name)

    def places(self, text: str) -> list[tuple[int, int]]:
        """Where the names stand as whole words, the longest first where several do, none over another."""
        # a whole word begins a run, and the run ends in it: so no other name can stand there
        starts = ((run.start(), self._lengths.get(run[0], ())) for run in _RUN.finditer(text))
        found = [
            (at, -(at + length))
            for at, lengths in starts
            for length in lengths
            if at + length <= len(text)
            and text[at : at + length] in self._all
            and _stands_alone(text, at, at + length)
        ]
        for name in self._others:
            at = text.find(name)
            while at >= 0:
                if _stands_alone(text, at, at + len(name)):
                    found.append((at, -(at + len(name))))
                at = text.find(name, at + 1)
        done = 0
        places = []
        for start, end in sorted(found):
            if start >= done:
                places.append((start, -end))
                done = -end
        return places


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a span of the text is neither part of a longer word nor of an address."""
    return bool(_BEFORE.match(text, start) and _AFTER.match(text, end))


def _with_others(text: str, found: list[Span], names: _Names) -> list[Span]:
    """The spans of a text and the names known from elsewhere; those that overlap a span are part of it."""
    taken = sorted(found)
    starts = [span.start for span in taken]
    ends = list(accumulate((span.end for span in taken), max))
    added = [
        Span(start, end, "PERSON", SURE)
        for start, end in names.places(text)
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
    """Numbers for names: the same for a name and for its parts.

    A name and a person fit only where they share a part that is longer than an initial. So persons are
    looked up by such parts: those that have all of a name's by the rarest of them, those that have no
    other ones by each choice of them.
    """

    def __init__(self) -> None:
        self._known: list[set[str]] = []
        self._named: list[int] = []  # when each was named last
        self._clock = 0
        self._having: dict[str, dict[int, None]] = defaultdict(dict)  # long part to persons, latest last
        self._only: dict[frozenset[str], dict[int, None]] = defaultdict(dict)  # all long parts to persons

    def number(self, name: str) -> tuple[int, bool]:
        """The number of the person of that name, a new one where no person fits, and whether several do.

        Of several it is the one named last: a reader takes `Schmidt` for the Schmidt just spoken of.
        """
        parts = {part.casefold() for part in _WORD.findall(name)} or {name}
        same = [at for at in self._only.get(_long(parts), ()) if self._known[at] == parts]
        fitting = same or self._fitting(parts)
        if fitting:
            at = max(fitting, key=self._named.__getitem__)
        else:
            at = len(self._known)
            self._known.append(set())
            self._named.append(0)
        unsure = len(fitting) > 1 and not same
        self._name(at, set() if unsure else parts)
        return at + 1, unsure

    def _fitting(self, parts: set[str]) -> list[int]:
        """Persons that a name fits: the one named last, and where several fit, at least one more."""
        long = _long(parts)
        if not long:
            return []
        rarest = min((self._having.get(part, {}) for part in long), key=len)
        wider = (at for at in reversed(rarest) if _fits(parts, self._known[at]))
        found = dict.fromkeys(islice(wider, 2))
        for at in self._within(long):
            if _fits(self._known[at], parts):
                found[at] = None
        return list(found)

    def _within(self, long: frozenset[str]) -> Iterable[int]:
        """Persons without a long part that is not among these."""
        if len(long) > MANY:
            return dict.fromkeys(at for part in long for at in self._having.get(part, ()))
        sizes = range(1, len(long) + 1)
        choices = chain.from_iterable(combinations(sorted(long), size) for size in sizes)
        return dict.fromkeys(at for choice in choices for at in self._only.get(frozenset(choice), ()))

    def _name(self, at: int, parts: set[str]) -> None:
        """A person is named now, and has these parts too."""
        self._clock += 1
        self._named[at] = self._clock
        known = self._known[at]
        before = _long(known)
        known |= parts
        after = _long(known)
        if before != after:
            self._only[before].pop(at, None)
            self._only[after][at] = None
        for part in after:
            self._having[part].pop(at, None)
            self._having[part][at] = None


def _long(parts: set[str]) -> frozenset[str]:
    """The parts that are more than an initial."""
    return frozenset(part for part in parts if len(part) > 1)


def _fits(few: set[str], many: set[str]) -> bool:
    """Whether each part of the shorter name is in the longer one, an initial as a word's first letter."""
    if not any(len(part) > 1 for part in few):
        return False
    return all(part in many or (len(part) == 1 and _initial(part, many)) for part in few)


def _initial(letter: str, parts: set[str]) -> bool:
    return any(part.startswith(letter) for part in parts)
