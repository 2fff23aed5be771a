"""Where things stand on an axis, in percent of its width, for plots without script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evalharness.deciding.comparison import Believed, Comparison, Doubted
from evalharness.deciding.wording import fraction, probability, signed, signed_span, span

EDGE = 0.04  # of the width, left free on either side


@dataclass(frozen=True)
class Tick:
    """A labelled place on the axis."""

    at: float  # percent
    text: str


@dataclass(frozen=True)
class Bar:
    """One estimate: a point with a thin and a thick interval, in percent; None where there is none."""

    name: str
    text: str
    note: str
    at: float | None
    low: float | None
    high: float | None
    inner_low: float | None
    inner_high: float | None
    detectable: float | None = None  # the gain that these rows would show 4 times of 5


@dataclass(frozen=True)
class Plot:
    """The bars, the axis, the places of zero and of the margin, and the same in words."""

    bars: list[Bar]
    ticks: list[Tick]
    zero: float
    margin: float
    description: str


class Axis:
    """A scale from `low` to `high` on which a value has a place in percent."""

    def __init__(self, low: float, high: float) -> None:
        room = (high - low) * EDGE or 0.01
        self.low, self.high = low - room, high + room

    def at(self, value: float | None) -> float | None:
        """The place of a value, or None."""
        return None if value is None else self.place(value)

    def place(self, value: float) -> float:
        """The place of a value, in percent to two places."""
        return round(100 * (value - self.low) / (self.high - self.low), 2)


def steps(low: float, high: float, most: int = 6) -> list[float]:
    """Round values inside a range, at most about `most` of them, equally far apart."""
    raw = max((high - low) / most, 1e-6)
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    return [round((first + index) * step, 10) for index in range(count)]


def forest(comparison: Comparison) -> Plot:
    """The candidate minus each baseline by the primary metric."""
    chosen = comparison["settings"]
    rows = [row for row in comparison["differences"] if row["metric"] == chosen["primary"]]
    known: list[float] = [0.0, chosen["margin"]]
    for row in rows:
        known += [v for v in (row["difference"], row["low"], row["high"], row["detectable"]) if v is not None]
    axis = Axis(min(known), max(known))
    bars = []
    for row in rows:
        between = signed_span(row["low"], row["high"])
        bars.append(
            Bar(
                name=f"over {row['baseline']}",
                text=signed(row["difference"]) + (f" ({between})" if between else ""),
                note=f"p {_equals(row['p_margin'])}, n = {row['n']}",
                at=axis.at(row["difference"]),
                low=axis.at(row["low"]),
                high=axis.at(row["high"]),
                inner_low=axis.at(row["lower"]),
                inner_high=axis.at(row["upper"]),
                detectable=axis.at(row["detectable"]),
            )
        )
    words = "; ".join(f"{bar.name} {bar.text}" for bar in bars)
    return Plot(
        bars=bars,
        ticks=[Tick(axis.place(v), f"{100 * v:+g}" if v else "0") for v in steps(axis.low, axis.high)],
        zero=axis.place(0.0),
        margin=axis.place(chosen["margin"]),
        description=f"Gain of {comparison['candidate']} in points with 95 % intervals: {words}. "
        f"The margin is {signed(chosen['margin'])} points.",
    )


def _equals(p: float | None) -> str:
    text = probability(p)
    return text if text.startswith("<") else f"= {text}"


def believed_plot(believed: Believed) -> Plot:
    """What one would have believed above what holds, on a scale of the metric."""
    sides: Sequence[tuple[str, Doubted]] = (("believed", believed["believed"]), ("true", believed["true"]))
    axis = Axis(min(0.0, *(f["low"] for _, f in sides)), max(1.0, *(f["high"] for _, f in sides)))
    names = {"believed": "Uncurated rows, random split", "true": "Clean test"}
    bars = [
        Bar(
            name=names[key],
            text=f"{fraction(figure['value'])} ({span(figure['low'], figure['high'])})",
            note=f"n = {figure['n']}",
            at=axis.place(figure["value"]),
            low=axis.place(figure["low"]),
            high=axis.place(figure["high"]),
            inner_low=None,
            inner_high=None,
        )
        for key, figure in sides
    ]
    words = "; ".join(f"{bar.name} {bar.text}, {bar.note}" for bar in bars)
    ticks = [Tick(axis.place(v), fraction(v)[:-2] if v % 1 else str(int(v))) for v in steps(0.0, 1.0, 5)]
    return Plot(bars, ticks, axis.place(0.0), axis.place(0.0), f"{believed['metric']}: {words}.")
