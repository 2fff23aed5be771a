"""Which of several alike examples stays: one order for all checks that propose to drop."""

from __future__ import annotations

import polars as pl

# The test split's copy stays, for the leak check takes the training one: together they lose neither
SPLITS = {"test": 0, "validation": 1}
POLICY = "the test split's first, then a labelled one, then the earliest"


def ranked(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, of which those to keep come first, with `rank` (0 is kept before all others).

    Needs `split` and `label`; rows that are equal in both keep their order.
    """
    order = rows.with_columns(
        pl.col("split").replace_strict(SPLITS, default=2, return_dtype=pl.Int8).alias("_split"),
        pl.col("label").is_null().alias("_unlabelled"),
    )
    order = order.sort("_split", "_unlabelled", maintain_order=True).drop("_split", "_unlabelled")
    return order.with_row_index("rank")
