"""A page of text of any length that is drawn line by line: only lines that say something else are sent.

A text in Textual's own widgets has a height, and another text another one: the screen is laid out anew,
scrolled, and painted a second time. Here the frame never changes, only lines in it do.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import NamedTuple

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.geometry import Region
from textual.selection import Selection
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

from tui.terminal.last_gate import overhang

WHEEL = 3  # lines that a turn of the wheel moves
NARROW, SHORT = 60, 18  # cells and lines of a screen below which nothing is spent on air


class Leaf(NamedTuple):
    """What a page shows: lines that stay at the top, lines that move, and which of these to bring to sight."""

    fixed: list[Strip]
    lines: list[Strip]
    eye: int = 0


Make = Callable[[int, int], Leaf]  # from width and height in cells


def lines_of(widget: Widget, content: Content, width: int, *, wrap: bool = True) -> list[Strip]:
    """The lines of a content in the widget's style; cut with … at the width where they do not `wrap`."""
    if wrap:
        strips = Visual.to_strips(
            widget, content, max(width, 1), None, widget.visual_style, apply_selection=False
        )
        return [_bare(strip) for strip in strips]
    return [
        strip
        for line in content.split("\n", allow_blank=True)
        for strip in lines_of(widget, line.truncate(max(width, 1), ellipsis=True), width)
    ]


def _bare(line: Strip) -> Strip:
    """The line without the places in the text that Textual keeps in it: two that look alike are alike."""
    return Strip(
        [Segment(text, style.clear_meta_and_links() if style else style) for text, style, _ in line]
    ).simplify()


def beside(widget: Widget, left: list[Strip], right: list[Strip], width: int) -> list[Strip]:
    """Two columns of lines in the widget's style; the right one begins `width` cells from the left."""
    count = max(len(left), len(right))
    empty = Strip([], 0)
    plain = widget.rich_style
    return [
        Strip.join([a.extend_cell_length(width, plain), b])
        for a, b in zip(
            left + [empty] * (count - len(left)), right + [empty] * (count - len(right)), strict=True
        )
    ]


def reach(before: Strip | None, after: Strip) -> int:
    """How many cells from the left must be sent to make one line of the other; 0 where they are the same."""
    if before is None:
        return after.cell_length
    if before == after:
        return 0
    return max(_written(before), _written(after))


def _written(line: Strip) -> int:
    """The cells up to the last one that is not blank, or may not be in a terminal that draws the line wider."""
    cells = line.cell_length
    for text, style, _ in reversed(list(line)):
        rest = text.rstrip(" ")
        if rest or (style is not None and (style.reverse or style.underline)):
            cells -= len(text) - len(rest) if rest else 0
            break
        cells -= len(text)
    return min(cells + overhang(line.text.rstrip(" ")), line.cell_length)


