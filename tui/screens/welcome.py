"""The first start: nothing is here yet, and this is the way in."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tui.terminal.display_text import display_text
from tui.widgets.lines import Heading, JobLine, KeyLine

if TYPE_CHECKING:
    from tui.app import Seatrial

WAYS = (
    ("i", "import a file", "seatrial import rows.jsonl --label COLUMN --group COLUMN"),
    ("d", "see the whole job on shipped tickets", "seatrial demo"),
)
STEPS = (
    ("scan", "duplicates, personal data, contradictions, leaks"),
    ("decide", "one card at a time: a accept, x reject, u undo"),
    ("apply, split", "a clean version; train, validation and a sealed test"),
    ("train, compare", "an adapter, and a verdict with its evidence"),
)


class WelcomeScreen(Screen[None]):
    """Two keys that begin, and what comes after."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "import", "Import", id="welcome.import"),
        Binding("d", "demo", "Demo", id="welcome.demo"),
        Binding("q", "app.quit", "Leave", id="welcome.leave"),
    ]

    @property
    def seatrial(self) -> Seatrial:
        """The app, by its own type."""
        return cast("Seatrial", self.app)

    def compose(self) -> ComposeResult:
        """The sentence, the two ways in, the steps after."""
        yield Heading()
        parts: list[Content] = [
            Content.styled(
                "Find out whether your fine-tune is really better,\non rows you have checked.", "bold"
            ),
            Content("\nThere is no dataset here yet. Begin with one of these:\n"),
        ]
        for key, words, command in WAYS:
            parts.append(Content.assemble((f"  {key}", "bold $accent"), f"   {words}"))
            parts.append(Content.styled(f"      {command}\n", "dim"))
        parts.append(Content.styled("Then", "dim"))
        width = max(len(name) for name, _ in STEPS)
        for number, (name, words) in enumerate(STEPS, start=1):
            parts.append(Content.assemble((f"  {number}", "dim"), f"   {name:<{width}}  ", (words, "dim")))
        who = display_text(self.seatrial.reviewer, lines=False)
        parts.append(
            Content.styled(
                f"\nYou decide as {who}; SEATRIAL_REVIEWER=NAME seatrial sets another name.", "dim"
            )
        )
        with VerticalScroll(id="welcome", can_focus=False):
            yield Static(Content("\n").join(parts))
        yield JobLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Say where one is."""
        self.query_one(Heading).say(["seatrial"], self.seatrial.reviewer)

    def renew(self) -> None:
        """A job has ended: it may have brought the first version."""
        if self.seatrial.workspace is not None and self.app.screen is self:
            self.seatrial.open_first()

    async def action_import(self) -> None:
        """Type the file and what its columns mean."""
        await self.seatrial.ask_command("import ")

    def action_demo(self) -> None:
        """Run the demo, with its progress below."""
        self.seatrial.start(["demo"])
