"""A workspace that is moved away under open screens: each key tells, none ends the screens."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from curate.workspace import Workspace
from tests.tui.states import State, answered, keys, labels, to_rating, trained
from tests.tui.walking import settle
from tui.screens.queue import QueueScreen
from tui.workbench import workbench

GONE = {
    "queue": (State(None, keys("enter")), ("enter", "u", "m", "s", "o", "F", "ctrl+r")),
    "versions": (State(None, keys()), ("enter", "v", "D", "L", "r", "E", "m")),
    "card": (State(None, keys("enter", "enter")), ("right_square_bracket", "1", "tab", "e", "t", "p", "b")),
    "rows": (State(None, keys("v")), ("enter", "s", "end", "slash")),
    "label": (State(labels("choice"), keys("L")), ("1", "right_square_bracket", "u", "o")),
    "rating": (State(answered, to_rating), ("1", "r", "v", "d", "u")),
    "comparison": (State(answered, keys("m")), ("down", "s", "o", "v", "p")),
    "runs": (State(trained, keys("r")), ("down", "v", "enter")),
}


@pytest.mark.parametrize("name", GONE)
async def test_a_workspace_that_is_moved_away(name: str, workspace: Workspace, home: Path) -> None:
    """No key and no timer ends the screens; when the folder is back, they go on."""
    state, pressed = GONE[name]
    if state.prepare is not None:
        state.prepare(workspace)
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        assert state.walk is not None
        await state.walk(pilot)
        elsewhere = home.rename(home.with_name("elsewhere"))
        for key in pressed:
            before = app.screen
            await pilot.press(key)
            await settle(pilot)
            assert app.is_running, key
            while app.screen is not before and len(app.screen_stack) > 2:
                await pilot.press("escape")
                await settle(pilot)
                if app.screen is before:
                    break
        elsewhere.rename(home)
        assert app.is_running
        assert app._exception is None


async def test_a_card_that_cannot_be_read(workspace: Workspace, home: Path) -> None:
    """One stays on the list, and is told why."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys("enter")(pilot)
        app.screen.query_one("#queue")
        await pilot.press("colon")
        app.screen.query_one(Input).value = 'check == "structure"'
        await pilot.press("enter")
        await settle(pilot)
        queue = app.screen
        assert isinstance(queue, QueueScreen) and queue.desk is not None
        queue.desk.examples.held.clear()
        queue.desk.examples._ahead = None
        elsewhere = home.rename(home.with_name("elsewhere"))
        await pilot.press("enter")
        await settle(pilot)
        assert app.screen is queue or app.screen_stack[-2] is queue  # a long path is told in a panel
        elsewhere.rename(home)
        if app.screen is not queue:
            await pilot.press("escape")
        await pilot.press("enter")
        await settle(pilot)
        assert type(app.screen).__name__ == "CardScreen"
