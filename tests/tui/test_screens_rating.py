"""A/B rating in the screens: blind, on the disk before the next card, undone across restarts."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from curate.workspace import Workspace
from evalharness.judging.people import people_row
from evalharness.judging.rating import Rater, open_pairing
from tests.tui.walking import settle
from tui.app import Seatrial
from tui.screens.dialogs import Ask, Panel
from tui.screens.rating import RatingScreen
from tui.widgets.lines import Heading
from tui.workbench import workbench

EVIL = "[/foo] [bold]x\x1b]52;c;aGk=\x07\x9b31m\u202egnp"
SCHEMA = {
    "example_id": pl.String, "arm": pl.String, "answer": pl.String, "choice": pl.String,
    "finish_reason": pl.String, "prompt_tokens": pl.Int32, "answer_tokens": pl.Int32,
    "seconds": pl.Float64, "prompt_hash": pl.String, "error": pl.String,
}  # fmt: skip


def answered(workspace: Workspace, split: str = "test", arms: tuple[str, ...] = ("rag", "tuned")) -> str:
    """A version whose rows are all of one split, answered by some arms; its digest."""
    examples = workspace.examples(workspace.dataset("tickets")).with_columns(split=pl.lit(split))
    dataset = workspace.put_dataset(examples)
    workspace.ledger.set_name("divided", dataset)
    for arm in arms:
        said = "we are sorry" if arm == "tuned" else "no"
        rows = [
            (i, arm, f"{said}, {n}. {EVIL}", None, "stop", 70, 14, 0.1, f"h{n}", None)
            for n, i in enumerate(examples["example_id"])
        ]
        with workspace.run("predict", {"arm": arm, "split": split}, {"dataset": dataset}) as run:
            table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
            run.outputs["predictions"] = workspace.put_table("predictions", table)
    return dataset


def shown(screen: RatingScreen) -> str:
    """All that stands on the screen."""
    parts = [str(each.content) for each in screen.query(Static)]
    heading = screen.query_one(Heading)
    return "\n".join([*parts, *heading.path, heading.count])


async def opened(app: Seatrial, pilot: Pilot[int], dataset: str, split: str = "test") -> RatingScreen:
    await settle(pilot)
    screen = RatingScreen(dataset, split=split)
    await app.push_screen(screen)
    await settle(pilot)
    return screen


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 12)])
async def test_rating_is_blind_recorded_at_once_and_undone(hostile: Workspace, size: tuple[int, int]) -> None:
    """A key rates, the word is on the disk, u takes it back; nothing shows which answer is whose."""
    dataset = answered(hostile)
    pair = open_pairing(hostile, dataset)
    app = workbench(hostile)
    async with app.run_test(size=size) as pilot:
        screen = await opened(app, pilot, dataset)
        first = pair.items[0]
        left = screen.query_one("#rate-one", Static)
        other = Rater(hostile, pair, "anna")
        assert ("we are sorry" in str(left.content)) == (other.left(0) == "tuned")
        assert first.answers["tuned"][:16] in shown(screen)
        assert "\x1b" not in shown(screen) and "\u202e" not in shown(screen)
        await pilot.press("1")
        assert Rater(hostile, pair, "anna").side(0) == "left", "on the disk"
        await settle(pilot)
        assert screen.place == 1 and "1 of 20 rated" in shown(screen)
        await pilot.press("2", "t", "b", "space")
        await settle(pilot)
        fresh = Rater(hostile, pair, "anna")
        assert [fresh.side(place) for place in range(5)] == ["left", "right", "tie", "both bad", None]
        await pilot.press("u", "u")
        await settle(pilot)
        assert screen.place == 2 and sorted(Rater(hostile, pair, "anna").mine) == [0, 1]
        await pilot.press("U")
        await settle(pilot)
        assert Rater(hostile, pair, "anna").side(2) == "tie" and "a tie" in shown(screen)
        await pilot.press("q")
        assert app.screen is not screen


async def test_who_comes_back_goes_on(workspace: Workspace) -> None:
    """A second sitting starts at the first that is not rated; a skipped one comes again."""
    dataset = answered(workspace)
    for pressed, place in ((("1", "space", "1"), 3), ((), 1)):
        app = workbench(workspace)
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot, dataset)
            await pilot.press(*pressed)
            await settle(pilot)
            assert screen.place == place


async def test_the_reference_is_shown_on_demand_and_recorded(workspace: Workspace) -> None:
    """The key r shows it; that it was looked at stands in the word, with the time and the side."""
    dataset = answered(workspace)
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(app, pilot, dataset)
        assert "reference" not in shown(screen)
        await pilot.press("r")
        assert "reference" in shown(screen) and ": sorry." in shown(screen)
        await pilot.press("2", "1")
        await settle(pilot)
    rows = workspace.ledger.rows("select value from annotation order by annotated_at")
    first, second = (json.loads(row["value"]) for row in rows)
    assert first["reference"] is True and "reference" not in second
    assert first["left"] in ("rag", "tuned") and first["answer"] != first["left"]
    assert 0 <= first["seconds"] < 60


async def test_the_last_one_tells_what_came_of_it(workspace: Workspace) -> None:
    """When all are rated the win rate is told, and how one agrees with somebody else."""
    dataset = answered(workspace)
    ben = Rater(workspace, open_pairing(workspace, dataset), "ben")
    for place in range(20):
        ben.rate(place, "tie")
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(app, pilot, dataset)
        await pilot.press(*["t"] * 20)
        await settle(pilot)
        assert isinstance(app.screen, Panel) and "tuned over rag: .500" in app.screen.message
        await pilot.press("escape")
        await pilot.pause()
        assert "agrees with ben in 100%" in shown(screen)
        await pilot.press("X")
        await settle(pilot)
        assert isinstance(app.screen, Ask)
        line = app.screen.query_one(Input).value
        assert line == "rate export divided --baseline rag --to preferences.jsonl"
    assert people_row(workspace, open_pairing(workspace, dataset))["people"] == 2


async def test_agreement_is_of_now(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody else says of the same rows meanwhile counts at once, and nobody's words are shown."""
    monkeypatch.setattr("tui.screens.rating.OFTEN", 0.05)
    dataset = answered(workspace)
    ben = Rater(workspace, open_pairing(workspace, dataset), "ben")
    app = workbench(workspace)
    async with app.run_test(size=(100, 24)) as pilot:
        screen = await opened(app, pilot, dataset)
        await pilot.press("t", "t", "b")
        for place, said in enumerate(("tie", "tie", "tie")):
            ben.rate(place, said)
            await pilot.pause(0.3)
            await settle(pilot)
            assert f"(n = {place + 1})" in shown(screen)
        assert "agrees with ben in 67%" in shown(screen) and "ben:" not in shown(screen)


