"""Move a threshold and see what it would change, before anything is scanned again."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from curate.deciding.thresholds import Effect, effects
from curate.errors import SeatrialError
from curate.workspace import Workspace
from tui.messages import Failed, Ready
from tui.terminal.display_text import fit, name_text, plain
from tui.widgets.lines import Heading, JobLine, KeyLine
from tui.widgets.rows import Block, Cell, Column, Rows

if TYPE_CHECKING:
    from tui.app import Seatrial

COLUMNS = [
    Column("threshold", 9, right=True),
    Column("dropped", 8, right=True),
    Column("change", 8, right=True),
    Column("review", 7, right=True, from_width=50),
    Column("clusters", 8, right=True, from_width=60),
    Column("largest", 7, right=True, from_width=70),
    Column("groups touched", 14, right=True, from_width=80),
    Column(""),
]
LABELS = 12  # labels told of


class ThresholdScreen(Screen[None]):
    """A line for each threshold from the scan's on; what is under the cursor, by label, below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "scan", "Scan with it", id="threshold.scan"),
        Binding("q,escape", "back", "Back", id="threshold.back"),
    ]

    def __init__(self, workspace: Workspace, dataset: str, name: str, check: str) -> None:
        super().__init__()
        self.workspace, self.dataset, self.title_name, self.check = workspace, dataset, name, check
        self.effects: list[Effect] = []

    @property
    def seatrial(self) -> Seatrial:
        """The app, by its own type."""
        return cast("Seatrial", self.app)

    def compose(self) -> ComposeResult:
        """The list, and what goes by label."""
        yield Heading()
        yield Rows(COLUMNS, id="thresholds")
        yield Static(id="effect")
        yield JobLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Read the kept scores in the background."""
        self.query_one(Heading).say([self.title_name, self.check, "threshold"])
        self.query_one(Rows).focus()
        workspace, dataset, check = self.workspace, self.dataset, self.check
        self.seatrial.read(self, "effects", lambda: Ready("effects", effects(workspace, dataset, check)))

    def on_ready(self, message: Ready) -> None:
        """What each threshold would do is known."""
        now, self.effects = cast("tuple[float, list[Effect]]", message.value)
        self.query_one(Heading).say([self.title_name, self.check, "threshold"], f"now {now:g}")
        self.query_one(Rows).show(len(self.effects), self.block)
        self.look()

    async def on_failed(self, message: Failed) -> None:
        """There is nothing to try; where a scan with another threshold would tell, its command is offered."""
        self.dismiss()
        hint = (message.error.hint or "") if isinstance(message.error, SeatrialError) else ""
        if f"--set {self.check}.threshold=" in hint:
            words = f"scan {self.dataset[:12]} {hint.partition(': ')[2]}"
            await self.seatrial.ask_command(words, f"{message.error}; enter scans with another threshold")
        else:
            self.seatrial.complain(message.error)

    def block(self, start: int, stop: int) -> Block:
        """The cells of some thresholds."""
        base = self.effects[0].dropped
        return [
            [
                Cell(f"{e.threshold:g}" + ("" if at else " now"), "strong"),
                Cell(f"{e.dropped:,}"),
                Cell(f"{e.dropped - base:+,}" if e.dropped != base else "=", "quiet" if e.dropped == base else "warn"),
                Cell(f"{e.review:,}"),
                Cell(f"{e.clusters:,}"),
                Cell(f"{e.largest:,}"),
                Cell(f"{e.groups:,}"),
                Cell(""),
            ]
            for at, e in enumerate(self.effects[start:stop], start)
        ]  # fmt: skip

    def on_rows_moved(self) -> None:
        """Another threshold."""
        self.look()

    def look(self) -> None:
        """Which labels lose rows at the threshold under the cursor, beside now."""
        if not self.effects:
            return
        base, here = self.effects[0].labels, self.effects[self.query_one(Rows).cursor].labels
        names = sorted(set(base) | set(here), key=lambda name: (-base.get(name, 0), name))
        lines = [Content.styled("ROWS THAT GO, BY LABEL: now → then", "bold dim")]
        lines += [
            Content.assemble(plain(fit(name_text(name), 24)), f"  {base.get(name, 0):>7,} → {here.get(name, 0):,}")
            for name in names[:LABELS]
        ]  # fmt: skip
        if not names:
            lines.append(Content("none"))
        if len(names) > LABELS:
            lines.append(Content.styled(f"{LABELS} of {len(names):,} labels shown", "dim"))
        self.query_one("#effect", Static).update(Content("\n").join(lines))

    async def on_rows_chosen(self) -> None:
        """Enter or a second click."""
        await self.seatrial.run_action("scan", self)

    async def action_scan(self) -> None:
        """Scan again with it; the command can be changed first."""
        if self.effects:
            limit = self.effects[self.query_one(Rows).cursor].threshold
            words = f"scan {self.dataset[:12]} --check {self.check} --set {self.check}.threshold={limit:g}"
            await self.seatrial.ask_command(words)

    def action_back(self) -> None:
        """To the card."""
        self.dismiss()
