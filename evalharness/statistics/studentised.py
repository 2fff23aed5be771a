"""The bootstrap-t test of a mean: what rare large values do to its error is resampled too.

Turning signs takes the differences as lying evenly on both sides of the margin. Where most rows gain a
little and a few lose much they do not, and a sample that has few of the losses looks surer than it is.
Dividing each resample's distance by its own standard error shows that (B. Efron and R. Tibshirani, "An
Introduction to the Bootstrap", 1993, chapter 12).

Of losses that hardly any unit of the sample has, that alone tells too little. So the test is made again with
one unit more in the population, which nobody has seen and which loses all that a score can, and the larger p
counts. Where differences are of one scale that unit changes next to nothing; where they are small beside what
one unit could lose it is the next that could come.

A sample without a single loss tells nothing of them but that they are not frequent, and how frequent they may
be depends on how many units there are (`unseen_loss`; for 3 of n units it is the "rule of three").

Where nearly all units have one value many resamples have that value alone, no spread, and stand endlessly far
away. Of small gains that is right: a loss that one unit shows may well be frequent enough to undo them. Of large
ones it is not, since no loss is so large; there the number of those that differ is asked itself (`too_few`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalharness.statistics.intervals import KEPT, RESAMPLES, Floats, resampled_totals

FEWEST = 999  # resamples, however many rows
NOTHING = 1e-12  # a variance of this share of the sample's is rounding
MOST = 1.0  # that one row can lose or gain: scores are from 0 to 1


def unseen_loss(
    units: Floats, margins: Sequence[float], reach: tuple[float, float]
) -> list[tuple[float, float]]:
    """The chance that so many units show no total loss, were such losses frequent enough to undo the gain.

    Above and below each margin; `reach` is what a row can lose and win on average. With mean m, margin d and
    loss L a share of q = (m - d) / (m + L) of units that lose all brings the mean to the margin; of n units
    none is among them with the chance (1 - q)^n. 1 where the mean is not beyond the margin.
    """
    mean = float(units[:, 0].sum() / units[:, 1].sum())
    lost, won = reach
    return [
        (_unseen(mean - margin, lost + margin, len(units)), _unseen(margin - mean, won - margin, len(units)))
        for margin in margins
    ]


def _unseen(beyond: float, lost: float, count: int) -> float:
    if beyond <= 0:
        return 1.0
    return float((1 - beyond / (beyond + lost)) ** count) if lost > 0 else 0.0


def units_to_tell(beyond: float, lost: float, alpha: float) -> float:
    """Units (not rounded) of which none shows a total loss with the chance alpha at most; see `unseen_loss`.

    `beyond` is what the mean lies above the margin, `lost` what a row can lose and the margin.
    """
    if beyond <= 0 or lost <= 0:
        return 0.0
    return float(np.log(alpha) / np.log1p(-beyond / (beyond + lost)))


def too_few(units: Floats, margins: Sequence[float], far: float) -> list[tuple[float, float]]:
    """The chance of no more units below (above) what most have, were they frequent enough to undo the gain (loss).

    Above and below each margin. Let most units have the value v, and let those beneath it lose all that can be
    lost, L, in groups as large as the largest against the mean: then they must be a share q of the units to bring
    the mean from v to the margin, and the binomial chance of so few in a sample is a p value, if a careful one.
    """
    from scipy.special import bdtr

    means, sizes = units[:, 0] / units[:, 1], units[:, 1]
    values, counts = np.unique(means, return_counts=True)
    usual = float(values[counts.argmax()])
    larger = float(sizes.max() / sizes.mean())
    slack = 1e-9 * max(1.0, far)
    seen = int(np.sum(means < usual - slack)), int(np.sum(means > usual + slack))
    found = []
    for margin in margins:
        sides = []
        for count, beyond, lost in zip(
            seen, (usual - margin, margin - usual), (far + margin, far - margin), strict=True
        ):
            share = beyond / (beyond + lost * larger) if beyond > 0 and lost > 0 else 0.0
            sides.append(float(bdtr(count, len(means), share)))
        found.append((sides[0], sides[1]))
    return found


def bootstrap_t(
    units: Floats, margins: Sequence[float], seed: int, *, most: int | None = None, unseen: bool = True
) -> list[tuple[float, float]] | None:
    """One-sided p above and below each margin of a mean; None where the units have no spread.

    `units` has the sum of differences and the number of rows of each row or group; `most` are the resamples
    at most; `unseen`: with the unit that nobody has seen, too. A resample whose own spread is nothing counts as
    endlessly far away on its side, and on both where its mean is the sample's; but all of these together count
    no more than `too_few`.
    """
    count = len(units)
    sums, sizes = units[:, 0], units[:, 1]
    rows = float(sizes.sum())
    mean = float(sums.sum()) / rows
    rest = sums - mean * sizes
    spread = float(rest @ rest)
    if count < 2 or spread <= NOTHING * float(sums @ sums):
        return None
    resamples = min(most or RESAMPLES, max(FEWEST, KEPT // count))
    drawn = _drawn(rest, sizes, resamples, seed)
    often = np.random.default_rng(seed).poisson(1.0, resamples).astype(np.float64)  # the unseen unit is drawn
    far = max(MOST, float(np.abs(sums / sizes).max()))
    size = float(sizes @ sizes) / rows  # of the group that a row stands in: the large ones are the danger
    plain = worse = better = _ratios(drawn, spread)
    if unseen:
        worse, better = (
            _ratios(_with_unseen(drawn, (loss - mean) * size, size, rows, often), spread)
            for loss in (-far, far)
        )
    endless = any(np.isinf(ratio).any() for ratio, _ in (plain, worse, better))
    few = too_few(units, margins, far) if endless else [(1.0, 1.0)] * len(margins)
    found = []
    for margin, rare in zip(margins, few, strict=True):
        observed = (mean - margin) * rows / np.sqrt(spread)
        slack = 1e-9 * max(1.0, abs(observed))
        above = max(_share(ratio >= observed - slack, ratio, none, rare[0]) for ratio, none in (plain, worse))
        below = max(
            _share(ratio <= observed + slack, ratio, none, rare[1]) for ratio, none in (plain, better)
        )
        found.append((above, below))
    return found


def _share(beyond: NDArray[np.bool_], ratio: Floats, none: NDArray[np.bool_], rare: float) -> float:
    """The share of resamples that are as far or farther; of those without a spread `rare` at most."""
    every = (1 + np.count_nonzero(beyond | none)) / (1 + len(ratio))
    if rare >= every:
        return every
    spread = (1 + np.count_nonzero(beyond & np.isfinite(ratio))) / (1 + len(ratio))
    return min(every, max(spread, rare))


def upper_bound(units: Floats, alpha: float, seed: int) -> float | None:
    """The largest mean that the units do not rule out at alpha, one-sided, by bootstrap-t; None without spread.

    It is the observed mean less the alpha quantile of the resampled distances times its standard error.
    Where more than alpha of the resamples have no spread of their own, as where one unit alone differs, it
    is what the highest unit has.
    """
    sums, sizes = units[:, 0], units[:, 1]
    rows = float(sizes.sum())
    mean = float(sums.sum()) / rows
    rest = sums - mean * sizes
    spread = float(rest @ rest)
    if len(units) < 2 or spread <= NOTHING * float(sums @ sums):
        return None
    ratios, _ = _ratios(_drawn(rest, sizes, RESAMPLES, seed), spread)
    lowest = float(np.quantile(ratios, alpha, method="lower"))
    if not np.isfinite(lowest):
        return float((sums / sizes).max())
    return mean - lowest * float(np.sqrt(spread)) / rows


class _Sums(NamedTuple):
    """Sums over each resample's units; what is called rest is a unit's sum less the mean for each of its rows."""

    rest: Floats
    squares: Floats  # of the rest
    sizes: Floats
    crossed: Floats  # rest by size
    sizes_squared: Floats


def _drawn(rest: Floats, sizes: Floats, resamples: int, seed: int) -> _Sums:
    """Units of one size need two columns and not five."""
    count, size = len(rest), float(sizes[0])
    if np.all(sizes == size):
        totals = resampled_totals(np.column_stack([rest, rest**2]), resamples, seed)
        whole = np.full(resamples, count * size)
        return _Sums(totals[:, 0], totals[:, 1], whole, size * totals[:, 0], size * whole)
    columns = np.column_stack([rest, rest**2, sizes, rest * sizes, sizes**2])
    return _Sums(*resampled_totals(columns, resamples, seed).T)


def _with_unseen(drawn: _Sums, apart: float, size: float, rows: float, often: Floats) -> _Sums:
    """The same resamples with a further unit, drawn so often, whose sum is `apart` from the mean's; centred anew.

    Each unit is drawn once in the mean, and so is this one.
    """
    shift = -apart / (rows + size)  # of the mean, turned round: what each row's rest gains by it
    own = apart + shift * size
    return _Sums(
        drawn.rest + shift * drawn.sizes + often * own,
        drawn.squares + 2 * shift * drawn.crossed + shift**2 * drawn.sizes_squared + often * own**2,
        drawn.sizes + often * size,
        drawn.crossed + shift * drawn.sizes_squared + often * own * size,
        drawn.sizes_squared + often * size**2,
    )


def _ratios(drawn: _Sums, spread: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Distances by the root of their squares, endless where those are nothing; and where both are nothing."""
    shift = drawn.rest / drawn.sizes
    squares = drawn.squares - 2 * shift * drawn.crossed + shift**2 * drawn.sizes_squared
    flat = squares <= NOTHING * spread
    far = np.abs(drawn.rest) > 1e-6 * np.sqrt(spread)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(flat, np.copysign(np.inf, drawn.rest), drawn.rest / np.sqrt(squares))
    return np.asarray(ratios, dtype=np.float64), np.asarray(flat & ~far)
