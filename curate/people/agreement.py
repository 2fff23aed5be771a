"""How far people agree: raw agreement, Cohen's kappa of two, Krippendorff's alpha of any number.

Sources of the formulas: J. Cohen, "A coefficient of agreement for nominal scales" (1960), who carries
the limits of the observed agreement over to kappa with chance taken as known; those limits are the
score limits of E. B. Wilson, "Probable inference" (1927), which stay open where all agree. The standard
error of kappa is that of J. L. Fleiss, J. Cohen and B. S. Everitt, "Large sample standard errors of
kappa and weighted kappa" (1969). Alpha is that of K. Krippendorff, "Computing Krippendorff's
Alpha-Reliability" (2011), by its coincidence matrix; its interval resamples the units.

An interval reaches as far as either of its two sources: the error of 1969 and the resamples are right
for many units, and far too sure of themselves for few, or where nearly all agree.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
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
NOTHING_SHARED = "no two people have judged the same thing"
NOTHING_VARIES = "all say the same, so chance cannot be told from agreement"
Z = 1.959963984540054  # of the normal distribution, 97.5 %


class Kappa(NamedTuple):
    """Two raters: kappa is None where chance alone would make them agree always, or nothing is shared."""

    raters: tuple[str, str]
    n: int  # units that both have rated
    agreement: float | None  # share of these on which they say the same
    kappa: float | None
    low: float | None  # 95 %
    high: float | None
    reason: str  # why there is no kappa, or no interval; empty where there is


class Alpha(NamedTuple):
    """Any number of raters, with gaps; alpha is None where nothing varies or no unit has two words."""

    metric: Metric
    n: int  # units with two words or more
    raters: int
    agreement: float | None  # share of all pairs of words on a unit that are the same
    alpha: float | None
    low: float | None  # 95 %
    high: float | None
    reason: str  # why there is no alpha, or no interval; empty where there is
    undefined: int  # resamples of RESAMPLES in which nothing varied, so that they have no alpha: left out


class Spread(NamedTuple):
    """What an interval of alpha is made of."""

    observed: float  # Krippendorff's, summed over all words
    expected: float
    most: float  # what `observed` would be if all words on a unit were as far apart as any two are
    units: float  # of equal weight that are worth as much


def kappa(units: Units, one: str, two: str) -> Kappa:
    """Cohen's kappa of two raters over the units that both have rated, with its 95 % interval."""
    pairs = [(unit[one], unit[two]) for unit in units if one in unit and two in unit]
    n = len(pairs)
    if not n:
        return Kappa((one, two), 0, None, None, None, None, NOTHING_SHARED)
    values = sorted({value for pair in pairs for value in pair})
    place = {value: index for index, value in enumerate(values)}
    table = np.zeros((len(values), len(values)))
    np.add.at(table, tuple(np.array([[place[a], place[b]] for a, b in pairs]).T), 1 / n)
    rows, columns = table.sum(1), table.sum(0)
    observed, chance = float(np.trace(table)), float(rows @ columns)
    if len(values) == 1:
        return Kappa((one, two), n, observed, None, None, None, NOTHING_VARIES)
    for rater, shares in ((one, rows), (two, columns)):
        if np.count_nonzero(shares) == 1:  # then kappa is 0 whatever the other one says
            return Kappa((one, two), n, observed, 0.0, None, None, f"{rater} says the same of all {n:,}")
    value = (observed - chance) / (1 - chance)
    error = Z * kappa_error(table, value, chance, n)
    low, high = ((limit - chance) / (1 - chance) for limit in _limits(observed, n))
    return Kappa(
        (one, two), n, observed, value, max(-1.0, min(low, value - error)), min(1.0, max(high, value + error)), "",
    )  # fmt: skip


