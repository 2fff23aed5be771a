"""How sure a mean or a rate is: intervals, and the resampling under them. Arrays in, numbers out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

RESAMPLES = 4000
CHUNK = 2_500_000  # values gathered at a time, about 20 MB
COLLAPSE = 8  # drawing counts of distinct values pays when a value stands for this many


@dataclass(frozen=True)
class Interval:
    """`low` and `high` with the method that made them; both None with a `reason` if there is none."""

    low: float | None
    high: float | None
    method: str
    reason: str | None = None


def no_interval(reason: str) -> Interval:
    """The interval that cannot be had, and why."""
    return Interval(None, None, "none", reason)


def normal_quantile(probability: float) -> float:
    """The standard normal's quantile."""
    return NormalDist().inv_cdf(probability)


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a rate, without continuity correction; safe for few rows and for 0 or n of n."""
    if n < 1:
        return no_interval("no example")
    return _wilson(successes / n, n, confidence, "wilson")


def _wilson(rate: float, n: float, confidence: float, method: str) -> Interval:
    z = normal_quantile(0.5 + confidence / 2)
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    low = 0.0 if rate == 0 else centre - half
    high = 1.0 if rate == 1 else centre + half
    return Interval(low, high, method)


def wilson_of_scores(values: Floats, groups: Codes | None = None, confidence: float = 0.95) -> Interval:
    """Wilson's interval of the mean of scores in 0 to 1, such as preferences with ties as a half.

    A score between 0 and 1 varies less than 0 and 1 themselves, so ties make it wide rather than narrow.
    With groups, n is divided by the design effect, never below 1 (N. Dean and M. Pagano, "Evaluating
    confidence interval methods for binomial proportions in clustered surveys", 2015); where all values
    are 0 or all are 1, which tells no spread, n is the number of groups.
    """
    n = len(values)
    if n < 1:
        return no_interval("no example")
    rate = float(values.mean())
    if groups is None:
        return _wilson(rate, n, confidence, "wilson")
    totals = group_totals(values, groups)
    units = len(totals)
    if units < 2:
        return no_interval(f"all {n} examples are of one group")
    if rate in (0.0, 1.0):
        return _wilson(rate, units, confidence, "wilson over groups")
    spread = float(((totals[:, 0] - rate * totals[:, 1]) ** 2).sum()) / n**2 * units / (units - 1)
    effect = max(1.0, spread / (rate * (1 - rate) / n))
    return _wilson(rate, n / effect, confidence, "wilson, clustered")


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """The exact interval of a rate: covers at least `confidence`, and is wider than Wilson's."""
    from scipy.special import betaincinv

    if n < 1:
        return no_interval("no example")
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - tail))
    return Interval(low, high, "clopper-pearson")


def group_codes(groups: Sequence[str | None]) -> Codes | None:
    """A number for each row's group; a null group is a group of its own. None if no group holds two rows."""
    codes: dict[object, int] = {}
    numbers = [
        codes.setdefault((row,) if group is None else group, len(codes)) for row, group in enumerate(groups)
    ]
    return None if len(codes) == len(numbers) else np.array(numbers, dtype=np.int64)


def group_totals(values: Floats, groups: Codes | None) -> Floats:
    """(units, 2): the sum and the number of rows of each group; each row is a unit without groups."""
    if groups is None:
        return np.column_stack([values, np.ones(len(values))])
    sums = np.bincount(groups, weights=values)
    sizes = np.bincount(groups).astype(np.float64)
    kept = sizes > 0
    return np.column_stack([sums[kept], sizes[kept]])


def resampled_totals(units: Floats, resamples: int, rng: np.random.Generator) -> Floats:
    """(resamples, columns): column sums of as many units as there are, drawn with replacement.

    Where few units are distinct, counts of the distinct ones are drawn, which has the same
    distribution and costs a thousandth; else indices, in chunks, so that memory stays bounded.
    """
    count = len(units)
    distinct, counts = np.unique(units, axis=0, return_counts=True)
    if len(distinct) * COLLAPSE <= count:
        drawn = rng.multinomial(count, counts / count, size=resamples)
        return np.asarray(drawn @ distinct, dtype=np.float64)
    rows = max(1, CHUNK // count)
    totals = np.empty((resamples, units.shape[1]))
    for start in range(0, resamples, rows):
        stop = min(start + rows, resamples)
        index = rng.integers(0, count, size=(stop - start, count), dtype=np.int32)
        for column in range(units.shape[1]):
            totals[start:stop, column] = units[:, column][index].sum(axis=1)
    return totals


def resampled_means(values: Floats, groups: Codes | None, resamples: int, seed: int) -> Floats:
    """Bootstrap means of rows, or of whole groups where there are groups (they are drawn undivided)."""
    rng = np.random.default_rng(seed)
    if groups is None:
        return resampled_totals(values[:, None], resamples, rng)[:, 0] / len(values)
    totals = resampled_totals(group_totals(values, groups), resamples, rng)
    return np.asarray(totals[:, 0] / totals[:, 1])


def why_no_spread(values: Floats, groups: Codes | None = None) -> str | None:
    """Why nothing can be said of the spread of these values, or None if it can."""
    if len(values) < 2:
        return f"{len(values)} example{'s' * (len(values) != 1)}: too few for an interval"
    if np.all(values == values[0]):
        return f"all {len(values)} values are equal"
    if groups is not None and len(np.unique(groups)) < 2:
        return f"all {len(values)} examples are of one group"
    return None


def bootstrap_mean(
    values: Floats,
    groups: Codes | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap interval of the mean; by whole groups where `groups` is given.

    `values` hold no NaN. None with a reason for fewer than two values, equal values or one group.
    """
    reason = why_no_spread(values, groups)
    if reason:
        return no_interval(reason)
    means = resampled_means(values, groups, resamples, seed)
    low, high = np.quantile(means, ((1 - confidence) / 2, (1 + confidence) / 2))
    return Interval(float(low), float(high), "bootstrap" if groups is None else "group bootstrap")


def mean_interval(
    values: Floats,
    groups: Codes | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """The interval to print beside a mean: Wilson's for 0 and 1 values, else the bootstrap.

    With groups it is the group bootstrap; where all rows of a 0/1 metric are equal, which no
    resampling can tell from certainty, it is Wilson's over the number of groups.
    """
    binary = len(values) > 0 and bool(np.all((values == 0) | (values == 1)))
    if binary and groups is None:
        return wilson(int(values.sum()), len(values), confidence)
    if binary and groups is not None and bool(np.all(values == values[0])):
        units = len(np.unique(groups))
        return replace(wilson(units * int(values[0]), units, confidence), method="wilson over groups")
    return bootstrap_mean(values, groups, confidence=confidence, resamples=resamples, seed=seed)
