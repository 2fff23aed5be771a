"""Each screen with the corpus on it: nothing that acts is drawn, every line has its width, nothing ends the app."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from benchmarks.hostile_rows import TEXTS, half, short
from benchmarks.hostile_terminal import acts
from curate.errors import ConfigError
from curate.workspace import Workspace
from tests.tui.walking import settle
from tui.app import Seatrial
from tui.screens.card import CardScreen
from tui.screens.comparison import ComparisonScreen
from tui.screens.dialogs import Ask, Confirm, Help, Panel
from tui.screens.distributions import DistributionsScreen
from tui.screens.label import LabelScreen
from tui.screens.queue import QueueScreen
from tui.screens.rating import RatingScreen
from tui.screens.row_view import RowScreen
from tui.screens.rows_view import RowsScreen
from tui.screens.runs import RunsScreen
from tui.screens.steps import StepsScreen
from tui.screens.threshold import ThresholdScreen
from tui.screens.training import TrainingScreen
from tui.screens.versions import VersionsScreen
from tui.screens.welcome import WelcomeScreen
from tui.workbench import workbench

pytestmark = pytest.mark.slow(40)


def harmless(app: Seatrial, kind: type) -> None:
    """The screen is of this kind, and all its lines are harmless and as wide as the screen."""
    assert isinstance(app.screen, kind), app.screen
    strips = app.screen._compositor.render_strips()
    assert {strip.cell_length for strip in strips} == {app.size.width}
    assert acts("\n".join(strip.text for strip in strips)) == []
    assert app._exception is None


async def walk(pilot: Pilot[int], kind: type, key: str, times: int) -> None:
    """Press a key so often, and look at what is drawn each time."""
    for _ in range(times):
        harmless(pilot.app, kind)  # type: ignore[arg-type]
        await pilot.press(key)
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
    harmless(pilot.app, kind)  # type: ignore[arg-type]


async def furnished(pilot: Pilot[int]) -> None:
    """To the version that has findings."""
    await settle(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, VersionsScreen)
    names = [version.name for version in screen.versions]
    for _ in range(names.index("hostile")):
        await pilot.press("down")
    await settle(pilot)
    harmless(pilot.app, VersionsScreen)  # type: ignore[arg-type]


async def ask(pilot: Pilot[int], key: str, text: str) -> None:
    """Type into a line."""
    await pilot.press(key)
    await pilot.pause()
    pilot.app.screen.query_one(Input).value = text
    await pilot.press("enter")
    await settle(pilot)


@pytest.mark.parametrize("size", [(120, 36), (40, 12)])
async def test_rows(rows: Workspace, size: tuple[int, int]) -> None:
    """The list, and each row whole."""
    async with workbench(rows).run_test(size=size) as pilot:
        await furnished(pilot)
        await pilot.press("v")
        await settle(pilot)
        await walk(pilot, RowsScreen, "pagedown", 4)
        await pilot.press("home", "enter")
        await settle(pilot)
        await walk(pilot, RowScreen, "right_square_bracket", 45)


@pytest.mark.parametrize("check", ["structure", "pii", "contradiction", "near-duplicate"])
async def test_cards(rows: Workspace, check: str) -> None:
    """The queue, and a card of each shape over every row."""
    async with workbench(rows).run_test(size=(100, 30)) as pilot:
        await furnished(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await walk(pilot, QueueScreen, "pagedown", 2)
        await ask(pilot, "colon", f'check == "{check}"')
        await pilot.press("home", "enter")
        await settle(pilot)
        await walk(pilot, CardScreen, "right_square_bracket", 40)
        if check == "contradiction":
            await walk(pilot, CardScreen, "d", 2)
        if check == "near-duplicate":
            await pilot.press("t")
            await settle(pilot)
            await walk(pilot, ThresholdScreen, "down", 2)


async def test_charts_runs_and_steps(rows: Workspace) -> None:
    """Distributions, the data card, runs with hostile errors, the curves, the steps."""
    async with workbench(rows).run_test(size=(100, 30)) as pilot:
        await furnished(pilot)
        await pilot.press("D")
        await settle(pilot)
        await walk(pilot, DistributionsScreen, "pagedown", 8)
        await pilot.press("d")
        await settle(pilot)
        await walk(pilot, DistributionsScreen, "pagedown", 8)
        await pilot.press("q", "r")
        await settle(pilot)
        await walk(pilot, RunsScreen, "v", 1) if not _trains(pilot) else None
        if isinstance(pilot.app.screen, TrainingScreen):
            harmless(pilot.app, TrainingScreen)  # type: ignore[arg-type]
            await pilot.press("q")
        await walk(pilot, RunsScreen, "down", 40)
        await pilot.press("enter")
        await settle(pilot)
        harmless(pilot.app, Panel)  # type: ignore[arg-type]
        await pilot.press("escape", "q", "E")
        await settle(pilot)
        await walk(pilot, StepsScreen, "down", 6)


def _trains(pilot: Pilot[int]) -> bool:
    screen = pilot.app.screen
    return isinstance(screen, RunsScreen) and screen.runs[0].kind == "train"


async def test_labelling(rows: Workspace) -> None:
    """Options, descriptions and instructions are the corpus as well as the rows."""
    async with workbench(rows).run_test(size=(100, 30)) as pilot:
        await furnished(pilot)
        await pilot.press("L")
        await settle(pilot)
        await walk(pilot, LabelScreen, "right_square_bracket", 40)
        await pilot.press("1")
        await settle(pilot)
        harmless(pilot.app, LabelScreen)  # type: ignore[arg-type]


async def test_comparison_and_rating(rows: Workspace) -> None:
    """What four arms answered, example by example, and two answers blind."""
    async with workbench(rows).run_test(size=(100, 36)) as pilot:
        await furnished(pilot)
        await pilot.press("m")
        await settle(pilot)
        await walk(pilot, ComparisonScreen, "down", 40)
        await pilot.press("v")
        await pilot.pause()
        harmless(pilot.app, Panel)  # type: ignore[arg-type]
        await pilot.press("escape", "p")
        await settle(pilot)
        await walk(pilot, RatingScreen, "right_square_bracket", 30)


async def test_small_screens(rows: Workspace) -> None:
    """Lines to type, questions, panels, help, palette and toasts say hostile words as words."""
    texts = [short(text) for text in TEXTS.values() if not half(text)]
    app = workbench(rows)
    # small: what is below is drawn again, darker, with each of them
    async with app.run_test(size=(60, 18)) as pilot:
        await furnished(pilot)
        # every second text, three in each dialog: none of its places is left without one
        for first, second, third in zip(texts[::6], texts[2::6], texts[4::6], strict=False):
            app.say(first, "warning", seconds=0.2)
            app.complain(ConfigError(second, hint=third))
            await app.push_screen(Ask(first, second, third))
            await pilot.pause()
            harmless(app, Ask)
            app.pop_screen()
            await app.push_screen(Confirm(third, first, second))
            await pilot.pause()
            harmless(app, Confirm)
            app.pop_screen()
            app.complain(ValueError(third))
            await pilot.pause()
            harmless(app, Panel)
            while isinstance(app.screen, Panel):  # an error whose words are long has one too
                app.pop_screen()
        await pilot.press("question_mark")
        await pilot.pause()
        harmless(app, Help)


async def test_welcome() -> None:
    """The first screen names the person, whatever the name is."""
    app = workbench(None)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        harmless(app, WelcomeScreen)


@pytest.mark.parametrize("line", ["import 'x", 'scan "', "[/foo] [@click=app.quit]x", "\\"])
async def test_a_line_that_cannot_be_read_ends_nothing(rows: Workspace, line: str) -> None:
    """Quotes that stay open, and markup, at the line for commands."""
    app = workbench(rows)
    async with app.run_test(size=(100, 30)) as pilot:
        await furnished(pilot)
        await ask(pilot, "exclamation_mark", line)
        assert app._exception is None
        assert isinstance(app.screen, Ask | VersionsScreen)


async def test_last_words_are_words(rows: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    """Where the screens fail, what they say of it neither acts nor is read as markup, and the record neither."""
    app = workbench(rows)
    with pytest.raises(ValueError, match="foo"):
        async with app.run_test() as pilot:
            await settle(pilot)
            app._handle_exception(ValueError("[/foo]\x1b]52;c;Y2Fu\x07\u202e"))
            await pilot.pause()
    app._print_error_renderables()
    said = capfd.readouterr().err
    assert acts(said) == []
    assert acts((rows.root / "screens-error.log").read_text(encoding="utf-8")) == []
