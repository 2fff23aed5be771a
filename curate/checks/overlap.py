"""All pairs of shingle sets that overlap enough, by exact prefix join: none is missed.

Two sets that share a given part of their shingles must share one of the few rarest of each. So only
those are joined, and every pair that meets there is counted exactly.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

CHUNK = 4_000_000  # meetings taken at a time, so that memory stays bounded
FOUND = pl.Schema({"left": pl.UInt32, "right": pl.UInt32, "score": pl.Float64})


def similar(left: pl.Series, right: pl.Series, threshold: float) -> pl.DataFrame:
    """FOUND: row numbers with Jaccard of at least `threshold`. Both are List(UInt64), sorted, distinct."""
    sides = _rare_first(left, right)
    prefixes = [_prefix(side, threshold) for side in sides]
    sizes = [series.list.len().to_numpy() for series in (left, right)]
    sets = _Sets(left), _Sets(right)
    rows = []
    for pairs in _meetings(*prefixes):
        for i, j in pairs.tolist():
            small, large = sorted((int(sizes[0][i]), int(sizes[1][j])))
            if small < threshold * large:
                continue
            shared = len(sets[0][i] & sets[1][j])
            score = shared / (small + large - shared)
            if score >= threshold:
                rows.append((i, j, score))
    return pl.DataFrame(rows, schema=FOUND, orient="row")


def contained(short: pl.Series, long: pl.Series, threshold: float) -> pl.DataFrame:
    """FOUND: where at least `threshold` of the shingles of `left` (in short) stand in `right` (in long)."""
    parts, wholes = _rare_first(short, long)
    needles, hay = _Sets(short), _Sets(long)
    rows = []
    for pairs in _meetings(_prefix(parts, threshold), wholes):
        for i, j in pairs.tolist():
            score = len(needles[i] & hay[j]) / len(needles[i])
            if score >= threshold:
                rows.append((i, j, score))
    return pl.DataFrame(rows, schema=FOUND, orient="row")


class _Sets(dict[int, frozenset[int]]):
    """The sets of a List series as Python sets, each made when first asked for."""

    def __init__(self, series: pl.Series) -> None:
        super().__init__()
        self.series = series

    def __missing__(self, row: int) -> frozenset[int]:
        made = self[row] = frozenset(self.series[row].to_list())
        return made


def _rare_first(left: pl.Series, right: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each side as (row, shingle, place), a row's rarest shingle at place 0."""
    sides = [
        pl.DataFrame({"row": pl.arange(len(series), eager=True, dtype=pl.UInt32), "shingle": series})
        .explode("shingle")
        .drop_nulls()
        for series in (left, right)
    ]
    counts = pl.concat(sides).group_by("shingle").len("count")
    ordered = [
        side.join(counts, on="shingle")
        .sort("row", "count", "shingle")
        .with_columns(place=pl.int_range(pl.len()).over("row"), size=pl.len().over("row"))
        for side in sides
    ]
    return ordered[0], ordered[1]


def _prefix(side: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """The rarest shingles of each row, so many that a pair over the threshold shares one of them."""
    needed = (pl.col("size") * threshold - 1e-9).ceil()
    return side.filter(pl.col("place") <= pl.col("size") - needed)


def _meetings(
    left: pl.DataFrame, right: pl.DataFrame
) -> Iterator[np.ndarray[tuple[int, int], np.dtype[np.int64]]]:
    """(n, 2) row numbers that share a shingle of both tables, some rows of `left` at a time."""
    postings = right.group_by("shingle").len("postings")
    load = (
        left.join(postings, on="shingle")
        .group_by("row")
        .agg(pl.col("postings").sum())
        .sort("row")
        .with_columns(part=pl.col("postings").cum_sum() // CHUNK)
    )
    for part in load.partition_by("part", maintain_order=True):
        some = left.filter(pl.col("row").is_in(part["row"].implode()))
        met = some.join(right, on="shingle", suffix="_right").select("row", "row_right").unique()
        yield met.sort("row", "row_right").to_numpy().astype(np.int64)
