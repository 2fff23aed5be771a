"""What the screens show: any size, hostile rows, the first start, failures, many rows."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Input, Static

from curate.workspace import Workspace
from tests.tui.walking import settle
from tui.app import NothingActs
from tui.screens.card import CardScreen
from tui.screens.comparison import ComparisonScreen
from tui.screens.dialogs import Ask, Help, Panel
from tui.screens.queue import QueueScreen
from tui.screens.runs import RunsScreen
from tui.screens.versions import VersionsScreen
from tui.screens.welcome import WelcomeScreen
from tui.terminal.keymap import Preferences, read
from tui.widgets.bars import bar
from tui.widgets.lines import Heading, KeyLine
from tui.widgets.rows import BLOCK, Cell, Column, Rows
from tui.workbench import workbench

SIZES = [(80, 24), (40, 12), (120, 40)]
ACTS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b]")


def lines(app: App[Any]) -> list[str]:
    """The text on the screen, a string for each line."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    assert len(strips) == height
    texts = ["".join(segment.text for segment in strip) for strip in strips]
    assert all(strip.cell_length == width for strip in strips)
    return texts


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_at_every_size(hostile: Workspace, size: tuple[int, int]) -> None:
    """Hostile rows crash no screen and none of their controls is on it; the keys can be seen."""
    app = workbench(hostile)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        for keys, screen in [
            ([], VersionsScreen), (["r"], RunsScreen), (["enter"], Panel), (["escape", "q"], VersionsScreen),
            (["m"], ComparisonScreen), (["q"], VersionsScreen), (["enter"], QueueScreen), (["question_mark"], Help),
            (["escape", "end"], QueueScreen), (["enter"], CardScreen), *[(["right_square_bracket"], CardScreen)] * 21,
            (["n"], Ask), (["escape", "d", "tab", "c", "f"], CardScreen),
        ]:  # fmt: skip
            await pilot.press(*keys)
            await (pilot.pause() if screen is CardScreen else settle(pilot))
            assert isinstance(app.screen, screen)
            text = "\n".join(lines(app))
            assert not ACTS.search(text)
            assert app.screen.query_one(KeyLine).places()


async def test_bytes_to_the_terminal(hostile: Workspace) -> None:
    """What is drawn as bytes holds no sequence that the rows hold."""
    app = workbench(hostile)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        out = io.StringIO()
        console = Console(
            file=out, force_terminal=True, width=100, color_system="truecolor", legacy_windows=False
        )
        for strip in app.screen._compositor.render_strips():
            console.print(*(s.text for s in strip), markup=False, highlight=False, end="\n", sep="")
        drawn = re.sub("\x1b\\[[0-9;]*m", "", out.getvalue())
        assert "\x1b" not in drawn and "\x07" not in drawn and "\x9b" not in drawn
        assert "␛]52;c;aGk=" in drawn


