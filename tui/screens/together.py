"""Decide on many findings at once: what they are, what either key does, and one answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from curate.deciding.together import DOES
from tui.desk.desk import Desk
from tui.desk.together import Many, decide_all
from tui.messages import Failed, Ready
from tui.screens.working import Finishing
from tui.terminal.display_text import excerpt, plain
from tui.terminal.faults import told
from tui.widgets.lines import KeyLine

if TYPE_CHECKING:
    from tui.app import Seatrial

SHOWN = 8  # kinds that are named
Said = tuple[str, int, int]  # what was said, of how many; how many were left, since somebody had spoken


class TogetherScreen(Finishing[Said], ModalScreen[Said]):
    """Nothing is decided until a key says it; then all are, as one act."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "decide('accepted')", "Accept all", id="together.accept"),
        Binding("x", "decide('rejected')", "Reject all", id="together.reject"),
        Binding("escape,q", "leave", "Decide nothing", id="together.leave"),
    ]

    def __init__(self, desk: Desk, find: Callable[[], Many]) -> None:
        """`find` tells which findings; it is called in a thread."""
        super().__init__()
        self.desk, self.find = desk, find
        self.many: Many | None = None
        self.writing = False

    @property
    def holds_keys(self) -> bool:
        """Whether keys wait for the screen below: that which this one was opened from."""
        return self.writing

    @property
    def seatrial(self) -> Seatrial:
        """The app, by its own type."""
        return cast("Seatrial", self.app)

    def compose(self) -> ComposeResult:
        """How many, the kinds, what the keys do."""
        with VerticalScroll(classes="dialog"):
            yield Static(Content.styled("counting ...", "dim"), id="together")
        yield KeyLine()

    def on_mount(self) -> None:
        """Count in the background: to find a text everywhere takes a moment."""
        self.seatrial.read(self, "many", lambda: Ready("many", self.find()))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what would decide something is a key; none is while it is written."""
        if action == "leave":
            return not self.writing
        if action != "decide":
            return True
        rows = self.many and (
            self.many.found.acceptable if parameters == ("accepted",) else self.many.found.open
        )
        return rows is not None and rows.height > 0 and not self.writing

    @told
    def on_ready(self, message: Ready) -> None:
        """They are counted, or decided."""
        if message.what == "decided":
            self.finish(cast("Said", message.value))
            return
        self.many = cast("Many", message.value)
        self.query_one("#together", Static).update(words(self.many, self.app.size.width))
        self.refresh_bindings()
        self.query_one(KeyLine).renew()

    def on_failed(self, message: Failed) -> None:
        """Nothing was decided."""
        self.seatrial.early.keys.clear()
        self.finish(None)
        self.seatrial.complain(message.error)

    def action_decide(self, said: str) -> None:
        """Decide on all of them, in the background; the screen closes when it is in the ledger's file."""
        many, desk = self.many, self.desk
        if many is None:
            return
        accepted = said == "accepted"
        rows, action = (many.found.acceptable, None) if accepted else (many.found.open, "keep")
        self.writing = True
        self.refresh_bindings()
        self.query_one("#together", Static).update(Content.styled(f"{rows.height:,} are written ...", "bold"))

        def decide() -> Ready:
            count = decide_all(desk, rows, action)
            return Ready("decided", (said, count, rows.height - count))

        self.seatrial.read(self, "decided", decide)

    def action_leave(self) -> None:
        """Decide nothing."""
        self.dismiss(None)


def words(many: Many, width: int) -> Content:
    """How many, of which kinds, and what accepting and rejecting them does."""
    found = many.found
    count, can = found.open.height, found.acceptable.height
    of = excerpt(many.of, max(width - 34, 20))
    lines = [Content.styled(f"Decide on {count:,} open {of}", "bold"), Content("")]
    kinds = found.kinds()
    for check, label, action, how_many in kinds[:SHOWN]:
        kind = excerpt(f"{check}/{label}" if label else check, 32)
        lines.append(
            Content.assemble(f"{how_many:>7,}  ", (f"{kind}  ", "bold"), (DOES.get(action, action), "dim"))
        )
    if len(kinds) > SHOWN:
        rest = sum(each[3] for each in kinds[SHOWN:])
        lines.append(Content.styled(f"{rest:>7,}  of {len(kinds) - SHOWN} kinds more", "dim"))
    if found.differ:
        lines.append(plain(f"{found.differ:>7,}  on which people differ are left alone", "$warning"))
    lines.append(Content(""))
    if can:
        left = f"; the other {count - can:,} stay open" if count > can else ""
        lines.append(Content.assemble(("a", "bold $accent"), f"  accepts {can:,}: each as it proposes{left}"))
    if count:
        rows = f"{many.rows:,} rows stay as they are" if many.rows != 1 else "1 row stays as it is"
        lines.append(Content.assemble(("x", "bold $accent"), f"  rejects {count:,}: {rows}"))
        lines.append(Content.styled("\nu takes all back at once; apply changes the rows", "dim"))
    else:
        lines.append(Content.styled("nothing here waits for a decision", "dim"))
    return Content("\n").join(lines)
