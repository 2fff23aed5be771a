"""Every screen as a picture, in three sizes and two themes: it looks as it did when someone last looked.

`pytest tests/tui/test_screens_pictures.py --snapshot-update` draws them anew; look at them before you keep
them (any browser shows them).
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.widgets import Input, TextArea

from curate.labelling.work import Work
from curate.workspace import ledger
from tests.tui.conftest import build
from tests.tui.drawing import svg
from tests.tui.states import STATES
from tests.tui.walking import settle
from tui.workbench import workbench

pytestmark = pytest.mark.slow

SIZES = ((120, 36), (80, 24), (40, 12))
THEMES = ("seatrial-dark", "seatrial-light")


class Picture(SingleFileSnapshotExtension):
    """A file for each picture."""

    _file_extension = "svg"
    _write_mode = WriteMode.TEXT


class Clock(datetime):
    """A clock that is a second on whenever one looks."""

    ticks: Iterator[int] = itertools.count()

    @classmethod
    def now(cls, tz: Any = None) -> Clock:
        """The same moments in each run of a test."""
        return cls(2026, 1, 5, 10, tzinfo=tz or UTC) + timedelta(seconds=next(cls.ticks))


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is random or a matter of time is the same in each run."""
    Clock.ticks = itertools.count()
    drawn = ledger.secrets.token_hex
    monkeypatch.setattr(ledger, "datetime", Clock)
    monkeypatch.setattr(ledger.secrets, "token_hex", lambda n: "00" if n == 1 else drawn(n))
    monkeypatch.setattr(Work, "pace", property(lambda work: 1.5 if work.paces else None))
    monkeypatch.setattr("tui.screens.rating.median", lambda seconds: 1.5)
    monkeypatch.setattr(sys, "argv", ["seatrial"])


@pytest.mark.parametrize("name", STATES)
@pytest.mark.usefixtures("still")
async def test_picture(home: Path, snapshot: SnapshotAssertion, name: str) -> None:
    """One walk to the screen; then the terminal is made smaller, and the theme another."""
    state = STATES[name]
    workspace = None
    if name != "welcome":
        workspace = build(home, evil=state.evil)
        if state.prepare is not None:
            state.prepare(workspace)
    app = workbench(workspace)
    differing = []
    async with app.run_test(size=SIZES[0]) as pilot:
        await settle(pilot)
        if state.walk is not None:
            await state.walk(pilot)
        for writing in (*app.screen.query(Input), *app.screen.query(TextArea)):
            writing.cursor_blink = False
        for size in SIZES:
            await pilot.resize_terminal(*size)
            for theme in THEMES:
                app.theme = theme
                await settle(pilot)
                told = f"{size[0]}x{size[1]} {theme.removeprefix('seatrial-')}"
                if svg(app) != snapshot(name=told, extension_class=Picture):
                    differing.append(told)
    if workspace is not None:
        workspace.close()
    assert not differing