async def test_differences_are_gone_through_and_settled(workspace: Workspace) -> None:
    """The key d shows what each said, by the sides as they stand here; a word settles, undo opens it again."""
    dataset = answered(workspace)
    pair = open_pairing(workspace, dataset)
    for name in ("anna", "ben"):
        rater = Rater(workspace, pair, name)
        for place in range(6):
            arm = "rag" if (name, place) in {("ben", 2), ("ben", 4)} else "tuned"
            rater.rate(place, "left" if rater.left(place) == arm else "right")
    app = workbench(workspace)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(app, pilot, dataset)
        assert screen.place == 6
        await pilot.press("d")
        await settle(pilot)
        assert screen.place == 2
        mine = screen.rater.side(2) if screen.rater else None
        told = {"left": "anna: 1  ·  ben: 2", "right": "anna: 2  ·  ben: 1"}
        assert told[str(mine)] in shown(screen)
        await pilot.press("t")
        await settle(pilot)
        assert screen.place == 4 and "ben" in shown(screen)
        assert people_row(workspace, pair)["differ"] == 1
        await pilot.press("t")
        await settle(pilot)
        assert screen.place == 6 and people_row(workspace, pair)["differ"] == 0
        assert people_row(workspace, pair)["alpha_n"] == 6, "what settles was not said independently"
        await pilot.press("u")
        await settle(pilot)
        assert people_row(workspace, pair)["differ"] == 1
        await pilot.press("d", "d", "d")
        await settle(pilot)
        assert screen.place == 4


async def test_other_arms_and_splits_are_a_key_away(workspace: Workspace) -> None:
    """B goes on to the next arm; S says when there is no other split."""
    dataset = answered(workspace, "validation", ("base", "rag", "tuned"))
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(app, pilot, dataset, "validation")
        assert "tuned and rag, validation rows" in shown(screen)
        await pilot.press("B")
        await settle(pilot)
        assert "tuned and base" in shown(screen)
        await pilot.press("S")
        await settle(pilot)
        assert screen.split == "validation"


async def test_nothing_to_rate_says_what_to_do(workspace: Workspace, home: Path) -> None:
    """Without answers every key rests, and the screen says which command makes them."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(app, pilot, workspace.dataset("tickets"))
        assert "There is nothing to rate" in shown(screen) and "predict" in shown(screen)
        await pilot.press("1", "t", "u", "U", "space", "r", "v", "B", "S", "left_square_bracket")
        await settle(pilot)
        assert app.screen is screen
    assert not workspace.ledger.rows("select 1 from annotation")
