"""What is named does something, what is written is not lost, and what differs is seen to differ."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from textual.widgets import Input, TextArea

from curate.deciding.review import review
from curate.errors import ConfigError
from curate.example import frame, with_ids
from curate.workspace import Workspace
from tests.tui.states import labels
from tests.tui.terminals import Pty
from tests.tui.walking import settle, to_card
from tui.app import Seatrial
from tui.jobs import Job
from tui.reading.card_text import origin
from tui.screens.dialogs import Ask, Confirm, Help
from tui.screens.distributions import DistributionsScreen
from tui.screens.label import LabelScreen
from tui.screens.versions import in_six_cells
from tui.terminal.display_text import name_text
from tui.terminal.keymap import Preferences
from tui.widgets.lines import JobLine, KeyLine
from tui.widgets.rows import Rows
from tui.workbench import workbench


def foot(app: Seatrial) -> list[str]:
    """The keys that the line at the foot names."""
    named = app.screen.query_one(KeyLine).keys()
    return [f"{key} {words}" for key, words, _ in named]


def told(app: Seatrial) -> list[str]:
    """What toasts say."""
    return [str(note.message) for note in app._notifications]


async def test_the_data_card_is_of_the_version(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for by the version's name, which the thread that reads it reads later."""
    monkeypatch.setattr("tui.screens.distributions.data_card", lambda _, digest, name: f"# {name}\n{digest}")
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("D", "d")
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, DistributionsScreen)
        assert (screen.text or "").startswith("# tickets\n")


async def test_a_key_is_named_only_where_it_does_something(workspace: Workspace) -> None:
    """Nothing to accept where the check leaves it to a person; pressed all the same, it says what to press."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await to_card(pilot, 'check == "contradiction"')
        assert "a Accept" not in foot(app) and "x Reject" in foot(app)
        await pilot.press("a", "a", "a")
        await pilot.pause()
        assert len(told(app)) == 1, "one toast says it once"
        await pilot.press("q", "w")
        await settle(pilot)
        await to_card_again(app, pilot)
        assert "a Accept" in foot(app)


async def test_a_key_of_ones_own_has_the_place_of_the_other(workspace: Workspace) -> None:
    """At the foot, where only the first ones fit, and in the help."""
    keys = {"card.accept": "y", "app.help": "f1"}
    app = workbench(workspace, Preferences(keys, "seatrial-dark"))
    async with app.run_test(size=(80, 24)) as pilot:
        await to_card(pilot, 'check == "pii"')
        assert (foot(app)[0], foot(app)[-1]) == ("y Accept", "f1 Help")
        await pilot.press("f1")
        assert isinstance(app.screen, Help)
        assert app.screen.groups[0][1][0] == ("y", "Accept", "card.accept")


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
async def test_the_cursor_in_the_colours_of_the_terminal(workspace: Workspace, theme: str) -> None:
    """Text and ground change places: no colour of an unknown palette lies behind the text."""
    app = workbench(workspace, Preferences({}, theme))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        style = app.screen.query_one(Rows).get_component_rich_style("rows--cursor")
        assert style.reverse
        assert all(color is None or color.is_default for color in (style.color, style.bgcolor))


async def to_card_again(app: Seatrial, pilot: object) -> None:
    """From the queue to the first span."""
    from textual.pilot import Pilot
    from textual.widgets import Input

    assert isinstance(pilot, Pilot)
    await pilot.press("colon")
    app.screen.query_one(Input).value = 'shape == "span"'
    await pilot.press("enter")
    await settle(pilot)
    await pilot.press("enter")
    await settle(pilot)


async def test_a_cluster_that_is_left_to_people(workspace: Workspace) -> None:
    """`b` is not offered there, and says on the screen's own terms why it does nothing."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        card = await to_card(pilot, 'shape == "cluster"')
        assert "b accepts for all" in card.page.text
        desk = card.desk
        left = pl.when(pl.col("action") == "drop").then(pl.lit("review")).otherwise("action").alias("action")
        desk.rows = desk.rows.with_columns(left)
        card.ahead = None
        card.show(card.place)
        assert "b accepts for all" not in card.page.text and "tab next" in card.page.text
        await pilot.press("b")
        await pilot.pause()
        assert any("leaves these rows to you" in words and "--action" not in words for words in told(app))
        assert review(workspace, workspace.dataset())["decided"].is_null().all()


