"""All pairs of shingle sets that overlap enough, by exact prefix join: none is missed.

Two sets that share a given part of their shingles must share some of the few rarest of each. So only
those are joined, and every pair that meets there is counted exactly. Memory is bounded: one side is
taken some rows at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

CHUNK = 4_000_000  # shingles, or meetings, taken at a time
SAMPLE = 4_000_000  # shingles of the larger side that tell which are rare; any order gives the same pairs
TWICE = 4  # shared shingles that a pair needs, from which on it must meet twice among its rarest
FOUND = pl.Schema({"left": pl.UInt32, "right": pl.UInt32, "score": pl.Float64})

Places = NDArray[np.int64]
Values = NDArray[Any]  # unsigned integers of one width


class Sets(NamedTuple):
    """Sets of hashes, one behind the other: set `i` is `values[starts[i]:starts[i + 1]]`, sorted, distinct."""

    values: Values
    starts: Places  # one more than there are sets

    @property
    def sizes(self) -> Places:
        """How many each holds."""
        return np.diff(self.starts)

    def of(self, rows: Places) -> Sets:
        """These sets, in this order."""
        sizes = self.sizes[rows]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        return Sets(self.values[_spread(self.starts[rows], sizes)], starts)


class Needles(NamedTuple):
    """The sets that are looked for, over the numbers 0 to V - 1 instead of hashes."""

    words: Values  # the hash of each number, sorted
    codes: Places  # as `Sets.values`
    starts: Places
    needed: Places  # shared shingles that each needs
    meets: Places  # how many of its prefix it must share
    posted: Places  # sets whose prefix holds a number, by number ...
    postings: Places  # ... between `posted[i]` and `posted[i + 1]`

    @property
    def sizes(self) -> Places:
        """How many each holds."""
        return np.diff(self.starts)


def sets_of(series: pl.Series) -> Sets:
    """A List series of sorted distinct unsigned integers."""
    sizes = series.list.len().fill_null(0).to_numpy().astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    values = series.drop_nulls().list.explode(empty_as_null=False).to_numpy()
    return Sets(values, starts)


def similar(left: pl.Series | Sets, right: pl.Series | Sets, threshold: float) -> pl.DataFrame:
    """FOUND: row numbers with Jaccard of at least `threshold`. Both are List(UInt), sorted, distinct."""
    one, other = _both(left, right)
    turned = len(one.sizes) > len(other.sizes)
    few, many = (other, one) if turned else (one, other)
    parts = []
    for needle, row, shared in _meetings(few, many, threshold, alike=True):
        score = shared / (few.sizes[needle] + many.sizes[row] - shared)
        keep = score >= threshold
        pair = (row, needle) if turned else (needle, row)
        parts.append((pair[0][keep], pair[1][keep], score[keep]))
    return _found(parts)


def contained(short: pl.Series | Sets, long: pl.Series | Sets, threshold: float) -> pl.DataFrame:
    """FOUND: where at least `threshold` of the shingles of `left` (in short) stand in `right` (in long)."""
    needles, hay = _both(short, long)
    parts = []
    for needle, row, shared in _meetings(needles, hay, threshold, alike=False):
        score = shared / needles.sizes[needle]
        keep = score >= threshold
        parts.append((needle[keep], row[keep], score[keep]))
    return _found(parts)


def shared(left: Sets, right: Sets, lefts: Places, rights: Places) -> Places:
    """For pairs of row numbers how many values the two sets share."""
    words, codes = np.unique(left.values, return_inverse=True)
    row, code = _matched(right, words, _filter(words))
    keys = row * max(len(words), 1) + code
    return _count(codes, left.starts, keys, len(words), lefts, rights)


def without(sets: Sets, values: Values) -> Sets:
    """Each set without these values; as it was where nothing else is in it."""
    if not len(values):
        return sets
    stays = ~np.isin(sets.values, values)
    owner = np.repeat(np.arange(len(sets.sizes)), sets.sizes)
    left = np.bincount(owner[stays], minlength=len(sets.sizes))
    stays |= (left == 0)[owner]
    sizes = np.bincount(owner[stays], minlength=len(sets.sizes))
    return Sets(sets.values[stays], np.concatenate([[0], np.cumsum(sizes)]))


def _both(left: pl.Series | Sets, right: pl.Series | Sets) -> tuple[Sets, Sets]:
    """Both as Sets."""
    one = left if isinstance(left, Sets) else sets_of(left)
    other = right if isinstance(right, Sets) else sets_of(right)
    return one, other


def _found(parts: list[tuple[Places, Places, NDArray[np.float64]]]) -> pl.DataFrame:
    """The pairs as a table, by left and right."""
    if not parts:
        return FOUND.to_frame()
    left, right, score = (np.concatenate(column) for column in zip(*parts, strict=True))
    return pl.DataFrame({"left": left, "right": right, "score": score}, schema=FOUND).sort("left", "right")


def _meetings(
    few: Sets, many: Sets, threshold: float, *, alike: bool
) -> Iterator[tuple[Places, Places, Places]]:
    """(row of few, row of many, shingles shared) of all pairs that share `threshold` of the former's.

    With `alike` only pairs of about one size.
    """
    if not len(few.values) or not len(many.values):
        return
    needles = _needles(few, many, threshold)
    mask = _filter(needles.words)
    for first, last in _chunks(many.starts):
        some = Sets(
            many.values[many.starts[first] : many.starts[last]],
            many.starts[first : last + 1] - many.starts[first],
        )
        row, code = _matched(some, needles.words, mask)
        keys = row * len(needles.words) + code
        for needle, place in _candidates(needles, row, code):
            if alike:
                sizes = needles.sizes[needle], some.sizes[place]
                fits = np.minimum(*sizes) >= threshold * np.maximum(*sizes)
                needle, place = needle[fits], place[fits]
            count = _count(needles.codes, needles.starts, keys, len(needles.words), needle, place)
            enough = count >= needles.needed[needle]
            yield needle[enough], place[enough] + first, count[enough]


def _needles(few: Sets, many: Sets, threshold: float) -> Needles:
    """The sets that are looked for, with the postings of their rarest shingles.

    A set of n shingles of which k must be shared meets each such set at least once among any n - k + 1
    of its own, and at least twice among n - k + 2.
    """
    words, codes = np.unique(few.values, return_inverse=True)
    counts = np.bincount(codes, minlength=len(words))
    step = max(1, len(many.values) // SAMPLE)
    seen = _matched(Sets(many.values[::step], np.array([0, len(many.values[::step])])), words, _filter(words))
    counts = counts + step * np.bincount(seen[1], minlength=len(words))
    rank = np.empty(len(words), dtype=np.int64)
    rank[np.argsort(counts, kind="stable")] = np.arange(len(words))
    sizes = few.sizes
    needed = np.maximum(np.ceil(sizes * threshold - 1e-9), 1).astype(np.int64)
    meets = np.where(needed >= TWICE, 2, 1)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((rank[codes], owner))
    place = np.arange(len(order)) - np.repeat(few.starts[:-1], sizes)
    prefix = order[place < np.repeat(sizes - needed + meets, sizes)]
    by_code = prefix[np.argsort(codes[prefix], kind="stable")]
    posted = np.concatenate([[0], np.cumsum(np.bincount(codes[by_code], minlength=len(words)))])
    return Needles(words, codes, few.starts, needed, meets, posted, owner[by_code])


def _chunks(starts: Places) -> Iterator[tuple[int, int]]:
    """(first, last) rows that hold about CHUNK values together, at least one row each."""
    first, rows = 0, len(starts) - 1
    while first < rows:
        last = int(np.searchsorted(starts, starts[first] + CHUNK, side="right")) - 1
        last = max(first + 1, min(last, rows))
        yield first, last
        first = last


BITS = 24


def _filter(words: Values) -> NDArray[np.bool_]:
    """Which low bits occur: most values that are no word are known by one look."""
    seen = np.zeros(1 << BITS, dtype=np.bool_)
    seen[words & np.array((1 << BITS) - 1, dtype=words.dtype)] = True
    return seen


def _matched(sets: Sets, words: Values, mask: NDArray[np.bool_]) -> tuple[Places, Places]:
    """(row, number of the word) of all values that are words, by row, then by number."""
    if not len(words):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    at = np.flatnonzero(mask[sets.values & np.array((1 << BITS) - 1, dtype=sets.values.dtype)])
    values = sets.values[at]
    code = np.searchsorted(words, values)
    same = words[np.minimum(code, len(words) - 1)] == values
    at, code = at[same], code[same]
    return np.searchsorted(sets.starts, at, side="right") - 1, code


def _candidates(needles: Needles, row: Places, code: Places) -> Iterator[tuple[Places, Places]]:
    """(needle, row) that meet often enough among the needle's rarest, some rows at a time."""
    load = np.diff(needles.posted)[code]
    total = np.cumsum(load)
    first = 0
    while first < len(row):
        before = total[first] - load[first]
        last = int(np.searchsorted(total, before + CHUNK, side="right"))
        # whole rows, or a pair's meetings would be counted apart
        last = int(np.searchsorted(row, row[max(last - 1, first)], side="right"))
        part = slice(first, last)
        who = needles.postings[_spread(needles.posted[code[part]], load[part])]
        keys = np.repeat(row[part], load[part]) * len(needles.needed) + who
        met, times = np.unique(keys, return_counts=True)
        needle = met % len(needles.needed)
        enough = times >= needles.meets[needle]
        yield needle[enough], met[enough] // len(needles.needed)
        first = last


def _spread(starts: Places, sizes: Places) -> Places:
    """All places of the ranges that begin at `starts` and have `sizes`."""
    ends = np.cumsum(sizes)
    places: Places = np.arange(int(ends[-1]) if len(ends) else 0)
    places += np.repeat(starts - (ends - sizes), sizes)
    return places


def _count(codes: Places, starts: Places, keys: Places, width: int, lefts: Places, rights: Places) -> Places:
    """For pairs how many of the left set's codes are, as `row * width + code`, among the sorted `keys`."""
    counts = np.zeros(len(lefts), dtype=np.int64)
    sizes = np.diff(starts)[lefts]
    for first, last in _chunks(np.concatenate([[0], np.cumsum(sizes)])):
        part = slice(first, last)
        asked = (
            np.repeat(rights[part], sizes[part]) * width + codes[_spread(starts[lefts[part]], sizes[part])]
        )
        at = np.searchsorted(keys, asked)
        hit = np.zeros(len(asked), dtype=np.bool_)
        inside = at < len(keys)
        hit[inside] = keys[at[inside]] == asked[inside]
        owner = np.repeat(np.arange(last - first), sizes[part])
        counts[part] = np.bincount(owner[hit], minlength=last - first)
    return counts
