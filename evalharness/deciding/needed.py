"""How many rows it would take to show a gain that these rows do not show."""

from __future__ import annotations

import math

from evalharness.metrics.about import about
from evalharness.statistics.enough import units_to_show
from evalharness.statistics.intervals import Codes, Floats, group_totals
from evalharness.statistics.paired import Difference, Rules, reach
from evalharness.statistics.power import rows_needed
from evalharness.statistics.studentised import units_to_tell

TRIED = ("sign-flip", "exact sign-flip")  # tests that the usual formula does not fit


def needed(found: Difference, rules: Rules) -> float | None:
    """By the usual formula; None where the difference is not beyond the margin."""
    return rows_needed(found.variance, (found.mean or 0.0) - rules.margin, alpha=rules.alpha)


def needed_by_trial(
    found: Difference, candidate: Floats, baseline: Floats, groups: Codes | None, metric: str, rules: Rules
) -> float | None:
    """Rows (not rounded), for the test that was made. None where no number of rows can be named.

    `candidate` and `baseline` are the scores behind `found`.
    """
    first, tail = needed(found, rules), found.margin_tail
    if first is None or tail is None or tail.above < rules.alpha or not tail.test.startswith(TRIED):
        return first
    if about(metric).formula is not None or found.mean is None:
        return first
    within = reach(candidate, baseline)
    lowest = units_to_tell(found.mean - rules.margin, within[0] + rules.margin, rules.alpha)
    a_unit = found.n / found.units
    units = group_totals(candidate - baseline, groups)
    enough = units_to_show(units, rules.margin, rules.alpha, within, max(first / a_unit, lowest), rules.seed)
    return enough * a_unit if math.isfinite(enough) else None
