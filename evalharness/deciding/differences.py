"""The fine-tune less each baseline, by each metric: how much, how sure, and what these rows could show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evalharness.deciding.compare import Pairs, labelled, rules
from evalharness.deciding.comparison import ARMS, CANDIDATE, DifferenceRow, Settings
from evalharness.deciding.needed import needed, needed_by_trial, shown, shown_by_trial
from evalharness.metrics.about import about
from evalharness.statistics.f1 import macro_f1_difference
from evalharness.statistics.intervals import groups_left
from evalharness.statistics.paired import Difference, holm, paired_difference
from evalharness.statistics.pooled import pooled_difference
from evalharness.statistics.power import detectable_effect


def difference_rows(
    pairs: Pairs,
    chosen: Settings,
    arms: Sequence[str] = ARMS,
    candidate: str = CANDIDATE,
    *,
    planned: bool = True,
) -> list[DifferenceRow]:
    """The candidate minus each baseline by each metric, with Holm over all rows.

    `planned`: with how many rows would show more, by trial where no formula fits, which takes seconds.
    """
    rows = []
    for metric in pairs.metrics:
        baselines = [arm for arm in arms if arm != candidate]
        found = {arm: difference(pairs, metric, candidate, arm, chosen) for arm in baselines}
        plans = _plans(pairs, candidate, found, chosen) if planned and metric == chosen["primary"] else {}
        rows += [_difference_row(metric, arm, each, plans.get(arm), chosen) for arm, each in found.items()]
    for row, adjusted in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = adjusted
    return rows


def difference(pairs: Pairs, metric: str, candidate: str, baseline: str, chosen: Settings) -> Difference:
    """The paired difference by one metric over the examples that both arms have a score for."""
    if metric == "macro-f1":
        kept, groups = labelled(pairs, (candidate, baseline))
        ours, theirs = ([pairs.labels[arm][i] for i in kept] for arm in (candidate, baseline))
        right = [pairs.references[i] for i in kept]
        return macro_f1_difference(right, ours, theirs, groups, rules(chosen))
    first, second = pairs.values[metric, candidate], pairs.values[metric, baseline]
    known = ~(np.isnan(first) | np.isnan(second))
    groups, kind = groups_left(pairs.groups, known), about(metric)
    if kind.formula is None:
        found = paired_difference(first[known], second[known], groups, rules(chosen))
    else:
        own, other = (pairs.sums[metric, arm][known] for arm in (candidate, baseline))
        found = pooled_difference(own, other, kind.formula, groups, rules(chosen))
    return found.turned() if kind.better == "less" else found


def _plans(
    pairs: Pairs, candidate: str, found: Mapping[str, Difference], chosen: Settings
) -> dict[str, tuple[float | None, float | None]]:
    """By baseline: the gain that these rows would show, and how many would show the one seen.

    Both by trial where the formula does not fit; the second, which takes seconds, where no baseline is as good.
    """
    metric, decided = chosen["primary"], rules(chosen)
    plain = metric == "macro-f1" or about(metric).better == "less" or about(metric).formula is not None
    ahead = all((each.mean or 0.0) > chosen["margin"] for each in found.values())
    told = {}
    for arm, each in found.items():
        told[arm] = shown(each, 1.0, decided), needed(each, decided)
        if plain or not each.n:
            continue
        first, second = pairs.values[metric, candidate], pairs.values[metric, arm]
        known = ~(np.isnan(first) | np.isnan(second))
        ours, theirs, groups = first[known], second[known], groups_left(pairs.groups, known)
        more = needed_by_trial(each, ours, theirs, groups, decided) if ahead else needed(each, decided)
        told[arm] = shown_by_trial(each, ours, theirs, groups, decided), more
    return told


def _difference_row(
    metric: str,
    baseline: str,
    found: Difference,
    reached: tuple[float | None, float | None] | None,
    chosen: Settings,
) -> DifferenceRow:
    primary = metric == chosen["primary"]
    usual = None if primary else detectable_effect(found.variance, found.n, alpha=chosen["alpha"])
    detectable, more = reached or (usual, None)
    tail = found.margin_tail if primary else None
    tested = tail or found.tail
    return DifferenceRow(
        metric=metric,
        baseline=baseline,
        difference=found.mean,
        n=found.n,
        units=found.units,
        low=found.interval.low,
        high=found.interval.high,
        lower=found.inner.low,
        upper=found.inner.high,
        p=found.p,
        p_holm=None,
        p_margin=tail.above if tail else None,
        p_below=tail.below if tail else None,
        detectable=detectable,
        rows_needed=more,
        test=tested.test if tested else None,
        reason=found.interval.reason,
    )
