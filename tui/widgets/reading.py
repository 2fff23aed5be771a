"""The frame of a screen on which one thing is read after another: what is known of it, then its text."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui.widgets.page import Leaf, Page, lines_of

PAGE = 10  # lines


def reading_keys(name: str) -> list[Binding]:
    """The keys of such a screen, with their ids under its name; its actions are step, scroll, copy and back."""
    return [
        Binding("right_square_bracket", "step(1)", "Next", id=f"{name}.next"),
        Binding("left_square_bracket", "step(-1)", "Previous", id=f"{name}.previous"),
        Binding("j,down", "scroll(2)", "Scroll down", show=False, id=f"{name}.down"),
        Binding("k,up", "scroll(-2)", "Scroll up", show=False, id=f"{name}.up"),
        Binding("pagedown,space", f"scroll({PAGE})", "Page down", show=False, id=f"{name}.pagedown"),
        Binding("pageup", f"scroll(-{PAGE})", "Page up", show=False, id=f"{name}.pageup"),
        Binding("c", "copy", "Copy", id=f"{name}.copy"),
        Binding("q,escape", "back", "Back", id=f"{name}.back"),
    ]


class Reading(Vertical):
    """What is known, and a text of any length under it."""

    DEFAULT_CSS = "Reading { height: 1fr; }"

    def compose(self) -> ComposeResult:
        """The facts, then the text."""
        yield Static(id="facts")
        yield Page(id="reading")

    def show(self, facts: Content, text: Content) -> None:
        """Another thing, from its beginning."""
        self.query_one("#facts", Static).update(facts)
        page = self.query_one(Page)
        page.show(lambda width, height: Leaf([], lines_of(page.lines, text, width)))

    def scroll_text(self, by: int) -> None:
        """So many lines on, or back where negative."""
        self.query_one(Page).scroll_by(by)
