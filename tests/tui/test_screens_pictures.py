"""Few and stable pictures: one of each kind of screen, each at another size, in a fixed theme."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from curate.workspace import Workspace
from tui.app import Seatrial

Compare = Callable[..., bool]


def keys(*pressed: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Press keys, each when the one before has been dealt with."""

    async def press(pilot: Pilot[Any]) -> None:
        for key in ("", *pressed):
            if key:
                await pilot.press(key)
            for _ in range(3):
                await pilot.app.workers.wait_for_complete()
                await pilot.pause()

    return press


@pytest.mark.parametrize(
    ("name", "size", "pressed"),
    [
        ("versions", (120, 40), ()),
        ("queue", (80, 24), ("enter", "o")),
        ("card-pair", (80, 24), ("enter", "enter")),
        ("card-cluster", (120, 40), ("enter", "enter", *["right_square_bracket"] * 4)),
        ("card-span", (40, 12), ("enter", "enter", *["right_square_bracket"] * 8)),
    ],
)
def test_picture(
    hostile: Workspace, snap_compare: Compare, name: str, size: tuple[int, int], pressed: tuple[str, ...]
) -> None:
    """The screen looks as it did when someone last looked at it."""
    assert snap_compare(Seatrial(hostile), terminal_size=size, run_before=keys(*pressed))


def test_picture_of_the_way_in(home: Path, snap_compare: Compare) -> None:
    """The first start in one screen."""
    assert snap_compare(Seatrial(None), terminal_size=(80, 24), run_before=keys())
