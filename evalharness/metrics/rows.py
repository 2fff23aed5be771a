"""How a metric walks over predictions: what has no answer or no reference is null, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    rows = predictions.iter_rows(named=True)
    found = [no_answer(row["error"]) if row["answer"] is None else one(row) for row in rows]
    return table_of(predictions["example_id"].to_list(), found)


def no_answer(error: str | None) -> Scored:
    """Of a row without an answer: its reason, and no value."""
    return Scored(None, f"no answer: {error or 'none was recorded'}")


def table_of(example_ids: Sequence[str], found: Sequence[Scored]) -> pl.DataFrame:
    """What was scored, as a table."""
    columns = [list(column) for column in zip(*found, strict=True)] or [[] for _ in Scored._fields]
    return pl.DataFrame([list(example_ids), *columns], schema=ROWS)
