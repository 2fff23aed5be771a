"""Telephone numbers as `phonenumbers` matches them, for several regions in one walk over a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phonenumbers import PhoneNumberMatcher

Place = tuple[int, int]

TRIES = 60_000  # of the 65,535 that a matcher makes before it gives up on a text
KEPT = 200_000
# every character that may stand in a candidate; no match goes over any other
_GAP = r"\-x\u2010-\u2015\u2212\u30fc\uff0d\uff0f \xa0\xad\u200b\u2060\u3000()\uff08\uff09\uff3b\uff3d.\[\]/~\u2053\u223c\uff5e"
_LEAD = r"(\[\uff08\uff3b+\uff0b"
_EXTENSION = "\t,;=:#\uff03.\uff0eextnsioaintдоб\u00f3\u0301\uff45\uff58\uff54\uff4e\uff49"
_INSIDE = re.compile(rf"[\d{_GAP}{_LEAD}{_EXTENSION}]", re.IGNORECASE)
_RUN = re.compile(rf"[\d{_GAP}{_LEAD}{_EXTENSION}]*", re.IGNORECASE)
_LONG_GAP = re.compile("[ \xa0\t,]{64}")
_NO_DIGIT = re.compile(r"\D+")


class Phones:
    """Finds what a matcher for each region would find, all of them together."""

    def __init__(self, regions: tuple[str, ...], leniency: int) -> None:
        """`regions` are two-letter codes; `leniency` is that of `phonenumbers`, 0 to 3."""
        self.regions = regions
        self.leniency = leniency
        self._shortest = {region: _shortest(region) for region in regions}
        least = min(self._shortest.values(), default=99)
        self.least = least
        self._clump = re.compile(rf"\d(?:[{_GAP}]{{0,4}}\d){{{least - 1},}}", re.IGNORECASE)
        self._runs: dict[str, tuple[Place, ...]] = {}

    def find(self, text: str) -> list[Place]:
        """(start, end) of each match of any region, none within another."""
        if len(text) > 9_000 and self._may_give_up(text):
            return _outermost(place for region in self.regions for place in _plain(text, region, self.leniency))
        found: list[Place] = []
        at = 0
        while clump := self._clump.search(text, at):
            start = clump.start()
            while start > at and _INSIDE.match(text, start - 1):
                start -= 1
            run = _RUN.match(text, clump.end())
            end = run.end() if run else clump.end()
            found += self._in_run(text, start, end)
            at = end
        return _outermost(found)

    def _in_run(self, text: str, start: int, end: int) -> list[Place]:
        """The matches in a run of characters that a match may have."""
        # a match depends on no more than the character before and the one after the run
        lead, part = text[start - 1 : start] if start else "", text[start : end + 1]
        key = f"{lead}\n{part}\n{end < len(text)}"
        known = self._runs.get(key)
        if known is None:
            if len(self._runs) >= KEPT:
                self._runs.clear()
            known = self._runs[key] = tuple(self._matches(lead + part, len(lead)))
        return [(start + a, start + b) for a, b in known]

    def _matches(self, part: str, lead: int) -> set[Place]:
        digits = max(len(_NO_DIGIT.sub("", clump)) for clump in self._clump.findall(part))
        matcher = _matcher()
        return {
            (match.start - lead, match.end - lead)
            for region, shortest in self._shortest.items()
            if digits >= shortest
            for match in matcher(part, region, leniency=self.leniency)
        }

    @staticmethod
    def _may_give_up(text: str) -> bool:
        """Whether a matcher could come to its limit of tries: seven for each character of a candidate."""
        digits = len(_NO_DIGIT.sub("", text))
        return digits * 5 * 7 > TRIES or _LONG_GAP.search(text) is not None


def _plain(text: str, region: str, leniency: int) -> Iterator[Place]:
    from phonenumbers import PhoneNumberMatcher

    for match in PhoneNumberMatcher(text, region, leniency=leniency):
        yield match.start, match.end


def _shortest(region: str) -> int:
    """The fewest digits of a number of that region, the ones that are dialled locally among them."""
    from phonenumbers import PhoneMetadata

    known = PhoneMetadata.metadata_for_region(region, None)
    if known is None:
        return 0
    lengths = (*known.general_desc.possible_length, *known.general_desc.possible_length_local_only)
    return max(1, min((length for length in lengths if length > 0), default=1))


def _outermost(places: Iterable[Place]) -> list[Place]:
    """The places that are not within another."""
    kept: list[Place] = []
    for start, end in sorted(set(places), key=lambda place: (place[0], -place[1])):
        if not kept or end > kept[-1][1]:
            kept.append((start, end))
    return kept


@lru_cache(maxsize=1)
def _matcher() -> type[PhoneNumberMatcher]:
    from phonenumbers import PhoneNumberMatch, PhoneNumberMatcher

    verdicts: dict[tuple[str, str, str, str, int], PhoneNumberMatch | None] = {}

    class Remembering(PhoneNumberMatcher):
        """Parses each candidate once for a region and its neighbours."""

        def _parse_and_verify(self, candidate: str, offset: int) -> PhoneNumberMatch | None:
            end = offset + len(candidate)
            before = self.text[offset - 1 : offset] if offset else ""
            key = (candidate, self.preferred_region, before, self.text[end : end + 1], self.leniency)
            if key not in verdicts:
                if len(verdicts) >= KEPT:
                    verdicts.clear()
                verdicts[key] = super()._parse_and_verify(candidate, offset)
            known = verdicts[key]
            return known and PhoneNumberMatch(offset, candidate, known.number)

    return Remembering
