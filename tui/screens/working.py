"""Screens whose work takes a while: a word stands meanwhile, keys are kept, and none is closed in another's place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from tui.desk.desk import Desk
from tui.desk.history import Turned
from tui.messages import Failed, Ready
from tui.terminal.faults import told
from tui.widgets.lines import KeyLine

if TYPE_CHECKING:
    from tui.app import Seatrial

AT_ONCE = 200  # decisions that are written before a next key can be missed
TURNS = {
    "undo": ("taken back", "undone", "there is nothing to undo"),
    "redo": ("done again", "done again", "there is nothing to do again"),
}
Result = TypeVar("Result")


class Finishing(Screen[Result]):
    """A screen that background work closes: under another one it waits until it is on top again."""

    outcome: tuple[Result | None] | None = None

    def finish(self, result: Result | None) -> None:
        """Close with a result. The library would close whichever screen is on top instead."""
        self.outcome = (result,)
        if self.app.screen is self:  # `is_current` holds below a dialog too
            self.close()

    @told
    def on_screen_resume(self) -> None:
        """What stood above is gone."""
        if self.outcome is not None:
            self.close()

    def close(self) -> None:
        """Go, and let the screen below take the keys that were kept."""
        assert self.outcome is not None
        result, self.outcome = self.outcome[0], None
        app = cast("Seatrial", self.app)
        self.dismiss(result)
        app.call_later(app.on_rows_arrived)


class WorkingScreen(Finishing[tuple[Any]], ModalScreen[tuple[Any]]):
    """What is being done, until it is."""

    holds_keys = True

    def __init__(self, words: str, work: Callable[[], object]) -> None:
        """`work` is called in a thread; it gives the screen's result, in a tuple; None where it failed."""
        super().__init__()
        self.words, self.work = words, work

    def compose(self) -> ComposeResult:
        """The words."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled(self.words, "bold"))
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin."""
        cast("Seatrial", self.app).read(self, "work", lambda: Ready("work", self.work()))

    @told
    def on_ready(self, message: Ready) -> None:
        """It is done."""
        self.finish((message.value,))

    def on_failed(self, message: Failed) -> None:
        """Nothing was decided; keys that relied on it do nothing."""
        app = cast("Seatrial", self.app)
        app.early.keys.clear()
        self.finish(None)
        app.complain(message.error)


async def at_length(
    app: Seatrial, count: int, words: str, work: Callable[[], object], then: Callable[[Any], None]
) -> None:
    """Do what is written for `count` findings: here and now where they are few, else behind `words`."""
    if count <= AT_ONCE:
        then(work())
        return

    def done(result: tuple[Any] | None) -> None:
        if result is not None:
            then(result[0])

    await app.push_screen(WorkingScreen(words, work), done)


async def turn(
    app: Seatrial, desk: Desk, way: str, then: Callable[[Turned | None, list[int], str, str], None]
) -> None:
    """`undo` or `redo` the newest act; `then` is told what came of it, where, and the words for some and none."""
    count = desk.history.next_size(way)
    doing, done, nothing = TURNS[way]
    work = desk.undo if way == "undo" else desk.redo
    words = f"{count:,} decisions are {doing} ..."

    def turned(said: tuple[Turned | None, list[int]]) -> None:
        then(*said, done, nothing)

    await at_length(app, count, words, work, turned)
