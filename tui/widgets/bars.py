"""Counts as bars that one can read: name, bar, number and share, and a word for what is left out."""

from __future__ import annotations

from rich.cells import cell_len
from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from tui.reading.lineage import Chart
from tui.terminal.display_text import fit, name_text

NAMES = 24  # cells of the longest name


def bar(share: float, cells: int) -> str:
    """A bar of `share` (0 to 1) of so many cells, in halves; something above nothing is seen."""
    halves = round(max(0.0, min(share, 1.0)) * cells * 2)
    if share > 0:
        halves = max(halves, 1)
    full, rest = divmod(halves, 2)
    return "━" * full + "╸" * rest


class Bars(Widget):
    """One chart."""

    DEFAULT_CSS = "Bars { height: auto; }"

    def __init__(self, chart: Chart) -> None:
        super().__init__()
        self.chart = chart

    def render(self) -> RenderResult:
        """Title, then a line for each bar."""
        chart, width = self.chart, self.size.width
        lines = [Content.styled(chart.title.upper(), "bold dim")]
        total = chart.total or sum(count for _, count in chart.bars)
        if not total:
            lines.append(Content.styled("none", "dim"))
        most = max((count for _, count in chart.bars), default=0)
        told = [(name_text(name), count) for name, count in chart.bars]
        names = min(max((cell_len(name) for name, _ in told), default=0), NAMES, width // 2)
        numbers = len(f"{most:,}")
        room = max(width - names - numbers - 9, 0)
        for name, count in told:
            drawn = fit(bar(count / most, room), room)
            share = f"{100 * count / total:3.0f} %" if count * 200 >= total or not count else " <1 %"
            lines.append(
                Content.assemble(
                    fit(name, names), "  ", (f"{count:>{numbers},}", "bold"), (f" {share} ", "dim"),
                    (drawn, "$primary"),
                )
            )  # fmt: skip
        if chart.more:
            lines.append(Content.styled(chart.more, "dim"))
        return Content("\n").join(lines)
