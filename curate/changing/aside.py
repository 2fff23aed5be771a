"""Which rows of a version have to do with held rows of another one. Pure."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl

from curate.dividing.split import components


def bound_to(examples: pl.DataFrame, links: pl.DataFrame, held: Collection[str]) -> pl.Series:
    """For each example, whether it is one of `held` or hangs together with one of them.

    Rows hang together by chains of `links` (LINKS) and of groups. `held` are example ids; ids that are
    no row here bind nothing.
    """
    ids = examples["example_id"].to_list()
    grouped = examples.select("example_id", "group").drop_nulls("group")
    mates = grouped.select("example_id", other_id=pl.col("example_id").min().over("group"))
    parts = components(ids, [links.select("example_id", "other_id"), mates])
    marked = np.zeros(int(parts.max(initial=-1)) + 1, dtype=bool)
    marked[parts[np.isin(np.asarray(ids), list(held))]] = True
    return pl.Series("bound", marked[parts])
