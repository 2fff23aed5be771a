"""Telephone numbers as `phonenumbers` matches them, for several regions in one walk over a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

from curate.checks.patterns.numbering import MOST_DIGITS, Numbering, numbering
from curate.errors import ConfigError

if TYPE_CHECKING:
    from phonenumbers import PhoneNumberMatch, PhoneNumberMatcher

Place = tuple[int, int]

TRIES = 60_000  # of the 65,535 that a matcher makes before it gives up on a text
KEPT = 100_000  # stretches and candidates that are remembered
BLOCKS, BLOCK = 8, 20  # groups of digits, and digits in a group, of a clump that is judged by its digits

# every character that may stand in a candidate; no match goes over any other
_GAP = (
    r"\-x\u2010-\u2015\u2212\u30fc\uff0d\uff0f \xa0\xad\u200b\u2060\u3000()\uff08\uff09\uff3b\uff3d."
    r"\[\]/~\u2053\u223c\uff5e"
)
_LEAD = r"(\[\uff08\uff3b+\uff0b"
_EXTENSION = "\t,;=:#\uff03.\uff0eextnsioa\u0434\u043e\u0431\u00f3\u0301\uff45\uff58\uff54\uff4e\uff49"
_INSIDE = re.compile(rf"[\d{_GAP}{_LEAD}{_EXTENSION}]", re.IGNORECASE)
_STRETCH = re.compile(rf"[\d{_GAP}{_LEAD}{_EXTENSION}]*", re.IGNORECASE)
_SIMPLE = re.compile(r"[0-9\-\u2010-\u2015 \xa0().\[\]/]+")  # digits, and gaps that mean nothing else
_DIGITS = re.compile(r"[0-9]+")
_LONG_GAP = re.compile("[ \xa0\t,]{64}")
_ANY_DIGIT = re.compile(rf"[\d{_LEAD}]")
_REST = re.compile(r"[\d#\uff03]")
LEAD = 10  # the most characters before the first digit of a candidate


def check_regions(regions: tuple[str, ...]) -> None:
    """Raise ConfigError for a region whose numbers nobody knows; it names the nearest that are known."""
    from phonenumbers import SUPPORTED_REGIONS

    for region in regions:
        if region not in SUPPORTED_REGIONS:
            small = {known.lower(): known for known in sorted(SUPPORTED_REGIONS)}
            near = [small[each] for each in get_close_matches(region.lower(), small, n=4, cutoff=0.4)]
            meant = f"did you mean {' or '.join(near)}? " if near else ""
            raise ConfigError(
                f"pii.phone_regions has `{region}`",
                hint=f"{meant}known are the {len(small)} of phonenumbers: {', '.join(small.values())}",
            )


class Phones:
    """Finds what a matcher for each region would find, all of them together."""

    def __init__(self, regions: tuple[str, ...], leniency: int) -> None:
        """`regions` are two-letter codes; `leniency` is that of `phonenumbers`, 0 to 3."""
        self.regions = regions
        self.leniency = leniency
        self._plans = {region: numbering(region) for region in regions}
        self.least = min((plan.least for plan in self._plans.values()), default=MOST_DIGITS)
        self._clump = re.compile(rf"\d(?:[{_GAP}]{{0,4}}\d){{{max(self.least - 1, 0)},}}", re.IGNORECASE)
        self._stretches: dict[str, tuple[Place, ...]] = {}
        self._digits: dict[str, str | None] = {}

    def find(self, text: str) -> list[Place]:
        """(start, end) of each match of any region, none within another."""
        if len(text) > 9_000 and _may_give_up(text):
            return outermost(
                place for region in self.regions for place in _plain(text, region, self.leniency)
            )
        found: list[Place] = []
        done = 0
        for clump in self._clump.finditer(text):
            start = clump.start()
            if start < done:
                continue
            first = self._first(clump[0], text[max(0, start - LEAD) : start])
            if first is None:
                continue
            while start > done and _INSIDE.match(text, start - 1):
                start -= 1
            stretch = _STRETCH.match(text, clump.end())
            done = stretch.end() if stretch else clump.end()
            found += self._in_stretch(text, start, done, first)
        return outermost(found)

    def _first(self, clump: str, before: str) -> str | None:
        """A region of which some groups of the digits, in a row, may be a number; None if of none."""
        if "+" in before or "\uff0b" in before or not _SIMPLE.fullmatch(clump):
            return self.regions[0]
        groups = _DIGITS.findall(clump)
        if len(groups) > BLOCKS or max(map(len, groups)) > BLOCK:
            return self.regions[0]
        for length in range(len(groups), 0, -1):
            for at in range(len(groups) - length + 1):
                region = self._region("".join(groups[at : at + length]))
                if region is not None:
                    return region
        return None

    def _region(self, digits: str) -> str | None:
        """The first region of which digits that nothing parts are a number: gaps change nothing in that."""
        if digits not in self._digits:
            if len(self._digits) >= KEPT:
                self._digits.clear()
            self._digits[digits] = next(
                (
                    region
                    for region, plan in self._plans.items()
                    if plan.may_hold(digits) and any(_plain(digits, region, self.leniency))
                ),
                None,
            )
        return self._digits[digits]

    def _in_stretch(self, text: str, start: int, end: int, first: str) -> Iterable[Place]:
        """The matches in a stretch of characters that a match may have; `first` is asked first."""
        # a match depends on no more than the character before and the one after it
        lead, part = text[start - 1 : start] if start else "", text[start : end + 1]
        key = f"{lead}\n{part}\n{end < len(text)}"
        known = self._stretches.get(key)
        if known is None:
            if len(self._stretches) >= KEPT:
                self._stretches.clear()
            matches = self._matches(lead + part, first)
            known = self._stretches[key] = tuple((a - len(lead), b - len(lead)) for a, b in matches)
        return [(start + a, start + b) for a, b in known]

    def _matches(self, part: str, first: str) -> Iterable[Place]:
        matcher = _matcher()
        found: set[Place] = set()
        for region in (first, *(region for region in self.regions if region != first)):
            places = [(match.start, match.end) for match in matcher(part, region, leniency=self.leniency)]
            found.update(places)
            # what others find within one match over all that may be dialled is within that match
            if len(places) == 1 and _is_whole(part, *places[0]):
                return places
        return found


def _is_whole(part: str, start: int, end: int) -> bool:
    """Whether nothing of a number is left on either side of a match."""
    return not _ANY_DIGIT.search(part, 0, start) and not _REST.search(part, end)


def outermost(places: Iterable[Place]) -> list[Place]:
    """The places that are not within another."""
    kept: list[Place] = []
    for start, end in sorted(set(places), key=lambda place: (place[0], -place[1])):
        if not kept or end > kept[-1][1]:
            kept.append((start, end))
    return kept


def _may_give_up(text: str) -> bool:
    """Whether a matcher could come to its limit: seven tries for each character of a candidate."""
    digits = sum(char.isdecimal() for char in text)
    return digits * 5 * 7 > TRIES or _LONG_GAP.search(text) is not None


def _plain(text: str, region: str, leniency: int) -> Iterator[Place]:
    from phonenumbers import PhoneNumberMatcher

    for match in PhoneNumberMatcher(text, region, leniency=leniency):
        yield match.start, match.end


@lru_cache(maxsize=1)
def _matcher() -> type[PhoneNumberMatcher]:
    """The matcher of `phonenumbers`, but each candidate is parsed once, and only if it may be a number."""
    from phonenumbers import PhoneNumberMatch, PhoneNumberMatcher

    verdicts: dict[tuple[str, str, str, str, int], PhoneNumberMatch | None] = {}
    plans: dict[str, Numbering] = {}

    class Remembering(PhoneNumberMatcher):
        """The one inherited method asks what is known before it parses."""

        def _parse_and_verify(self, candidate: str, offset: int) -> PhoneNumberMatch | None:
            region = self.preferred_region or ""
            if _SIMPLE.fullmatch(candidate):
                plan = plans.get(region) or plans.setdefault(region, numbering(region))
                if not plan.may_hold("".join(_DIGITS.findall(candidate))):
                    return None
            end = offset + len(candidate)
            before = self.text[offset - 1 : offset] if offset else ""
            key = (candidate, region, before, self.text[end : end + 1], self.leniency)
            if key not in verdicts:
                if len(verdicts) >= KEPT:
                    verdicts.clear()
                verdicts[key] = super()._parse_and_verify(candidate, offset)
            known = verdicts[key]
            return known and PhoneNumberMatch(offset, candidate, known.number)

    return Remembering
