"""A band index that is kept: new texts meet those of before without reading them again.

It holds the band keys of each text, sorted by band (16 keys of 8 bytes at threshold 0.8, and as much
again for whose they are), so that a new text costs one search a band.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from curate.dedup.shingling import Hashes

INDEX = pl.Schema({"band": pl.UInt8, "key": pl.UInt64, "row": pl.UInt32})


@dataclass(frozen=True)
class BandIndex:
    """Band keys of the texts so far; made by `empty`, and again by each `link_new`."""

    table: pl.DataFrame  # INDEX, sorted by band, then key, then row
    rows: int  # texts so far

    @classmethod
    def empty(cls) -> BandIndex:
        """An index of no texts."""
        return cls(pl.DataFrame(schema=INDEX), 0)


def link_new(index: BandIndex, bands: pl.Series) -> tuple[BandIndex, pl.DataFrame]:
    """The index with new texts, and the pairs (`row`, `other`) of a new text with an earlier one.

    `bands` is as `examples.sketches` gives it: List(UInt64), one list a text, null or empty where it
    says nothing; the new texts are numbered on from `index.rows`. Pairs share a band key and are still
    to be measured; each stands once, `other` < `row`. All equal keys are found, however many.
    """
    rows = pl.int_range(index.rows, index.rows + len(bands), dtype=pl.UInt32, eager=True)
    fresh = (
        pl.DataFrame({"row": rows, "key": bands})
        .with_columns(band=pl.int_ranges(pl.col("key").list.len(), dtype=pl.UInt8))
        .explode("key", "band")
        .drop_nulls("key")
        .select(list(INDEX))
        .sort("band", "key", "row")
    )
    found = [_found(index.table, fresh), _found(fresh, fresh)]
    pairs = pl.concat(found).filter(pl.col("other") < pl.col("row")).unique().sort("row", "other")
    table = pl.concat([index.table, fresh]).sort("band", "key", "row")
    return BandIndex(table, index.rows + len(bands)), pairs


def _found(old: pl.DataFrame, fresh: pl.DataFrame) -> pl.DataFrame:
    """The rows of `old` with the keys of `fresh`, band by band, by binary search."""
    parts = [pl.DataFrame(schema={"row": pl.UInt32, "other": pl.UInt32})]
    places = np.searchsorted(old["band"].to_numpy(), np.arange(65))
    for (band,), new in fresh.group_by("band", maintain_order=True):
        begin, end = places[int(band)], places[int(band) + 1]
        keys: Hashes = old["key"][begin:end].to_numpy()
        wanted = new["key"].to_numpy()
        first, last = np.searchsorted(keys, wanted), np.searchsorted(keys, wanted, side="right")
        sizes = last - first
        owner = np.repeat(np.arange(len(wanted)), sizes)
        at = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes) + first[owner] + begin
        parts.append(pl.DataFrame({"row": new["row"].gather(owner), "other": old["row"].gather(at)}))
    return pl.concat(parts)
