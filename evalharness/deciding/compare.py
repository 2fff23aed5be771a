"""Scores of the arms on the same examples -> means, differences and slices, each with its doubt."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from curate.errors import ConfigError, GateError
from evalharness.deciding.comparison import (
    ARMS,
    METRICS,
    Limits,
    MetricRow,
    Prices,
    Settings,
)
from evalharness.deciding.sound import must_be_sound
from evalharness.metrics.about import about
from evalharness.scoring.primary import must_decide
from evalharness.statistics.f1 import macro_f1, macro_f1_interval
from evalharness.statistics.intervals import (
    RESAMPLES,
    Codes,
    Floats,
    Interval,
    group_codes,
    groups_left,
    mean_interval,
)
from evalharness.statistics.paired import Rules
from evalharness.statistics.pooled import pooled_interval, pooled_value

ALPHA = 0.05
# A gain under one point does not pay for an adapter that must be stored, served and trained again.
MARGIN = 0.01

SCORES = pl.Schema(
    {
        "example_id": pl.String,
        "arm": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
        "reason": pl.String,
        "label": pl.String,
    }
)


def usual(scores: pl.DataFrame) -> str:
    """The metric that decides where nobody says: accuracy where it is scored, else rougeL."""
    accurate = scores.filter((pl.col("metric") == "accuracy") & pl.col("value").is_not_null())
    return "accuracy" if accurate.height else "rougeL"


def settings(
    scores: pl.DataFrame,
    *,
    primary: str | None = None,
    margin: float = MARGIN,
    alpha: float = ALPHA,
    seed: int = 0,
    limits: Limits | None = None,
    prices: Prices | None = None,
    waived: Collection[str] = (),
    sided: Collection[str] = (),
) -> Settings:
    """The settings of a comparison, checked; ConfigError for a metric that nothing was scored by, or none can decide by.

    `sided` are the files among the metrics that say their better side and scale.
    """
    scored = set(scores.filter(pl.col("value").is_not_null())["metric"])
    chosen = primary or usual(scores)
    known = scored | ({"macro-f1"} if "accuracy" in scored else set())
    if chosen not in known:
        raise ConfigError(
            f"no example has a score by the metric `{chosen}`",
            hint=f"scored are: {', '.join(sorted(known)) or 'none; run seatrial score'}",
        )
    must_decide(chosen, sided)
    must_be_sound(margin, alpha, limits or {})
    found = Settings(
        primary=chosen, margin=margin, alpha=alpha, confidence=0.95, resamples=RESAMPLES, seed=seed
    )
    if limits:
        found["limits"] = limits
    if prices:
        found["prices"] = prices
    if waived:
        found["waived"] = sorted(waived)
    return found


@dataclass(frozen=True)
class Pairs:
    """The examples that all arms answered, in one order, with each arm's values (NaN: not scored)."""

    example_ids: tuple[str, ...]
    references: tuple[str | None, ...]  # labels
    groups: Codes | None
    values: Mapping[tuple[str, str], Floats]  # (metric, arm)
    labels: Mapping[str, tuple[str | None, ...]]  # arm -> predicted
    reasons: Mapping[tuple[str, str], str]  # (metric, arm) -> why values are missing
    sums: Mapping[tuple[str, str], Floats] = field(default_factory=dict)  # of measures of the whole: per row

    @property
    def metrics(self) -> list[str]:
        """The metrics, in the order in which they are shown."""
        found = {metric for metric, _ in self.values}
        if self.has_labels:
            found.add("macro-f1")
        return [m for m in METRICS if m in found] + sorted(found - set(METRICS))

    def only(self, mask: np.ndarray) -> Pairs:
        """The examples where the mask holds."""
        places = np.flatnonzero(mask)
        return Pairs(
            tuple(self.example_ids[at] for at in places),
            tuple(self.references[at] for at in places),
            groups_left(self.groups, mask),
            {key: values[mask] for key, values in self.values.items()},
            {arm: tuple(said[at] for at in places) for arm, said in self.labels.items()},
            self.reasons,
            {key: rows[mask] for key, rows in self.sums.items()},
        )

    @property
    def has_labels(self) -> bool:
        """Whether accuracy was scored, so that labels can be told."""
        return any(not np.isnan(v).all() for (metric, _), v in self.values.items() if metric == "accuracy")


