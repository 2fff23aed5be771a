"""Whether what is to decide means anything."""

from __future__ import annotations

from curate.errors import ConfigError
from evalharness.deciding.comparison import Limits


def must_be_sound(margin: float, alpha: float, limits: Limits) -> None:
    """ConfigError for a margin, an alpha or a limit that means nothing."""
    if not 0 < alpha < 0.5:
        raise ConfigError(f"alpha is {alpha}", hint="a one-sided error rate between 0 and .5, as .05")
    if not 0 <= margin < 1:
        raise ConfigError(f"the margin is {margin}", hint="a fraction of 1, as .01 for one point")
    for name, value in limits.items():
        top = 1.0 if name in ("format", "forgetting", "red_team") else float("inf")
        if not isinstance(value, int | float) or not 0 <= value < top:
            raise ConfigError(
                f"the limit of {name.replace('_', ' ')} is {value}",
                hint="a fraction of 1, as .02 for two points" if top == 1.0 else "a number above 0",
            )
