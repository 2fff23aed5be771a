"""The small screens over the others: a line to type, a choice, a text to copy, the keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, Static

from curate.errors import SeatrialError
from tui.terminal.display_text import display_text, plain
from tui.widgets.lines import KeyLine, in_order


def nothing(text: str) -> None:
    """Any text will do."""


class Ask(ModalScreen[str | None]):
    """One line to type, at the foot of the screen. Other keys rest until it is done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "apply", "Take it", id="ask.apply"),
        Binding("tab", "complete", "Complete", id="ask.complete", priority=True),
        Binding("escape", "leave", "Leave", id="ask.leave", priority=True),
    ]

    def __init__(
        self,
        prompt: str,
        value: str,
        hint: str,
        check: Callable[[str], None] = nothing,
        *,
        anew: bool = False,
        complete: Callable[[str], tuple[str, list[str]]] | None = None,
    ) -> None:
        """With `anew` what is typed first replaces the text; the cursor keys keep it.

        `complete` gives a line that ends as it surely must, and the words that it may end with.
        """
        super().__init__()
        self.complete = complete
        self.prompt, self.value, self.hint, self.check, self.anew = prompt, value, hint, check, anew

    def compose(self) -> ComposeResult:
        """The hint, then the line, then its keys."""
        with Vertical(id="ask"):
            yield Static(plain(self.hint, "dim"), id="ask-hint")
            yield Input(value=display_text(self.value, lines=False), id="ask-line", select_on_focus=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """Write in the line at once."""
        line = self.query_one(Input)
        line.border_title = plain(self.prompt, lines=False)
        line.focus()
        line.cursor_position = len(line.value)
        if self.anew:
            line.action_select_all()
        # a command that is longer than the line ends with what one is to change; before it is laid out it cannot scroll
        line.call_after_refresh(lambda: line.scroll_to(x=line.max_scroll_x, animate=False, immediate=True))

    def on_input_submitted(self) -> None:
        """Enter: give the text back if it will do, else say why not."""
        text = self.query_one(Input).value
        try:
            self.check(text)
        except SeatrialError as error:
            words = error.message + (f" ({error.hint})" if error.hint else "")
            self.query_one("#ask-hint", Static).update(plain(f"✗ {words}", "$error"))
            return
        self.dismiss(text)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where nothing can be completed, tab is no key."""
        return action != "complete" or self.complete is not None

    def action_complete(self) -> None:
        """Write what the word before the cursor must be, or say what it may be."""
        line, at = self.query_one(Input), self.query_one(Input).cursor_position
        if self.complete is not None:
            begun, names = self.complete(line.value[:at])
            line.value = begun + line.value[at:]
            line.cursor_position = len(begun)
            told = "  ".join(names) if names else self.hint
            self.query_one("#ask-hint", Static).update(plain(told, "dim", lines=False))

    def action_apply(self) -> None:
        """The same as Enter in the line, for the mouse."""
        self.on_input_submitted()

    def action_leave(self) -> None:
        """Change nothing."""
        self.dismiss(None)


class Confirm(ModalScreen[bool]):
    """Two ways to go on; Escape is the harmless one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes"),
        Binding("n,escape,q", "answer(False)", "No", id="confirm.no"),
    ]

    def __init__(self, question: str, yes: str, no: str) -> None:
        super().__init__()
        self.question, self.yes, self.no = question, yes, no

    def compose(self) -> ComposeResult:
        """The question and what either key does."""
        yield from _ways(self, self.question, (("confirm.yes", self.yes), ("confirm.no", self.no)))
        yield KeyLine()

    def action_answer(self, yes: bool) -> None:
        """Give the answer back."""
        self.dismiss(yes)


