"""Which row of a question says the usual, which say something else, and which of two rows is the odd one."""

from __future__ import annotations

import numpy as np
import polars as pl

PAIRS = pl.Schema({"example_id": pl.String, "other_id": pl.String, "cosine": pl.Float64})


def questions_of(sketches: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """PAIRS of the odd rows of each question with its usual one; and the usual ones, with their `votes`.

    `sketches` have `key` and, beside what else they have, `label` and `says`; a label has the votes of all its
    rows, whatever they answer, and the order of the rows decides a tie.
    """
    of_label = pl.when(pl.col("label").is_not_null()).then(pl.len().over("key", "label"))
    counted = sketches.with_row_index("at").with_columns(own=pl.len().over("key", "says"))
    votes = (
        counted.with_columns(votes=pl.coalesce(of_label, "own"))
        .group_by("key", "says")
        .agg(pl.col("votes", "own", "at").min())
    )
    usual = votes.sort("votes", "own", "at", descending=[True, True, False]).unique(
        "key", keep="first", maintain_order=True
    )
    usual = usual.sort("at")
    heads = sketches[usual["at"].to_list()].with_columns(usual["votes"])
    keeper = heads.select("key", usual_says="says", other_id="example_id")
    odd = sketches.join(keeper, on="key", maintain_order="left").filter(
        pl.col("says") != pl.col("usual_says")
    )
    return odd.select("example_id", "other_id", cosine=pl.lit(None, dtype=pl.Float64)), heads


def once(pairs: pl.DataFrame) -> pl.DataFrame:
    """Each of the PAIRS once, with the highest cosine."""
    return pairs.group_by("example_id", "other_id", maintain_order=True).agg(pl.col("cosine").max())


def ordered(
    heads: pl.DataFrame,
    left: np.ndarray[tuple[int], np.dtype[np.int64]],
    right: np.ndarray[tuple[int], np.dtype[np.int64]],
    cosine: np.ndarray[tuple[int], np.dtype[np.float32]] | None,
) -> pl.DataFrame:
    """Pairs that say different things under one system prompt; the one with fewer votes, or the later, first.

    `left` and `right` are row numbers of `heads`, the former the lower.
    """
    one, two = heads[left], heads[right]
    swap = one["votes"] < two["votes"]
    pairs = pl.DataFrame(
        {
            "example_id": two["example_id"].zip_with(~swap, one["example_id"]),
            "other_id": one["example_id"].zip_with(~swap, two["example_id"]),
            "cosine": [None] * one.height if cosine is None else cosine.astype(np.float64),
        },
        schema=PAIRS,
    )
    return pairs.filter((one["says"] != two["says"]) & (one["system"] == two["system"]))
