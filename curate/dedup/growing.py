"""New rows beside many that were compared before: only what shares a band key with a new one is looked at."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from curate.dedup.bands import LARGE, distinct
from curate.dedup.shingling import Hashes, Numbers

AT_ONCE = 4_000  # old rows whose keys are looked up together: they fit into the cache of a core
ROOM = 5  # bits that a slot has more than new keys need: few old keys fall on the slot of another


class Beside(NamedTuple):
    """Which rows share a band key."""

    old: Numbers  # (old row, new row), each pair once
    new: Numbers
    left: Numbers  # (new row, new row), left < right
    right: Numbers


def low_bits(count: int) -> int:
    """How many bits of a key give way to the row among so many, as in `bands.meetings`."""
    return max(1, (count - 1).bit_length())


def met_beside(old: pl.Series, new: pl.Series, count: int) -> Beside | None:
    """The pairs of which one is new, as `met_by` finds them among `count` distinct texts in all.

    `old` and `new` hold band keys, lists of one length. Of old rows with equal texts all may be there.
    None where a bucket is large with a new row in it: its rows are a crowd, which is told from all rows.
    """
    keys = _matrix(new)
    if not keys.size:
        nothing = np.empty(0, dtype=np.int64)
        return Beside(nothing, nothing, nothing, nothing)
    low = np.uint64((1 << low_bits(count)) - 1)
    keys &= ~low
    rows, bands, values = _hits(old, keys)
    values &= ~low
    olds: list[Hashes] = []
    news: list[Hashes] = []
    for band in range(keys.shape[1]):
        here = bands == band
        order = np.argsort(keys[:, band], kind="stable")
        ordered = keys[order, band]
        mine, value = rows[here], values[here]
        begin = np.searchsorted(ordered, value, side="left")
        equal = np.flatnonzero(ordered[np.minimum(begin, len(ordered) - 1)] == value)
        mine, value, begin = mine[equal], value[equal], begin[equal]
        many = np.searchsorted(ordered, value, side="right") - begin
        sizes = np.unique(np.concatenate([ordered, value]), return_counts=True)[1]
        if sizes.max(initial=0) > LARGE:
            return None
        at = np.repeat(begin, many) + np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        olds.append(_packed(np.repeat(mine, many), order[at]))
        for step in range(1, LARGE):
            same = np.flatnonzero(ordered[step:] == ordered[:-step])
            if not len(same):
                break
            one, two = order[same], order[same + step]
            news.append(_packed(np.minimum(one, two), np.maximum(one, two)))
    return Beside(*_unpacked(olds), *_unpacked(news))


def _hits(old: pl.Series, keys: Hashes) -> tuple[Numbers, Numbers, Hashes]:
    """(old row, band, key) of the old keys that fall on a slot of a new one, which goes by their high bits."""
    bits = min(62, (len(keys) - 1).bit_length() + ROOM)
    count = keys.shape[1]
    shift, first = np.uint64(64 - bits), np.arange(count, dtype=np.uint64) << np.uint64(bits)
    taken = np.zeros(count << bits, dtype=np.bool_)
    taken[(keys >> shift) + first] = True
    places, values = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.uint64)]
    for begin in range(0, len(old), AT_ONCE):
        some = old[begin : begin + AT_ONCE].explode().to_numpy()
        slots = (some.reshape(-1, count) >> shift) + first
        found = np.flatnonzero(taken[slots.view(np.int64)])
        places.append(found + begin * count)
        values.append(some[found])
    place = np.concatenate(places)
    return place // count, place % count, np.concatenate(values)


def _matrix(bands: pl.Series) -> Hashes:
    """(row, band): the keys."""
    if not len(bands):
        return np.empty((0, 0), dtype=np.uint64)
    return np.array(bands.explode().to_numpy().reshape(len(bands), -1))


def _packed(left: Numbers, right: Numbers) -> Hashes:
    return (left.astype(np.uint64) << np.uint64(32)) | right.astype(np.uint64)


def _unpacked(parts: list[Hashes]) -> tuple[Numbers, Numbers]:
    """Each pair once."""
    every = distinct(np.concatenate([np.empty(0, dtype=np.uint64), *parts]))
    return (every >> np.uint64(32)).astype(np.int64), (every & np.uint64(0xFFFFFFFF)).astype(np.int64)
