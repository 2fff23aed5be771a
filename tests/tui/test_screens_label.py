"""The label screen: each kind of answer by keys, undo across restarts, notes, people, a model, hostile text."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from textual.pilot import Pilot
from textual.widgets import Static, TextArea

from curate.labelling.answers import standing
from curate.labelling.suggest import suggest
from curate.labelling.tasks import FILE, Value, label_set
from curate.labelling.work import Work
from curate.workspace import Workspace
from tests.tui.walking import settle
from tui.screens.choosing import Choose
from tui.screens.dialogs import Ask
from tui.screens.label import LabelScreen
from tui.screens.versions import VersionsScreen
from tui.widgets.page import Page
from tui.workbench import workbench

LABELS = {
    "choice": 'show = "prompt"\ninstructions = "Whose is it? [/foo]"\noptions = ["oak", "sierra", "viola"]\n',
    "several": 'kind = "several"\ncolumn = "meta:tags"\noptions = ["urgent", "angry", "money"]\n',
    "scale": 'kind = "scale"\ncolumn = "meta:mood"\n',
    "text": 'kind = "text"\ncolumn = "meta:line"\n',
    "long": 'column = "meta:x"\noptions = [' + ", ".join(f'"option {n}"' for n in range(14)) + "]\n",
}


def prepare(workspace: Workspace, kind: str) -> None:
    """A label set of one task."""
    (workspace.root / FILE).write_text(f"[tasks.it]\nretrain = 0\n{LABELS[kind]}", encoding="utf-8")


async def to_label(pilot: Pilot[int]) -> LabelScreen:
    """From the versions to the first row."""
    await settle(pilot)
    await pilot.press("L")
    await settle(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, LabelScreen)
    return screen


def said(workspace: Workspace, who: str = "anna") -> list[Value]:
    """One person's standing answers, in the order of time, read from the disk."""
    words = standing(workspace, label_set(workspace)["it"]).said
    return [word.value for word in sorted(words, key=lambda word: word.at) if word.reviewer == who]


def words(screen: LabelScreen) -> str:
    """All that the parts of the card say."""
    return "\n".join([*(str(part.render()) for part in screen.query(Static)), screen.query_one(Page).text])


@pytest.mark.parametrize(
    ("kind", "pressed", "answers"),
    [
        ("choice", ["a", "3", "1"], ["oak", "viola", "oak"]),
        ("several", ["1", "3", "enter", "2", "2", "enter"], [["urgent", "money"], []]),
        ("scale", ["4", "5"], [4, 5]),
        ("long", ["0", "slash", *"13", "enter"], ["option 9", "option 13"]),
        ("text", [*"so", "ctrl+s", *"x", "ctrl+s"], ["so", "x"]),
    ],
)
async def test_keys_answer_and_the_next_row_comes(
    workspace: Workspace, kind: str, pressed: list[str], answers: list[Value]
) -> None:
    """Each answer is on the disk when the next row is there."""
    prepare(workspace, kind)
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        screen = await to_label(pilot)
        await pilot.press(*pressed)
        await pilot.pause()
        assert said(workspace) == answers
        assert screen.position == len(answers) and screen.here.open == 20 - len(answers)


async def test_undo_and_redo_go_on_after_a_restart(workspace: Workspace) -> None:
    """Also in another process: the ledger holds what was done."""
    prepare(workspace, "choice")
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        await to_label(pilot)
        await pilot.press("1", "2", "3", "u")
        assert said(workspace) == ["oak", "sierra"]
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        screen = await to_label(pilot)
        await pilot.press("u", "u", "u")
        assert said(workspace) == [] and screen.here.open == 20 and screen.position == 0
        await pilot.press("U", "U", "U", "U")
        assert said(workspace) == ["oak", "sierra", "viola"]


async def test_a_text_rests_the_keys_until_it_is_left(workspace: Workspace) -> None:
    """Letters that are keys elsewhere are letters; an empty answer is refused and kept open."""
    prepare(workspace, "text")
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        screen = await to_label(pilot)
        await pilot.press(*"auqf")
        assert screen.query_one(TextArea).text == "auqf" and screen.position == 0
        await pilot.press("ctrl+s", "ctrl+s")
        assert said(workspace) == ["auqf"] and screen.writing
        await pilot.press("escape", "u")
        assert said(workspace) == [] and not screen.writing
        await pilot.press("e", "ctrl+a", "delete", *"new", "ctrl+s")
        assert said(workspace) == ["new"]


async def test_notes_flags_skips_and_the_way_back(workspace: Workspace) -> None:
    """Skipped rows stay open; a note and a flag stand on the line; q goes back."""
    prepare(workspace, "choice")
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        screen = await to_label(pilot)
        await pilot.press("space", "f", "n", *"why", "enter")
        await pilot.pause()
        assert "flagged" in words(screen) and "note: why" in words(screen) and "[/foo]" in words(screen)
        await pilot.press("right_square_bracket", "left_square_bracket", "left_square_bracket", "c", "9")
        assert screen.position == 0 and said(workspace) == []
        await pilot.press("q")
        assert isinstance(pilot.app.screen, VersionsScreen)


