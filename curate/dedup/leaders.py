"""Which rows stay: a row goes only to one that stays and is itself that near; no chains.

Rows are taken in their order of preference. One that is near to a row that stays goes, to the nearest
such; any other stays. Pairs of small buckets come with their scores. The rows of large buckets (the
crowd) are not taken pair by pair: each looks for rows that stay by its rarest shingles, of which two
near sets must share one. That misses none, and costs little where what is common to the crowd, a
template or a text copied with changes, is common to most of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curate.dedup.shingling import Hashes, Numbers

SLACK = 1e-9  # of a product of a threshold and a size, before it is rounded up


class Fallen(NamedTuple):
    """Where each row went."""

    to: Numbers  # the row that stays for it; its own number where it stays itself
    score: NDArray[np.float64]  # exact Jaccard of the two; 1 where it stays


class Crowd(NamedTuple):
    """The sets of the crowd's rows, as numbers of shingles, rare ones first."""

    rows: Numbers  # ascending
    items: Numbers
    starts: Numbers
    prefix: Numbers  # how many items of each set are looked at
    kinds: int  # of items


def crowd_of(rows: Numbers, sets: Hashes, starts: Numbers, slots: Numbers, threshold: float) -> Crowd:
    """The crowd, ready to be searched; `slots` is where the set of each of `rows` stands."""
    sizes = starts[slots + 1] - starts[slots]
    begins = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    owner = np.repeat(np.arange(len(rows)), sizes)
    shingles = sets[np.arange(begins[-1]) - begins[owner] + starts[slots][owner]]
    _, number, counts = np.unique(shingles, return_inverse=True, return_counts=True)
    order = np.empty(len(counts), dtype=np.int64)
    order[np.argsort(counts, kind="stable")] = np.arange(len(counts))
    packed = (owner.astype(np.uint64) << np.uint64(32)) | order[number].astype(np.uint64)
    packed.sort()
    items = (packed & np.uint64(0xFFFFFFFF)).astype(np.int64)
    prefix = sizes - np.ceil(threshold * sizes - SLACK).astype(np.int64) + 1
    return Crowd(rows, items, begins, np.minimum(prefix, sizes), len(counts))


def settle(  # noqa: C901 - compiled as one piece
    left: Numbers, right: Numbers, scores: NDArray[np.float64], crowd: Crowd, threshold: float,
    to: Numbers, score: NDArray[np.float64],
) -> None:  # fmt: skip
    """Write into `to` and `score`; pairs are by right, then left, and all of at least the threshold.

    Plain loops over arrays, so that numba can compile them; without it they run as they are.
    """
    rows, items, starts, prefix, kinds = crowd
    head = np.full(kinds, -1, dtype=np.int64)  # of each item: its last posting
    posted = np.empty(prefix.sum() if len(prefix) else 0, dtype=np.int64)  # a set that stays
    before = np.empty(len(posted), dtype=np.int64)  # the posting before
    seen = np.full(len(rows), -1, dtype=np.int64)
    free = 0
    pair = 0
    member = 0
    while pair < len(right) or member < len(rows):
        row = right[pair] if pair < len(right) else rows[member]
        if member < len(rows) and rows[member] < row:
            row = rows[member]
        best, best_score = row, 0.0
        while pair < len(right) and right[pair] == row:
            other = left[pair]
            if to[other] == other and scores[pair] > best_score:
                best, best_score = other, scores[pair]
            pair += 1
        if member < len(rows) and rows[member] == row:
            size = starts[member + 1] - starts[member]
            for place in range(prefix[member]):
                posting = head[items[starts[member] + place]]
                while posting >= 0:
                    set_ = posted[posting]
                    posting = before[posting]
                    if seen[set_] == member:
                        continue
                    seen[set_] = member
                    other_size = starts[set_ + 1] - starts[set_]
                    if min(size, other_size) < threshold * max(size, other_size) - SLACK:
                        continue
                    both, a, b = 0, starts[member], starts[set_]
                    while a < starts[member + 1] and b < starts[set_ + 1]:
                        one, another = items[a], items[b]
                        both += one == another
                        a += one <= another
                        b += another <= one
                    near = both / (size + other_size - both)
                    other = rows[set_]
                    if near >= threshold and (near > best_score or (near == best_score and other < best)):
                        best, best_score = other, near
            if best == row:
                for place in range(prefix[member]):
                    item = items[starts[member] + place]
                    posted[free] = member
                    before[free] = head[item]
                    head[item] = free
                    free += 1
            member += 1
        if best != row:
            to[row] = best
            score[row] = best_score


def crowd_pairs(
    crowd: Crowd, marked: Numbers, kinds: int, threshold: float, most: int,
    left: Numbers, right: Numbers, score: NDArray[np.float64],
) -> int:  # fmt: skip
    """Write near pairs of the crowd, places within it, the earlier left; how many there are.

    `marked` are the crowd's items told apart by a mark of the row: a row is compared with rows of its
    own mark first of all. A row that is near to `most` earlier rows, or to `most` of its mark, stands
    for nothing new, and later rows are not compared with it. So the work grows with the rows and not
    with their square; at most 4 `most` pairs a row are written.
    """
    rows, items, starts, prefix, plain_kinds = crowd
    heads = np.full(plain_kinds + kinds, -1, dtype=np.int64)
    size = prefix.sum() if len(prefix) else 0
    posted = np.empty(2 * size, dtype=np.int64)
    before = np.empty(2 * size, dtype=np.int64)
    seen = np.full(len(rows), -1, dtype=np.int64)
    found = np.zeros(2, dtype=np.int64)
    free = 0
    written = 0
    for member in range(len(rows)):
        found[:] = 0
        begin, end = starts[member], starts[member + 1]
        for index in range(2):
            for place in range(begin, begin + prefix[member]):
                posting = heads[items[place] if index == 0 else plain_kinds + marked[place]]
                while posting >= 0 and found[0] + found[1] < 4 * most:
                    other = posted[posting]
                    posting = before[posting]
                    if seen[other] == member:
                        continue
                    seen[other] = member
                    small = min(end - begin, starts[other + 1] - starts[other])
                    large = max(end - begin, starts[other + 1] - starts[other])
                    if small < threshold * large - SLACK:
                        continue
                    both, a, b = 0, begin, starts[other]
                    while a < end and b < starts[other + 1]:
                        one, another = items[a], items[b]
                        both += one == another
                        a += one <= another
                        b += another <= one
                    near = both / (small + large - both)
                    if near >= threshold:
                        left[written], right[written], score[written] = other, member, near
                        written += 1
                        found[index] += 1
        for index in range(2):
            if found[index] < most:
                for place in range(begin, begin + prefix[member]):
                    item = items[place] if index == 0 else plain_kinds + marked[place]
                    posted[free] = member
                    before[free] = heads[item]
                    heads[item] = free
                    free += 1
    return written


def fallen(
    count: int, left: Numbers, right: Numbers, scores: NDArray[np.float64], crowd: Crowd, threshold: float,
    run: Callable[..., None] = settle,
) -> Fallen:  # fmt: skip
    """Where each of `count` rows went; `run` is `settle`, or its compiled form."""
    near = scores >= threshold
    to, score = np.arange(count, dtype=np.int64), np.ones(count, dtype=np.float64)
    args = (left[near], right[near], scores[near], crowd, threshold, to, score)
    run(*args)
    return Fallen(to, score)
