"""Work that takes a while: a word stands meanwhile, keys wait for it, and another screen above it stays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from textual import events
from textual.message import Message
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static

from curate.workspace import Workspace
from tests.tui.test_screens_deciding import decided
from tests.tui.walking import settle
from tui.app import Seatrial
from tui.screens.card import CardScreen
from tui.screens.dialogs import Panel
from tui.screens.queue import QueueScreen
from tui.screens.together import TogetherScreen
from tui.screens.working import WorkingScreen
from tui.widgets.rows import Rows
from tui.workbench import workbench

WRITES = ("decided", "work")


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """What is written in the background waits until this is set; one decision is many."""
    opened, read = threading.Event(), Seatrial.read

    def slowly(app: Seatrial, screen: Screen[object], what: str, work: Callable[[], Message]) -> None:
        def held() -> Message:
            assert opened.wait(20)
            return work()

        read(app, screen, what, held if what in WRITES else work)

    monkeypatch.setattr(Seatrial, "read", slowly)
    monkeypatch.setattr("tui.screens.working.AT_ONCE", 0)
    yield opened
    opened.set()


async def to_the_question(pilot: Pilot[int]) -> None:
    """From the versions to the question about all findings that are shown."""
    for key in ("enter", "B"):
        await settle(pilot)
        await pilot.press(key)
    await settle(pilot)
    assert isinstance(pilot.app.screen, TogetherScreen)


async def test_keys_wait_for_what_is_written(workspace: Workspace, gate: threading.Event) -> None:
    """After `a` in the question, and after `u`: those typed on are done on the list, in their order."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_the_question(pilot)
        await pilot.press("a", "down", "down")
        gate.set()
        await settle(pilot)
        assert isinstance(app.screen, QueueScreen) and decided(workspace)
        assert app.screen.query_one(Rows).cursor == 2
        gate.clear()
        await pilot.press("u")
        assert isinstance(app.screen, WorkingScreen)
        assert not app.early.keeps(app, events.Key("ctrl+q", None))
        assert "decisions are taken back ..." in str(app.screen.query_one(Static).content)
        await pilot.press("down", "escape", "enter", "enter")
        assert decided(workspace)
        gate.set()
        await settle(pilot)
        assert not decided(workspace)
        assert isinstance(app.screen, CardScreen)
        assert app.screen.position == 3


async def test_a_panel_above_what_is_written_stays(workspace: Workspace, gate: threading.Event) -> None:
    """The question closes when it is on top again; it closed the panel in its place, and stayed for ever."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_the_question(pilot)
        await pilot.press("x")
        await app.push_screen(Panel("a job did not work", "as it says"))
        gate.set()
        await settle(pilot)
        assert isinstance(app.screen, Panel) and decided(workspace)
        await pilot.press("q")
        await settle(pilot)
        assert isinstance(app.screen, QueueScreen)


async def test_a_turn_that_fails_is_told_and_nothing_follows(
    workspace: Workspace, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys that were typed in the belief that it works are not done."""

    def broken(*_: object) -> object:
        raise OSError("gone")

    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_the_question(pilot)
        gate.set()
        await pilot.press("x")
        await settle(pilot)
        gate.clear()
        monkeypatch.setattr("tui.desk.history.History.undo", broken)
        await pilot.press("u", "down")
        gate.set()
        await settle(pilot)
        if not isinstance(app.screen, QueueScreen):  # a panel says so
            await pilot.press("escape")
        assert isinstance(app.screen, QueueScreen) and app.screen.query_one(Rows).cursor == 0
        assert decided(workspace)
