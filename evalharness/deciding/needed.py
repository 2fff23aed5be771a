"""How many rows it would take to show a gain that these rows do not show."""

from __future__ import annotations

import math

from evalharness.statistics.enough import gain_to_show, units_to_show
from evalharness.statistics.intervals import Codes, Floats, group_totals, normal_quantile
from evalharness.statistics.paired import Difference, Rules, reach
from evalharness.statistics.power import POWER, detectable_effect, rows_needed
from evalharness.statistics.studentised import units_to_tell

TRIED = ("sign-flip", "exact sign-flip")  # tests that the usual formula does not fit
MANY = 600  # units: from there on what the formula says is within a tenth of what the test shows


def needed(found: Difference, rules: Rules) -> float | None:
    """By the usual formula; None where the difference is not beyond the margin."""
    return rows_needed(found.variance, (found.mean or 0.0) - rules.margin, alpha=rules.alpha)


def shown(found: Difference, lost: float, rules: Rules) -> float | None:
    """The least gain that these rows show to be above the margin 4 times out of 5; None without a spread.

    By the usual formula; and where the test asks that losses which no row shows could not undo the gain, at
    least what that takes. `lost` is what a row can lose on average. Of graded scores and groups it is a
    lower bound, which many units come near to (`shown_by_trial`).
    """
    effect = detectable_effect(found.variance, found.n, alpha=rules.alpha)
    if effect is None or found.variance is None:
        return None
    least, tail = rules.margin + effect, found.margin_tail
    if tail is None or not tail.test.startswith(TRIED):
        return least
    share = 1 - float(
        rules.alpha ** (1 / found.units)
    )  # of units that lose all, of which none need be among these
    slack = normal_quantile(POWER) * math.sqrt(found.variance / found.n)
    return max(least, rules.margin + (lost + rules.margin) * share / (1 - share) + slack)


def shown_by_trial(
    found: Difference, candidate: Floats, baseline: Floats, groups: Codes | None, rules: Rules
) -> float | None:
    """The same for the test that was made, by trial where few units make it ask more. None where no gain would do.

    `candidate` and `baseline` are the scores behind `found`.
    """
    within = reach(candidate, baseline)
    least, tail = shown(found, within[0], rules), found.margin_tail
    if least is None or tail is None or not tail.test.startswith(TRIED) or found.units > MANY:
        return least
    units = group_totals(candidate - baseline, groups)
    gain = gain_to_show(units, rules.margin, rules.alpha, within, least, rules.seed)
    return gain if math.isfinite(gain) else None


def needed_by_trial(
    found: Difference, candidate: Floats, baseline: Floats, groups: Codes | None, rules: Rules
) -> float | None:
    """Rows (not rounded), for the test that was made. None where no number of rows can be named.

    `candidate` and `baseline` are the scores behind `found`.
    """
    first, tail = needed(found, rules), found.margin_tail
    if first is None or tail is None or tail.above < rules.alpha or not tail.test.startswith(TRIED):
        return first
    if found.mean is None:
        return first
    within = reach(candidate, baseline)
    lowest = units_to_tell(found.mean - rules.margin, within[0] + rules.margin, rules.alpha)
    a_unit = found.n / found.units
    units = group_totals(candidate - baseline, groups)
    enough = units_to_show(units, rules.margin, rules.alpha, within, max(first / a_unit, lowest), rules.seed)
    return enough * a_unit if math.isfinite(enough) else None
