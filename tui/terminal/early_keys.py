"""Keys pressed while a list is read or decisions are written: kept until it is done, so that none is lost."""

from __future__ import annotations

from collections.abc import Collection

from textual import events
from textual.app import App
from textual.screen import Screen

from tui.widgets.rows import Rows

MOST = 50  # keys


class EarlyKeys:
    """The keys that wait for one screen, in their order."""

    def __init__(self, leaving: Collection[str]) -> None:
        """`leaving` are the names of the keys that leave the program: they never wait."""
        self.leaving = leaving
        self.keys: list[events.Key] = []
        self.screen: Screen[object] | None = None  # which is to take them

    def keeps(self, app: App[int], event: events.Key) -> bool:
        """Whether a key waits; what does not need it (help, back) is done at once.

        Once a key waits, those after it do too, also those that only a screen takes which is yet to be
        opened. Escape goes back whatever waits.
        """
        writing = getattr(app.screen, "holds_keys", False)
        taker = app.screen_stack[-2] if writing else app.screen
        if self.keys and taker is not self.screen:
            self.keys = []
        rows = app.focused
        if not self.keys and not writing and not (isinstance(rows, Rows) and rows.waiting):
            return False
        active = app.screen.active_bindings.get(event.key)
        if (
            event.key == "escape"
            or event.key in self.leaving
            or (active is not None and active.binding.priority)
        ):
            return False
        if not self.keys and not writing and (active is None or active.binding.action == "back"):
            return False
        if not self.keys and active is not None and active.node is app:
            return False
        # who presses Enter again and again is waiting, and wants to open one thing
        again = event.key == "enter" and bool(self.keys) and self.keys[-1].key == "enter"
        if not again and len(self.keys) < MOST:
            self.keys.append(event)
            self.screen = taker
        return True

    def arrived(self, app: App[int]) -> list[events.Key]:
        """It is done: the keys that waited for it, once."""
        kept, self.keys = self.keys, []
        return kept if app.screen is self.screen else []
