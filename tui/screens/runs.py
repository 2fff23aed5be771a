"""What was run here, when, with what, and how it ended."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from curate.progress import duration
from tui.display_text import plain
from tui.lineage import RunRow, ago, runs
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
        Binding("c", "copy", "Copy", id="runs.copy"),
        Binding("enter", "open", "Details", id="runs.open"),
        Binding("ctrl+r", "renew", "Read again", id="runs.renew"),
        Binding("q,escape", "back", "Back", id="runs.back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[RunRow] = []

    @property
    def seatrial(self) -> Seatrial:
        """The app, by its own type."""
        return cast("Seatrial", self.app)

    def compose(self) -> ComposeResult:
        """The list, then the chosen run."""
        yield Heading()
        yield Rows(COLUMNS, id="runs", empty="Nothing was run here yet.\n\n! runs any command.")
        yield Static(id="run-detail")
        yield JobLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Read the log."""
        self.query_one(Rows).focus()
        self.renew()

    def renew(self) -> None:
        """Read the log again."""
        self.runs = runs(self.seatrial.here)
        failed = sum(run.error is not None for run in self.runs)
        self.query_one(Heading).say(["seatrial", "runs"], f"{len(self.runs):,} runs · {failed:,} failed")
        self.query_one(Rows).show(len(self.runs), self.block)
        self.tell()

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
                Cell(run.error or run.command, "bad" if run.error else ""),
            ]
            for run in self.runs[start:stop]
        ]

    def on_rows_moved(self) -> None:
        """Show the run under the cursor."""
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
        if run.params:
            said = "  ".join(
                f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in run.params.items()
            )
            lines.append(plain(said[:600] + (" …" if len(said) > 600 else ""), "dim", lines=False))
        if run.error:
            lines.append(plain(run.error[:400], "$error", lines=False))
        self.query_one("#run-detail", Static).update(Content("\n").join(lines))

    async def on_rows_chosen(self) -> None:
        """Enter on a run."""
        await self.action_open()

    async def action_open(self) -> None:
        """All that is known of a run, to read and copy."""
        from tui.screens.dialogs import Panel

        if self.runs:
            run = self.runs[self.query_one(Rows).cursor]
            details = json.dumps(run.params, indent=2, ensure_ascii=False)
            words = f"{run.command}\n\n{run.error or 'it ended well' if run.ended_at else 'it has not ended, or was killed'}"
            await self.app.push_screen(Panel(f"{run.kind} {run.run_id}", words, details))

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