async def test_people_differ_and_one_settles_it(workspace: Workspace) -> None:
    """Each answers without seeing the other; `o` shows where they differ, an answer there settles it."""
    prepare(workspace, "choice")
    task = label_set(workspace)["it"]
    for who, value in (("ben", "viola"), ("anna", "oak")):
        work = Work(workspace, workspace.dataset(), "tickets", task, who)
        work.answer(4, workspace.examples(work.dataset).row(4, named=True), value)
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        screen = await to_label(pilot)
        assert "viola" not in str(screen.query_one("#said", Static).render())
        await pilot.press("o")
        assert screen.place == 4 and "anna: oak; ben: viola" in words(screen)
        await pilot.press("2")
        assert [word.value for word in standing(workspace, task).said] == ["sierra"]
        await pilot.press("u")
        assert screen.here.next_open(0) == 0 and "anna: oak; ben: viola" in words(screen)
        assert sorted(str(word.value) for word in standing(workspace, task).said) == ["oak", "viola"]


async def test_a_model_pre_fills_and_orders(workspace: Workspace) -> None:
    """What was learned elsewhere is read, marked as the model's with its probability, and accepted by a."""
    prepare(workspace, "scale")
    task = label_set(workspace)["it"]
    work = Work(workspace, workspace.dataset(), "tickets", task, "ben")
    examples = workspace.examples(work.dataset)
    for place in range(8):
        work.answer(place, examples.row(place, named=True), 1 if place % 3 else 5)
    suggest(workspace, work.dataset, task, "none")
    async with workbench(workspace).run_test(size=(120, 36)) as pilot:
        screen = await to_label(pilot)
        shown = words(screen)
        assert "(the model's)" in shown and "%" in shown and "model of 8 answers" in shown
        assert screen.here.order == "uncertain"
        wanted = screen.suggestion
        await pilot.press("a")
        assert wanted is not None and said(workspace) == [wanted.value]
        await pilot.press("o")
        assert screen.here.order == "file"


async def test_the_model_is_trained_by_a_child_while_one_goes_on(workspace: Workspace) -> None:
    """After `retrain` answers a child of the command line learns; the screen takes what it wrote."""
    (workspace.root / FILE).write_text(
        f'[tasks.it]\nretrain = 4\nencoder = "none"\ngold = "meta:none"\n{LABELS["choice"]}', encoding="utf-8"
    )
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        screen = await to_label(pilot)
        await pilot.press("1", "2", "3", "1")
        assert screen.teacher.running and "training a model" in words(screen)
        await pilot.press("2")
        assert screen.teacher.task is not None
        await screen.teacher.task
        await settle(pilot)
        assert screen.here.model is not None and screen.here.model.trained_on in (4, 5)
        assert screen.here.order == "uncertain" and len(said(workspace)) == 5
        assert screen.place not in screen.here.own


@pytest.mark.parametrize("kind", list(LABELS))
@pytest.mark.parametrize("size", [(80, 24), (40, 12), (120, 36)])
async def test_hostile_rows_and_sizes(hostile: Workspace, kind: str, size: tuple[int, int]) -> None:
    """Rows, options and answers of others are text; the keys line stands on the last line."""
    prepare(hostile, kind)
    if kind == "choice":
        labels = pl.Series(["[/foo]\x1b]52;c;aGk=\x07" + "x" * 99, "\u202eviola"]).to_list()
        text = (hostile.root / FILE).read_text(encoding="utf-8")
        import json

        escaped = json.dumps([*labels, "oak"]).replace("\\u202e", "\\u202E")
        (hostile.root / FILE).write_text(
            text.replace('["oak", "sierra", "viola"]', escaped), encoding="utf-8"
        )
    async with workbench(hostile).run_test(size=size) as pilot:
        screen = await to_label(pilot)
        if kind != "text":
            await pilot.press("1", "enter", "space", "right_square_bracket", "u", "question_mark", "escape")
        await pilot.pause()
        assert "\x1b" not in words(screen) and "\u202e" not in words(screen)
        assert screen.query_one("KeyLine").region.bottom == size[1]


async def test_without_a_label_set_the_way_to_one_is_told(workspace: Workspace, tmp_path: Path) -> None:
    """L says what to type; a set that is damaged is told with its fault."""
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("L")
        await pilot.pause()
        assert isinstance(pilot.app.screen, Ask)
        assert pilot.app.screen.value == "label init tickets --task label", "the command is there to be run"
        await pilot.press("escape")
        (workspace.root / FILE).write_text("[tasks.it]\nkid = 1\n", encoding="utf-8")
        await pilot.press("L")
        await pilot.pause()
        assert any("did you mean `kind`" in note.message for note in pilot.app._notifications)


@pytest.mark.parametrize("pressed", [("2",), ("down", "enter"), (*"sca", "enter")])
async def test_several_tasks_are_chosen_from(workspace: Workspace, pressed: tuple[str, ...]) -> None:
    """By digit, with the arrows, or by letters of the name; what is called nothing is said."""
    text = "".join(f"[tasks.{kind}]\n{LABELS[kind]}" for kind in ("choice", "scale"))
    (workspace.root / FILE).write_text(text, encoding="utf-8")
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("L")
        await pilot.pause()
        choice = pilot.app.screen
        assert isinstance(choice, Choose)
        await pilot.press("x", "enter")
        assert pilot.app.screen is choice, "no task is called so"
        await pilot.press("backspace", *pressed)
        await settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, LabelScreen) and screen.here.task.name == "scale"
