"""How sure a mean or a rate is: intervals, and the resampling under them. Arrays in, numbers out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Counts = NDArray[np.uint8]

RESAMPLES = 4000
CHUNK = 2_500_000  # values gathered at a time, about 20 MB
KEPT = 64_000_000  # bytes of drawn counts that are kept: 4,000 resamples of 16,000 units
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


def groups_left(groups: Codes | None, *masks: NDArray[np.bool_]) -> Codes | None:
    """The groups of the rows that each mask in turn leaves; None if no group then holds two rows."""
    if groups is None:
        return None
    for mask in masks:
        groups = groups[mask]
    return None if len(np.unique(groups)) == len(groups) else groups


def group_totals(values: Floats, groups: Codes | None) -> Floats:
    """(units, 2): the sum and the number of rows of each group; each row is a unit without groups."""
    if groups is None:
        return np.column_stack([values, np.ones(len(values))])
    sums = np.bincount(groups, weights=values)
    sizes = np.bincount(groups).astype(np.float64)
    kept = sizes > 0
    return np.column_stack([sums[kept], sizes[kept]])


def resampled_totals(units: Floats, resamples: int, seed: int) -> Floats:
    """(resamples, columns): column sums of as many units as there are, drawn with replacement.

    Where few units are distinct, counts of the distinct ones are drawn, which has the same
    distribution and costs a thousandth. Else how often each unit is drawn is kept for the next call:
    the same number of units, resamples and seed gives the same resamples for every metric and arm.
    """
    count = len(units)
    if units.shape[1] == 1:  # plain values sort quicker than rows
        values, counts = np.unique(units, return_counts=True)
        distinct = values[:, None]
    else:
        distinct, counts = np.unique(units, axis=0, return_counts=True)
    if len(distinct) * COLLAPSE <= count:
        drawn = np.random.default_rng(seed).multinomial(count, counts / count, size=resamples)
        return np.asarray(drawn @ distinct, dtype=np.float64)
    rows = max(1, CHUNK // count)
    totals = np.empty((resamples, units.shape[1]))
    if count * resamples <= KEPT:
        weights = drawn_counts(count, resamples, seed)
        for start in range(0, resamples, rows):
            totals[start : start + rows] = weights[start : start + rows].astype(np.float64) @ units
        return totals
    for start, index in _indices(count, resamples, np.random.default_rng(seed)):
        for column in range(units.shape[1]):
            totals[start : start + len(index), column] = units[:, column][index].sum(axis=1)
    return totals


_kept: dict[tuple[int, int, int], Counts] = {}


def drawn_counts(count: int, resamples: int, seed: int) -> Counts:
    """(resamples, count): how often each of `count` units is drawn in each resample. Not to be written to.

    The newest are kept, up to KEPT bytes in all: they depend on nothing but the three numbers.
    """
    key = (count, resamples, seed)
    found = _kept.pop(key, None)
    if found is None:
        found = np.empty(
            (resamples, count), dtype=np.uint8
        )  # one unit 256 times: not in the age of the world
        for start, index in _indices(count, resamples, np.random.default_rng(seed)):
            flat = index + np.arange(len(index))[:, None] * count
            part = np.bincount(flat.ravel(), minlength=flat.size)
            found[start : start + len(index)] = part.reshape(index.shape)
        found.flags.writeable = False
    while _kept and found.nbytes + sum(each.nbytes for each in _kept.values()) > KEPT:
        _kept.pop(next(iter(_kept)))
    _kept[key] = found
    return found


def _indices(count: int, resamples: int, rng: np.random.Generator) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """Units drawn with replacement, as many as there are, in blocks of rows with the first row's number."""
    rows = max(1, CHUNK // count)
    for start in range(0, resamples, rows):
        size = (min(rows, resamples - start), count)
        yield start, rng.integers(0, count, size=size, dtype=np.int32)


def resampled_means(values: Floats, groups: Codes | None, resamples: int, seed: int) -> Floats:
    """Bootstrap means of rows, or of whole groups where there are groups (they are drawn undivided)."""
    if groups is None:
        return resampled_totals(values[:, None], resamples, seed)[:, 0] / len(values)
    totals = resampled_totals(group_totals(values, groups), resamples, seed)
    return np.asarray(totals[:, 0] / totals[:, 1])


def why_no_spread(values: Floats, groups: Codes | None = None) -> str | None:
    """Why nothing can be said of the spread of these values, or None if it can."""
    if len(values) > 1 and np.all(values == values[0]):
        return f"all {len(values)} values are equal"
    return why_too_few(len(values), groups)


def why_too_few(n: int, groups: Codes | None = None) -> str | None:
    """Why `n` rows, or their groups, are too few for an interval, or None if they are not."""
    if n < 2:
        return f"{n} example{'s' * (n != 1)}: too few for an interval"
    return f"all {n} examples are of one group" if groups is not None and len(np.unique(groups)) < 2 else None


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
