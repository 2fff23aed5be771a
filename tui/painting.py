"""One paint for what changes together."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from textual.app import App

SETTLED = 0.002  # seconds in which the parts of a screen have told it that they changed


def at_once(app: App[Any]) -> None:
    """Paint what changes from here on in one go, a moment later.

    Each part of a screen says on its own that it changed. The library paints on the first word, and
    again, a sixtieth of a second later, on the others: the same text is sent twice.
    """
    held = ExitStack()
    held.enter_context(app.batch_update())

    def paint() -> None:
        held.close()
        app.screen.check_idle()  # it was told while it was not to paint

    app.set_timer(SETTLED, paint)