def _limits(share: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % score limits of a share of n units."""
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    reach = Z * math.sqrt(max(0.0, share * (1 - share)) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def kappa_error(table: Floats, value: float, chance: float, n: int) -> float:
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
        return Alpha(metric, 0, 0, None, None, None, None, NOTHING_SHARED, 0)
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

    def spread(weights: Floats) -> Spread:
        return _spread(patterns, weights, metric, scale)

    draws = np.random.default_rng(SEED)
    total = len(rated)
    drawn = (draws.multinomial(total, weights / total).astype(np.float64) for _ in range(RESAMPLES))
    return _with_interval(metric, total, raters, agreement, spread(weights), map(spread, drawn))


def _wide(rated: Units, place: Mapping[str, int], raters: int) -> Alpha:
    """Nominal alpha where there are many values: the same figures, from lists instead of a table."""
    words = [(row, place[value]) for row, unit in enumerate(rated) for value in unit.values()]
    units, values = np.array(words).T
    size = np.bincount(units).astype(np.float64)
    keys, often = np.unique(units * len(place) + values, return_counts=True)
    same = np.bincount(keys // len(place), weights=often * (often - 1), minlength=len(rated))
    count = len(rated)

    def spread(weights: Floats) -> Spread:
        # sums of products, no dot: that would wake the threads of a matrix library for each resample
        totals = np.bincount(values, weights=weights[units])
        n = float(totals.sum())
        worth = n * n / float((weights * (size * size)).sum())
        observed = n - float((weights * (same / (size - 1))).sum())
        return Spread(observed, (n * n - float((totals * totals).sum())) / (n - 1), n, worth)

    draws = np.random.default_rng(SEED)
    drawn = (np.bincount(draws.integers(0, count, count), minlength=count) for _ in range(RESAMPLES))
    agreement = float(same.sum() / (size * (size - 1)).sum())
    found = (spread(weights.astype(np.float64)) for weights in drawn)
    return _with_interval("nominal", count, raters, agreement, spread(np.ones(count)), found)


def _number(value: str) -> float:
    try:
        number = float(value)
    except ValueError as error:
        raise ConfigError(f"`{value[:40]}` is no number", hint="--metric nominal compares words") from error
    if not math.isfinite(number):
        raise ConfigError(f"`{value[:40]}` is no number", hint="--metric nominal compares words")
    return number


def _spread(patterns: Floats, weights: Floats, metric: Metric, scale: Floats | None) -> Spread:
    """Of units by pattern (how often each value was given) and how often each pattern occurs."""
    size = patterns.sum(1)
    share = weights / (size - 1)
    totals = weights @ patterns
    n = float(totals.sum())
    worth = n * n / float(weights @ (size * size))
    if metric == "nominal" or scale is None:
        expected = n * n - float(totals @ totals)
        observed = n - float(share @ (patterns * (patterns - 1)).sum(1))
        return Spread(observed, expected / (n - 1), n, worth)
    coincidences = (patterns * share[:, None]).T @ patterns - np.diag(share @ patterns)
    distance = _distances(totals, metric, scale)
    expected = float(totals @ distance @ totals)
    observed = float((coincidences * distance).sum())
    return Spread(observed, expected / (n - 1), n * float(distance.max()), worth)


def _distances(totals: Floats, metric: Metric, scale: Floats) -> Floats:
    """The squared differences of Krippendorff's metrics between all values, which are in order."""
    if metric == "interval":
        return np.asarray((scale[:, None] - scale[None, :]) ** 2)
    # ordinal: the values from one to the other, all counted whole but the two ends, which count half
    upto = np.cumsum(totals)
    middle = upto - totals / 2
    return np.asarray((middle[:, None] - middle[None, :]) ** 2)


def _point(spread: Spread) -> float | None:
    """Alpha; None where nothing varies."""
    return 1 - spread.observed / spread.expected if spread.expected > 0 else None


def _with_interval(
    metric: Metric, n: int, raters: int, agreement: float, spread: Spread, resampled: Iterable[Spread]
) -> Alpha:
    """Alpha with the middle 95 % of the resampled ones, widened to the limits that the agreement leaves.

    Those are Wilson's for the share of the greatest disagreement, with what is expected by chance taken
    as known. A resample in which nothing varies has no alpha, and is left out.
    """
    point = _point(spread)
    if point is None:
        return Alpha(metric, n, raters, agreement, None, None, None, NOTHING_VARIES, 0)
    if n < 2:
        return Alpha(metric, n, raters, agreement, point, None, None, "n is 1", 0)
    found = [value for value in map(_point, resampled) if value is not None]
    apart, closer = reversed(_limits(spread.observed / spread.most, spread.units))
    low, high = (1 - share * spread.most / spread.expected for share in (apart, closer))
    if found:
        least, greatest = np.quantile(found, (0.025, 0.975))
        low, high = min(low, float(least)), max(high, float(greatest))
    return Alpha(metric, n, raters, agreement, point, low, min(1.0, high), "", RESAMPLES - len(found))


def pairs(units: Units) -> list[Kappa]:
    """Kappa of each two raters who have units in common, in the order of their names."""
    raters = sorted({rater for unit in units for rater in unit})
    found = (kappa(units, one, two) for one, two in combinations(raters, 2))
    return [each for each in found if each.n]
