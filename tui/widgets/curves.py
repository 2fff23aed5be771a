"""Curves over steps in braille dots: a line, and marks for what is measured now and then."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from tui.terminal.display_text import fit

Points = list[tuple[float, float]]

MARK = "●"
# the bit of each dot of a braille cell, by column and row
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


@dataclass(frozen=True)
class Drawing:
    """What one panel shows: a line and marks on the same axes."""

    title: str
    line: Points = field(default_factory=list)
    marks: Points = field(default_factory=list)
    names: tuple[str, str] = ("", "")  # of the line and of the marks
    total: float = 0  # steps in all: the right end, where it is known
    tell: Callable[[float], str] = lambda value: f"{value:.3f}"
    empty: str = "nothing measured yet"


class Curve(Widget):
    """One panel: title and last values, the plot with its range, the steps."""

    DEFAULT_CSS = "Curve { height: 1fr; min-height: 4; }"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.drawing = Drawing("")

    def show(self, drawing: Drawing) -> None:
        """Draw this; nothing is drawn where it is what is shown already."""
        if drawing != self.drawing:
            self.drawing = drawing
            self.refresh()

    def render(self) -> RenderResult:
        """The lines of the panel."""
        drawn, width, height = self.drawing, self.size.width, self.size.height
        head = _head(drawn).truncate(width, ellipsis=True)
        known = [value for _, value in (*drawn.line, *drawn.marks) if math.isfinite(value)]
        if not known or height < 3:
            return Content("\n").join(
                [head, Content.styled(fit(drawn.empty if not known else "", width), "dim")]
            )
        low, high = min(known), max(known)
        labels = {0: drawn.tell(high), height - 3: drawn.tell(low)}
        margin = max(len(label) for label in labels.values())
        room = max(width - margin - 2, 1)
        right = max(drawn.total, *(step for step, _ in (*drawn.line, *drawn.marks)))
        rows = plot(drawn.line, drawn.marks, (0.0, right), (low, high), room, height - 2)
        lines = [head]
        for number, row in enumerate(rows):
            label = labels.get(number, "") if number or len(rows) > 1 else labels[0]
            lines.append(Content.assemble((f"{label:>{margin}} ", "dim"), ("│", "dim"), *coloured(row)))
        foot = f"step {right:,.0f}"
        start = "0".ljust(max(room - len(foot), 1))
        lines.append(Content.styled(" " * (margin + 2) + (start + foot)[:room], "dim"))
        return Content("\n").join(lines)


def _head(drawn: Drawing) -> Content:
    parts: list[Content | tuple[str, str] | str] = [(drawn.title.upper(), "bold dim")]
    for sign, name, points, style in (
        ("⠒", drawn.names[0], drawn.line, "$primary"),
        (MARK, drawn.names[1], drawn.marks, "$accent"),
    ):
        if points:
            parts += [
                "  ",
                (f"{sign} ", style),
                (f"{name} " if name else ""),
                (drawn.tell(points[-1][1]), "bold"),
            ]
    if len(drawn.marks) > 1:
        step, best = min(drawn.marks, key=lambda point: point[1])
        if (step, best) != drawn.marks[-1]:
            parts += [(f"  best {drawn.tell(best)} at step {step:,.0f}", "dim")]
    return Content.assemble(*parts)


def coloured(row: list[str]) -> list[tuple[str, str]]:
    """A row of cells as pieces of one style each."""
    pieces: list[tuple[str, str]] = []
    for cell in row:
        style = "bold $accent" if cell == MARK else "$primary"
        if pieces and pieces[-1][1] == style:
            pieces[-1] = (pieces[-1][0] + cell, style)
        else:
            pieces.append((cell, style))
    return pieces


def plot(
    line: Points, marks: Points, across: tuple[float, float], up: tuple[float, float], width: int, height: int
) -> list[list[str]]:
    """`height` rows of `width` cells: the line in braille dots, the marks each in a cell of its own.

    `across` and `up` are what the edges stand for. A value that is no finite number leaves a gap. Of
    many points in one column of dots the lowest and the highest are seen.
    """
    bits = [[0] * width for _ in range(height)]
    last: tuple[int, int] | None = None
    for step, value in line:
        if not math.isfinite(value):
            last = None
            continue
        x, y = _dot(step, across, 2 * width), 4 * height - 1 - _dot(value, up, 4 * height)
        for dot_x, dot_y in _between(last or (x, y), (x, y)):
            bits[dot_y // 4][dot_x // 2] |= DOTS[dot_x % 2][dot_y % 4]
        last = x, y
    rows = [[chr(0x2800 + cell) if cell else " " for cell in row] for row in bits]
    for step, value in marks:
        if math.isfinite(value):
            rows[height - 1 - _dot(value, up, height)][_dot(step, across, width)] = MARK
    return rows


def _dot(value: float, ends: tuple[float, float], count: int) -> int:
    """Which of `count` places between the ends a value has; the middle where the ends are one."""
    low, high = ends
    if high <= low:
        return count // 2
    return min(max(int((value - low) / (high - low) * count), 0), count - 1)


def _between(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    """The dots of a straight line, both ends included."""
    (x0, y0), (x1, y1) = start, end
    count = max(abs(x1 - x0), abs(y1 - y0), 1)
    return [(x0 + round((x1 - x0) * n / count), y0 + round((y1 - y0) * n / count)) for n in range(count + 1)]
