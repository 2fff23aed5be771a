"""The comparison turned the way the tables show it: a metric a row, an arm a column."""

from __future__ import annotations

from dataclasses import dataclass

from evalharness.comparison import Comparison, MetricRow

HOLM_MARK = "▲"


@dataclass(frozen=True)
class Cell:
    """One arm's figure by one metric; `mark` where the candidate is better than it, by Holm."""

    arm: str
    row: MetricRow
    mark: str


@dataclass(frozen=True)
class MetricLine:
    """One metric with the figure of each arm."""

    metric: str
    primary: bool
    n: str  # one number, or lowest to highest
    nulls: int  # the most that any arm lacks
    cells: list[Cell]


def metric_lines(comparison: Comparison) -> list[MetricLine]:
    """A line for each metric that some arm has a figure for."""
    better = {
        (row["metric"], row["baseline"])
        for row in comparison["differences"]
        if row["p_holm"] is not None and row["p_holm"] < comparison["settings"]["alpha"]
    }
    lines = []
    for metric in dict.fromkeys(row["metric"] for row in comparison["metrics"]):
        rows = [row for row in comparison["metrics"] if row["metric"] == metric]
        if all(row["mean"] is None for row in rows):
            continue
        low, high = min(row["n"] for row in rows), max(row["n"] for row in rows)
        lines.append(
            MetricLine(
                metric=metric,
                primary=metric == comparison["settings"]["primary"],
                n=str(high) if low == high else f"{low} to {high}",
                nulls=max(row["nulls"] for row in rows),
                cells=[
                    Cell(row["arm"], row, HOLM_MARK if (metric, row["arm"]) in better else "") for row in rows
                ],
            )
        )
    return lines


def right_word(value: float | None, primary: str) -> str:
    """How one answer did, in words: right, wrong, a score, or not scored."""
    if value is None:
        return "not scored"
    if primary in ("accuracy", "macro-f1", "exact-match", "format"):
        return "right" if value == 1 else "wrong"
    return f"{primary} {value:.2f}"