class Leaving(ModalScreen[str]):
    """A command still runs: `stop` it, `leave` it running, or `stay`; Escape stays."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('stop')", "Stop it", id="leaving.stop"),
        Binding("l", "answer('leave')", "Leave it running", id="leaving.leave"),
        Binding("n,escape,q", "answer('stay')", "Stay", id="leaving.stay"),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self.question = question

    def compose(self) -> ComposeResult:
        """The question and what each key does."""
        ways = (
            ("leaving.stop", "Stop it and leave"),
            ("leaving.leave", "Leave it running: Runs shows it later"),
            ("leaving.stay", "Stay"),
        )
        yield from _ways(self, self.question, ways)
        yield KeyLine()

    def action_answer(self, way: str) -> None:
        """Give the answer back."""
        self.dismiss(way)


def _ways(screen: Screen[Any], question: str, ways: Iterable[tuple[str, str]]) -> ComposeResult:
    """The question, and each way to go on by the id of its key, which may be one's own."""
    keys: dict[str | None, str] = {}
    for active in in_order(screen):
        keys.setdefault(active.binding.id, screen.app.get_key_display(active.binding))
    with Vertical(classes="dialog"):
        yield Static(plain(question, "bold"))
        lines = [
            Content.assemble((keys.get(name, ""), "bold $accent"), "  ", plain(words)) for name, words in ways
        ]
        yield Static(Content.assemble("\n", Content("\n").join(lines)))


class Panel(ModalScreen[None]):
    """A text that one can read at leisure, scroll and copy."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy", "Copy", id="panel.copy"),
        Binding("e", "again", "Change the command", id="panel.again"),
        Binding("escape,q,enter", "leave", "Close", id="panel.close"),
    ]

    def __init__(
        self, title: str, message: str, details: str = "", *, fault: bool = True, again: str = ""
    ) -> None:
        """`again` is the command that did not work, to be changed and run once more."""
        super().__init__()
        self.again = again
        self.heading, self.message, self.details = title, message, details
        self.tone = "bold $error" if fault else "bold $primary"

    def compose(self) -> ComposeResult:
        """What happened, then the details in grey."""
        with VerticalScroll(classes="dialog"):
            yield Static(plain(self.heading, self.tone))
            yield Static(Content.assemble("\n", plain(self.message)))
            if self.details:
                yield Static(Content.assemble("\n", plain(self.details, "dim")))
        yield KeyLine()

    def action_copy(self) -> None:
        """Put all of it on the clipboard."""
        app: Any = self.app
        app.copy("\n\n".join(part for part in (self.heading, self.message, self.details) if part))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a command can be changed."""
        return action != "again" or bool(self.again)

    async def action_again(self) -> None:
        """The command as it was typed."""
        app: Any = self.app
        self.dismiss()
        await app.ask_command(self.again)

    def action_leave(self) -> None:
        """Back to where one was."""
        self.dismiss()


class Help(ModalScreen[None]):
    """What each key does where the focus was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "leave", "Close", id="help.close")
    ]

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self.groups = _groups(screen)

    def compose(self) -> ComposeResult:
        """A group of keys for each part of the screen, the focused one first."""
        with VerticalScroll(classes="dialog"):
            yield Static(Content.styled("Keys here", "bold $primary"))
            for title, rows in self.groups:
                width = max(len(key) for key, _, _ in rows)
                lines = [Content.styled(f"\n{title}", "dim")]
                lines += [
                    Content.assemble((f"{key:>{width}}", "bold $accent"), f"  {words}  ", (name, "dim"))
                    for key, words, name in rows
                ]
                yield Static(Content("\n").join(lines))
            more = (
                "\nTo change a key, name it in keys.toml by the word on the right:\n"
                '[keys]\n"card.accept" = "y"'
            )
            yield Static(Content.styled(more, "dim"))
        yield KeyLine()

    def action_leave(self) -> None:
        """Back to where one was."""
        self.dismiss()


def _groups(screen: Screen[Any]) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """(part, [(keys, what they do, id)]) of the bindings that are alive, each action once."""
    found: dict[str, dict[str, tuple[list[str], str, str]]] = {}
    for active in in_order(screen):
        binding = active.binding
        if not binding.description or not active.enabled or not binding.id:
            continue
        part = binding.id.partition(".")[0]
        keys, _, _ = found.setdefault(part, {}).setdefault(
            binding.action, ([], binding.description, binding.id)
        )
        keys.append(screen.app.get_key_display(binding))
    titles = {"rows": "in the list", "app": "everywhere"}
    order = sorted(found, key=lambda part: (part in titles, part == "app"))
    return [
        (
            titles.get(part, f"on this screen ({part})"),
            [(" ".join(k), w, i) for k, w, i in found[part].values()],
        )
        for part in order
    ]
