"""What a version is made of: bars and histograms, where it came from, and its data card."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from curate.workspace import Workspace
from tui.messages import Failed, Ready
from tui.reading.distributions import Distributions, data_card, distributions
from tui.reading.markdown import drawn
from tui.terminal.display_text import plain
from tui.terminal.faults import told
from tui.widgets.bars import Bars
from tui.widgets.histogram import Histogram, Histograms
from tui.widgets.lines import Heading, JobLine, KeyLine, keyed

if TYPE_CHECKING:
    from tui.app import Seatrial


class DistributionsScreen(Screen[None]):
    """Charts of one version; `d` shows its data card instead."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "card", "Data card/charts", id="distributions.card"),
        Binding("c", "copy", "Copy the card", id="distributions.copy"),
        Binding("j,down", "scroll(2)", "Scroll down", show=False, id="distributions.down"),
        Binding("k,up", "scroll(-2)", "Scroll up", show=False, id="distributions.up"),
        Binding("pagedown,space", "scroll(15)", "Page down", id="distributions.pagedown"),
        Binding("pageup", "scroll(-15)", "Page up", show=False, id="distributions.pageup"),
        Binding("q,escape", "back", "Back", id="distributions.back"),
    ]

    def __init__(self, workspace: Workspace, digest: str, name: str) -> None:
        super().__init__()
        self.workspace, self.digest, self.title_name = workspace, digest, name
        self.text: str | None = None

    @property
    def seatrial(self) -> Seatrial:
        """The app, by its own type."""
        return cast("Seatrial", self.app)

    def compose(self) -> ComposeResult:
        """The lineage, the charts; the card, until then hidden."""
        yield Heading()
        with VerticalScroll(id="portrait", can_focus=False):
            yield Static("reading ...", id="summary")
            yield Container(id="charts")
            yield Static(id="data-card")
        yield JobLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Read it in the background."""
        self.query_one(Heading).say([self.title_name, "distributions"])
        workspace, digest = self.workspace, self.digest
        self.query_one("#data-card").display = False
        self.seatrial.read(
            self, "distributions", lambda: Ready("distributions", distributions(workspace, digest))
        )

    @told
    def on_ready(self, message: Ready) -> None:
        """The charts or the card are there."""
        if isinstance(message.value, str):
            self.text = message.value
            self.on_resize()
        elif isinstance(message.value, Distributions):
            self._draw(message.value)

    def on_resize(self) -> None:
        """The card's tables have another room."""
        if self.text is not None:
            room = self.query_one("#portrait").scrollable_content_region.width
            self.query_one("#data-card", Static).update(drawn(self.text, room))

    def on_failed(self, message: Failed) -> None:
        """Something could not be read."""
        where = "#data-card" if message.what == "card" else "#summary"
        words = keyed(self, "this could not be read; {distributions.back} goes back")
        self.query_one(where, Static).update(Content.styled(words, "dim"))
        self.seatrial.complain(message.error)

    def _draw(self, seen: Distributions) -> None:
        self.query_one(Heading).say([self.title_name, "distributions"], f"{seen.rows:,} rows")
        lines = [plain(line, "dim" if at else "", lines=False) for at, line in enumerate(seen.lineage)]
        head = Content.styled("WHERE IT CAME FROM", "bold dim")
        self.query_one("#summary", Static).update(Content("\n").join([head, *lines]))
        charts = self.query_one("#charts", Container)
        charts.mount(
            *(Histograms(chart) if isinstance(chart, Histogram) else Bars(chart) for chart in seen.charts)
        )

    def action_card(self) -> None:
        """The data card as the export writes it, or the charts again."""
        card = self.query_one("#data-card", Static)
        if self.text is None and not card.display:
            workspace, digest, name = self.workspace, self.digest, self.title_name
            card.update("reading ...")
            self.seatrial.read(self, "card", lambda: Ready("card", data_card(workspace, digest, name)))
        card.display = not card.display
        for part in ("#summary", "#charts"):
            self.query_one(part).display = not card.display
        self.query_one("#portrait", VerticalScroll).scroll_to(y=0, animate=False)

    def action_copy(self) -> None:
        """Put the data card on the clipboard."""
        if self.text is not None:
            self.seatrial.copy(self.text)

    def action_scroll(self, by: int) -> None:
        """Move the charts."""
        self.query_one("#portrait", VerticalScroll).scroll_relative(y=by, animate=False)

    def action_back(self) -> None:
        """To the versions."""
        self.dismiss()