def pair(scores: pl.DataFrame, examples: pl.DataFrame, arms: Sequence[str] = ARMS) -> Pairs:
    """The scores joined one to one over the arms.

    `examples` has example_id, label and group. Raises ConfigError if an arm was not scored, and
    GateError if the arms were not scored on the same examples or one was scored twice: nothing can
    then be said of the difference.
    """
    told = [
        name for name in scores["metric"].unique() if about(name).better is None
    ]  # nothing is tested by it
    rows = scores.filter(pl.col("arm").is_in(arms) & ~pl.col("metric").is_in([*told, "macro-f1"]))
    missing = [arm for arm in arms if arm not in set(rows["arm"])]
    if missing:
        raise ConfigError(
            f"no scores of the arm {' and '.join(missing)}",
            hint=f"seatrial predict --arm {missing[0]}, then seatrial score",
        )
    _must_be_alike(rows, arms)
    known = examples.select("example_id", "label", "group").unique("example_id", maintain_order=True)
    base = known.join(rows.select("example_id").unique(), on="example_id", how="semi", maintain_order="left")
    strangers = rows["example_id"].n_unique() - base.height
    if strangers:
        raise GateError(
            f"{strangers} scored examples are not in this dataset",
            hint="score the predictions of this dataset version: seatrial predict, then seatrial score",
        )
    values: dict[tuple[str, str], Floats] = {}
    reasons: dict[tuple[str, str], str] = {}
    labels: dict[str, tuple[str | None, ...]] = {}
    sums: dict[tuple[str, str], Floats] = {}
    for (metric, arm), part in rows.group_by(["metric", "arm"], maintain_order=True):
        joined = base.join(part, on="example_id", how="left", maintain_order="left", suffix="_predicted")
        key = (str(metric), str(arm))
        values[key] = joined["value"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        if about(key[0]).formula is not None:
            sums[key] = _sums(joined["statistics"])
        why = part.filter(pl.col("value").is_null())["reason"].drop_nulls()
        if len(why):
            reasons[key] = str(why.mode().sort()[0])
        if metric == "accuracy":
            labels[str(arm)] = tuple(joined["label_predicted"])
    return Pairs(
        tuple(base["example_id"]),
        tuple(base["label"]),
        group_codes(base["group"].to_list()),
        values,
        labels,
        reasons,
        sums,
    )


def _sums(statistics: pl.Series) -> Floats:
    """(rows, columns); zeros where a row was not scored, which its value says."""
    rows = statistics.to_list()
    width = max((len(row) for row in rows if row is not None), default=1)
    return np.array([row if row is not None else [0.0] * width for row in rows], dtype=float)


def _must_be_alike(rows: pl.DataFrame, arms: Sequence[str]) -> None:
    """Refuse sets that cannot be joined one to one, and say how many lack a pair and why."""
    twice = rows.group_by("metric", "arm", "example_id").len().filter(pl.col("len") > 1)
    if twice.height:
        first = twice.sort("metric", "arm", "example_id").row(0, named=True)
        raise GateError(
            f"{twice.height} scores occur twice, as {first['metric']} of {first['arm']} on {first['example_id']}",
            hint="score again from one set of predictions for each arm: seatrial score",
        )
    for (metric,), part in rows.group_by(["metric"], maintain_order=True):
        every = part["example_id"].n_unique()
        counts = {arm: part.filter(pl.col("arm") == arm).height for arm in arms}
        lacking = {arm: every - count for arm, count in counts.items() if count < every}
        if lacking:
            said = ", ".join(f"{arm} lacks {count} of {every}" for arm, count in lacking.items())
            raise GateError(
                f"the arms were not scored on the same examples by {metric}: {said}",
                hint=f"seatrial predict --arm {next(iter(lacking))}, then seatrial score: each arm answers every example",
            )


def rules(chosen: Settings) -> Rules:
    """The part of the settings that the statistics need."""
    return Rules(chosen["margin"], chosen["alpha"], chosen["confidence"], chosen["resamples"], chosen["seed"])


def metric_rows(pairs: Pairs, chosen: Settings, arms: Sequence[str] = ARMS) -> list[MetricRow]:
    """Mean, n, nulls and interval of each arm by each metric."""
    drawn = rules(chosen)
    rows = []
    for metric in pairs.metrics:
        for arm in arms:
            mean, n, interval = (
                _macro_f1(pairs, arm, drawn) if metric == "macro-f1" else _mean_of(pairs, metric, arm, drawn)
            )
            rows.append(_metric_row(metric, arm, mean, n, len(pairs.example_ids) - n, interval, pairs))
    return rows


def value_of(pairs: Pairs, metric: str, arm: str) -> float | None:
    """An arm's value by a metric over these examples; None where nothing was scored."""
    if metric == "macro-f1":
        kept, _ = labelled(pairs, (arm,))
        return macro_f1([pairs.references[i] for i in kept], [pairs.labels[arm][i] for i in kept])
    values, formula = pairs.values[metric, arm], about(metric).formula
    if formula is None:
        return mean_of(values)
    return pooled_value(pairs.sums[metric, arm][~np.isnan(values)], formula)


def _macro_f1(pairs: Pairs, arm: str, drawn: Rules) -> tuple[float | None, int, Interval]:
    kept, groups = labelled(pairs, (arm,))
    right, said = [pairs.references[i] for i in kept], [pairs.labels[arm][i] for i in kept]
    interval = macro_f1_interval(
        right, said, groups, confidence=drawn.confidence, resamples=drawn.resamples, seed=drawn.seed
    )
    return macro_f1(right, said), len(kept), interval


def _mean_of(pairs: Pairs, metric: str, arm: str, drawn: Rules) -> tuple[float | None, int, Interval]:
    values = pairs.values[metric, arm]
    known = ~np.isnan(values)
    formula = about(metric).formula
    if formula is not None:
        rows = pairs.sums[metric, arm][known]
        interval = pooled_interval(
            rows,
            formula,
            groups_left(pairs.groups, known),
            confidence=drawn.confidence,
            resamples=drawn.resamples,
            seed=drawn.seed,
        )
        return pooled_value(rows, formula), int(known.sum()), interval
    interval = mean_interval(
        values[known],
        groups_left(pairs.groups, known),
        confidence=drawn.confidence,
        resamples=drawn.resamples,
        seed=drawn.seed,
    )
    return mean_of(values), int(known.sum()), interval


def _metric_row(
    metric: str, arm: str, mean: float | None, n: int, nulls: int, interval: Interval, pairs: Pairs
) -> MetricRow:
    reason = pairs.reasons.get((metric, arm)) if not n else None
    return MetricRow(
        metric=metric,
        arm=arm,
        mean=mean,
        n=n,
        nulls=nulls,
        low=interval.low,
        high=interval.high,
        method=interval.method,
        reason=reason or interval.reason,
    )


def mean_of(values: Floats) -> float | None:
    """The mean of what was scored; None where nothing was."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def labelled(pairs: Pairs, arms: Sequence[str]) -> tuple[list[int], Codes | None]:
    """Indices of the examples whose label each of the arms could be asked for, and their groups."""
    known = np.ones(len(pairs.example_ids), dtype=bool)
    for arm in arms:
        known &= ~np.isnan(pairs.values["accuracy", arm])
    return np.flatnonzero(known).tolist(), groups_left(pairs.groups, known)
