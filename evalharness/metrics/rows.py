"""How a metric walks over predictions: what has no answer or no reference is null, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import polars as pl

STATISTICS = pl.List(pl.Float64)
ROWS = pl.Schema(
    {
        "example_id": pl.String(),
        "value": pl.Float64(),
        "reason": pl.String(),
        "label": pl.String(),
        "statistics": STATISTICS,
    }
)
NO_REFERENCE = "the row has no answer to compare with"


class Scored(NamedTuple):
    """One value, or the reason why there is none."""

    value: float | None
    reason: str | None = None
    label: str | None = None
    statistics: list[float] | None = None  # what a measure of the whole sums over rows (metrics/about.py)


def score_rows(predictions: pl.DataFrame, one: Callable[[Mapping[str, Any]], Scored]) -> pl.DataFrame:
    """`one` applied to each prediction that has an answer."""
    rows = []
    for row in predictions.iter_rows(named=True):
        if row["answer"] is None:
            found = Scored(None, f"no answer: {row['error'] or 'none was recorded'}")
        else:
            found = one(row)
        rows.append((row["example_id"], *found))
    return pl.DataFrame(rows, schema=ROWS, orient="row")
