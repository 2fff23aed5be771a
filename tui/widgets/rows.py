"""A list of any length: only the lines on the screen are ever asked for, in blocks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from textwrap import wrap
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.terminal.display_text import fit
from tui.terminal.faults import told

BLOCK = 128  # rows fetched at once
HELD = 32  # blocks kept
GAP = 2  # cells between columns
READING = "reading ..."


class Column(NamedTuple):
    """A column: its title and width in cells, 0 for what is left."""

    title: str
    width: int = 0
    right: bool = False  # aligned to the right
    from_width: int = 0  # shown only where the list is at least so wide
    below: int = 0  # shown only where it is less wide than this; 0 for wherever


class Cell(NamedTuple):
    """One cell's raw text and its tone: "", quiet, good, warn, bad or strong."""

    text: str
    tone: str = ""


Block = list[list[Cell]]


class Common(NamedTuple):
    """What the lines of one painting have in common; it takes longer to find than to use."""

    room: int  # cells
    shown: list[tuple[int, Column, int]]  # (index, column, width in cells)
    styles: dict[str, Style]  # by tone, of a plain line, a title and the cursor


class Rows(ScrollView, can_focus=True):
    """A virtual list with a cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--head", "rows--plain", "rows--cursor", "rows--quiet", "rows--good", "rows--warn", "rows--bad",
        "rows--strong",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Next", show=False, id="rows.down"),
        Binding("up,k", "move(-1)", "Previous", show=False, id="rows.up"),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, id="rows.pagedown"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, id="rows.pageup"),
        Binding("home,g", "edge(0)", "First", show=False, id="rows.home"),
        Binding("end,G", "edge(1)", "Last", show=False, id="rows.end"),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)

    @dataclass
    class Moved(Message):
        """The cursor is on another row now."""

        rows: Rows
        index: int

    @dataclass
    class Arrived(Message):
        """What was being read is there, or will not come."""

        rows: Rows

    @dataclass
    class Chosen(Message):
        """The row under the cursor was chosen."""

        rows: Rows
        index: int

    def __init__(self, columns: list[Column], *, id: str, empty: str = READING) -> None:
        """`empty` is what a list without rows says; one that does not say it yet is still being read."""
        super().__init__(id=id)
        self.columns = columns
        self.empty = empty
        self.waiting = empty == READING
        self.total = 0
        self.fetch: Callable[[int, int], Block] = lambda start, stop: []
        self.blocks: OrderedDict[int, Block] = OrderedDict()
        self.fetched = 0
        self.at_once = BLOCK
        self.common = Common(0, [], {})

    def show(
        self, total: int, fetch: Callable[[int, int], Block], *, cursor: int = 0, at_once: int = BLOCK
    ) -> None:
        """Show `total` rows; `fetch(start, stop)` gives the cells of some of them, of `at_once` at most."""
        self.total, self.fetch, self.at_once = total, fetch, at_once
        self.blocks.clear()
        self.virtual_size = Size(1, total + 1)
        self.cursor = max(0, min(cursor, total - 1))
        self._follow()
        self.refresh()
        self._arrived()

    def fail(self, words: str) -> None:
        """It could not be read; rows that are there stay."""
        self.empty = words
        self.refresh()
        self._arrived()

    def _arrived(self) -> None:
        if self.waiting:
            self.waiting = False
            # a screen does not hear what its own handler causes
            self.app.post_message(self.Arrived(self))

    def renew(self) -> None:
        """Fetch again what is on the screen; the number of rows is the same."""
        self.blocks.clear()
        self.refresh()

    def forget(self, start: int, stop: int) -> None:
        """Fetch some rows again; drawn again only if they are on the screen."""
        for number in range(start // self.at_once, -(-stop // self.at_once)):
            self.blocks.pop(number, None)
        top = self.scroll_offset.y
        if start < top + self.size.height and stop > top:
            self.refresh()

    def on_resize(self) -> None:
        """The width is another: no line is wider than the list."""
        self.virtual_size = Size(1, self.total + 1)
        self._follow()

    # drawing

    @property
    def room(self) -> int:
        """The cells of a line, beside the scroll bar."""
        return self.scrollable_content_region.width

    def shown(self) -> list[tuple[int, Column, int]]:
        """(index, column, width in cells) of the columns that there is room for."""
        width = self.room - 3  # the arrow before, a margin after
        fixed = [
            (i, c)
            for i, c in enumerate(self.columns)
            if self.size.width >= c.from_width and self.size.width < (c.below or self.size.width + 1)
        ]
        left = width - sum(c.width for _, c in fixed) - GAP * (len(fixed) - 1)
        flexible = sum(1 for _, c in fixed if not c.width)
        widths = []
        for index, column in fixed:
            cells = column.width or max(left // flexible, 0)
            widths.append((index, column, cells))
        return widths

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of one painting."""
        styles = {
            name.removeprefix("rows--"): self.get_component_rich_style(name)
            for name in self.COMPONENT_CLASSES
        }
        self.common = Common(self.room, self.shown(), styles)
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """The title line, or the row that stands there."""
        width = self.common.room
        if y == 0:
            return self._line([Cell(column.title) for column in self.columns], "  ", "head")
        index = self.scroll_offset.y + y - 1
        if self.total == 0:
            room = max(width - 4, 1)
            lines = [part for line in self.empty.split("\n") for part in wrap(line, room) or [""]]
            text = lines[y - 2] if 0 <= y - 2 < len(lines) else ""
            return Strip([Segment(fit("  " + text, width), self.common.styles["quiet"])])
        if index >= self.total:
            return Strip.blank(width, self.rich_style)
        at_cursor = index == self.cursor
        return self._line(self.row(index), "▸ " if at_cursor else "  ", "cursor" if at_cursor else "")

    def _line(self, cells: list[Cell], lead: str, kind: str) -> Strip:
        room, shown, styles = self.common
        plain = styles[kind or "plain"]
        segments = [Segment(lead, plain)]
        used = len(lead)
        for number, (index, column, width) in enumerate(shown):
            text, tone = cells[index] if index < len(cells) else Cell("")
            line = fit(text, width)
            if column.right:
                line = line.rstrip().rjust(len(line))
            style = styles[tone] if tone and not kind else plain
            # a gap shows no colour: with what is before it, it is one change of style less to be sent
            before = segments[-1]
            segments[-1] = Segment(before.text + " " * GAP if number else before.text, before.style)
            if style == before.style:
                segments[-1] = Segment(segments[-1].text + line, style)
            else:
                segments.append(Segment(line, style))
            used += width + GAP * bool(number)
        if used < room:
            segments.append(Segment(" " * (room - used), plain))
        return Strip(segments, used if used > room else room).crop(0, room)

    def row(self, index: int) -> list[Cell]:
        """The cells of one row, fetched with its block if need be."""
        number = index // self.at_once
        if number not in self.blocks:
            self.fetched += 1
            start = number * self.at_once
            stop = min(start + self.at_once, self.total)
            # what cannot be read is told, and marked as such until it is asked for anew
            self.blocks[number] = self._fetched(start, stop) or [[Cell("?", "bad")]] * (stop - start)
            while len(self.blocks) > HELD:
                self.blocks.popitem(last=False)
        self.blocks.move_to_end(number)
        block = self.blocks[number]
        place = index % self.at_once
        return block[place] if place < len(block) else []

    @told
    def _fetched(self, start: int, stop: int) -> Block:
        return self.fetch(start, stop)

    # moving

    def watch_cursor(self, old: int, new: int) -> None:
        """Draw the two lines that changed, or all where the list had to scroll."""
        top = self.scroll_offset.y
        if abs(new - old) == 1:
            self._turn()
        self._follow()
        if self.scroll_offset.y == top:
            for index in (old, new):
                self.refresh_line(index + 1)
        if old != new:
            self.post_message(self.Moved(self, new))
            self.call_after_refresh(self._look_ahead, 1 if new > old else -1)

    def _look_ahead(self, way: int) -> None:
        """While one looks at these rows: fetch those that the next page will show."""
        height = self.size.height
        index = self.scroll_offset.y + (2 * height if way > 0 else -height)
        if 0 <= index < self.total:
            self.row(index)

    def _follow(self) -> None:
        visible = max(self.scrollable_content_region.height - 1, 1)
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True)
        elif self.cursor >= top + visible:
            self.scroll_to(y=self.cursor - visible + 1, animate=False, immediate=True)

    def _turn(self) -> None:
        """Before a step over the edge: half a page on, so that not each step draws all lines again."""
        visible = max(self.scrollable_content_region.height - 1, 1)
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=max(self.cursor - visible // 2, 0), animate=False, immediate=True)
        elif self.cursor >= top + visible:
            self.scroll_to(y=self.cursor - visible // 2, animate=False, immediate=True)

    def action_move(self, by: int) -> None:
        """So many rows down, or up where negative."""
        self.cursor = max(0, min(self.cursor + by, self.total - 1))

    def action_page(self, by: int) -> None:
        """A screenful down or up."""
        self.action_move(by * max(self.size.height - 2, 1))

    def action_edge(self, last: int) -> None:
        """The first row or the last."""
        self.cursor = max(self.total - 1, 0) if last else 0

    def choose(self) -> None:
        """The row under the cursor is the one."""
        if self.total:
            self.post_message(self.Chosen(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; on the cursor, or twice, it chooses."""
        index = self.scroll_offset.y + event.y - 1
        if event.y == 0 or index >= self.total:
            return
        again = index == self.cursor
        self.cursor = index
        if again or event.chain == 2:
            self.choose()
