"""Which vectors are near which: exact cosine search in blocks, approximate above a size with its recall told."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

EXACT_UP_TO = 50_000  # vectors all of which are compared with all
BLOCK = 2_048  # rows of one product: BLOCK x BLOCK numbers, 16 MiB, are in memory at once
PLANES = 24  # hyperplanes that cut the space for the approximate search ...
TABLES = 12  # ... so many times over, each with other planes
SAMPLE = 500  # rows whose neighbours are also found exactly, to tell the recall
SEED = 20_260_101


class Pairs(NamedTuple):
    """Pairs of rows, left < right, in order; `recall` is 1 for an exact search, else measured."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    cosine: NDArray[np.float32]
    recall: float


def pairs_above(vectors: Matrix, threshold: float, *, exact_up_to: int = EXACT_UP_TO) -> Pairs:
    """All pairs of unit rows with a cosine of at least `threshold`; zero rows are near nothing.

    Exact to `exact_up_to` rows. Above that approximate: rows are compared that lie in the same or a
    neighbouring bin of random hyperplanes; what share of the pairs is found is measured on a sample.
    """
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    if len(rows) <= exact_up_to:
        return _sorted(*_exact(rows, threshold), 1.0)
    return _approximate(rows, threshold)


def nearest(queries: Matrix, base: Matrix, count: int) -> tuple[NDArray[np.int64], Matrix]:
    """(query, count) row numbers of `base` and cosines, the nearest first; ties by row number.

    Where `base` has fewer rows than `count`, so many columns.
    """
    count = min(count, len(base))
    places = np.zeros((len(queries), count), dtype=np.int64)
    cosines = np.zeros((len(queries), count), dtype=np.float32)
    if not count:
        return places, cosines
    turned = np.ascontiguousarray(base.T, dtype=np.float32)
    for start in range(0, len(queries), BLOCK // 4):
        found = queries[start : start + BLOCK // 4].astype(np.float32) @ turned
        some = np.argpartition(-found, count - 1, axis=1)[:, :count]
        values = np.take_along_axis(found, some, axis=1)
        order = np.lexsort((some, -values), axis=1)
        places[start : start + len(found)] = np.take_along_axis(some, order, axis=1)
        cosines[start : start + len(found)] = np.take_along_axis(values, order, axis=1)
    return places, cosines


def _exact(
    rows: Matrix, threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """All pairs, by products of blocks."""
    lefts, rights, cosines = [], [], []
    for top in range(0, len(rows), BLOCK):
        for side in range(top, len(rows), BLOCK):
            found = rows[top : top + BLOCK] @ rows[side : side + BLOCK].T
            left, right = np.nonzero(found >= threshold)
            keep = left + top < right + side
            left, right = left[keep], right[keep]
            lefts.append(left + top)
            rights.append(right + side)
            cosines.append(found[left, right])
    if not lefts:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    return np.concatenate(lefts), np.concatenate(rights), np.concatenate(cosines)


def _approximate(rows: Matrix, threshold: float) -> Pairs:
    """Pairs that share a bin in one of the tables or lie next to each other in its order."""
    draw = np.random.default_rng(SEED)
    size = len(rows)
    window = 64  # rows after each in the order of a table that it is compared with
    keys = []
    for _ in range(TABLES):
        planes = draw.standard_normal((rows.shape[1], PLANES), dtype=np.float32)
        side = rows @ planes > 0
        code = np.zeros(size, dtype=np.int64)
        for bit in range(PLANES):
            code = code * 2 + side[:, bit]
        order = np.argsort(code, kind="stable")
        for step in range(1, window + 1):
            a, b = order[:-step], order[step:]
            near = np.empty(len(a), dtype=np.float32)
            for start in range(0, len(a), 65_536):
                part = slice(start, start + 65_536)
                near[part] = np.einsum("ij,ij->i", rows[a[part]], rows[b[part]])
            hit = near >= threshold
            low, high = np.minimum(a[hit], b[hit]), np.maximum(a[hit], b[hit])
            keys.append(low * size + high)
    met = np.unique(np.concatenate(keys)) if keys else np.empty(0, np.int64)
    left, right = met // size, met % size
    cosine = np.empty(len(met), dtype=np.float32)
    for start in range(0, len(met), 65_536):
        part = slice(start, start + 65_536)
        cosine[part] = np.einsum("ij,ij->i", rows[left[part]], rows[right[part]])
    return _sorted(left, right, cosine, _recall(rows, threshold, met))


def _recall(rows: Matrix, threshold: float, met: NDArray[np.int64]) -> float:
    """The share of the true pairs of a sample of rows that is among those met; 1 where it has none."""
    sample = np.sort(np.random.default_rng(SEED).choice(len(rows), min(SAMPLE, len(rows)), replace=False))
    found = rows[sample] @ rows.T
    at, other = np.nonzero(found >= threshold)
    own = sample[at]
    keep = own != other
    low, high = np.minimum(own[keep], other[keep]), np.maximum(own[keep], other[keep])
    true = np.unique(low.astype(np.int64) * len(rows) + high)
    return float(np.isin(true, met, assume_unique=True).mean()) if len(true) else 1.0


def _sorted(
    left: NDArray[np.int64], right: NDArray[np.int64], cosine: NDArray[np.float32], recall: float
) -> Pairs:
    order = np.lexsort((right, left))
    return Pairs(left[order].astype(np.int64), right[order].astype(np.int64), cosine[order], recall)