async def test_the_last_gate(workspace: Workspace) -> None:
    """A widget that lets controls through still sends none: the app's filter takes them out."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert any(isinstance(each, NothingActs) for each in app._filters)
        await pilot.press("exclamation_mark")
        app.screen.query_one(Input).value = "scan \x1b]52;c;aGk=\x07\x9b31m"
        await settle(pilot)
        assert not ACTS.search("\n".join(lines(app)))


async def test_first_start(home: Path) -> None:
    """With no workspace one screen shows the way in; nothing is made on the disk."""
    app = workbench(None)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert isinstance(app.screen, WelcomeScreen)
        text = "\n".join(lines(app))
        assert "seatrial import" in text and "seatrial demo" in text
        assert "You decide as anna; SEATRIAL_REVIEWER=NAME" in text  # within 80 by 24
        await pilot.press("i")
        assert isinstance(app.screen, Ask)
        await pilot.press("escape", "r", "question_mark")
    assert not home.exists()


async def test_empty_workspace_and_unscanned_version(home: Path) -> None:
    """No dataset shows the way in; a version that was not scanned says so."""
    home.mkdir(parents=True)
    empty = Workspace(home)
    async with workbench(empty).run_test() as pilot:
        await settle(pilot)
        assert isinstance(pilot.app.screen, WelcomeScreen)
    from curate.example import EXAMPLES

    empty.ledger.set_name("none", empty.put_dataset(pl.DataFrame(schema=EXAMPLES)))
    app = workbench(empty)
    async with app.run_test() as pilot:
        await settle(pilot)
        assert "not scanned" in "\n".join(lines(app))
        await pilot.press("enter")
        assert isinstance(app.screen, VersionsScreen)
    empty.close()


async def test_filter_good_bad_and_hostile(workspace: Workspace) -> None:
    """A filter chooses; a wrong one stays in the line with the reason; nothing in it runs."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        for wrong in ("chek == 'pii'", "__import__('os')", "score == 'x'", "[/foo]", "((", "check"):
            await pilot.press("colon")
            app.screen.query_one(Input).value = wrong
            await pilot.press("enter")
            assert isinstance(app.screen, Ask)
            assert "✗" in str(app.screen.query_one("#ask-hint", Static).content)
            await pilot.press("escape")
        await pilot.press("colon")
        app.screen.query_one(Input).value = 'check == "pii" and score > 0.55 and row_label == "oak"'
        await pilot.press("enter")
        await settle(pilot)
        assert "2 of 21 shown" in app.screen.query_one(Heading).count
        await pilot.press("w")
        await settle(pilot)
        await pilot.press("slash")
        app.screen.query_one(Input).value = "anna3@example.org BROKEN"
        await pilot.press("enter")
        await settle(pilot)
        assert "2 of 21 shown" in app.screen.query_one(Heading).count
        await pilot.press("s", "s", "w")
        await settle(pilot)
        assert "20 of 21 shown · 20 open" in app.screen.query_one(Heading).count
        await pilot.press("o")
        await settle(pilot)
        assert "21 of 21 shown" in app.screen.query_one(Heading).count


async def test_an_action_that_fails_ends_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault in a key's action is a panel to copy from; the app goes on."""
    monkeypatch.setattr(VersionsScreen, "action_copy", lambda self: 1 / 0)
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("c")
        assert isinstance(app.screen, Panel)
        await pilot.press("escape")
        assert isinstance(app.screen, VersionsScreen)


async def test_a_version_that_cannot_be_read(workspace: Workspace) -> None:
    """Data that is gone from the disk is told; the app goes on."""
    digest = workspace.dataset()
    for file in (workspace.root / "artifacts" / digest).iterdir():
        file.unlink()
    app = workbench(workspace)
    told: list[Exception] = []
    complain = app.complain
    app.complain = lambda error: (told.append(error), complain(error))[1]  # type: ignore[method-assign]
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("escape", "enter")
        await settle(pilot)
        assert told
        for _ in range(3):
            if not isinstance(app.screen, VersionsScreen):
                await pilot.press("escape")
        assert isinstance(app.screen, VersionsScreen)
        assert app.is_running


async def test_palette_and_keymap(workspace: Workspace) -> None:
    """Each key's action is in the palette as `noun: verb`; a key can be changed by id."""
    app = workbench(workspace, settings=Preferences(keys={"versions.runs": "z"}))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        names = [command.title for command in app.get_system_commands(app.screen)]
        assert "versions: scan" in names and "theme: choose" in names
        await pilot.press("r")
        assert isinstance(app.screen, VersionsScreen)
        await pilot.press("z")
        assert isinstance(app.screen, RunsScreen)


@pytest.mark.parametrize("theme", ["seatrial-light", "ansi-dark", "ansi-light", "textual-dark"])
async def test_themes(workspace: Workspace, theme: str) -> None:
    """The screens draw in light, dark and the terminal's own colours."""
    app = workbench(workspace, settings=Preferences(theme=theme))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("enter")
        assert app.theme == theme
        assert "open" in "\n".join(lines(app))


async def test_no_color(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR an ANSI theme is not used, and all is drawn."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = workbench(workspace, settings=Preferences(theme="ansi-dark"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert app.theme == "seatrial-dark"
        assert "tickets" in "\n".join(lines(app))


def test_settings_that_cannot_be_used(tmp_path: Path) -> None:
    """A broken or strange keys.toml is a complaint, with the defaults in force."""
    path = tmp_path / "keys.toml"
    path.write_text("keys = [")
    assert read(path).complaints and read(path).keys == {}
    path.write_text('theme = 3\ncolour = 1\n[keys]\n"card.accept" = 7\n')
    assert len(read(path).complaints) == 3
    path.write_text('theme = "seatrial-light"\n[keys]\n"card.accept" = "y"\n')
    assert read(path) == Preferences({"card.accept": "y"}, "seatrial-light")


async def test_many_rows_are_not_read() -> None:
    """Of 1,000,000 rows only the blocks on the screen are asked for, wherever one jumps."""
    asked: list[tuple[int, int]] = []

    def fetch(start: int, stop: int) -> list[list[Cell]]:
        asked.append((start, stop))
        return [[Cell(f"row {i}")] for i in range(start, stop)]

    class One(App[None]):
        def compose(self) -> ComposeResult:
            yield Rows([Column("name")], id="rows")

    app = One()
    async with app.run_test(size=(80, 24)) as pilot:
        rows = app.query_one(Rows)
        rows.focus()
        rows.show(1_000_000, fetch)
        await pilot.pause()
        await pilot.press("end")
        await pilot.pause()
        assert "row 999999" in "\n".join(lines(app))
        await pilot.press("home", "pagedown", "pageup")
        await pilot.pause()
        assert len(asked) <= 6
        assert all(stop - start <= BLOCK for start, stop in asked)


async def test_queue_of_200_000_findings(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue opens on a large review by fetching one block or two, and filters it as a whole."""
    from curate.deciding.review import review as real

    few = real(workspace, workspace.dataset()).filter(pl.col("shape") == "span")
    many = pl.concat([few] * (200_000 // few.height)).with_columns(
        score=pl.Series(np.linspace(0, 1, few.height * (200_000 // few.height)))
    )
    monkeypatch.setattr("tui.desk.desk.review", lambda workspace, dataset: many)
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        rows = app.screen.query_one(Rows)
        assert rows.total == many.height
        assert rows.fetched <= 2
        await pilot.press("colon")
        app.screen.query_one(Input).value = "score > 0.5"
        await pilot.press("enter")
        await settle(pilot)
        assert rows.total == many.filter(pl.col("score") > 0.5).height
        assert rows.fetched <= 4


async def test_mouse(workspace: Workspace) -> None:
    """A click moves the cursor, a second opens, and the keys at the foot can be clicked."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.click(Rows, offset=(5, 1))
        await settle(pilot)
        assert isinstance(app.screen, QueueScreen)
        rows = app.screen.query_one(Rows)
        await pilot.click(Rows, offset=(5, 4))
        assert rows.cursor == 3
        keys = app.screen.query_one(KeyLine)
        start = next(start for start, _, key, _, _ in keys.places() if key == ":")
        await pilot.click(KeyLine, offset=(start + 2, 0))
        await pilot.pause()
        assert isinstance(app.screen, Ask)


@pytest.mark.parametrize(
    ("share", "cells", "drawn"),
    [(0, 8, ""), (1, 4, "━━━━"), (0.5, 4, "━━"), (0.001, 4, "╸"), (0.3, 5, "━╸"), (2, 3, "━━━")],
)
def test_bars(share: float, cells: int, drawn: str) -> None:
    """A bar is in halves of a cell, and something is never drawn as nothing."""
    assert bar(share, cells) == drawn


def test_help_groups_name_ids(workspace: Workspace) -> None:
    """Nothing the help shows is without an id to change it by."""
    from tui.screens.card import CardScreen as Screen

    bindings: list[Any] = list(Screen.BINDINGS)
    assert all(binding.id for binding in bindings)
    assert len({binding.id for binding in bindings}) == len(bindings)


async def test_keys_that_follow_at_once_are_not_lost(workspace: Workspace) -> None:
    """A filter typed as fast as a terminal can send it arrives whole, and in order."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        for key in [":", *"check==", '"', *"pii", '"']:
            app.post_message(events.Key("colon" if key == ":" else key, key))
        await settle(pilot)
        assert app.screen.query_one(Input).value == 'check=="pii"'