class Lines(Widget):
    """The lines of a page that are on the screen."""

    DEFAULT_CSS = "Lines { width: 1fr; height: 1fr; }"

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page
        self.painted: list[Strip] = []

    def paint(self, lines: list[Strip]) -> None:
        """Show these lines; what is as it was is not sent again."""
        before = self.painted
        self.painted = lines
        for y, line in enumerate(lines):
            cells = reach(before[y] if y < len(before) else None, line)
            if cells:
                self.refresh(Region(0, y, cells, 1))

    def on_resize(self) -> None:
        """There is another room now: the lines break elsewhere."""
        self.painted = []
        self.page.lay()
        self.refresh()

    def notify_style_update(self) -> None:
        """The colours are others now."""
        super().notify_style_update()
        if self.is_attached and self.painted:
            self.page.lay()

    def render_line(self, y: int) -> Strip:
        """One line, with what the mouse has selected in it."""
        if y >= len(self.painted):
            return Strip.blank(self.size.width, self.rich_style)
        line = self.painted[y]
        selection = self.text_selection
        span = selection.get_span(y) if selection is not None else None
        if span is not None:
            start, end = span[0], span[1] if span[1] >= 0 else line.cell_length
            marked = self.screen.get_component_rich_style("screen--selection")
            line = Strip.join(
                [line.crop(0, start), line.crop(start, end).apply_style(marked), line.crop(end)]
            )
        return line.apply_offsets(0, y)

    def selection_updated(self, selection: Selection | None) -> None:
        """What is selected is drawn so."""
        del selection
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected words, of what is on the screen."""
        words = selection.extract("\n".join(line.text.rstrip() for line in self.painted))
        margin = " " * self.page.margin
        return "\n".join(line.removeprefix(margin) for line in words.split("\n")), "\n"


class Bar(Widget):
    """Where in a long text one is; blank where all is seen."""

    DEFAULT_CSS = "Bar { width: 1; height: 1fr; color: $foreground 25%; }"
    ALLOW_SELECT = False

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page
        self.thumb = range(0)

    def tell(self, first: int, seen: int, total: int, skip: int) -> None:
        """`seen` of `total` lines are shown from `first`; `skip` lines above do not move."""
        height = self.size.height - skip
        thumb = range(0)
        if total > seen > 0 and height > 0:
            length = max(1, height * seen // total)
            start = skip + (height - length) * first // (total - seen)
            thumb = range(start, start + length)
        if thumb != self.thumb:
            before, self.thumb = self.thumb, thumb
            for y in set(before) ^ set(thumb):
                self.refresh(Region(0, y, 1, 1))

    def render_line(self, y: int) -> Strip:
        """A cell of the thumb, or none."""
        return Strip([Segment("▐" if y in self.thumb else " ", self.rich_style)], 1)

    def on_click(self, event: events.Click) -> None:
        """To that part of the text."""
        self.page.go_to_part(event.y / max(self.size.height - 1, 1))


class Page(Horizontal, can_focus=False):
    """A long text in a frame that stays as it is."""

    DEFAULT_CSS = "Page { height: 1fr; layout: horizontal; }"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.lines, self.bar = Lines(self), Bar(self)
        self.make: Make | None = None
        self.leaf = Leaf([], [])
        self.top = 0

    def compose(self) -> ComposeResult:
        """The lines, and where in the text they are."""
        yield self.lines
        yield self.bar

    def on_mount(self) -> None:
        """What is there by now stays: a search through all of it for garbage would hold a key up for 0.1 s."""
        if not gc.get_freeze_count():
            self.call_after_refresh(gc.freeze)

    @property
    def room(self) -> tuple[int, int]:
        """(width, height) in cells of what can be written on."""
        return max(self.lines.size.width - self.margin, 0), self.lines.size.height

    @property
    def margin(self) -> int:
        """Cells before each line. They are part of it: a widget's own would be sent as another piece."""
        return 1 if self.screen.size.width < NARROW or self.screen.size.height < SHORT else 2

    @property
    def text(self) -> str:
        """All that the page says, line by line, also what is out of sight."""
        return "\n".join(strip.text.rstrip() for strip in [*self.leaf.fixed, *self.leaf.lines])

    def show(self, make: Make, leaf: Leaf | None = None) -> None:
        """Show what `make` makes of the room there is, from its beginning or where its eye is.

        `leaf` is what it would make, where that is known already.
        """
        self.make = make
        self.lay(leaf)

    def lay(self, leaf: Leaf | None = None) -> None:
        """Break the text into lines again."""
        width, height = self.room
        if self.make is None or width <= 0 or height <= 0:
            return
        self.leaf = leaf or self.make(width, height)
        seen = height - len(self.leaf.fixed)
        eye = self.leaf.eye
        self.top = 0 if eye < seen else eye - seen // 2
        self._paint()

    @property
    def last_top(self) -> int:
        """The farthest that one can scroll."""
        return max(0, len(self.leaf.lines) - (self.room[1] - len(self.leaf.fixed)))

    def scroll_by(self, by: int) -> None:
        """So many lines on, or back where negative."""
        top = max(0, min(self.top + by, self.last_top))
        if top != self.top:
            self.top = top
            self._paint()

    def go_to_part(self, part: float) -> None:
        """To a place from 0, the beginning, to 1, the end."""
        self.scroll_by(round(self.last_top * part) - self.top)

    def _paint(self) -> None:
        width, height = self.room
        fixed = self.leaf.fixed[:height]
        seen = height - len(fixed)
        self.top = max(0, min(self.top, self.last_top))
        lines = fixed + self.leaf.lines[self.top : self.top + seen]
        plain = self.lines.rich_style
        margin = Strip.blank(self.margin, plain)
        shown = [Strip.join([margin, line.adjust_cell_length(width, plain)]).simplify() for line in lines]
        shown += [Strip.blank(width + self.margin, plain)] * (height - len(shown))
        self.lines.paint(shown)
        self.bar.tell(self.top, seen, len(self.leaf.lines), len(fixed))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        self.scroll_by(WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel."""
        event.stop()
        self.scroll_by(-WHEEL)
