"""How far people agree: raw agreement, Cohen's kappa of two, Krippendorff's alpha of any number.

Sources of the formulas: J. Cohen, "A coefficient of agreement for nominal scales" (1960); the standard
error of kappa is that of J. L. Fleiss, J. Cohen and B. S. Everitt, "Large sample standard errors of
kappa and weighted kappa" (1969). Alpha is that of K. Krippendorff, "Computing Krippendorff's
Alpha-Reliability" (2011), by its coincidence matrix; its interval resamples the units.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from curate.errors import ConfigError

Metric = Literal["nominal", "ordinal", "interval"]
METRICS: tuple[Metric, ...] = ("nominal", "ordinal", "interval")
Floats = npt.NDArray[np.float64]
Units = Sequence[Mapping[str, str]]  # for each unit (a finding, an example): who said what

RESAMPLES, SEED = 2_000, 0
WIDE = 200  # values from which units are held as lists and not as a table (free texts)
Z = 1.959963984540054  # of the normal distribution, 97.5 %


class Kappa(NamedTuple):
    """Two raters: kappa is None where chance alone would make them agree always, or nothing is shared."""

    raters: tuple[str, str]
    n: int  # units that both have rated
    agreement: float | None  # share of these on which they say the same
    kappa: float | None
    low: float | None  # 95 %
    high: float | None


class Alpha(NamedTuple):
    """Any number of raters, with gaps; alpha is None where nothing varies or no unit has two words."""

    metric: Metric
    n: int  # units with two words or more
    raters: int
    agreement: float | None  # share of all pairs of words on a unit that are the same
    alpha: float | None
    low: float | None  # 95 %, by resampling units; None for fewer than 2
    high: float | None


def kappa(units: Units, one: str, two: str) -> Kappa:
    """Cohen's kappa of two raters over the units that both have rated, with its 95 % interval."""
    pairs = [(unit[one], unit[two]) for unit in units if one in unit and two in unit]
    n = len(pairs)
    if not n:
        return Kappa((one, two), 0, None, None, None, None)
    values = sorted({value for pair in pairs for value in pair})
    place = {value: index for index, value in enumerate(values)}
    table = np.zeros((len(values), len(values)))
    np.add.at(table, tuple(np.array([[place[a], place[b]] for a, b in pairs]).T), 1 / n)
    rows, columns = table.sum(1), table.sum(0)
    observed, chance = float(np.trace(table)), float(rows @ columns)
    if math.isclose(chance, 1):
        return Kappa((one, two), n, observed, None, None, None)
    value = (observed - chance) / (1 - chance)
    error = _kappa_error(table, value, chance, n)
    return Kappa((one, two), n, observed, value, max(-1.0, value - Z * error), min(1.0, value + Z * error))


def _kappa_error(table: Floats, value: float, chance: float, n: int) -> float:
    """The standard error of a kappa that need not be 0: equation 13 of Fleiss, Cohen and Everitt."""
    rows, columns = table.sum(1), table.sum(0)
    both = rows + columns
    diagonal = float(np.sum(np.diag(table) * (1 - both * (1 - value)) ** 2))
    # row i, column j: the column's share of i with the row's share of j
    crossed = (columns[:, None] + rows[None, :]) ** 2 * table
    beside = (1 - value) ** 2 * float(crossed.sum() - np.trace(crossed))
    variance = (diagonal + beside - (value - chance * (1 - value)) ** 2) / (n * (1 - chance) ** 2)
    return math.sqrt(max(0.0, variance))


def alpha(units: Units, metric: Metric = "nominal") -> Alpha:
    """Krippendorff's alpha; units with one word alone say nothing and are left out.

    Raises ConfigError for ordinal or interval where an answer is no number.
    """
    rated = [unit for unit in units if len(unit) > 1]
    raters = len({rater for unit in rated for rater in unit})
    if not rated:
        return Alpha(metric, 0, 0, None, None, None, None)
    told = {value for unit in rated for value in unit.values()}
    values = sorted(told) if metric == "nominal" else sorted(told, key=_number)
    scale = None if metric == "nominal" else np.array([_number(value) for value in values])
    place = {value: index for index, value in enumerate(values)}
    if metric == "nominal" and len(values) > WIDE:
        return _wide(rated, place, raters)
    counts = np.zeros((len(rated), len(values)))
    for row, unit in enumerate(rated):
        for value in unit.values():
            counts[row, place[value]] += 1
    patterns, often = np.unique(counts, axis=0, return_counts=True)
    weights = often.astype(np.float64)
    size = patterns.sum(1)
    same = (patterns * (patterns - 1)).sum(1)
    agreement = float(weights @ same / (weights @ (size * (size - 1))))
    point = _alpha(patterns, weights, metric, scale)
    low, high = _interval(patterns, weights, metric, scale) if len(rated) > 1 else (None, None)
    return Alpha(metric, len(rated), raters, agreement, point, low, high)


