"""The comparison screen shows what `compare` wrote: verdict, arms side by side, regressions first."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from textual.widgets import Static

from curate.deciding.flags import flagged
from curate.workspace import Workspace
from evalharness.commands.verdict import report
from evalharness.report.comparing import compare_dataset
from evalharness.report.nearest import Near, Nearest
from tests.tui.states import answered
from tests.tui.walking import settle
from tui.messages import Ready
from tui.reading.steps import written_to
from tui.screens.comparison import ComparisonScreen
from tui.screens.dialogs import Confirm, Panel
from tui.widgets.lines import Heading
from tui.workbench import workbench

EVIL = "[/foo] \x1b]52;c;aGk=\x07"
WRONG = {"base": 2, "few-shot": 3, "rag": 4, "tuned": 5}  # every so many rows is answered wrongly


def scored(workspace: Workspace) -> None:
    """Answers and scores of the four arms on every row, as `predict` and `score` record them."""
    examples = workspace.examples(workspace.dataset()).with_columns(split=pl.lit("test"))
    dataset = workspace.put_dataset(examples)
    answers, scores = [], []
    for arm, every in WRONG.items():
        for number, (example_id, label) in enumerate(examples.select("example_id", "label").iter_rows()):
            right = number % every != 0
            said = label if right else "lotus"
            answers.append(
                (example_id, arm, f"{said}: sorry. {EVIL}", said, "stop", 70, 14, 0.1, f"h{number}", None)
            )
            scores.append((example_id, arm, "accuracy", float(right), None, said))
    schema = {
        "example_id": pl.String, "arm": pl.String, "answer": pl.String, "choice": pl.String,
        "finish_reason": pl.String, "prompt_tokens": pl.Int32, "answer_tokens": pl.Int32,
        "seconds": pl.Float64, "prompt_hash": pl.String, "error": pl.String,
    }  # fmt: skip
    predictions = workspace.put_table("predictions", pl.DataFrame(answers, schema=schema, orient="row"))
    with workspace.run("predict", {"split": "test"}, {"dataset": dataset}) as run:
        run.outputs["predictions"] = predictions
    names = ["example_id", "arm", "metric", "value", "reason", "label"]
    table = pl.DataFrame(scores, schema=names, orient="row", schema_overrides={"reason": pl.String})
    with workspace.run("score", {}, {"dataset": dataset, "predictions": predictions}) as run:
        run.outputs["scores"] = workspace.put_table("scores", table)
    compare_dataset(workspace, dataset)


async def test_regressions_come_first(hostile: Workspace) -> None:
    """What the fine-tune lost leads the list; each arm's answer is shown, harmless; o narrows."""
    scored(hostile)
    app = workbench(hostile)
    async with app.run_test(size=(100, 36)) as pilot:
        await settle(pilot)
        await pilot.press("m")
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, ComparisonScreen)
        assert screen.rows[0]["kind"] == "lost"
        shown = str(screen.query_one("#answer-text", Static).content)
        assert "tuned" in shown and "few-shot" in shown and "reference" in shown
        assert "\x1b" not in shown and "␛]52" in shown
        assert "accuracy 0.80" in str(screen.query_one("#verdict", Static).content)
        await pilot.press("down", "o")
        assert {row["kind"] for row in screen.rows} == {"lost"}
        assert "of 20 shown" in screen.query_one(Heading).count
        await pilot.press("v")
        await pilot.pause()
        assert isinstance(app.screen, Panel)
        await pilot.press("escape", "q")
        assert not isinstance(app.screen, ComparisonScreen)


async def test_examples_are_sent_to_curation(hostile: Workspace) -> None:
    """The key s flags one and takes it back, S all that are shown once confirmed; the flags are on the disk."""
    scored(hostile)
    app = workbench(hostile)
    async with app.run_test(size=(100, 36)) as pilot:
        await settle(pilot)
        await pilot.press("m")
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, ComparisonScreen)
        first = screen.rows[0]["example_id"]
        await pilot.press("s")
        assert flagged(hostile) == {first} == screen.flagged
        await pilot.press("s")
        assert flagged(hostile) == set()
        await pilot.press("o", "S")
        await pilot.pause()
        assert isinstance(app.screen, Confirm)
        await pilot.press("n")
        await pilot.pause()
        assert flagged(hostile) == set()
        await pilot.press("S")
        await pilot.pause()
        await pilot.press("y")
        await settle(pilot)
        lost = {row["example_id"] for row in screen.rows}
        assert flagged(hostile) == lost and {row["kind"] for row in screen.rows} == {"lost"}
        words = hostile.ledger.rows("select distinct annotated_at from annotation where value = 'yes'")
        assert len(words) == 2, "all in one act"


async def test_training_rows_near_to_an_example_are_named_and_sent(hostile: Workspace) -> None:
    """The rows that the adapter learnt from stand below the answers, and N flags them."""
    scored(hostile)
    app = workbench(hostile)
    async with app.run_test(size=(100, 36)) as pilot:
        await settle(pilot)
        await pilot.press("m")
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, ComparisonScreen)
        example_id = screen.rows[0]["example_id"]
        assert screen.near[example_id] == [], "this version has no training rows"
        train = hostile.examples(hostile.dataset("tickets"))
        near = [Near(row, "oak", f"order broken {EVIL}") for row in train["example_id"][:2]]
        screen.on_ready(Ready("nearest", (screen.nearest, example_id, near)))
        shown = str(screen.query_one("#answer-text", Static).content)
        assert "in train" in shown and "\x1b" not in shown
        await pilot.press("N")
        await settle(pilot)
        assert flagged(hostile) == {each.example_id for each in near}


def test_the_nearest_rows_are_those_that_say_the_same(workspace: Workspace) -> None:
    """By their words, from the training rows alone."""
    rows = workspace.examples(workspace.dataset("tickets"))
    divided = rows.with_columns(split=pl.Series(["train"] * 15 + ["test"] * 5))
    nearest = Nearest(workspace, workspace.put_dataset(divided))
    assert [each.example_id for each in nearest.to("order 1007 arrived", 1)] == [rows["example_id"][7]]
    assert len(nearest.to("order 1018 arrived broken", 3)) == 3
    assert Nearest(workspace, workspace.put_dataset(rows)).to("order") == []


def test_a_report_without_a_name_is_of_the_newest_comparison(workspace: Workspace, tmp_path: Path) -> None:
    """It is recorded with it, by which the steps know that the last of them is done."""
    answered(workspace)
    report(to=tmp_path / "said", examples=5)
    assert written_to(workspace, workspace.artifact("comparison")) == str(tmp_path / "said")
