"""How many rows it takes to see a difference, and how small a difference these rows can show."""

from __future__ import annotations

import math

from evalharness.statistics.intervals import normal_quantile

POWER = 0.8


def _quantiles(alpha: float, power: float, sides: int) -> float:
    return normal_quantile(1 - alpha / sides) + normal_quantile(power)


def rows_needed(
    variance: float | None, effect: float, *, alpha: float = 0.05, power: float = POWER, sides: int = 1
) -> float | None:
    """Rows (not rounded) to show a paired difference that lies `effect` above what is tested against.

    `variance` is of one pair's difference (Miller 2024: w^2 + s_A^2/K_A + s_B^2/K_B). None if the
    variance is not known or 0, or the effect is not above 0: no number of rows shows what is not there.
    """
    if not variance or effect <= 0:
        return None
    return _quantiles(alpha, power, sides) ** 2 * variance / effect**2


def detectable_effect(
    variance: float | None, n: int, *, alpha: float = 0.05, power: float = POWER, sides: int = 1
) -> float | None:
    """The smallest true difference above the tested value that `n` pairs show with that power."""
    if not variance or n < 2:
        return None
    return _quantiles(alpha, power, sides) * math.sqrt(variance / n)


def rounded_up(rows: float) -> int:
    """Rows to two leading figures, upwards: more would claim to know the variance better than it is known."""
    if rows <= 10:
        return max(1, math.ceil(rows))
    step = int(10 ** (math.floor(math.log10(rows)) - 1))
    return math.ceil(rows / step) * step
