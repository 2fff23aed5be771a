"""MinHash: which texts may be alike, without comparing each with each."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.checks.wording import Hashes, mixed

PERMUTATIONS = 128
SEED = 20_260_101
SURE = 0.995  # chance that a pair just at the threshold becomes a candidate
WINDOW = 32  # neighbours looked at in a bucket too large to take all pairs of
HALF = 32  # bits: two row numbers are one
LEADERS = 8  # rows at the head of such a bucket that every other row of it is compared with


def rows_a_band(threshold: float) -> int:
    """How many of the permutations make a band: the most that still miss next to nothing."""
    fits = (
        rows for rows in range(2, PERMUTATIONS) if 1 - (1 - threshold**rows) ** (PERMUTATIONS // rows) >= SURE
    )
    return max(fits, default=1)


def bands(shingles: pl.Series, threshold: float) -> pl.Series:
    """The band keys of each set of shingles, List(UInt64); null for the empty set."""
    rows = rows_a_band(threshold)
    full = shingles.list.len() > 0
    sets = shingles.filter(full)
    keys = np.empty((len(sets), PERMUTATIONS // rows), dtype=np.uint64)
    if len(sets):
        signature = _signatures(sets)
        for band in range(keys.shape[1]):
            keys[:, band] = mixed(list(signature[band * rows : (band + 1) * rows]), band)
    values: list[list[int] | None] = [None] * len(shingles)
    for at, row in zip(full.arg_true(), keys.tolist(), strict=True):
        values[at] = row
    return pl.Series("bands", values, dtype=pl.List(pl.UInt64))


def _signatures(sets: pl.Series) -> Hashes:
    """(permutation, set): the least hash of each set under each permutation."""
    flat = sets.explode().to_numpy()
    starts = np.concatenate([[0], np.cumsum(sets.list.len().to_numpy())[:-1]]).astype(np.int64)
    draw = np.random.default_rng(SEED)
    factors = draw.integers(0, 2**63, PERMUTATIONS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    terms = draw.integers(0, 2**63, PERMUTATIONS, dtype=np.uint64)
    return np.stack([np.minimum.reduceat(flat * a + b, starts) for a, b in zip(factors, terms, strict=True)])


def candidates(bands: pl.Series) -> NDArray[np.int64]:
    """(n, 2) row numbers, left < right, of rows that share a band key; each pair once.

    In a bucket of more than WINDOW + 1 rows not all pairs are taken: each row meets the WINDOW rows
    after it and the LEADERS first ones, so the work grows with the rows and not with their square.
    """
    table = pl.DataFrame({"row": pl.arange(len(bands), eager=True), "key": bands}).explode("key").drop_nulls()
    table = table.filter(pl.len().over("key") > 1).sort("key", "row")
    key, row = table["key"].to_numpy(), table["row"].to_numpy().astype(np.int64)
    if not len(key):
        return np.empty((0, 2), dtype=np.int64)
    pairs = []  # each as one number: that sorts quickly
    for step in range(1, min(WINDOW, len(key) - 1) + 1):
        same = key[step:] == key[:-step]
        if not same.any():
            break
        pairs.append(np.unique(row[:-step][same] << HALF | row[step:][same]))
    first = np.searchsorted(key, key)  # where each row's bucket begins
    far = np.arange(len(key)) - first > WINDOW
    for leader in range(LEADERS):
        pairs.append(np.unique(row[first[far] + leader] << HALF | row[far]))
    found = np.unique(np.concatenate(pairs))
    return np.stack([found >> HALF, found & ((1 << HALF) - 1)], axis=1)
