"""One row of a version, whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen

from tui.desk.rowfile import Pages
from tui.messages import Failed, Ready
from tui.reading.card_text import conversation, origin
from tui.terminal.display_text import plain
from tui.terminal.faults import told
from tui.widgets.lines import Heading, JobLine, KeyLine
from tui.widgets.reading import Reading, reading_keys

if TYPE_CHECKING:
    from tui.app import Seatrial


class RowScreen(Screen[int]):
    """One row, whole."""

    BINDINGS: ClassVar[list[BindingType]] = [*reading_keys("row")]

    def __init__(self, pages: Pages, position: int, name: str) -> None:
        super().__init__()
        self.pages, self.position, self.title_name = pages, position, name
        self.text = ""

    @property
    def seatrial(self) -> Seatrial:
        """The app, by its own type."""
        return cast("Seatrial", self.app)

    def compose(self) -> ComposeResult:
        """What is known of the row, and its texts."""
        yield Heading()
        yield Reading()
        yield JobLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Read it."""
        self.show()

    def show(self) -> None:
        """Put the row at the position on the screen."""
        pages, position = self.pages, self.position
        number = pages.number(position)
        self.query_one(Heading).say(
            [self.title_name, "rows", f"row {number + 1:,}"], f"{position + 1:,} of {pages.total:,} shown"
        )
        self.seatrial.read(self, "row", lambda: Ready("row", (position, pages.file.example(number))))

    @told
    def on_ready(self, message: Ready) -> None:
        """The row was read."""
        position, row = cast("tuple[int, dict[str, object]]", message.value)
        if position != self.position:
            return
        more = [f"{name} {row[name]}" for name in ("group", "example_id") if row[name]]
        facts = [Content(origin(row)), plain(" · ".join(more), "dim", lines=False)]
        if row["meta"] not in (None, "{}"):
            facts.append(plain(str(row["meta"])[:400], "dim", lines=False))
        text = conversation(row, {})
        self.text = text.plain
        self.query_one(Reading).show(Content("\n").join(facts), text)

    def on_failed(self, message: Failed) -> None:
        """The row could not be read."""
        self.seatrial.complain(message.error)

    def action_step(self, by: int) -> None:
        """The row before or after, of those shown."""
        self.position = (self.position + by) % self.pages.total
        self.show()

    def action_scroll(self, by: int) -> None:
        """Move a long text."""
        self.query_one(Reading).scroll_text(by)

    def action_copy(self) -> None:
        """Copy the text, harmless."""
        self.seatrial.copy(self.text)

    def action_back(self) -> None:
        """To the list."""
        self.dismiss(self.position)
