"""Keys that are pressed while a list is being read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input

from curate.workspace import Workspace
from tests.tui.test_screens_deciding import decided
from tests.tui.walking import settle
from tui.app import Seatrial
from tui.screens.card import CardScreen
from tui.screens.dialogs import Help
from tui.screens.queue import QueueScreen
from tui.screens.versions import VersionsScreen
from tui.widgets.rows import Rows
from tui.workbench import workbench


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """What is read of findings waits until this is set."""
    opened, read = threading.Event(), Seatrial.read

    def slowly(app: Seatrial, screen: Screen[Any], what: str, work: Callable[[], Message]) -> None:
        def held() -> Message:
            assert opened.wait(20)
            return work()

        read(app, screen, what, held if isinstance(screen, QueueScreen) else work)

    monkeypatch.setattr(Seatrial, "read", slowly)
    yield opened
    opened.set()


async def test_enter_twice_opens_the_card(workspace: Workspace, gate: threading.Event) -> None:
    """The second Enter is kept until the list is there, and what follows it too; pressed again it opens one card."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("enter", "down", "enter", "enter", "enter")
        gate.set()
        await settle(pilot)
        assert [type(screen) for screen in app.screen_stack[-2:]] == [QueueScreen, CardScreen]
        await pilot.press("q")
        assert app.screen.query_one(Rows).cursor == 1


async def test_keys_of_a_screen_that_is_yet_to_be_opened_wait_too(
    workspace: Workspace, gate: threading.Event
) -> None:
    """`x` is no key of the list: it is for the card that the Enter before it opens. So are typed words."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("enter", "enter", "x", "q", "slash", "r", "e", "f")
        gate.set()
        await settle(pilot)
        assert list(decided(workspace).values()) == ["keep"]
        assert app.screen.query_one(Input).value == "ref"


async def test_enter_pressed_before_the_program_has_the_terminal(workspace: Workspace) -> None:
    """The terminal makes a line feed of it, which is ctrl+j; where text is typed ctrl+j submits nothing."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+j")
        await settle(pilot)
        assert isinstance(app.screen, QueueScreen)
        await pilot.press("slash", "r", "ctrl+j", "e")
        assert app.screen.query_one(Input).value == "re"


async def test_what_needs_no_list_is_done_at_once(workspace: Workspace, gate: threading.Event) -> None:
    """Help and the way back do not wait; escape leaves whatever waits, and nothing of it is done elsewhere."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("enter", "question_mark")
        assert isinstance(app.screen, Help)
        await pilot.press("q", "q")
        assert isinstance(app.screen, VersionsScreen)
        await pilot.press("enter", "enter", "q", "escape")
        assert isinstance(app.screen, VersionsScreen)
        gate.set()
        await settle(pilot)
        assert isinstance(app.screen, VersionsScreen)


async def test_a_list_that_cannot_be_read_keeps_no_key(
    workspace: Workspace, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure is said, and the way back still works."""

    def broken(*_: object) -> object:
        raise OSError("gone")

    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        monkeypatch.setattr("tui.desk.desk.Desk.__init__", broken)
        await pilot.press("enter", "enter")
        gate.set()
        await settle(pilot)
        queue = next(screen for screen in app.screen_stack if isinstance(screen, QueueScreen))
        assert queue.query_one(Rows).empty.startswith("This could not be read")
        if app.screen is not queue:  # a panel says so
            await pilot.press("escape")
        await pilot.press("q")
        await settle(pilot)
        assert isinstance(app.screen, VersionsScreen)
