"""A label to choose, below the text that it is for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.screens.label_asks import called
from tui.terminal.display_text import fit, name_text, plain
from tui.widgets.lines import KeyLine

MOST = 9  # labels listed at once: each has a digit


class ChooseLabel(ModalScreen[str | None]):
    """The labels of a version, narrowed by what is typed; a label that is none of them is asked for twice."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "apply", "Take it", id="choose.apply"),
        Binding("escape", "leave", "Leave", id="choose.leave", priority=True),
        Binding("down,tab", "move(1)", "Next", id="choose.next", priority=True),
        Binding("up,shift+tab", "move(-1)", "Before", id="choose.before", priority=True),
    ]

    def __init__(self, names: Sequence[str], now: str | None) -> None:
        super().__init__()
        self.names, self.now = list(names), now
        self.at = 0
        self.asked: str | None = None  # the label that is none of them, once it was told
        # where labels begin with digits, digits are typed
        self.digits = not any(name[:1].isdigit() for name in self.names)

    def compose(self) -> ComposeResult:
        """What the row is labelled now, the labels, the line to type in, the keys."""
        with Vertical(id="ask"):
            yield Static(id="ask-hint")
            yield Static(id="ask-names")
            yield Input(id="ask-line", select_on_focus=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """Write in the line at once."""
        self.query_one(Input).border_title = "label: type to narrow"
        self.query_one(Input).focus()
        self.tell()

    def on_resize(self) -> None:
        """With less room fewer labels are listed."""
        self.tell()

    @property
    def typed(self) -> str:
        """What was typed."""
        return self.query_one(Input).value

    @property
    def found(self) -> list[str]:
        """The labels that fit what was typed."""
        return called(self.names, self.typed) if self.typed.strip() else self.names

    def tell(self, warning: str = "") -> None:
        """List the labels around the one that is selected."""
        found = self.found
        room = min(MOST, max(2, self.size.height // 3 - 1))
        first = max(0, min(self.at - room // 2, len(found) - room)) if self.typed or self.at >= room else 0
        lines = []
        for number, name in enumerate(found[first : first + room], first):
            chosen = number == self.at
            key = str(number + 1) if self.digits and not self.typed and number < MOST else " "
            line = fit(name_text(name), max(8, self.size.width - 10)).rstrip()
            lines.append(
                Content.assemble(
                    "▸ " if chosen else "  ", (key, "bold $accent"), " ", (line, "bold" if chosen else "")
                )
            )
        names = Content("\n").join(lines) if lines else plain("no label of this version", "dim italic")
        self.query_one("#ask-names", Static).update(names)
        now = name_text(self.now or "(none)")
        hint = f"labelled {now}; {len(found):,} of {len(self.names):,} others"
        self.query_one("#ask-hint", Static).update(
            plain(warning, "$warning") if warning else plain(hint, "dim", lines=False)
        )

    def on_input_changed(self) -> None:
        """Other labels fit now, and the first of them is selected; a digit alone takes the label of that number."""
        self.at, self.asked = 0, None
        typed = self.typed
        if self.digits and len(typed) == 1 and typed in "123456789" and int(typed) <= len(self.names):
            self.dismiss(self.names[int(typed) - 1])
            return
        self.tell()

    def on_input_submitted(self) -> None:
        """Enter: take what is selected; a label that is none of them only when asked twice."""
        found, typed = self.found, self.typed.strip()
        if found:
            self.dismiss(found[self.at])
        elif typed == self.now:
            self.tell("the row is labelled so already")
        elif typed and self.asked == typed:
            self.dismiss(typed)
        elif typed:
            self.asked = typed
            self.tell("not a label of this version: press enter again to use it")

    def action_move(self, by: int) -> None:
        """Select the label after or before."""
        if self.found:
            self.at = (self.at + by) % len(self.found)
            self.tell()

    def action_apply(self) -> None:
        """The same as Enter in the line, for the mouse."""
        self.on_input_submitted()

    def action_leave(self) -> None:
        """Change nothing."""
        self.dismiss(None)
