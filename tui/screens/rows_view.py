"""The rows of a version, however many: filtered, searched, sorted, and read one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from curate.errors import ConfigError
from tui.desk.filter import compile_filter
from tui.desk.rowfile import KINDS, ORDERS, Choice, Pages, RowFile
from tui.messages import Failed, Ready
from tui.reading.card_text import first_words
from tui.terminal.display_text import display_text, name_text
from tui.terminal.faults import told
from tui.widgets.lines import Heading, JobLine, KeyLine, keyed
from tui.widgets.rows import BLOCK, Block, Cell, Column, Rows

if TYPE_CHECKING:
    from tui.app import Seatrial

COLUMNS = [
    Column("row", 9, right=True),
    Column("label", 14, from_width=56),
    Column("split", 10, from_width=90),
    Column("chars", 7, right=True, from_width=70),
    Column("from", 22, from_width=120),
    Column("text"),
]
HINT = 'label == "oak" and chars > 400 · "refund" in text · split is None · turns > 2'


class Opened(NamedTuple):
    """The file of a version and its first rows."""

    file: RowFile
    pages: Pages


class Chosen(NamedTuple):
    """Rows that were asked for, and the how-manieth question it was."""

    asked: int
    pages: Pages


class Came(NamedTuple):
    """A unit of rows was read."""

    pages: Pages
    unit: int


class RowsScreen(Screen[None]):
    """A list over the file: only what is seen is read, and the keys never wait for the disk."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Read", id="browse.open"),
        Binding("colon", "filter", "Filter", id="browse.filter"),
        Binding("slash", "search", "Search", id="browse.search"),
        Binding("s", "sort", "Sort", id="browse.sort"),
        Binding("w", "widen", "All", id="browse.all"),
        Binding("number_sign", "go", "Go to a row by its number", show=False, id="browse.go"),
        Binding("c", "copy", "Copy the row's id", show=False, id="browse.copy"),
        Binding("q,escape", "back", "Back", show=False, id="browse.back"),
    ]

    def __init__(
        self,
        open_file: Callable[[], RowFile],
        name: str,
        choice: Choice | None = None,
        *,
        alone: bool = False,
    ) -> None:
        super().__init__()
        self.open_file, self.title_name, self.first = open_file, name, choice or Choice()
        self.alone = alone  # the screen was opened from the shell: back leaves
        self.file: RowFile | None = None
        self.pages: Pages | None = None
        self.wanted = self.first
        self.asked = 0
        self.choosing = False
        self.coming: set[int] = set()

    @property
    def seatrial(self) -> Seatrial:
        """The app, by its own type."""
        return cast("Seatrial", self.app)

    def compose(self) -> ComposeResult:
        """What was chosen, then the list."""
        yield Heading()
        yield Static(id="choice")
        yield Rows(COLUMNS, id="browse")
        yield JobLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Open the file in the background; the screen is there at once."""
        self.query_one(Heading).say([self.title_name, "rows"])
        self.query_one(Rows).focus()
        self.seatrial.read(self, "rows", lambda: Ready("rows", opened(self.open_file())))

    # what comes from the background

    @told
    def on_ready(self, message: Ready) -> None:
        """The file is open, rows were chosen, or a unit was read."""
        value = message.value
        if isinstance(value, Opened):
            self.file, self.pages = value
            if self.first.all:
                self._put(value.pages)
            else:
                self.choose(self.first)
        elif isinstance(value, Chosen) and value.asked == self.asked:
            self.choosing = False
            self._put(value.pages)
        elif isinstance(value, Came) and value.pages is self.pages:
            self.coming.discard(value.unit)
            rows = self.query_one(Rows)
            rows.forget(value.unit * value.pages.size, (value.unit + 1) * value.pages.size)
            self._ahead()

    def on_failed(self, message: Failed) -> None:
        """What could not be read is told; the list stays as it is."""
        self.choosing = False
        self.coming.clear()
        self.query_one(Rows).fail(keyed(self, "This could not be read.\n\n{browse.back} goes back."))
        self.seatrial.complain(message.error)
        self.tell()

    def _put(self, pages: Pages) -> None:
        """Show a choice, with the cursor on the row where it was."""
        rows = self.query_one(Rows)
        before = self.pages.number(rows.cursor) if self.pages is not None and rows.total else 0
        self.pages = pages
        self.coming.clear()
        rows.empty = (
            "No row is like that. w shows all again." if not pages.choice.all else "This version has no rows."
        )
        cursor = before if pages.ids is None else 0
        if pages.ids is not None and not pages.choice.order and len(pages.ids):
            cursor = int(pages.ids.searchsorted(before))
        rows.show(pages.total, self.block, cursor=cursor, at_once=min(pages.size, BLOCK))
        self.tell()

    def tell(self) -> None:
        """The lines above the list: how many, by what, in what order."""
        pages, file = self.pages, self.file
        if pages is None or file is None:
            return
        self.query_one(Heading).say([self.title_name, "rows"], f"{pages.total:,} of {file.height:,} shown")
        shown = self.wanted if self.choosing else pages.choice
        parts: list[Content | tuple[str, str]] = [(ORDERS[shown.order], "")]
        if self.choosing:
            parts.insert(0, ("looking ...  ", "bold $warning"))
        if shown.filter:
            parts.append((f"  : {display_text(shown.filter, lines=False)}", "bold $accent"))
        if shown.words:
            parts.append((f"  / {display_text(shown.words, lines=False)}", "bold $accent"))
        self.query_one("#choice", Static).update(Content.assemble(*parts))

    def renew(self) -> None:
        """A job has ended; a version never changes."""

    # the list

    def block(self, start: int, stop: int) -> Block:
        """The cells of some rows; of those that are still on the disk, their numbers."""
        pages = self.pages
        if pages is None:
            return []
        rows = pages.rows(start, stop)
        if rows is None:
            self._fetch(pages, pages.unit(start))
            return [
                [Cell(f"{pages.number(at) + 1:,}", "quiet"), Cell("…", "quiet")] for at in range(start, stop)
            ]
        return [
            [
                Cell(f"{pages.number(start + index) + 1:,}", "quiet"),
                Cell(name_text(row["label"] or ""), "strong"),
                Cell(row["split"] or "", "quiet"),
                Cell(f"{row['chars']:,}", "quiet"),
                Cell(f"{row['source']}:{row['source_row']}", "quiet"),
                Cell(first_words(row)),
            ]
            for index, row in enumerate(rows)
        ]  # fmt: skip

    def _fetch(self, pages: Pages, unit: int) -> None:
        if unit in self.coming:
            return
        self.coming.add(unit)

        def work() -> Message:
            pages.read(unit)
            return Ready("unit", Came(pages, unit))

        self.seatrial.read(self, f"unit-{unit}", work)

    def on_rows_moved(self) -> None:
        """Read what comes next before it is asked for, and after this is drawn."""
        self.call_after_refresh(self._ahead)

    @told
    def _ahead(self) -> None:
        pages = self.pages
        if pages is None or self.coming:
            return
        at = pages.unit(self.query_one(Rows).cursor)
        for unit in (at + 1, at - 1):
            if not pages.holds(unit):
                self._fetch(pages, unit)
                return

    # choosing

    def choose(self, choice: Choice) -> None:
        """Ask for other rows or another order; the list stays until they are found."""
        file = self.file
        if file is None:
            return
        self.asked += 1
        number, self.wanted, self.choosing = self.asked, choice, True
        self.tell()

        def work() -> Message:
            ids = file.choose(choice, lambda: self.asked == number)
            pages = Pages(file, ids, choice)
            if pages.total and self.asked == number:
                pages.read(0)
            return Ready("chosen", Chosen(number, pages))

        self.seatrial.read(self, "choice", work)

    async def action_filter(self) -> None:
        """Type an expression over the rows' columns."""
        from tui.screens.dialogs import Ask

        def check(text: str) -> None:
            if text.strip():
                compile_filter(text, KINDS)

        def typed(text: str | None) -> None:
            if text is not None:
                self.choose(replace(self.wanted, filter=text.strip()))

        await self.app.push_screen(Ask("filter", self.wanted.filter, HINT, check, anew=True), typed)

    async def action_search(self) -> None:
        """Type words that the rows must all hold."""
        from tui.screens.dialogs import Ask

        def typed(text: str | None) -> None:
            if text is not None:
                self.choose(replace(self.wanted, words=text.strip()))

        await self.app.push_screen(
            Ask("search", self.wanted.words, "rows with all of these words; none shows all", anew=True), typed
        )

    def action_sort(self) -> None:
        """The next order."""
        orders = list(ORDERS)
        self.choose(replace(self.wanted, order=orders[(orders.index(self.wanted.order) + 1) % len(orders)]))

    def action_widen(self) -> None:
        """All rows as they stand."""
        self.choose(Choice())

    async def action_go(self) -> None:
        """Go to a row by its number in the version, from 1."""
        from tui.screens.dialogs import Ask

        def place(text: str) -> int:
            pages = self.pages
            digits = text.replace(",", "").strip()
            if pages is None or not digits.isdecimal() or not 1 <= int(digits) <= pages.file.height:
                most = f"{pages.file.height:,}" if pages else "?"
                raise ConfigError("that is no row's number", hint=f"1 to {most}")
            return int(digits) - 1

        def typed(text: str | None) -> None:
            pages, rows = self.pages, self.query_one(Rows)
            if text is None or pages is None:
                return
            number = place(text)
            if pages.ids is None:
                rows.cursor = number
                return
            at = (pages.ids == number).argmax() if len(pages.ids) else 0
            if not len(pages.ids) or pages.ids[at] != number:
                self.seatrial.say("that row is not among those shown; w shows all", "warning")
                return
            rows.cursor = int(at)

        def check(text: str) -> None:
            place(text)

        await self.app.push_screen(Ask("row", "", "a row's number in the version", check), typed)

    # one row

    async def on_rows_chosen(self) -> None:
        """Enter or a second click on a row."""
        await self.seatrial.run_action("open", self)

    async def action_open(self) -> None:
        """Read the row under the cursor."""
        pages, rows = self.pages, self.query_one(Rows)
        from tui.screens.row_view import RowScreen

        if pages is not None and pages.total:
            await self.app.push_screen(RowScreen(pages, rows.cursor, self.title_name), self.back_at)

    def back_at(self, position: int | None) -> None:
        """Back from a row: the list stands where it stood."""
        if position is not None:
            self.query_one(Rows).cursor = position

    def action_copy(self) -> None:
        """Put the row's id on the clipboard: `seatrial why ID` tells its life."""
        pages, rows = self.pages, self.query_one(Rows)
        if pages is not None and pages.total:
            self.seatrial.copy(pages.file.example(pages.number(rows.cursor))["example_id"])

    def action_back(self) -> None:
        """To the versions; to the shell where it was opened from there."""
        if self.alone:
            self.app.exit(0)
        else:
            self.dismiss()


def opened(file: RowFile) -> Opened:
    """The file with its first rows read."""
    pages = Pages(file, None, Choice())
    if file.height:
        pages.read(0)
    return Opened(file, pages)
