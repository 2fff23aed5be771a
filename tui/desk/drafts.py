"""Texts that are written on the screens: the place where they are typed, and what is no answer yet."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import TextArea


class Drafts:
    """What was written on some rows and not saved; it is there again when one goes on."""

    def __init__(self) -> None:
        self.row, self.given = -1, ""  # whose text is being written, and what it was
        self.kept: dict[int, str] = {}
        self.warned = False

    def unsaved(self, writing: str | None) -> bool:
        """Whether anything would be lost; `writing` is the text that is being written, if one is."""
        return bool(self.kept) or (writing is not None and writing != self.given)

    def warns(self) -> str:
        """What is said, once, to who would leave drafts behind; empty where there are none."""
        if not self.kept or self.warned:
            return ""
        self.warned = True
        some = f"{len(self.kept)} texts are" if len(self.kept) > 1 else "a text is"
        return f"{some} not saved: e goes on writing, q again leaves"

    def begin(self, row: int, given: str) -> str:
        """The text to go on with on a row, where `given` is what stands there."""
        self.row, self.given, self.warned = row, given, False
        return self.kept.get(row, given)

    def rest(self, text: str) -> None:
        """The writing rests; a text that is as it was given is no draft."""
        self.kept.pop(self.row, None)
        if text != self.given:
            self.kept[self.row] = text


def open_area(area: TextArea, title: str, text: str) -> None:
    """Have a text written: whatever is typed goes there."""
    area.border_title = Content(title)
    area.load_text(text)
    area.disabled = False
    area.focus()


def close_area(area: TextArea) -> None:
    """No text is written any more: keys mean again what the screen says."""
    area.disabled = True
    area.screen.set_focus(None)
    area.screen.refresh_bindings()
