"""Dataset versions, where they came from, and what the chosen one looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from curate.errors import ConfigError
from curate.workspace import Workspace
from tui.messages import Failed, Ready
from tui.reading.lineage import Portrait, Version, ago, portrait, versions
from tui.terminal.display_text import display_text
from tui.terminal.faults import told
from tui.widgets.bars import Bars
from tui.widgets.lines import Heading, JobLine, KeyLine, keyed
from tui.widgets.rows import Block, Cell, Column, Rows

if TYPE_CHECKING:
    from tui.app import Seatrial

COLUMNS = [
    Column("version"),
    Column("rows", 9, right=True),
    Column("findings", 8, right=True, from_width=60),
    Column("open", 6, right=True),
    Column("blocking", 8, right=True, from_width=60),
    Column("made by", 7, from_width=76),
    Column("when", 10, from_width=60),
]


class VersionsScreen(Screen[None]):
    """The first screen: choose a version, see it, open its queue or work on it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Queue", id="versions.open"),
        Binding("s", "scan", "Scan", id="versions.scan"),
        Binding("A", "apply", "Apply", id="versions.apply"),
        Binding("S", "split", "Split", id="versions.split"),
        Binding("r", "runs", "Runs", id="versions.runs"),
        Binding("m", "comparison", "Comparison: the arms side by side", show=False, id="versions.comparison"),
        Binding("L", "label", "Label by hand", show=False, id="versions.label"),
        Binding("E", "steps", "Evaluate: the steps to a verdict", show=False, id="versions.steps"),
        Binding("i", "import", "Import a file", show=False, id="versions.import"),
        Binding("X", "export", "Export", show=False, id="versions.export"),
        Binding("T", "train", "Train on this version", show=False, id="versions.train"),
        Binding("v", "rows", "Rows: look through this version", show=False, id="versions.rows"),
        Binding("D", "distributions", "Distributions and data card", show=False, id="versions.distributions"),
        Binding("c", "copy", "Copy the digest", show=False, id="versions.copy"),
        Binding("ctrl+r", "renew", "Read again", show=False, id="versions.renew"),
        Binding("q", "app.quit", "Leave", show=False, id="versions.leave"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.versions: list[Version] = []
        self.portraits: dict[str, Portrait] = {}
        self.wanted: list[str] = []
        self.reading = False

    @property
    def seatrial(self) -> Seatrial:
        """The app, by its own type."""
        return cast("Seatrial", self.app)

    def compose(self) -> ComposeResult:
        """The list above, the portrait of the chosen version below."""
        yield Heading()
        nothing = "No dataset yet.\n\n{versions.import} imports a file; {app.command} runs any command."
        yield Rows(COLUMNS, id="versions", empty=keyed(self, nothing))
        with VerticalScroll(id="portrait", can_focus=False):
            yield Static(id="summary")
            yield Container(id="charts")
        yield JobLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """The keys belong to the list."""
        self.query_one(Rows).focus()

    @told
    def on_screen_resume(self) -> None:
        """Read the versions: at first, and since decisions may have been made meanwhile."""
        self.renew()

    def renew(self) -> None:
        """Read the versions again; portraits of old are kept until new ones are there."""
        if not self.query(Rows):
            return  # a job that made the workspace has ended before its screen was there
        rows = self.query_one(Rows)
        before = self.chosen.digest if self.versions else None
        count = len(self.versions)
        self.versions = versions(self.seatrial.here)
        digests = [version.digest for version in self.versions]
        # a version that has just been made is what one wants to see
        cursor = digests.index(before) if before in digests and len(digests) == count else 0
        rows.show(len(self.versions), self.block, cursor=cursor)
        who = "only to be read" if self.seatrial.here.ledger.only_read else self.seatrial.reviewer
        self.query_one(Heading).say(["seatrial", "versions"], f"{len(self.versions):,} in all · {who}")
        self.wanted = digests[:]
        self.look()

    def action_renew(self) -> None:
        """Read again what another process may have changed."""
        self.renew()

    @property
    def chosen(self) -> Version:
        """The version under the cursor; ConfigError where there is none."""
        cursor = self.query_one(Rows).cursor
        if not 0 <= cursor < len(self.versions):
            raise ConfigError("there is no dataset yet", hint="i imports a file")
        return self.versions[cursor]

    @property
    def reference(self) -> str:
        """How a command is told of the chosen version."""
        return self.chosen.name if self.chosen.newest else self.chosen.digest[:12]

    def block(self, start: int, stop: int) -> Block:
        """The cells of some versions."""
        return [self._cells(version) for version in self.versions[start:stop]]

    def _cells(self, version: Version) -> list[Cell]:
        seen = self.portraits.get(version.digest)
        found = (
            "…" if seen is None else "not scanned" if seen.findings is None else in_six_cells(seen.findings)
        )
        scanned = seen is not None and seen.findings is not None
        open_, blocking = (seen.open, seen.blocking) if seen else (0, 0)
        digest = version.digest[:8]
        named = version.name if version.name != digest else ""  # protected rows have no name
        name = named if version.newest else f"{named} @{digest}".strip()
        return [
            Cell(name, "strong" if version.newest else "quiet"),
            Cell(f"{version.rows:,}"),
            Cell("-" if found == "not scanned" else found, "" if scanned else "quiet"),
            Cell(in_six_cells(open_) if scanned else "-", "warn" if open_ else "quiet"),
            Cell(in_six_cells(blocking) if scanned else "-", "bad" if blocking else "quiet"),
            Cell(version.made_by, "quiet"),
            Cell(ago(version.added_at), "quiet"),
        ]

    # the portrait

    @told
    def on_rows_moved(self) -> None:
        """Another version: show it as soon as it is known."""
        self.look()

    def look(self) -> None:
        """Show the chosen version, then read those whose portrait is not known or old."""
        if not self.versions:
            return
        digest = self.chosen.digest
        if digest in self.portraits:
            self.draw(self.portraits[digest])
        else:
            self.query_one("#summary", Static).update(Content.styled("reading ...", "dim"))
            self.query_one("#charts", Container).remove_children()
        if self.wanted and not self.reading:
            self.reading = True
            following = digest if digest in self.wanted else self.wanted[0]
            workspace = self.seatrial.here
            self.seatrial.read(self, "portrait", lambda: read_portrait(workspace, following))

    @told
    def on_ready(self, message: Ready) -> None:
        """A portrait has been read."""
        if not isinstance(message.value, Portrait):
            return
        seen = message.value
        self.reading = False
        self.portraits[seen.digest] = seen
        self.wanted = [digest for digest in self.wanted if digest != seen.digest]
        self.query_one(Rows).renew()
        if self.versions and self.chosen.digest == seen.digest:
            self.draw(seen)
        if self.wanted:
            self.look()

    def on_failed(self, message: Failed) -> None:
        """A portrait could not be read: say so once."""
        self.wanted, self.reading = [], False
        self.seatrial.complain(message.error)

    def draw(self, seen: Portrait) -> None:
        """One line on what is to be done, and the charts."""
        if seen.findings is None:
            words = Content.assemble(
                ("not scanned yet", "bold $warning"), keyed(self, "  {versions.scan} scans it")
            )
        elif seen.blocking:
            words = Content.assemble(
                (f"{seen.blocking:,} blocking", "bold $error"), f" of {seen.open:,} open findings; split and export wait for them  ",
                ("enter opens the queue", "dim"),
            )  # fmt: skip
        elif seen.open:
            words = Content.assemble(
                ("nothing blocking", "bold $success"), f"; {seen.open:,} doubtful findings stay open"
            )
        else:
            words = Content.assemble(
                ("nothing open", "bold $success"),
                keyed(self, "  {versions.apply} applies what was decided, {versions.split} splits"),
            )
        if seen.rejected:
            words = Content.assemble(
                words, "\n", (display_text(seen.rejected, lines=False)[:300], "$warning")
            )
        self.query_one("#summary", Static).update(words)
        charts = self.query_one("#charts", Container)
        old = list(charts.query(Bars))
        if len(old) == len(seen.charts):
            for widget, chart in zip(old, seen.charts, strict=True):
                widget.chart = chart
                widget.refresh(layout=True)
            return
        charts.remove_children()
        charts.mount(*(Bars(chart) for chart in seen.charts))

    # actions

    async def on_rows_chosen(self) -> None:
        """Enter or a second click on a version."""
        await self.seatrial.run_action("open", self)

    async def action_open(self) -> None:
        """Open the queue of the chosen version."""
        from tui.screens.queue import open_queue

        await open_queue(self.seatrial, self.chosen.digest, self.chosen.name)

    def action_scan(self) -> None:
        """Look for problems."""
        self.seatrial.start(["scan", self.reference])

    async def action_apply(self) -> None:
        """Make the clean version; the command can be changed first."""
        await self.seatrial.ask_command(f"apply {self.reference}")

    async def action_split(self) -> None:
        """Divide into train, validation and test; the command can be changed first."""
        await self.seatrial.ask_command(f"split {self.reference}")

    async def action_export(self) -> None:
        """Write files; the command can be changed first."""
        await self.seatrial.ask_command(f"export {self.reference}")

    async def action_train(self) -> None:
        """Train an adapter; the command can be changed first."""
        await self.seatrial.ask_command(f"train {self.reference}")

    async def action_import(self) -> None:
        """Read a file into a new version."""
        await self.seatrial.ask_command("import ")

    async def action_runs(self) -> None:
        """What was run here."""
        from tui.screens.runs import RunsScreen

        await self.app.push_screen(RunsScreen())

    async def action_rows(self) -> None:
        """Look through the rows of the chosen version."""
        from tui.desk.rowfile import RowFile
        from tui.screens.rows_view import RowsScreen

        workspace, version = self.seatrial.here, self.chosen
        await self.app.push_screen(RowsScreen(lambda: RowFile(workspace, version.digest), version.name))

    async def action_label(self) -> None:
        """Answer the questions of the label set, row by row."""
        from tui.screens.label_asks import open_labelling

        await open_labelling(self.seatrial, self.chosen.digest, self.chosen.name)

    async def action_steps(self) -> None:
        """Split, train, predict, score, compare, report: what is done, and each command."""
        from tui.screens.steps import StepsScreen

        await self.app.push_screen(StepsScreen(self.chosen.digest))

    async def action_distributions(self) -> None:
        """What the chosen version is made of, and its data card."""
        from tui.screens.distributions import DistributionsScreen

        version = self.chosen
        await self.app.push_screen(DistributionsScreen(self.seatrial.here, version.digest, version.name))

    async def action_comparison(self) -> None:
        """The newest comparison."""
        from tui.screens.comparison import ComparisonScreen

        await self.app.push_screen(ComparisonScreen())

    def action_copy(self) -> None:
        """Put the version's digest on the clipboard."""
        self.seatrial.copy(self.chosen.digest)


def in_six_cells(count: int) -> str:
    """A count in six cells, whole as long as it fits."""
    if count < 100_000:
        return f"{count:,}"
    return f"{count / 1e3:.0f} k" if count < 999_500 else f"{count / 1e6:.1f} M"


def read_portrait(workspace: Workspace, digest: str) -> Message:
    """Read one version's portrait, for the screen."""
    return Ready("portrait", portrait(workspace, digest))
