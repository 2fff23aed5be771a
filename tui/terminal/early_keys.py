"""Keys pressed while a list is still being read: kept until it is there, so that no key typed fast is lost."""

from __future__ import annotations

from textual import events
from textual.app import App
from textual.screen import Screen

from tui.widgets.rows import Rows

MOST = 50  # keys


class EarlyKeys:
    """The keys that wait for one screen's list, in their order."""

    def __init__(self) -> None:
        self.keys: list[events.Key] = []
        self.screen: Screen[object] | None = None  # whose list they wait for

    def keeps(self, app: App[int], event: events.Key) -> bool:
        """Whether a key waits for the list; what does not need it (help, back) is done at once.

        Once a key waits, those after it do too. Escape goes back whatever waits.
        """
        if self.keys and app.screen is not self.screen:
            self.keys = []
        rows = app.focused
        if not self.keys and not (isinstance(rows, Rows) and rows.waiting):
            return False
        active = app.screen.active_bindings.get(event.key)
        if active is None or active.binding.priority or event.key == "escape":
            return False
        if not self.keys and (active.node is app or active.binding.action == "back"):
            return False
        # who presses Enter again and again is waiting, and wants to open one thing
        again = event.key == "enter" and bool(self.keys) and self.keys[-1].key == "enter"
        if not again and len(self.keys) < MOST:
            self.keys.append(event)
            self.screen = app.screen
        return True

    def arrived(self, app: App[int]) -> list[events.Key]:
        """The list is there: the keys that waited for it, once."""
        kept, self.keys = self.keys, []
        return kept if app.screen is self.screen else []
