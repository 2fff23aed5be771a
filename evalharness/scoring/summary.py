"""A table of scores -> each arm by each metric: one figure, its interval, and what could not be scored."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import polars as pl

from evalharness.metrics.about import about, f1
from evalharness.scoring.classes import ClassRow, by_class, confusion, micro
from evalharness.statistics.f1 import macro_f1, macro_f1_interval
from evalharness.statistics.intervals import Codes, Floats, Interval, group_codes, mean_interval, no_interval
from evalharness.statistics.pooled import pooled_interval, pooled_value

ACCURACY = "accuracy"


class Mean(NamedTuple):
    """One arm by one metric: the mean of its rows or, of a measure of the whole, that measure."""

    arm: str
    metric: str
    mean: float | None
    n: int
    nulls: int
    reason: str | None  # the most frequent one
    low: float | None = None  # 95 %, of this arm alone; `seatrial compare` has the differences
    high: float | None = None
    quantiles: dict[str, float] | None = None  # p50 and p95, of times


class Labelled(NamedTuple):
    """What one arm said of rows with a label, by class."""

    arm: str
    rows: list[ClassRow]
    confusion: list[tuple[str | None, str | None, int]]  # label, what was said (null: none), how often


def means(scores: pl.DataFrame, examples: pl.DataFrame) -> list[Mean]:
    """Each arm by each metric, in the table's order, with macro-F1 and micro-F1 after accuracy."""
    groups = dict(examples.select("example_id", "group").iter_rows())
    labels = dict(examples.select("example_id", "label").iter_rows())
    rows = []
    for (arm, metric), part in scores.group_by(["arm", "metric"], maintain_order=True):
        known = part.filter(pl.col("value").is_not_null())
        missing = part.filter(pl.col("value").is_null())
        why = missing["reason"].mode().sort()[0] if missing.height else None
        codes = group_codes([groups.get(each) for each in known["example_id"]])
        counted = (known.height, missing.height, why)
        rows.append(_mean(str(arm), str(metric), known, codes, counted))
        if metric == ACCURACY and known.height:
            right = [labels[each] for each in known["example_id"]]
            rows += _f1s(str(arm), right, known["label"].to_list(), codes, counted)
    return rows


def classes(scores: pl.DataFrame, examples: pl.DataFrame) -> list[Labelled]:
    """Precision, recall, F1 and confusion of each arm, by accuracy's labels; none where there are no labels."""
    groups = dict(examples.select("example_id", "group").iter_rows())
    labels = dict(examples.select("example_id", "label").iter_rows())
    found = []
    rows = scores.filter((pl.col("metric") == ACCURACY) & pl.col("value").is_not_null())
    for (arm,), part in rows.group_by(["arm"], maintain_order=True):
        right, said = [labels[each] for each in part["example_id"]], part["label"].to_list()
        codes = group_codes([groups.get(each) for each in part["example_id"]])
        found.append(Labelled(str(arm), by_class(right, said, codes), confusion(right, said)))
    return found


def _mean(
    arm: str, metric: str, known: pl.DataFrame, groups: Codes | None, counted: tuple[int, int, str | None]
) -> Mean:
    kind = about(metric)
    if not known.height:
        return Mean(arm, metric, None, *counted)
    if kind.formula is not None:
        table = np.array(known["statistics"].to_list(), dtype=float)
        interval = pooled_interval(table, kind.formula, groups)
        return Mean(arm, metric, pooled_value(table, kind.formula), *counted, interval.low, interval.high)
    values = known["value"].to_numpy().astype(float)
    interval = mean_interval(values, groups)
    return Mean(
        arm,
        metric,
        float(values.mean()),
        *counted,
        interval.low,
        interval.high,
        _quantiles(values, kind.quantiles),
    )


def _quantiles(values: Floats, wanted: tuple[float, ...]) -> dict[str, float] | None:
    """Medians and the like, as the report has them; none is told beyond the rows there are to tell it."""
    found = {
        f"p{round(100 * share)}": float(np.quantile(values, share))
        for share in wanted
        if len(values) * (1 - share) >= 1
    }
    return found or None


def _f1s(
    arm: str, right: list[Any], said: list[Any], groups: Codes | None, counted: tuple[int, int, str | None]
) -> list[Mean]:
    whole: Interval = macro_f1_interval(right, said, groups) if len(right) > 1 else no_interval("one row")
    table = micro(right, said)
    small = pooled_interval(table, f1, groups)
    return [
        Mean(arm, "macro-f1", macro_f1(right, said), *counted, whole.low, whole.high),
        Mean(arm, "micro-f1", pooled_value(table, f1), *counted, small.low, small.high),
    ]
