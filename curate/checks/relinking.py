"""The candidate pairs of a version that only has rows more than one that was linked before."""

from __future__ import annotations

import numpy as np
import polars as pl

from curate.checks.keep import ranked
from curate.dedup.bands import distinct
from curate.dedup.growing import low_bits, met_beside


def relinked(sketches: pl.DataFrame, known: int, before: pl.DataFrame) -> tuple[pl.DataFrame, int] | None:
    """(`example_id` and `other_id` as `link` of near_duplicate.py pairs them, how many texts there are).

    `before` is what it gave of the first `known` rows. None where these do not tell it: there is a crowd, a
    new row takes the place of an equal old one, or so many texts there are now that keys are told apart by
    fewer bits.
    """
    if before.filter(pl.col("example_id").is_not_null() & pl.col("other_id").is_null()).height:
        return None
    old, new = sketches.head(known), sketches[known:].filter(pl.col("key") != 0)
    fresh = _first(new)
    copies = old.filter(pl.col("key").is_in(fresh["key"].implode()))
    if copies.height:
        stay = _first(pl.concat([copies, fresh]))
        if (
            stay["example_id"]
            .is_in(fresh.filter(pl.col("key").is_in(copies["key"].implode()))["example_id"].implode())
            .any()
        ):
            return None
        fresh = fresh.filter(~pl.col("key").is_in(copies["key"].implode()))
    were = int(before["texts"].max() or 0)  # type: ignore[arg-type]
    texts = were + fresh.height
    if not were or low_bits(were) != low_bits(texts):
        return None
    said = np.flatnonzero((old["key"] != 0).to_numpy())
    met = met_beside(old["bands"].gather(said) if len(said) < known else old["bands"], fresh["bands"], texts)
    if met is None:
        return None
    # of equal old rows one takes part
    named = old[distinct(said[met.old])]
    equal = old.filter(pl.col("key").is_in(named["key"].implode()))
    part = _first(equal)["example_id"]
    order = ranked(pl.concat([equal.filter(pl.col("example_id").is_in(part.implode())), fresh]))
    rank = dict(order.select("example_id", "rank").iter_rows())
    ids, names = old["example_id"].gather(said[met.old]), fresh["example_id"]
    pairs = [
        *zip(ids, names.gather(met.new), strict=True),
        *zip(names.gather(met.left), names.gather(met.right), strict=True),
    ]
    turned = [sorted(pair, key=rank.__getitem__) for pair in pairs if pair[0] in rank]
    more = pl.DataFrame(
        {"example_id": [right for _, right in turned], "other_id": [left for left, _ in turned]},
        schema={"example_id": pl.String, "other_id": pl.String},
    )
    return pl.concat([before.drop_nulls("example_id").select(more.columns), more]), texts


def _first(rows: pl.DataFrame) -> pl.DataFrame:
    """Of rows with equal words the one that is kept before the others, in order of rank."""
    return ranked(rows).unique("key", keep="first", maintain_order=True).drop("rank")
