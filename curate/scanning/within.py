"""Questions that stand within other rows: found by the rarest shingles of each, measured exactly.

Rows are read a slice at a time, so that memory holds the questions' shingles and one slice of whole rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.checks.near_duplicate import SHINGLING
from curate.dedup.examples import by, sets_of
from curate.dedup.shingling import Hashes, Numbers

SLICE = 50_000  # rows whose shingles are in memory at once
SHORTEST = 6  # shingles of a question, below which standing within another row means nothing
SHARE, FEWEST = 0.05, 50  # as in checks/frame.py: a shingle in so many questions belongs to a template
MANY = 256  # questions whose rarest shingles hold one; in more it stands for no question of its own

PAIRS_AT_ONCE = 2_000_000  # of a question and a row that are measured


def contained(questions: pl.Series, wholes: pl.Series, share: float) -> tuple[Numbers, Numbers]:
    """(question, row): where at least `share` of a question's shingles stand in a row that is not its own.

    Both hold a text a row; `questions` is null where a row's question needs no look. What stands in very
    many questions, a template, does not count. Pairs are in order, each once.
    """
    asked = np.flatnonzero((questions.is_not_null() & (questions != "")).to_numpy())
    items, starts = _needles(questions.gather(asked))
    sizes = np.diff(starts)
    keys, owners = _rarest(items, starts, share)
    lefts, rights = [], []
    for begin in range(0, len(wholes), SLICE):
        piece = wholes[begin : begin + SLICE]
        whole = sets_of(piece, SHINGLING)
        for needle, row in _met(keys, owners, whole.items, whole.starts):
            other = asked[needle] != row + begin
            needle, row = needle[other], row[other]
            if not len(needle):
                continue
            shared = _shared(items, starts, whole.items, whole.starts, needle, row, piece)
            enough = shared >= share * sizes[needle] - 1e-9
            lefts.append(asked[needle[enough]])
            rights.append(row[enough] + begin)
    if not lefts:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    left, right = np.concatenate(lefts), np.concatenate(rights)
    order = np.lexsort((right, left))
    return left[order], right[order]


def _needles(texts: pl.Series) -> tuple[Hashes, Numbers]:
    """The questions' shingles without a template's; none of a question that is left with few."""
    sets = sets_of(texts, SHINGLING)
    sizes = np.diff(sets.starts)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    _, number, counts = np.unique(sets.items, return_inverse=True, return_counts=True)
    own = (counts < max(FEWEST, SHARE * len(sizes)))[number]
    own &= (np.bincount(owner[own], minlength=len(sizes)) >= SHORTEST)[owner]
    left = np.bincount(owner[own], minlength=len(sizes))
    return sets.items[own], np.concatenate([[0], np.cumsum(left)]).astype(np.int64)


def _rarest(items: Hashes, starts: Numbers, share: float) -> tuple[Hashes, Numbers]:
    """(shingle, question), by shingle: so many of a question's rarest that each row which holds `share` has one."""
    sizes = np.diff(starts)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    _, number, counts = np.unique(items, return_inverse=True, return_counts=True)
    order = np.lexsort((items, counts[number], owner))
    place = np.arange(len(items)) - starts[owner]
    first = place <= (sizes - np.ceil(sizes * share - 1e-9))[owner]
    chosen = order[first]
    keys, owners = items[chosen], owner[chosen]
    by_key = np.argsort(keys, kind="stable")
    keys, owners = keys[by_key], owners[by_key]
    _, number, counts = np.unique(keys, return_inverse=True, return_counts=True)
    few = counts[number] <= MANY
    return keys[few], owners[few]


def _met(keys: Hashes, owners: Numbers, items: Hashes, starts: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """(question, row of the slice) that share one of the rarest shingles, each once, some at a time."""
    if not len(keys):
        return
    first = np.searchsorted(keys, items, side="left")
    hit = np.flatnonzero((first < len(keys)) & (keys[np.minimum(first, len(keys) - 1)] == items))
    row = np.searchsorted(starts, hit, side="right") - 1
    first = first[hit]
    many = np.searchsorted(keys, items[hit], side="right") - first
    # a slice of hits ends with a row, so that no pair is met in two of them
    ends = np.flatnonzero(np.diff(row, append=-1) != 0) + 1
    load = np.cumsum(many)[ends - 1] // PAIRS_AT_ONCE if len(ends) else ends
    at = 0
    for end in ends[np.flatnonzero(np.diff(load, append=-1) != 0)].tolist():
        count = many[at:end]
        offsets = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        needle = owners[np.repeat(first[at:end], count) + offsets]
        packed = np.unique(
            (needle.astype(np.uint64) << np.uint64(32)) | np.repeat(row[at:end], count).astype(np.uint64)
        )
        at = end
        yield (packed >> np.uint64(32)).astype(np.int64), (packed & np.uint64(0xFFFFFFFF)).astype(np.int64)


def _shared(
    items: Hashes,
    starts: Numbers,
    whole: Hashes,
    ends: Numbers,
    needle: Numbers,
    row: Numbers,
    texts: pl.Series,
) -> NDArray[np.float64]:
    """How many shingles each question has in common with its row: of the Jaccard index J, J (a + b) / (1 + J)."""
    some, place = np.unique(needle, return_inverse=True)
    sizes = np.diff(starts)[some]
    begins = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    own = items[np.arange(begins[-1]) + np.repeat(starts[some] - begins[:-1], sizes)]
    both = np.concatenate([own, whole])
    bounds = np.concatenate([begins[:-1], ends + len(own)])
    index = by(texts).jaccards(both, bounds, place.astype(np.int64), row + len(some), 0.0)
    total = sizes[place] + np.diff(ends)[row]
    return np.asarray(np.round(index * total / (1 + index)), dtype=np.float64)
