"""The bootstrap-t test of a mean: what rare large values do to its error is resampled too.

Turning signs takes the differences as lying evenly on both sides of the margin. Where most rows gain a
little and a few lose much they do not, and a sample that has few of the losses looks surer than it is.
Dividing each resample's distance by its own standard error shows that (B. Efron and R. Tibshirani, "An
Introduction to the Bootstrap", 1993, chapter 12). Of losses that no row of the sample has, nothing can tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evalharness.intervals import KEPT, RESAMPLES, Floats, resampled_totals

FEWEST = 999  # resamples, however many rows
NOTHING = 1e-12  # a variance of this share of the sample's is rounding


def bootstrap_t(units: Floats, margins: Sequence[float], seed: int) -> list[tuple[float, float]] | None:
    """One-sided p above and below each margin of a mean; None where the units have no spread.

    `units` has the sum of differences and the number of rows of each row or group. A resample whose own
    spread is nothing counts as endlessly far away on its side, and on both where its mean is the sample's.
    """
    count = len(units)
    sums, sizes = units[:, 0], units[:, 1]
    rows = float(sizes.sum())
    mean = float(sums.sum()) / rows
    rest = sums - mean * sizes
    spread = float(rest @ rest)
    if count < 2 or spread <= NOTHING * float(sums @ sums):
        return None
    resamples = min(RESAMPLES, max(FEWEST, KEPT // count))
    columns = [rest, rest**2]
    if not np.all(sizes == sizes[0]):
        columns += [sizes, rest * sizes, sizes**2]
    totals = resampled_totals(np.column_stack(columns), resamples, seed)
    distance, squares = totals[:, 0], totals[:, 1]
    if len(columns) == 2:
        squares = squares - distance**2 / count
    else:
        shift = distance / totals[:, 2]
        squares = squares - 2 * shift * totals[:, 3] + shift**2 * totals[:, 4]
    drawn, none = _ratios(distance, squares, spread)
    found = []
    for margin in margins:
        observed = (mean - margin) * rows / np.sqrt(spread)
        slack = 1e-9 * max(1.0, abs(observed))
        more = int(np.sum((drawn >= observed - slack) | none))
        fewer = int(np.sum((drawn <= observed + slack) | none))
        found.append(((1 + more) / (1 + resamples), (1 + fewer) / (1 + resamples)))
    return found


def _ratios(distance: Floats, squares: Floats, spread: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Distances by the root of their squares, endless where those are nothing; and where both are nothing."""
    flat = squares <= NOTHING * spread
    far = np.abs(distance) > 1e-6 * np.sqrt(spread)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(flat, np.copysign(np.inf, distance), distance / np.sqrt(squares))
    return np.asarray(ratios, dtype=np.float64), np.asarray(flat & ~far)
