"""Measures of a whole that are no mean of rows (BLEU, chrF, perplexity, a ratio of sums).

Each row gives a few numbers; the measure is a formula of their sums. So resamples cost sums of rows and
not the measure anew: value, interval and paired difference come out of one matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evalharness.statistics.intervals import (
    CHUNK,
    RESAMPLES,
    Codes,
    Floats,
    Interval,
    no_interval,
    resampled_totals,
    why_too_few,
)
from evalharness.statistics.paired import (
    ALL_FLIPS,
    FLIPS,
    STANDARD,
    Difference,
    Rules,
    Tail,
    percentile_interval,
)

Formula = Callable[[Floats], Floats]  # (several, columns) sums over rows -> the measure of each; NaN: none
EQUAL = "every resample gives the same value"
SLACK = 1e-9  # equal differences in another order of sums differ by rounding


def pooled_value(rows: Floats, formula: Formula) -> float | None:
    """The measure of all rows together; None where the formula has none for their sums."""
    if not len(rows):
        return None
    value = float(formula(rows.sum(axis=0, keepdims=True))[0])
    return value if np.isfinite(value) else None


def pooled_interval(
    rows: Floats,
    formula: Formula,
    groups: Codes | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap interval of the measure, by whole groups where `groups` is given."""
    reason = why_too_few(len(rows), groups)
    if reason:
        return no_interval(reason)
    draws = formula(resampled_totals(_units(rows, groups), resamples, seed))
    reason = _why_not(draws, EQUAL)
    if reason:
        return no_interval(reason)
    return percentile_interval(draws, confidence, "bootstrap" if groups is None else "group bootstrap")


def pooled_difference(
    candidate: Floats,
    baseline: Floats,
    formula: Formula,
    groups: Codes | None = None,
    rules: Rules = STANDARD,
) -> Difference:
    """Candidate's measure minus the baseline's, with paired bootstrap interval and one-sided p.

    p is the larger of two: the share of resamples on the wrong side, and the swap test's (approximate
    randomisation; S. Riezler and J. Maxwell, "On some pitfalls in automatic evaluation and significance
    testing for MT", 2005). Both arrays hold the same examples in the same order.
    """
    n, columns = candidate.shape
    units = _units(np.hstack([candidate, baseline]), groups)
    both = [pooled_value(rows, formula) for rows in (candidate, baseline)]
    mean = None if both[0] is None or both[1] is None else both[0] - both[1]
    reason = why_too_few(n, groups)
    if mean is None:
        reason = reason or "the measure has no value on these rows"
    if reason or mean is None:
        none = no_interval(reason or "")
        return Difference(n, len(units), mean, none, none, None, None, None)
    totals = resampled_totals(units, rules.resamples, rules.seed)
    draws = formula(totals[:, :columns]) - formula(totals[:, columns:])
    reason = _why_not(draws, "every resample gives the same difference")
    if reason:
        none = no_interval(reason)
        same = Tail(1.0, 1.0, "swap test, exact") if np.array_equal(candidate, baseline) else None
        return Difference(n, len(units), mean, none, none, same, same, None)
    swapped = exchanged(units[:, :columns], units[:, columns:], formula, rules.seed)
    tail, margin_tail = (both_ways(draws, swapped, mean, at) for at in (0.0, rules.margin))
    method = "paired bootstrap" if groups is None else "paired group bootstrap"
    levels = (rules.confidence, 1 - 2 * rules.alpha)
    wide, inner = (percentile_interval(draws, level, method) for level in levels)
    return Difference(n, len(units), mean, wide, inner, tail, margin_tail, float(draws.var(ddof=1)) * n)


@dataclass(frozen=True)
class Swapped:
    """Differences of a measure where the systems' answers were exchanged in some units."""

    differences: Floats
    exact: bool  # each pattern once; else drawn ones
    least: float  # share of one pattern among all of the units: no test that turns them can give less


def both_ways(draws: Floats, swapped: Swapped, observed: float, margin: float) -> Tail:
    """Both ways against the margin: the larger p of bootstrap and swap test.

    Exchanging shows how the difference spreads if there is none; for a margin that spread is laid around it.
    """
    more = 0 if swapped.exact else 1  # the observed counts as one of the drawn
    count = more + len(swapped.differences)
    distance = observed - margin
    ways = []
    for wrong, far in (
        (draws <= margin, swapped.differences >= distance - SLACK),
        (draws >= margin, swapped.differences <= distance + SLACK),
    ):
        bootstrap = (1 + int(np.sum(wrong))) / (1 + len(draws))
        ways.append(max(bootstrap, (more + int(np.sum(far))) / count, swapped.least))
    return Tail(ways[0], ways[1], "paired bootstrap and swap test" + (", exact" if swapped.exact else ""))


def _units(rows: Floats, groups: Codes | None) -> Floats:
    """Sums by group, or the rows."""
    if groups is None:
        return rows
    codes = np.unique(groups, return_inverse=True)[1]
    sums = np.zeros((int(codes.max()) + 1, rows.shape[1]))
    np.add.at(sums, codes, rows)
    return sums


def _why_not(draws: Floats, equal: str) -> str | None:
    lost = int(np.sum(~np.isfinite(draws)))
    if lost:
        return f"{lost:,} of {len(draws):,} resamples have no value"
    return equal if np.all(draws == draws[0]) else None


def exchanged(candidate: Floats, baseline: Floats, formula: Formula, seed: int) -> Swapped:
    """All or many ways to exchange the two systems' units; units that say the same cannot change sides."""
    change = baseline - candidate
    moving = np.any(change != 0, axis=1)
    least = 2.0 ** -len(change)
    ours, theirs, change = candidate.sum(axis=0), baseline.sum(axis=0), change[moving]
    exact = len(change) <= ALL_FLIPS
    total = 2 ** len(change) if exact else FLIPS
    rng = np.random.default_rng(seed)
    found = []
    step = max(1, CHUNK // max(1, len(change)))
    for start in range(0, total, step):
        size = min(step, total - start)
        if exact:
            turned = ((np.arange(start, start + size)[:, None] >> np.arange(len(change))) & 1).astype(float)
        else:
            octets = -(-len(change) // 8)
            drawn = np.frombuffer(rng.bytes(size * octets), dtype=np.uint8).reshape(size, octets)
            turned = np.unpackbits(drawn, axis=1, count=len(change)).astype(float)
        moved = turned @ change
        found.append(formula(ours + moved) - formula(theirs - moved))
    return Swapped(np.concatenate(found), exact, least)
