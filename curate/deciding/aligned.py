"""Where two texts differ, in a time that depends on their lengths alone.

The longest common subsequence of their words is found exactly, a machine word of 64 at a time: the
bit-parallel algorithm of H. Hyyrö, "Bit-parallel LCS-length computation revisited" (2004), with the rows
kept to trace back. Texts too long for that are aligned by lines first, then within what changed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

WORDS = re.compile(r"\w+|\s+|[^\w\s]")
MOST = 6_000  # words (or lines) of either side that are aligned, which takes some 20 ms
LONGEST = 60_000  # characters of either side that are taken apart into words


class Run(NamedTuple):
    """Characters `start` to `end` of one text that stand where `other_start` to `other_end` of the other do."""

    start: int
    end: int
    other_start: int
    other_end: int
    whole: bool = False  # too long to be aligned: marked as one, though parts of it may be the same


def words(text: str) -> list[str]:
    """The words, spaces and signs of a text; joined they are the text."""
    return WORDS.findall(text)


def changed(left: str, right: str) -> list[Run]:
    """What differs, in the order of the texts; what is between two runs is the same on both sides."""
    if left == right:
        return []
    if max(len(left), len(right)) > LONGEST:
        return _by_lines(left, right, 0)
    a, b = words(left), words(right)
    first, last = _same_ends(a, b)
    middle = a[first : len(a) - last], b[first : len(b) - last]
    offset = sum(map(len, a[:first]))
    if max(map(len, middle)) <= MOST:
        return _placed(*middle, offset, offset)
    return _by_lines("".join(middle[0]), "".join(middle[1]), offset)


def _same_ends(a: Sequence[str], b: Sequence[str]) -> tuple[int, int]:
    """How many items at the start, and of the others at the end, are the same."""
    most = min(len(a), len(b))
    first = next((n for n in range(most) if a[n] != b[n]), most)
    last = next((n for n in range(most - first) if a[-1 - n] != b[-1 - n]), most - first)
    return first, last


def _by_lines(left: str, right: str, offset: int) -> list[Run]:
    """The same by lines, and by words within runs of changed lines that are short enough."""
    a, b = left.splitlines(keepends=True), right.splitlines(keepends=True)
    if max(len(a), len(b)) > MOST:
        return [Run(offset, offset + len(left), offset, offset + len(right), whole=True)]
    found: list[Run] = []
    budget = MOST  # words for all runs together, so that many of them take no longer than one
    for run in _placed(a, b, 0, 0):
        one, two = left[run.start : run.end], right[run.other_start : run.other_end]
        here, there = offset + run.start, offset + run.other_start
        long = max(len(one), len(two)) > LONGEST
        mine, others = ([one], [two]) if long else (words(one), words(two))
        size = max(len(mine), len(others))
        if one and two and (long or size > budget):
            found.append(Run(here, offset + run.end, there, offset + run.other_end, whole=True))
            continue
        budget -= size
        found += _placed(mine, others, here, there)
    return found


def _placed(a: Sequence[str], b: Sequence[str], left: int, right: int) -> list[Run]:
    """Runs of items as runs of characters, which begin at `left` and `right`."""
    here, there = [left], [right]
    for item in a:
        here.append(here[-1] + len(item))
    for item in b:
        there.append(there[-1] + len(item))
    return [Run(here[i], here[j], there[k], there[m]) for i, j, k, m in aligned(a, b)]


def aligned(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """(start, end, other start, other end) of each run of items without a counterpart."""
    runs: list[tuple[int, int, int, int]] = []
    i = k = 0
    for x, y in [*_pairs(a, b), (len(a), len(b))]:
        if i < x or k < y:
            runs.append((i, x, k, y))
        i, k = x + 1, y + 1
    return runs


def _pairs(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """The places of a longest common subsequence, rising on both sides."""
    first, last = _same_ends(a, b)
    ends = [(n, n) for n in range(first)]
    rest = [(len(a) - n, len(b) - n) for n in range(last, 0, -1)]
    a, b = a[first : len(a) - last], b[first : len(b) - last]
    where: dict[str, int] = {}
    for at, item in enumerate(a):
        where[item] = where.get(item, 0) | 1 << at
    # after the items of b so far: bit i is 0 where a[i] makes the common subsequence of a[:i+1] longer
    full = (1 << len(a)) - 1
    row, rows = full, []
    for item in b:
        hits = row & where.get(item, 0)
        row = (row + hits | row - hits) & full
        rows.append(row)
    found: list[tuple[int, int]] = []
    i, k = len(a), len(b)
    while i and k:
        if rows[k - 1] >> i - 1 & 1:
            i -= 1
            continue
        k -= 1
        if not k or rows[k - 1] >> i - 1 & 1:
            i -= 1
            found.append((first + i, first + k))
    return [*ends, *reversed(found), *rest]
