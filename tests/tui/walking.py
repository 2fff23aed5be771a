"""Ways through the screens that several tests walk."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from tui.screens.card import CardScreen


async def settle(pilot: Pilot[Any]) -> None:
    """Until the background has read what was asked for, and all is drawn."""
    for _ in range(3):
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()


async def to_card(pilot: Pilot[int], filter: str) -> CardScreen:
    """From the versions to the first card of what the filter chooses."""
    await settle(pilot)
    await pilot.press("enter")
    await settle(pilot)
    await pilot.press("colon")
    pilot.app.screen.query_one(Input).value = filter
    await pilot.press("enter")
    await settle(pilot)
    await pilot.press("enter")
    await settle(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, CardScreen)
    return screen