def _wide(rated: Units, place: Mapping[str, int], raters: int) -> Alpha:
    """Nominal alpha where there are many values: the same figures, from lists instead of a table."""
    words = [(row, place[value]) for row, unit in enumerate(rated) for value in unit.values()]
    units, values = np.array(words).T
    size = np.bincount(units).astype(np.float64)
    keys, often = np.unique(units * len(place) + values, return_counts=True)
    same = np.bincount(keys // len(place), weights=often * (often - 1), minlength=len(rated))

    def point(weights: Floats) -> float | None:
        totals = np.bincount(values, weights=weights[units])
        n = float(totals.sum())
        expected = n * n - float(totals @ totals)
        observed = n - float(weights @ (same / (size - 1)))
        return None if expected <= 0 else 1 - (n - 1) * observed / expected

    draws = np.random.default_rng(SEED)
    count = len(rated)
    drawn = (np.bincount(draws.integers(0, count, count), minlength=count) for _ in range(RESAMPLES // 10))
    found = [point(weights.astype(np.float64)) for weights in drawn]
    low, high = np.quantile([1.0 if value is None else value for value in found], (0.025, 0.975))
    agreement = float(same.sum() / (size * (size - 1)).sum())
    return Alpha("nominal", count, raters, agreement, point(np.ones(count)), float(low), float(high))


def _number(value: str) -> float:
    try:
        number = float(value)
    except ValueError as error:
        raise ConfigError(f"`{value[:40]}` is no number", hint="--metric nominal compares words") from error
    if not math.isfinite(number):
        raise ConfigError(f"`{value[:40]}` is no number", hint="--metric nominal compares words")
    return number


def _alpha(patterns: Floats, weights: Floats, metric: Metric, scale: Floats | None) -> float | None:
    """Alpha of units by pattern (how often each value was given) and how often each pattern occurs."""
    size = patterns.sum(1)
    share = weights / (size - 1)
    totals = weights @ patterns
    n = float(totals.sum())
    if metric == "nominal" or scale is None:
        expected = n * n - float(totals @ totals)
        observed = n - float(share @ (patterns * (patterns - 1)).sum(1))
    else:
        coincidences = (patterns * share[:, None]).T @ patterns - np.diag(share @ patterns)
        distance = _distances(totals, metric, scale)
        expected = float(totals @ distance @ totals)
        observed = float((coincidences * distance).sum())
    return None if expected <= 0 else 1 - (n - 1) * observed / expected


def _distances(totals: Floats, metric: Metric, scale: Floats) -> Floats:
    """The squared differences of Krippendorff's metrics between all values, which are in order."""
    if metric == "interval":
        return np.asarray((scale[:, None] - scale[None, :]) ** 2)
    # ordinal: the values from one to the other, all counted whole but the two ends, which count half
    upto = np.cumsum(totals)
    middle = upto - totals / 2
    return np.asarray((middle[:, None] - middle[None, :]) ** 2)


def _interval(
    patterns: Floats, weights: Floats, metric: Metric, scale: Floats | None
) -> tuple[float | None, float | None]:
    """The middle 95 % of alpha over resampled units; a sample in which nothing varies counts as 1.

    In such a sample all agree; to leave it out would make the interval look wider than the data are.
    """
    draws = np.random.default_rng(SEED)
    total = int(weights.sum())
    found = []
    for drawn in draws.multinomial(total, weights / total, size=RESAMPLES):
        value = _alpha(patterns, drawn.astype(np.float64), metric, scale)
        found.append(1.0 if value is None else value)
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)


def pairs(units: Units) -> list[Kappa]:
    """Kappa of each two raters who have units in common, in the order of their names."""
    raters = sorted({rater for unit in units for rater in unit})
    found = (kappa(units, one, two) for one, two in combinations(raters, 2))
    return [each for each in found if each.n]
