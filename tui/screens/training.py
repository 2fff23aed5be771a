"""The curves of one training run on the whole screen: loss, learning rate, memory, as it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Static

from tui.messages import Failed, Ready
from tui.reading.lineage import RunRow, runs
from tui.reading.training import Curves, Follower
from tui.terminal.display_text import plain
from tui.terminal.faults import told
from tui.widgets.curves import Curve, Drawing
from tui.widgets.lines import Heading, JobLine, KeyLine

if TYPE_CHECKING:
    from tui.app import Seatrial

EVERY = 0.4  # seconds between two looks
SIGNS = {"running": "● ", "finished": "✓ ", "killed": "✗ ", "failed": "✗ ", "unknown": "… "}
TONES = {
    "running": "$accent",
    "finished": "$success",
    "killed": "$error",
    "failed": "$error",
    "unknown": "dim",
}


class Panels(Container):
    """Loss, and where there is room learning rate and memory."""

    DEFAULT_CSS = """
    Panels { layout: grid; grid-size: 2 2; grid-rows: 2fr 1fr; grid-gutter: 1 3; height: 1fr; padding: 0 2; }
    Panels #curve-loss { column-span: 2; }
    .-wide Panels { grid-size: 4 2; grid-rows: 1fr 1fr; }
    .-wide Panels #curve-loss { column-span: 3; row-span: 2; }
    .-narrow Panels, .-short Panels { grid-size: 1 1; grid-rows: 1fr; grid-gutter: 0; padding: 0 1; }
    .-narrow Panels #curve-loss, .-short Panels #curve-loss { column-span: 1; row-span: 1; }
    .-narrow Panels #curve-rate, .-narrow Panels #curve-memory { display: none; }
    .-short Panels #curve-rate, .-short Panels #curve-memory { display: none; }
    """

    def compose(self) -> ComposeResult:
        """The panels, empty."""
        for name in ("loss", "rate", "memory"):
            yield Curve(id=f"curve-{name}")

    def show(self, found: Curves) -> None:
        """Draw what is known."""
        loss = Drawing("loss", found.loss, found.validation, ("train", "validation"), found.total)
        rate = Drawing("learning rate", found.rate, total=found.total, tell=_scientific)
        if found.metric:  # the more telling of the two, where it is measured
            rate = Drawing("task metric", found.metric, total=found.total)
        gone = f"at most {_bytes(found.peak)}" if found.peak else "nothing measured yet"
        memory = Drawing("memory", found.memory, total=found.total, tell=_bytes, empty=gone)
        for name, drawing in (("loss", loss), ("rate", rate), ("memory", memory)):
            self.query_one(f"#curve-{name}", Curve).show(drawing)


class TrainingScreen(Screen[None]):
    """One run. To close the screen stops nothing: the run is another process."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy", "Copy the command", id="training.copy"),
        Binding("m", "mask", "Mask", id="training.mask"),
        Binding("q,escape", "back", "Back; the run goes on", id="training.back"),
    ]

    def __init__(self, run: RunRow) -> None:
        super().__init__()
        self.run = run
        self.follower: Follower | None = None
        self.first, self.reading = True, False

    @property
    def seatrial(self) -> Seatrial:
        """The app, by its own type."""
        return cast("Seatrial", self.app)

    def compose(self) -> ComposeResult:
        """How far it is, then the curves."""
        yield Heading()
        yield Static(id="training-word")
        yield Panels(id="training-curves")
        yield JobLine()
        yield KeyLine()

    @told
    def on_mount(self) -> None:
        """Follow the run."""
        self.query_one(Heading).say(["seatrial", "runs", self.run.run_id], "reading ...")
        self.follower = Follower(self.seatrial.here, self.run)
        self.look()
        self.set_interval(EVERY, self.look)

    @told
    def look(self) -> None:
        """Read on where there is something new, in the background."""
        if self.follower is None or self.reading:
            return
        ended = "select 1 from run_end where run_id = ?"
        over = self.run.ended_at is None and self.seatrial.here.ledger.rows(ended, self.run.run_id)
        if over:
            self.run = next(r for r in runs(self.seatrial.here) if r.run_id == self.run.run_id)
        if over or self.first or self.follower.changed():
            self.first = False
            self.reading = True
            follower, run = self.follower, self.run
            self.seatrial.read(self, "curves", lambda: follow(follower, run))

    @told
    def on_ready(self, message: Ready) -> None:
        """Draw it."""
        self.reading = False
        found = cast("Curves", message.value)
        self.query_one(Heading).say(["seatrial", "runs", self.run.run_id], found.state)
        words = plain(SIGNS[found.state] + found.words, TONES[found.state], lines=False)
        self.query_one("#training-word", Static).update(words)
        self.query_one(Panels).show(found)

    def on_failed(self, message: Failed) -> None:
        """It cannot be read: said once."""
        self.reading, self.follower = False, None
        self.seatrial.complain(message.error)

    def action_copy(self) -> None:
        """Put the run's command on the clipboard."""
        self.seatrial.copy(self.run.command)

    async def action_mask(self) -> None:
        """The rows as the model gets them, token by token."""
        from tui.screens.mask import MaskScreen

        await self.app.push_screen(MaskScreen(self.run))

    def action_back(self) -> None:
        """Back to the runs."""
        self.dismiss()


def follow(follower: Follower, run: RunRow) -> Ready:
    """Read on, for a screen."""
    return Ready("curves", follower.read(run))


def _scientific(value: float) -> str:
    return f"{value:.2g}"


def _bytes(value: float | None) -> str:
    """A size as `1.2 GB`, decimal."""
    size = float(value or 0)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.2f} GB"
