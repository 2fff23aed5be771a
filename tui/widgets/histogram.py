"""A histogram of upright columns, as wide as there is room, with its quantiles in words."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

EIGHTHS = " ▁▂▃▄▅▆▇█"
TALL = 5  # lines of the columns


@dataclass(frozen=True)
class Histogram:
    """Counts in bins of equal width, `low` to `high`; values above are in the last bin."""

    title: str
    counts: list[int]
    low: float
    high: float
    words: str = ""  # quantiles


def columns(counts: list[int], cells: int, tall: int = TALL) -> list[str]:
    """The lines of the columns, from the top; bins are joined where there are more than `cells`.

    A bin with anything in it is seen, however small.
    """
    if not counts or cells < 1:
        return []
    joined = -(-len(counts) // cells)
    bins = [sum(counts[at : at + joined]) for at in range(0, len(counts), joined)]
    wide = max(cells // len(bins), 1)
    most = max(bins) or 1
    heights = [max(round(count * tall * 8 / most), 1 if count else 0) for count in bins]
    return [
        "".join(EIGHTHS[min(max(height - line * 8, 0), 8)] * wide for height in heights)
        for line in reversed(range(tall))
    ]


class Histograms(Widget):
    """One histogram."""

    DEFAULT_CSS = "Histograms { height: auto; }"

    def __init__(self, chart: Histogram) -> None:
        super().__init__()
        self.chart = chart

    def render(self) -> RenderResult:
        """Title, columns, axis, quantiles."""
        chart, width = self.chart, max(self.size.width, 1)
        lines = [Content.styled(chart.title.upper(), "bold dim")]
        if not sum(chart.counts):
            return Content("\n").join([*lines, Content.styled("none", "dim")])
        drawn = columns(chart.counts, min(width, 4 * len(chart.counts)))
        lines += [Content.styled(line, "$primary") for line in drawn]
        low, high = f"{chart.low:,.4g}", f"{chart.high:,.6g}"
        gap = max(cell_len(drawn[0]) - len(low) - len(high), 1)
        lines.append(Content.styled(low + " " * gap + high, "dim"))
        if chart.words:
            lines.append(Content.styled(chart.words, "dim"))
        return Content("\n").join(lines)
