"""What was run here, when, with what, and how it ended."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from curate.errors import ConfigError
from curate.progress import duration
from tui.messages import Failed, Ready
from tui.reading.lineage import RunRow, ago, runs
from tui.reading.run_detail import settings, warnings, whole
from tui.reading.training import Curves, Follower
from tui.screens.training import Panels, follow
from tui.terminal.display_text import plain
from tui.terminal.faults import told
from tui.widgets.lines import Heading, JobLine, KeyLine
from tui.widgets.rows import Block, Cell, Column, Rows

if TYPE_CHECKING:
    from tui.app import Seatrial

COLUMNS = [
    Column("", 1),
    Column("run", 9),
    Column("when", 12),
    Column("took", 12, from_width=60),
    Column("command"),
]


class RunsScreen(Screen[None]):
    """The log, newest first; the chosen run's settings and error below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Details", id="runs.open"),
        Binding("v", "curves", "Curves", id="runs.curves"),
        Binding("a", "again", "Run again", id="runs.again"),
        Binding("c", "copy", "Copy", id="runs.copy"),
        Binding("ctrl+r", "renew", "Read again", show=False, id="runs.renew"),
        Binding("q,escape", "back", "Back", id="runs.back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[RunRow] = []
        self.counted = (0, 0)  # runs begun and ended, as last looked at
        self.follower: Follower | None = None
        self.curves: Curves | None = None
        self.reading = False
        self.resting: frozenset[str] = frozenset({"curves"})  # what is not named at the foot

    @property
    def seatrial(self) -> Seatrial:
        """The app, by its own type."""
        return cast("Seatrial", self.app)

    def compose(self) -> ComposeResult:
        """The list, then the chosen run."""
        yield Heading()
        yield Rows(COLUMNS, id="runs", empty="Nothing was run here yet.\n\n! runs any command.")
        yield Static(id="run-detail")
        yield Panels(id="run-curves")
        yield JobLine()
        yield KeyLine()

    @told
    def on_mount(self) -> None:
        """Read the log, and look again as long as it is shown."""
        self.query_one(Rows).focus()
        self.renew()
        self.set_interval(0.4, self.look)

    @told
    def look(self) -> None:
        """What another process has begun or ended, and the lines that a training run has added."""
        if not self.is_current:
            return
        if self._count() != self.counted:
            self.renew()
        if self.follower is not None and not self.reading and self.follower.changed():
            self.follow()

    def _count(self) -> tuple[int, int]:
        row = self.seatrial.here.ledger.rows(
            "select (select count(*) from run) as begun, (select count(*) from run_end) as ended"
        )[0]
        return row["begun"], row["ended"]

    def follow(self) -> None:
        """Read the curves of the run under the cursor, in the background."""
        assert self.follower is not None
        self.reading = True
        follower, run = self.follower, self.runs[self.query_one(Rows).cursor]
        self.seatrial.read(self, "curves", lambda: follow(follower, run))

    @told
    def on_ready(self, message: Ready) -> None:
        """The curves, if they are still those of the run under the cursor."""
        self.reading = False
        found = cast("Curves", message.value)
        if self.runs and found.run_id == self.runs[self.query_one(Rows).cursor].run_id:
            self.curves = found
            self.query_one(Panels).show(found)
            self.tell()

    def on_failed(self, message: Failed) -> None:
        """They cannot be read: said once."""
        self.reading, self.follower = False, None
        self.seatrial.complain(message.error)

    def renew(self) -> None:
        """Read the log again; the cursor stays on its run."""
        rows = self.query_one(Rows)
        before = self.runs[rows.cursor].run_id if self.runs and rows.cursor else None
        self.counted = self._count()
        self.runs = runs(self.seatrial.here)
        failed = sum(run.error is not None for run in self.runs)
        self.query_one(Heading).say(["seatrial", "runs"], f"{len(self.runs):,} runs · {failed:,} failed")
        ids = [run.run_id for run in self.runs]
        rows.show(len(self.runs), self.block, cursor=ids.index(before) if before in ids else 0)
        self.choose()

    def action_renew(self) -> None:
        """Read the log again."""
        self.renew()

    def block(self, start: int, stop: int) -> Block:
        """The cells of some runs."""
        return [
            [
                Cell("✗", "bad") if run.error else Cell("✓", "good") if run.ended_at else Cell("…", "warn"),
                Cell(run.kind, "strong"),
                Cell(ago(run.started_at), "quiet"),
                Cell(took(run), "quiet"),
                Cell(run.error or run.command.removeprefix("seatrial "), "bad" if run.error else ""),
            ]
            for run in self.runs[start:stop]
        ]

    @told
    def on_rows_moved(self) -> None:
        """Show the run under the cursor."""
        self.choose()

    def choose(self) -> None:
        """Another run: its curves if it trained something."""
        run = self.runs[self.query_one(Rows).cursor] if self.runs else None
        trains = run is not None and run.kind == "train"
        self.query_one(Panels).display = trains
        self.resting = frozenset() if trains else frozenset({"curves"})
        self.query_one(KeyLine).renew()
        if run is None or not trains:
            self.follower = self.curves = None
        elif self.follower is None or self.follower.run != run:
            self.follower, self.curves = Follower(self.seatrial.here, run), None
            self.follow()
        self.tell()

    def tell(self) -> None:
        """The chosen run in full."""
        cursor = self.query_one(Rows).cursor
        if not self.runs:
            return
        run = self.runs[cursor]
        lines = [
            Content.assemble(
                (run.run_id, "bold"),
                f"  {run.started_at[:19].replace('T', ' ')} UTC  ",
                (took(run), "dim"),
            ),
            plain(run.command, lines=False),
        ]
        if self.curves is not None:
            lines.append(plain(self.curves.words, "bold", lines=False))
        elif run.params:
            said = " · ".join(settings(run.params))
            lines.append(plain(said[:600] + (" …" if len(said) > 600 else ""), "dim", lines=False))
        if run.error and self.curves is None:
            lines.append(plain(run.error[:400], "$error", lines=False))
        told = warnings(self.seatrial.here, run)
        if told:
            more = f"  (and {len(told) - 1} more: enter)" if len(told) > 1 else ""
            lines.insert(2, plain(f"! {told[0][:300]}{more}", "$warning", lines=False))
        self.query_one("#run-detail", Static).update(Content("\n").join(lines))

    async def on_rows_chosen(self) -> None:
        """Enter on a run."""
        await self.seatrial.run_action("open", self)

    async def action_open(self) -> None:
        """All that is known of a run, to read and copy."""
        from tui.screens.dialogs import Panel

        if self.runs:
            run = self.runs[self.query_one(Rows).cursor]
            await self.app.push_screen(
                Panel(f"{run.kind} {run.run_id}", *whole(self.seatrial.here, run), fault=bool(run.error))
            )

    async def action_again(self) -> None:
        """The run's own command, to be changed or run; a training run that was cut off goes on."""
        if not self.runs:
            return
        run = self.runs[self.query_one(Rows).cursor]
        if self.curves is not None and self.curves.state == "running":
            raise ConfigError("this run still goes on", hint="v shows how far it is")
        words = run.command.removeprefix("seatrial ")
        cut_off = run.kind == "train" and (run.ended_at is None or run.error) and "--resume" not in words
        await self.seatrial.ask_command(words + (" --resume" if cut_off else ""))

    async def action_curves(self) -> None:
        """The curves of a training run on the whole screen."""
        from tui.screens.training import TrainingScreen

        if not self.runs:
            return
        run = self.runs[self.query_one(Rows).cursor]
        if run.kind != "train":
            self.seatrial.say(f"`{run.kind}` has no curves; a train run has")
            return
        await self.app.push_screen(TrainingScreen(run))

    def action_copy(self) -> None:
        """Put the chosen run's command on the clipboard."""
        if self.runs:
            self.seatrial.copy(self.runs[self.query_one(Rows).cursor].command)

    def action_back(self) -> None:
        """To the versions."""
        self.dismiss()


def took(run: RunRow) -> str:
    """How long a run took; empty where it has not ended."""
    if run.ended_at is None:
        return "not ended"
    seconds = (datetime.fromisoformat(run.ended_at) - datetime.fromisoformat(run.started_at)).total_seconds()
    return duration(seconds) if seconds >= 1 else f"{1000 * seconds:.0f} ms"