async def test_whoever_leaves_while_writing_is_asked(workspace: Workspace) -> None:
    """ctrl+q with a text that is not saved asks; n goes on writing, and twice leaves."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        card = await to_card(pilot, 'shape == "span"')
        await pilot.press("e", *"new ", "ctrl+q")
        assert isinstance(app.screen, Confirm) and "not saved" in app.screen.question
        await pilot.press("n")
        assert app.screen is card
        assert card.query_one("#text", TextArea).text.startswith("new ")
        await pilot.press("ctrl+q", "ctrl+q")
        await pilot.pause()
    assert app.return_value == 0


async def test_a_text_begun_is_there_again(workspace: Workspace) -> None:
    """Escape rests; e goes on with what was written, after other rows too; q tells of it once."""
    labels("text")(workspace)
    app = workbench(workspace)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("L")
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, LabelScreen)
        await pilot.press(*"late", "escape")
        assert "e Write" in foot(app) and "a Accept" not in foot(app)
        await pilot.press("right_square_bracket", "left_square_bracket", "q")
        assert app.screen is screen
        assert any("not saved" in words for words in told(app))
        await pilot.press("e", *"r", "ctrl+s")
        await settle(pilot)
        assert screen.here.own[int(screen.here.ids[0])] == "rlate" or "late" in str(screen.here.own)
        await pilot.press("escape", "q")
        assert app.screen is not screen


async def test_a_line_names_the_key_that_takes_it(workspace: Workspace) -> None:
    """The foot of a line to type in names enter."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("exclamation_mark")
        assert isinstance(app.screen, Ask)
        assert foot(app)[0] == "⏎ Take it"
        await pilot.press(*"log", "enter")
        assert not isinstance(app.screen, Ask)
        assert app.job is not None
        await app.job.cancel()


async def test_a_long_command_shows_its_end(workspace: Workspace) -> None:
    """What is to be changed stands at the end of the line; it is seen."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await app.ask_command("scan " + "x" * 80 + " --set near-duplicate.threshold=0.8")
        await settle(pilot)
        line = app.screen.query_one(Input)
        assert line.scroll_offset.x == line.max_scroll_x > 0


def test_labels_that_differ_in_a_blank_are_told_apart() -> None:
    """A blank at an end has a glyph; one within is a blank."""
    assert [name_text(name) for name in ("oak", "oak ", "  oak", "dark oak", " ", "a\x1b ")] == [
        "oak", "oak␠", "␠␠oak", "dark oak", " ", "a␛␠",
    ]  # fmt: skip
    rows = [{"messages": [], "label": "oak ", "source": "a.csv", "source_row": 3}]
    example = with_ids(frame(rows), ["x"]).row(0, named=True)
    assert origin(example) == "a.csv:3 · label oak␠"


def test_a_character_may_come_in_pieces(tmp_path: Path) -> None:
    """The terminal of these tests reads what it is sent whatever the pieces: else a wait for words never ends."""
    sent = "\x1b[1;1H───\x1b[2;1H○ open  1 keep · 2 drop\x1b[38;5;1m 日本\x1b[0m".encode()

    def shown(*pieces: bytes) -> list[str]:
        terminal = Pty.__new__(Pty)
        terminal.size, terminal.cells, terminal.at, terminal.left = (40, 3), {}, (0, 0), b""
        for piece in pieces:
            terminal._feed(terminal.left + piece)
        return ["".join(terminal.cells.get((x, y), " ") for x in range(40)).rstrip() for y in range(3)]

    whole = shown(sent)
    assert "1 keep · 2 drop" in whole[1]
    assert all(shown(sent[:at], sent[at:]) == whole for at in range(len(sent)))


@pytest.mark.parametrize(
    ("count", "told"),
    [(7, "7"), (99_999, "99,999"), (100_000, "100 k"), (999_999, "1.0 M"), (12_345_678, "12.3 M")],
)
def test_a_large_count_is_not_cut_off(count: int, told: str) -> None:
    """A million open findings are not drawn as `1,000…`."""
    assert in_six_cells(count) == told


async def test_words_name_the_keys_that_are_ones_own(workspace: Workspace) -> None:
    """Beside the keys at the foot: what an empty list says to do, and how a job is stopped."""
    keys = {"queue.all": "f2", "queue.filter": "f", "app.stop": "f9", "app.quit": "ctrl+x"}
    app = workbench(workspace, Preferences(keys, "seatrial-dark"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("f")
        app.screen.query_one(Input).value = "score > 5"
        await pilot.press("enter")
        await settle(pilot)
        empty = app.screen.query_one(Rows).empty
        assert "f2 takes filter and search away; f changes the filter; / searches." in empty
        app.job = Job(["scan", "tickets"], None, told=lambda job: None)
        assert str(app.screen.query_one(JobLine).render()).endswith("f9 stops")
        with pytest.raises(ConfigError) as told:
            app.start(["scan"])
        assert told.value.hint == "f9 stops it"
        app.job = None
        app.action_copy_or_quit()
        await pilot.pause()
        assert [each.message for each in app._notifications] == ["ctrl+x leaves"]
