"""One comparison that held, or has nothing to compare: with what was compared, the number and the limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import inf, isfinite
from typing import Any

from curate.errors import ResourceError


@dataclass(frozen=True)
class Checked:
    """One comparison that held."""

    name: str
    compared: str
    value: float
    limit: float
    holds_if: str  # below, above or equal
    key: str = ""  # in the table of `train.proofs`
    seconds: float = 0.0

    def line(self) -> str:
        """For a person and for the record."""
        return f"checked: {self.name}: {self.compared}: {self.value:.3g} ({self.holds_if} {self.limit:.3g})"


@dataclass(frozen=True)
class NotApplying:
    """A check that has nothing to compare. It is never counted as one that held."""

    name: str
    why: str
    key: str

    def line(self) -> str:
        """For a person and for the record."""
        return f"does not apply: {self.name}: {self.why}"


Outcome = Checked | NotApplying


def largest(values: Iterable[float]) -> float:
    """The largest of them, 0 of none; infinite where one is no finite number, which `max` may pass over."""
    found = list(values)
    return max(found, default=0.0) if all(map(isfinite, found)) else inf


OTHERWISE = "the result would not be what it seems; --quantization none or another machine may help"


def must(
    name: str, compared: str, value: float, holds_if: str, limit: float, hint: str = OTHERWISE
) -> Checked:
    """The check, if it held; else ResourceError that says what was compared."""
    holds = {"below": value < limit, "above": value > limit, "equal": value == limit}[holds_if]
    checked = Checked(name, compared, float(value), float(limit), holds_if)
    if not holds:
        raise ResourceError(
            f"{name} failed: {compared}: {value:.3g} is not {holds_if} {limit:.3g}", hint=hint
        )
    return checked


def record(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """As JSON: what held, and apart from it what does not apply."""
    told = [(isinstance(each, Checked), {**asdict(each), "line": each.line()}) for each in outcomes]
    return {
        "checks": [each for held, each in told if held],
        "does_not_apply": [each for held, each in told if not held],
    }


def summary(told: Mapping[str, Any]) -> list[str]:
    """Of a training.json, for a person."""
    return [
        f"{len(told['checks'])} checks held",
        *(each["line"] for each in told.get("does_not_apply", [])),
    ]
