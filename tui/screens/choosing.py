"""A name to choose: by its digit, with the arrows, or by letters of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.terminal.display_text import fit, name_text, plain
from tui.widgets.lines import KeyLine

MOST = 9  # names listed at once: each has a digit


def called(names: Sequence[str], text: str) -> list[str]:
    """The names that a text means: the one it is, else those that begin with it, else those that hold it."""
    asked = text.strip().lower()
    exact = [name for name in names if name.lower() == asked]
    begun = [name for name in names if name.lower().startswith(asked)]
    return exact or begun or [name for name in names if asked in name.lower()]


class Choose(ModalScreen[str | None]):
    """Names, narrowed by what is typed. With `free` another one may be typed, and is asked for twice."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "apply", "Take it", id="choose.apply"),
        Binding("escape", "leave", "Leave", id="choose.leave", priority=True),
        Binding("down,tab", "move(1)", "Next", id="choose.next", priority=True),
        Binding("up,shift+tab", "move(-1)", "Before", id="choose.before", priority=True),
    ]

    def __init__(
        self,
        title: str,
        names: Sequence[str],
        hint: str,
        *,
        now: str | None = None,
        free: bool = False,
        digits: bool = True,
    ) -> None:
        """`hint` stands above the names; `now` is what holds already; without `digits` these are typed."""
        super().__init__()
        self.title_name, self.names, self.hint, self.now, self.free = title, list(names), hint, now, free
        self.at = 0
        self.asked: str | None = None  # the name that is none of them, once it was told
        # where names begin with digits, digits are typed
        self.digits = digits and not any(name[:1].isdigit() for name in self.names)

    def compose(self) -> ComposeResult:
        """What is asked, the names, the line to type in, the keys."""
        with Vertical(id="ask"):
            yield Static(id="ask-hint")
            yield Static(id="ask-names")
            yield Input(id="ask-line", select_on_focus=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """Write in the line at once."""
        self.query_one(Input).border_title = plain(f"{self.title_name}: type to narrow", lines=False)
        self.query_one(Input).focus()
        self.tell()

    def on_resize(self) -> None:
        """With less room fewer names are listed."""
        self.tell()

    @property
    def typed(self) -> str:
        """What was typed."""
        return self.query_one(Input).value

    @property
    def found(self) -> list[str]:
        """The names that fit what was typed."""
        return called(self.names, self.typed) if self.typed.strip() else self.names

    def tell(self, warning: str = "") -> None:
        """List the names around the one that is selected."""
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
        names = Content("\n").join(lines) if lines else plain("none is called so", "dim italic")
        self.query_one("#ask-names", Static).update(names)
        self.query_one("#ask-hint", Static).update(
            plain(warning, "$warning")
            if warning
            else plain(f"{self.hint} · {len(found):,} of {len(self.names):,}", "dim", lines=False)
        )

    def on_input_changed(self) -> None:
        """Other names fit now, and the first of them is selected; a digit alone takes the name of that number."""
        self.at, self.asked = 0, None
        typed = self.typed
        if self.digits and len(typed) == 1 and typed in "123456789" and int(typed) <= len(self.names):
            self.dismiss(self.names[int(typed) - 1])
            return
        self.tell()

    def on_input_submitted(self) -> None:
        """Enter: take what is selected; a name that is none of them only when asked twice."""
        found, typed = self.found, self.typed.strip()
        if found:
            self.dismiss(found[self.at])
        elif not self.free:
            self.tell(f"none is called so: {', '.join(self.names[:6])}")
        elif typed == self.now:
            self.tell("the row is labelled so already")
        elif typed and self.asked == typed:
            self.dismiss(typed)
        elif typed:
            self.asked = typed
            self.tell("not a label of this version: press enter again to use it")

    def action_move(self, by: int) -> None:
        """Select the name after or before."""
        if self.found:
            self.at = (self.at + by) % len(self.found)
            self.tell()

    def action_apply(self) -> None:
        """The same as Enter in the line, for the mouse."""
        self.on_input_submitted()

    def action_leave(self) -> None:
        """Change nothing."""
        self.dismiss(None)
