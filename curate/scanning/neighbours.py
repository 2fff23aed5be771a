"""Which vectors are near which: exact cosine search in blocks, approximate above a size with its recall told."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Places = NDArray[np.int64]

EXACT_UP_TO = 50_000  # vectors all of which are compared with all
BLOCK = 2_048  # rows of one product: BLOCK x BLOCK numbers, 16 MiB, are in memory at once
CELL = 400  # vectors of one cell of the approximate search, on the mean
PROBES = 8  # cells in which the neighbours of a vector are looked for, its own and the next ones
ROUNDS = 6  # of k-means that place the cells ...
TRAINED_ON = 64  # ... by so many vectors a cell
SAMPLE = 500  # rows whose neighbours are also found exactly, to tell the recall
SEED = 20_260_101


class Pairs(NamedTuple):
    """Pairs of rows, left < right, in order; `recall` is 1 for an exact search, else measured."""

    left: Places
    right: Places
    cosine: Matrix
    recall: float


class _Hits(NamedTuple):
    """Rows, what is near each, and how near; in no order."""

    row: Places
    other: Places
    cosine: Matrix


def pairs_above(
    vectors: Matrix, threshold: float, *, exact_up_to: int = EXACT_UP_TO, most: int | None = None
) -> Pairs:
    """All pairs of unit rows with a cosine of at least `threshold`; zero rows are near nothing.

    With `most`, a pair is left out that is among the `most` nearest of neither of its rows: thousands
    of rows of one template would make millions of pairs. Exact to `exact_up_to` rows. Above that
    approximate: the rows are divided into cells by k-means, and each is compared with those in the
    cells nearest to it; what share of the pairs is found is measured on a sample, and told.
    """
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    if len(rows) > exact_up_to:
        hits = _in_cells(rows, threshold, most)
        recall = _recall(rows, threshold, most, hits)
        return _pairs(hits, len(rows), recall)
    return _pairs(_exact(rows, threshold, most), len(rows), 1.0)


def nearest(queries: Matrix, base: Matrix, count: int) -> tuple[Places, Matrix]:
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


def _exact(rows: Matrix, threshold: float, most: int | None) -> _Hits:
    """Hits by products of blocks: each pair once, or with `most` from both sides."""
    parts = []
    for top in range(0, len(rows), BLOCK):
        block: list[_Hits] = []
        for side in range(top if most is None else 0, len(rows), BLOCK):
            found = rows[top : top + BLOCK] @ rows[side : side + BLOCK].T
            own = np.arange(len(found))
            if top == side:
                found[own, own] = -2  # a row is not its own neighbour
                if most is None:
                    found[np.tril_indices(len(found))] = -2
            block.append(_hits(found, own + top, np.arange(found.shape[1]) + side, threshold, most))
        parts.append(_best(block, most))
    return _joined(parts)


def _hits(found: Matrix, rows: Places, others: Places, threshold: float, most: int | None) -> _Hits:
    """What of one product is near enough, of each row the `most` nearest."""
    at, other = np.nonzero(found >= threshold)
    if most is not None and len(at) and np.bincount(at).max() > most:
        some = np.argpartition(-found, min(most, found.shape[1] - 1), axis=1)[:, :most]
        near = np.take_along_axis(found, some, axis=1) >= threshold
        at, place = np.nonzero(near)
        other = some[at, place]
    return _Hits(rows[at], others[other], found[at, other])


def _best(parts: list[_Hits], most: int | None) -> _Hits:
    """Several parts of the same rows as one, of each row the `most` nearest; ties by row number."""
    hits = _joined(parts)
    if most is None or not len(hits.row) or np.bincount(hits.row - hits.row.min()).max() <= most:
        return hits
    order = np.lexsort((hits.other, -hits.cosine, hits.row))
    row = hits.row[order]
    rank = np.arange(len(row)) - np.searchsorted(row, row)
    kept = order[rank < most]
    return _Hits(hits.row[kept], hits.other[kept], hits.cosine[kept])


def _joined(parts: list[_Hits]) -> _Hits:
    """All hits of several parts."""
    if not parts:
        return _Hits(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    row, other, cosine = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return _Hits(row.astype(np.int64), other.astype(np.int64), cosine)


def _in_cells(rows: Matrix, threshold: float, most: int | None) -> _Hits:
    """Hits of each row within the cells nearest to it."""
    centres = _centres(rows)
    probes = _probes(rows, centres, min(PROBES, len(centres)))
    order = np.argsort(probes[:, 0], kind="stable")
    starts = np.searchsorted(probes[order, 0], np.arange(len(centres) + 1))
    asking = np.argsort(probes.ravel(), kind="stable")
    asked_at = np.searchsorted(probes.ravel()[asking], np.arange(len(centres) + 1))
    asking //= probes.shape[1]
    parts = []
    for cell in range(len(centres)):
        members = order[starts[cell] : starts[cell + 1]]
        if not len(members):
            continue
        base = rows[members].T
        mine = asking[asked_at[cell] : asked_at[cell + 1]]
        for start in range(0, len(mine), BLOCK):
            some = mine[start : start + BLOCK]
            found = rows[some] @ base
            found[some[:, None] == members[None, :]] = -2
            parts.append(_hits(found, some, members, threshold, most))
    return _best(parts, most)


def _centres(rows: Matrix) -> Matrix:
    """Unit centres of cells, by k-means on a sample."""
    draw = np.random.default_rng(SEED)
    count = max(2, len(rows) // CELL)
    sample = rows[np.sort(draw.choice(len(rows), min(len(rows), TRAINED_ON * count), replace=False))]
    centres = sample[draw.choice(len(sample), count, replace=False)].copy()
    for _ in range(ROUNDS):
        own = _probes(sample, centres, 1)[:, 0]
        order = np.argsort(own, kind="stable")
        filled, first = np.unique(own[order], return_index=True)
        sums = np.add.reduceat(sample[order], first, axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres[filled] = sums / np.maximum(lengths, 1e-9)
    return np.asarray(centres, dtype=np.float32)


def _probes(rows: Matrix, centres: Matrix, count: int) -> Places:
    """(row, count): the cells nearest to each row, the nearest first."""
    found = np.empty((len(rows), count), dtype=np.int64)
    for start in range(0, len(rows), BLOCK):
        near = rows[start : start + BLOCK] @ centres.T
        if count == 1:
            found[start : start + BLOCK, 0] = near.argmax(axis=1)
            continue
        some = np.argpartition(-near, count - 1, axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(near, some, axis=1), axis=1, kind="stable")
        found[start : start + BLOCK] = np.take_along_axis(some, order, axis=1)
    return found


def _recall(rows: Matrix, threshold: float, most: int | None, hits: _Hits) -> float:
    """The share of the true neighbours of a sample of rows that is among the hits; 1 where it has none."""
    size = len(rows)
    sample = np.sort(np.random.default_rng(SEED).choice(size, min(SAMPLE, size), replace=False))
    parts = []
    for side in range(0, size, 8 * BLOCK):
        found = rows[sample] @ rows[side : side + 8 * BLOCK].T
        others = np.arange(found.shape[1]) + side
        found[sample[:, None] == others[None, :]] = -2
        parts.append(_hits(found, sample, others, threshold, most))
    true = _best(parts, most)
    met = np.minimum(hits.row, hits.other) * size + np.maximum(hits.row, hits.other)
    wanted = np.minimum(true.row, true.other) * size + np.maximum(true.row, true.other)
    return float(np.isin(wanted, met).mean()) if len(wanted) else 1.0


def _pairs(hits: _Hits, size: int, recall: float) -> Pairs:
    """Each pair once, in order."""
    left, right = np.minimum(hits.row, hits.other), np.maximum(hits.row, hits.other)
    _, first = np.unique(left * size + right, return_index=True)
    return Pairs(left[first], right[first], hits.cosine[first], recall)
