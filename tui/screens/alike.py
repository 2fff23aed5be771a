"""Fix one, propose for all alike: the rows in which the same change fits, each accepted or left."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from curate.errors import ConfigError
from tui.desk.desk import Desk
from tui.desk.mending import MOST, Offer, mend
from tui.messages import Failed, Ready
from tui.reading.card_text import differences, marked
from tui.screens.working import Finishing
from tui.terminal.display_text import plain
from tui.terminal.faults import told
from tui.widgets.lines import Heading, JobLine, KeyLine
from tui.widgets.rows import Block, Cell, Column, Rows

if TYPE_CHECKING:
    from tui.app import Seatrial

COLUMNS = [Column("", 1), Column("row", 18, from_width=60), Column("after")]
NEAR = 60  # characters before the first difference that the list shows


class AlikeScreen(Finishing[int]):
    """Proposals: nothing is decided until enter; gives how many rows were mended."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "take(True)", "Accept", id="alike.accept"),
        Binding("x", "take(False)", "Leave it", id="alike.reject"),
        Binding("A", "all(True)", "Accept all", id="alike.all"),
        Binding("X", "all(False)", "None", show=False, id="alike.none"),
        Binding("ctrl+s,enter", "mend", "Mend those", id="alike.mend"),
        Binding("q,escape", "back", "Back", id="alike.back"),
    ]

    def __init__(self, desk: Desk, offer: Offer, like: str) -> None:
        super().__init__()
        self.desk, self.offer, self.like = desk, offer, like
        self.taken: set[int] = set()
        self.mending = False

    @property
    def seatrial(self) -> Seatrial:
        """The app, by its own type."""
        return cast("Seatrial", self.app)

    def compose(self) -> ComposeResult:
        """What the change is, the rows, and the one under the cursor before and after."""
        yield Heading()
        yield Static(id="facts")
        yield Rows(COLUMNS, id="alike", empty="No other row holds these words.")
        with VerticalScroll(id="answers", can_focus=False):
            yield Static(id="left")
        yield JobLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Show all of them; none is taken."""
        parts: list[Content] = []
        for change in self.offer.changes:
            where = {"start": " at the start", "end": " at the end"}.get(change.at, "")
            put = plain(change.put, "bold $success", lines=False) if change.put else Content("nothing")
            parts.append(
                Content.assemble(plain(change.find, "bold $error", lines=False), (f"{where} → ", "dim"), put)
            )
        self.query_one("#facts", Static).update(Content("\n").join(parts))
        rows = self.query_one(Rows)
        rows.show(len(self.offer.proposals), self.block)
        rows.focus()
        self.tell()
        self.look()

    def tell(self) -> None:
        """How many are taken."""
        total = len(self.offer.proposals)
        self.query_one(Heading).say(
            [self.desk.name, "findings", "the same elsewhere"], f"{len(self.taken):,} of {total:,} accepted"
        )

    def block(self, start: int, stop: int) -> Block:
        """The cells of some proposals: the text round the first difference."""
        block: Block = []
        some = self.offer.proposals[start:stop]
        examples = self.desk.examples.get(found.example_id for found in some)
        for index, found in enumerate(some, start):
            row = examples.get(found.example_id)
            after = found.after
            same = next((i for i, (a, b) in enumerate(zip(found.before, after, strict=False)) if a != b), 0)
            taken = index in self.taken
            block.append(
                [
                    Cell("✓" if taken else "○", "good" if taken else "warn"),
                    Cell(f"{row['source']}:{row['source_row']}" if row else found.example_id[:12], "quiet"),
                    Cell(("…" if same > NEAR else "") + after[max(same - NEAR, 0) : same + 400]),
                ]
            )
        return block

    @told
    def on_rows_moved(self) -> None:
        """Show the one under the cursor."""
        self.look()

    def look(self) -> None:
        """The proposal under the cursor, before and after, with the difference marked."""
        at = self.query_one(Rows).cursor
        if not self.offer.proposals:
            return
        found = self.offer.proposals[at]
        left, right = differences(found.before, found.after)
        self.query_one("#left", Static).update(
            Content.assemble(
                ("before\n", "bold"), marked(found.before, left), ("\n\nafter\n", "bold $success"), marked(found.after, right),
            )
        )  # fmt: skip

    def action_take(self, yes: bool) -> None:
        """Accept this one or leave it, and go on; nothing changes while rows are being written."""
        if self.mending:
            return
        rows = self.query_one(Rows)
        if yes:
            self.taken.add(rows.cursor)
        else:
            self.taken.discard(rows.cursor)
        rows.forget(rows.cursor, rows.cursor + 1)
        self.tell()
        rows.action_move(1)

    def action_all(self, yes: bool) -> None:
        """Accept all, or none."""
        if self.mending:
            return
        self.taken = set(range(len(self.offer.proposals))) if yes else set()
        self.query_one(Rows).renew()
        self.tell()

    def on_rows_chosen(self) -> None:
        """A second click takes or leaves a row."""
        self.action_take(self.query_one(Rows).cursor not in self.taken)

    def action_mend(self) -> None:
        """Decide the change on the accepted rows, as one act."""
        chosen = [self.offer.proposals[at] for at in sorted(self.taken)]
        if not chosen:
            raise ConfigError("no row is accepted", hint="a accepts one, A all")
        if len(chosen) > MOST:
            raise ConfigError(f"{len(chosen):,} are accepted; {MOST:,} go at once", hint="X takes none")
        if self.mending:
            return
        self.mending = True
        self.query_one(Heading).say([self.desk.name, "findings", "the same elsewhere"], "writing ...")
        desk, like = self.desk, self.like
        self.seatrial.read(self, "mend", lambda: Ready("mend", mend(desk, chosen, like=like)))

    @told
    def on_ready(self, message: Ready) -> None:
        """They are on the disk."""
        self.finish(cast("int", message.value))

    def on_failed(self, message: Failed) -> None:
        """Nothing was decided."""
        self.mending = False
        self.tell()
        self.seatrial.complain(message.error)

    def action_back(self) -> None:
        """Decide nothing; while rows are being written it rests, for what comes of them is told here."""
        if self.mending:
            self.seatrial.say("the rows are being written; this screen closes when they are on the disk")
            return
        self.dismiss(0)
