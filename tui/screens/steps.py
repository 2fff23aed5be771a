"""From a version to a verdict: each step with the command that does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tui.messages import Failed, Ready
from tui.reading.steps import Step, goes_on_with, is_newest, steps
from tui.terminal.display_text import plain
from tui.terminal.faults import told
from tui.widgets.lines import Heading, JobLine, KeyLine, keyed
from tui.widgets.rows import Block, Cell, Column, Rows

if TYPE_CHECKING:
    from tui.app import Seatrial

SIGNS = {"done": ("✓", "good"), "next": ("▶", "warn"), "later": ("·", "quiet")}
COLUMNS = [Column("", 1), Column("step", 8), Column("state", 5, from_width=60), Column("what it is")]


class StepsScreen(Screen[None]):
    """Scan, review, apply, split, train, tune, predict, score, probe, compare, report: Enter shows the command, and Enter again runs it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "Run", id="steps.run"),
        Binding("m", "comparison", "Comparison", id="steps.comparison"),
        Binding("r", "runs", "Runs, curves", id="steps.runs"),
        Binding("c", "copy", "Copy the command", id="steps.copy"),
        Binding("ctrl+r", "renew", "Read again", show=False, id="steps.renew"),
        Binding("q,escape", "back", "Back", id="steps.back"),
    ]

    def __init__(self, dataset: str) -> None:
        super().__init__()
        self.dataset = dataset
        self.steps: list[Step] = []
        self.since, self.newest = -1, False

    @property
    def seatrial(self) -> Seatrial:
        """The app, by its own type."""
        return cast("Seatrial", self.app)

    def compose(self) -> ComposeResult:
        """The steps, then the chosen one's command."""
        yield Heading()
        yield Rows(COLUMNS, id="steps")
        yield Static(id="run-detail")
        yield JobLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Look what is done; and again when something was run here or in a shell."""
        self.newest = is_newest(self.seatrial.here, self.dataset)
        self.head()
        self.query_one(Rows).focus()
        self.set_interval(2, self.look)

    def head(self) -> None:
        """Of which version the steps are."""
        name = self.seatrial.here.name_of(self.dataset) or self.dataset[:8]
        self.query_one(Heading).say(["seatrial", "steps", name])

    @told
    def on_screen_resume(self) -> None:
        """Back from another screen."""
        self.renew()

    @told
    def look(self) -> None:
        """Read again where a run has ended since."""
        ended = self.seatrial.here.ledger.rows("select count(*) as n from run_end")[0]["n"]
        if ended != self.since:
            self.renew()

    def renew(self) -> None:
        """Look what is done, in the background; of what was made of the newest version, as a split of it, from now on."""
        following = goes_on_with(self.seatrial.here, self.dataset) if self.newest else None
        if following is not None:
            self.dataset, kind = following
            self.head()
            self.seatrial.say(
                f"the steps go on with the version {self.dataset[:8]}, made by {kind}", seconds=8
            )
        workspace, dataset = self.seatrial.here, self.dataset
        self.since = workspace.ledger.rows("select count(*) as n from run_end")[0]["n"]
        self.seatrial.read(self, "steps", lambda: Ready("steps", steps(workspace, dataset)))

    def action_renew(self) -> None:
        """Look again."""
        self.renew()

    @told
    def on_ready(self, message: Ready) -> None:
        """Show them, and stand on the next."""
        before = [step.state for step in self.steps]
        self.steps = cast("list[Step]", message.value)
        states = [step.state for step in self.steps]
        rows = self.query_one(Rows)
        following = states.index("next") if "next" in states else len(states) - 1
        rows.show(len(self.steps), self.block, cursor=rows.cursor if states == before else following)
        self.tell()

    def on_failed(self, message: Failed) -> None:
        """It cannot be read; what was shown stays."""
        words = "This could not be read.\n\n{steps.renew} tries again; {steps.back} goes back."
        self.query_one(Rows).fail(keyed(self, words))
        self.seatrial.complain(message.error)

    def block(self, start: int, stop: int) -> Block:
        """The cells of some steps."""
        return [
            [
                Cell(*SIGNS[step.state]),
                Cell(step.name, "strong" if step.state == "next" else ""),
                Cell(step.state, SIGNS[step.state][1]),
                Cell(step.told, "quiet" if step.state == "later" else ""),
            ]
            for step in self.steps[start:stop]
        ]

    @told
    def on_rows_moved(self) -> None:
        """Another step's command."""
        self.tell()

    def tell(self) -> None:
        """The command of the chosen step, as in a shell."""
        if self.steps:
            step = self.chosen
            words = {"done": "done; it can be done again", "next": "enter shows it to be changed, enter again runs it", "later": "the steps above come first"}  # fmt: skip
            if step.name == "review" and step.state != "later":
                words = dict.fromkeys(words, "enter opens the queue")
            self.query_one("#run-detail", Static).update(
                Content.assemble(
                    plain(f"seatrial {step.command}", "bold", lines=False), "\n", (words[step.state], "dim")
                )
            )

    @property
    def chosen(self) -> Step:
        """The step under the cursor."""
        return self.steps[self.query_one(Rows).cursor]

    async def on_rows_chosen(self) -> None:
        """Enter or a second click on a step."""
        await self.seatrial.run_action("run", self)

    async def action_run(self) -> None:
        """Show the exact command; Enter runs it as the shell would."""
        if self.steps and self.chosen.name == "review":
            from tui.screens.queue import open_queue

            name = self.seatrial.here.name_of(self.dataset) or self.dataset[:8]
            await open_queue(self.seatrial, self.dataset, name)
        elif self.steps:
            await self.seatrial.ask_command(self.chosen.command)

    async def action_comparison(self) -> None:
        """The newest comparison."""
        from tui.screens.comparison import ComparisonScreen

        await self.app.push_screen(ComparisonScreen())

    async def action_runs(self) -> None:
        """What was run here, with the curves of training."""
        from tui.screens.runs import RunsScreen

        await self.app.push_screen(RunsScreen())

    def action_copy(self) -> None:
        """Put the chosen step's command on the clipboard."""
        if self.steps:
            self.seatrial.copy(f"seatrial {self.chosen.command}")

    def action_back(self) -> None:
        """To where one came from."""
        self.dismiss()
