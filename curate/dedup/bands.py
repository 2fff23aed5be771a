"""Which texts share a band key: rows of small buckets pair by pair, rows of large ones as they are."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from curate.dedup.shingling import Hashes, Numbers

Kind = TypeVar("Kind", bound=np.integer)

FEW = 1_000  # keys that are sorted as they are
LARGE = 32  # rows of a bucket; the pairs of a larger one are looked for in another way (see leaders.py)


class Met(NamedTuple):
    """Rows that may be alike."""

    left: Numbers  # left < right, each pair once, by right then left
    right: Numbers
    crowd: Numbers  # rows of large buckets, ascending: each of them may be like each other


def meetings(keys: Hashes, rows: Numbers, count: int) -> tuple[Hashes, Numbers]:
    """Of one band: packed pairs (right, left) of small buckets, and the rows of large ones.

    `keys` are those of `rows`, which are ascending and below `count`. The low bits of a key give way
    to the row, so that one sort does it; keys that are equal but for those bits meet for nothing.
    """
    if len(keys) > FEW:
        some = not_alone(keys)
        keys, rows = keys[some], rows[some]
    bits = max(1, (count - 1).bit_length())
    low = np.uint64((1 << bits) - 1)
    packed = (keys & ~low) | rows.astype(np.uint64)
    packed.sort()
    bucket = packed & ~low
    repeated = np.zeros(len(packed), dtype=np.bool_)
    same = bucket[1:] == bucket[:-1]
    repeated[1:] |= same
    repeated[:-1] |= same
    bucket, row = bucket[repeated], packed[repeated] & low
    first = np.ones(len(bucket), dtype=np.bool_)
    first[1:] = bucket[1:] != bucket[:-1]
    begins = np.flatnonzero(first)
    sizes = np.diff(np.append(begins, len(bucket)))
    large = np.repeat(sizes > LARGE, sizes)
    return _pairs(bucket[~large], row[~large]), row[large].astype(np.int64)


def not_alone(keys: Hashes) -> Numbers:
    """Places of the keys, without most of those that share their upper bits with none: few are left to sort.

    Fewer bits are looked at than a bucket is told by, so none that shares a bucket is left out.
    """
    bits = (len(keys) - 1).bit_length() + 2
    slots = (keys >> np.uint64(64 - bits)).astype(np.int64)
    at = np.arange(len(keys), dtype=np.int32)
    last = np.empty(1 << bits, dtype=np.int32)  # read only where it is written
    last[slots] = at
    shared = np.zeros(1 << bits, dtype=np.bool_)
    shared[slots[last[slots] != at]] = True
    return np.flatnonzero(shared[slots])


def _pairs(bucket: Hashes, row: Hashes) -> Hashes:
    """All pairs of rows of one bucket, packed with the later row in the upper half."""
    found = []
    at = np.arange(len(bucket))
    for step in range(1, LARGE):
        at = at[at + step < len(bucket)]
        at = at[bucket[at] == bucket[at + step]]
        if not len(at):
            break
        found.append((row[at + step] << np.uint64(32)) | row[at])
    return np.concatenate(found) if found else np.empty(0, dtype=np.uint64)


def joined(parts: list[tuple[Hashes, Numbers]]) -> Met:
    """The meetings of all bands as one."""
    pairs = distinct(np.concatenate([part[0] for part in parts]))
    crowd = np.unique(np.concatenate([part[1] for part in parts]))
    inside = np.isin(pairs >> np.uint64(32), crowd) & np.isin(pairs & np.uint64(0xFFFFFFFF), crowd)
    pairs = pairs[~inside]  # met in the crowd anyway
    return Met(
        (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64), (pairs >> np.uint64(32)).astype(np.int64), crowd
    )


def distinct(values: NDArray[Kind]) -> NDArray[Kind]:
    """The values, sorted, each once; sorts in place."""
    values.sort()
    fresh = np.ones(len(values), dtype=np.bool_)
    fresh[1:] = values[1:] != values[:-1]
    return values[fresh]
