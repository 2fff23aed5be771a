"""How many rows would show a gain, and what gain so many would show, by trying.

What is tried is the verdict's own test, on rows drawn from those that are there.

The usual formula goes by the spread alone (`power.rows_needed`). It fits right-or-wrong rows. Of graded scores
and of groups the test asks more, of losses that few rows have or none, and the formula then names far too few.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from itertools import accumulate

import numpy as np

from evalharness.statistics.intervals import Floats
from evalharness.statistics.paired import unit_tails
from evalharness.statistics.power import POWER

TRIALS = 120  # for a standard error of the power of .04
RESAMPLES = 499
MOST = 3_000  # units; the formula is near from there on, and trying takes long
NEAR = 1.1  # two numbers this near are one
STEPS = 25  # of a tenth: to ten times the first guess


def units_to_show(
    units: Floats, margin: float, alpha: float, within: tuple[float, float], first: float, seed: int
) -> float:
    """Rows or groups (not rounded) of which 4 samples in 5 show the gain; `first` is a lower guess.

    `units` are sums of differences and numbers of rows, as the observed ones came. Not below `first`;
    where that is above MOST it is taken as it is; infinite where MOST units would not do.
    """
    if first >= MOST:
        return first
    low, high = 0.0, max(2.0, first)
    while _power(units, math.ceil(high), margin, alpha, within, seed) < POWER:
        if high >= MOST:
            return math.inf
        low, high = high, min(high * 1.6, MOST)
    if not low:
        return high
    while high / low > NEAR:
        middle = math.sqrt(low * high)
        enough = _power(units, math.ceil(middle), margin, alpha, within, seed) >= POWER
        low, high = (low, middle) if enough else (middle, high)
    return high


def gain_to_show(
    units: Floats, margin: float, alpha: float, within: tuple[float, float], first: float, seed: int
) -> float:
    """The least true gain (within a tenth of what is beyond the margin) that 4 samples in 5 of so many units show.

    `units` as for `units_to_show`: their differences are all moved by as much as makes the mean the gain. Not
    below `first`, which is beyond the margin; infinite where even many times that is not shown, as of four units
    whose signs alone could have fallen so by chance.
    """
    sums, sizes = units[:, 0], units[:, 1]
    rest = sums - float(sums.sum() / sizes.sum()) * sizes
    gains = list(accumulate(range(STEPS - 1), lambda beyond, _: beyond * NEAR, initial=first - margin))

    def shown(beyond: float) -> bool:
        moved = np.column_stack([rest + (margin + beyond) * sizes, sizes])
        return _power(moved, len(units), margin, alpha, within, seed) >= POWER

    # what a gain shows a larger one does: the largest tells whether any is to be looked for, and then halves do
    if not shown(gains[-1]):
        return math.inf
    return margin + gains[bisect_left(gains, True, hi=STEPS - 1, key=shown)]


def _power(
    units: Floats, count: int, margin: float, alpha: float, within: tuple[float, float], seed: int
) -> float:
    """The share of samples of so many units that show it. One that cannot any more reach POWER ends early."""
    rng = np.random.default_rng([seed, count])
    shown = 0
    for trial in range(TRIALS):
        drawn = units[rng.integers(0, len(units), count)]
        # one seed: draws of one size are kept, and it is the rows that differ from trial to trial
        tails = unit_tails(drawn, (0.0, margin), seed, within, RESAMPLES)
        shown += max(tail.above for tail in tails) < alpha
        missed = trial + 1 - shown
        if missed > TRIALS * (1 - POWER):
            return 0.0
        if shown >= TRIALS * POWER:
            return 1.0
    return shown / TRIALS
