"""A judge's win rate corrected by people's ratings of some of the same pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from evalharness.statistics.intervals import Codes, Floats, no_interval

FEWEST = 10  # rated pairs


class Corrected(NamedTuple):
    """The rate that people would give if they rated all pairs."""

    rate: float | None
    error: float | None
    low: float | None  # 95 %
    high: float | None
    weight: float | None  # from 0 (the judge tells nothing) to 1 (it counts fully)
    labelled: int
    others: int  # pairs that the judge alone has seen
    lean: float | None  # on the rated pairs: the judge's mean less people's; above 0 it favours the candidate
    reason: str  # why there is none; empty where there is


def corrected_rate(
    judged: Sequence[float], people: Sequence[float | None], groups: Codes | None = None
) -> Corrected:
    """Prediction-powered mean of people's word over all judged pairs (PPI++).

    mean of people's - w (mean of the judge's on the same pairs - mean of the judge's on the others), with
    the w that makes its variance least (A. Angelopoulos, J. Duchi and T. Zrnic, "PPI++", 2023): unbiased
    however wrong the judge is, if the rated pairs are a random sample; with a useless judge it is people's
    own mean. The error is by whole groups where there are groups, the interval by Student's t.
    """
    f = np.asarray(judged, dtype=float)
    rated = np.array([value is not None for value in people], dtype=bool)
    y = np.array([value for value in people if value is not None], dtype=float)
    n, more = len(y), int(np.sum(~rated))
    if n < FEWEST:
        why = f"{n} pairs rated by people: too few to correct by"
        return Corrected(None, None, None, None, None, n, more, None, why)
    weight = _weight(y, f[rated], f[~rated])
    parts = np.zeros(len(f))  # what each pair adds to the estimate's error
    parts[rated] = (y - y.mean() - weight * (f[rated] - f[rated].mean())) / math.sqrt(n * (n - 1))
    rate, lean = float(y.mean()), float(f[rated].mean() - y.mean())
    if more > 1:
        parts[~rated] = weight * (f[~rated] - f[~rated].mean()) / math.sqrt(more * (more - 1))
        rate += weight * float(f[~rated].mean() - f[rated].mean())
    units = n if groups is None else len(np.unique(groups[rated]))
    if units < 2:
        why = no_interval(f"all {n} rated pairs are of one group").reason or ""
        return Corrected(rate, None, None, None, weight, n, more, lean, why)
    error = math.sqrt(_variance(parts, groups))
    reach = _student(units - 1) * error
    return Corrected(rate, error, max(0.0, rate - reach), min(1.0, rate + reach), weight, n, more, lean, "")


def _weight(y: Floats, own: Floats, other: Floats) -> float:
    """The judge's weight with the least variance; 0 where nobody else was judged or it says always the same."""
    n, more = len(y), len(other)
    everything = np.concatenate([own, other])
    if more < 2 or not everything.var():
        return 0.0
    together = float(np.cov(y, own, ddof=1)[0, 1])
    return float(np.clip(together / ((1 + n / more) * everything.var(ddof=1)), 0.0, 1.0))


def _variance(parts: Floats, groups: Codes | None) -> float:
    if groups is None:
        return float(parts @ parts)
    units = np.unique(groups, return_inverse=True)[1]
    sums = np.bincount(units, weights=parts)
    return float(sums @ sums) * len(sums) / (len(sums) - 1)


def _student(freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975))
