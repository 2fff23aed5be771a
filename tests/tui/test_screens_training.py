"""Curves of a training run: live, from another process, killed, finished; and the steps to a verdict."""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from textual.widgets import Input, Static

from curate.errors import NotFoundError
from curate.workspace import Workspace
from tests.tui.walking import settle
from train.job import masks_of, recipe_of
from tui.desk.desk import Desk
from tui.desk.together import decide_all, shown
from tui.reading.lineage import RunRow, runs
from tui.reading.steps import steps
from tui.reading.training import Follower, Tail
from tui.screens.dialogs import Ask
from tui.screens.mask import MaskScreen
from tui.screens.queue import QueueScreen
from tui.screens.runs import RunsScreen
from tui.screens.steps import StepsScreen
from tui.screens.training import Panels, TrainingScreen
from tui.widgets.curves import MARK, Curve, plot
from tui.workbench import workbench

RECIPE = {"recipe": {"epochs": 2}}


class Training:
    """A training run as another process would leave it on the disk."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.inputs = {"dataset": workspace.dataset("tickets")}
        ledger = workspace.ledger
        self.run_id = ledger.start("train", RECIPE, "c0de", self.inputs)
        self.folder = workspace.root / "training" / "0123456789abcdef"
        self.folder.mkdir(parents=True)
        told = {"name": "tickets-adapter", "params": RECIPE, "inputs": self.inputs, "code": "c0de"}
        (self.folder / "run.json").write_text(json.dumps(told))

    def log(self, *lines: dict[str, Any]) -> None:
        with (self.folder / "log.jsonl").open("a") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)

    def beat(self, step: int, pid: int | None = None, at: float | None = None) -> None:
        told = {"at": at or time.time(), "step": step, "total": 40, "memory": 7e8 + step, "pid": pid or os.getpid(), "host": platform.node()}  # fmt: skip
        with (self.folder / "pulse.jsonl").open("a") as file:
            file.write(json.dumps(told) + "\n")

    @property
    def row(self) -> RunRow:
        return next(run for run in runs(self.workspace) if run.run_id == self.run_id)


def gone() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_tail_reads_what_is_new_and_begins_again_with_the_file(tmp_path: Path) -> None:
    """Half a line waits; junk is passed over; a file written anew, shorter or longer, is read anew."""
    path = tmp_path / "log.jsonl"
    tail = Tail(path)
    assert tail.read() == [] and not tail.changed()
    path.write_text('{"step": 1}\nno json\n[1]\n{"st')
    assert tail.changed() and tail.read() == [{"step": 1}]
    with path.open("a") as file:
        file.write('ep": 2}\n')
    assert tail.read() == [{"step": 1}, {"step": 2}] and not tail.changed()
    path.write_text('{"step": 9}\n')
    assert tail.read() == [{"step": 9}]
    path.write_text("".join(f'{{"step": {n}}}\n' for n in range(50)))
    assert len(tail.read()) == 50
    path.unlink()
    assert len(tail.read()) == 50 and not tail.changed()


def test_a_run_is_told_as_what_it_is(workspace: Workspace) -> None:
    """Starting, running with time left, silent, killed, finished: each from its lines alone."""
    made = Training(workspace)
    follower = Follower(workspace, made.row)
    assert follower.read(made.row).state == "unknown"
    made.beat(0, at=time.time() - 10)
    made.log({"step": 1, "loss": 2.0, "learning_rate": 1e-4}, {"step": 10, "eval_loss": 1.5, "epoch": 1.0})
    made.beat(10)
    assert follower.changed()
    seen = follower.read(made.row)
    assert (seen.state, seen.loss, seen.validation) == ("running", [(1.0, 2.0)], [(10.0, 1.5)])
    assert seen.words == f"step 10 of 40, about 30 s left; process {os.getpid()}"
    assert seen.peak == 700_000_010
    made.beat(11, at=time.time() - 4000)
    assert "silent for" in follower.read(made.row).words
    made.beat(12, pid=gone())
    killed = follower.read(made.row)
    assert killed.state == "killed" and "killed at step 12 of 40" in killed.words
    assert "--resume" in killed.words and killed.loss == [(1.0, 2.0)]


def test_a_finished_run_is_read_from_its_adapter(workspace: Workspace, tmp_path: Path) -> None:
    """The log stays with the adapter; a run that was killed before is told to have been gone on with."""
    killed = Training(workspace)
    run_id = workspace.ledger.start("train", RECIPE, "c0de", killed.inputs)
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "log.jsonl").write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n')
    (adapter / "training.json").write_text('{"steps": 2, "seconds": 65.0, "peak_memory_bytes": 900000000}')
    workspace.ledger.end(run_id, {"adapter": workspace.put_files("adapter", adapter)}, None)
    for path in killed.folder.iterdir():
        path.unlink()
    row = next(run for run in runs(workspace) if run.run_id == run_id)
    seen = Follower(workspace, row).read(row)
    assert (seen.state, seen.total, seen.peak) == ("finished", 2, 900_000_000)
    assert seen.loss == [(1.0, 2.0), (2.0, 1.0)] and "2 steps in 1 min" in seen.words
    before = Follower(workspace, killed.row).read(killed.row)
    assert before.state == "finished" and f"gone on with by run {run_id}" in before.words


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 12)])
async def test_curves_grow_while_one_looks(workspace: Workspace, size: tuple[int, int]) -> None:
    """A run of another process is in the list, its curves grow; closing the screen ends nothing."""
    app = workbench(workspace)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("r")
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, RunsScreen)
        made = Training(workspace)  # begun while one looks
        made.log(*({"step": n, "loss": 2 / n, "learning_rate": 1e-4} for n in range(1, 20)))
        made.beat(19)
        await pilot.pause(0.6)
        await settle(pilot)
        assert screen.runs[screen.query_one("Rows").cursor].kind == "train"  # type: ignore[attr-defined]
        assert screen.curves is not None and len(screen.curves.loss) == 19
        await pilot.press("a")  # a run that goes on is not begun a second time
        assert isinstance(app.screen, RunsScreen)
        await pilot.press("v")
        await settle(pilot)
        full = app.screen
        assert isinstance(full, TrainingScreen)
        curve = full.query_one("#curve-loss", Curve)
        assert len(curve.drawing.line) == 19
        made.log({"step": 20, "eval_loss": 0.5}, {"step": 20, "loss": math.nan})
        made.beat(20)
        await pilot.pause(0.6)
        await settle(pilot)
        assert curve.drawing.marks == [(20.0, 0.5)]
        assert "step 20 of 40" in str(full.query_one("#training-word", Static).content)
        assert MARK in "".join(
            strip.text for strip in (curve.render_line(y) for y in range(curve.size.height))
        )
        await pilot.press("q", "q")
        assert not isinstance(app.screen, RunsScreen | TrainingScreen)
        assert full.query(Panels) is not None
    assert made.folder.is_dir() and made.row.ended_at is None


async def test_a_run_can_be_repeated_and_a_cut_off_one_goes_on(workspace: Workspace) -> None:
    """The key a shows the run's own command; a training run that did not end gets --resume."""
    Training(workspace)
    workspace.ledger.write("update run set command = 'seatrial train tickets' where kind = ?", [("train",)])
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("r", "a")
        await settle(pilot)
        assert isinstance(app.screen, Ask)
        assert app.screen.query_one(Input).value == "train tickets --resume"
        await pilot.press("escape", "down", "v")
        await settle(pilot)
        assert isinstance(app.screen, RunsScreen), "a scan has no curves"


def divided_from(workspace: Workspace, rows: pl.DataFrame) -> str:
    """A version as a split makes one: it rests on the scan of the one it was made from."""
    with workspace.run("split", {}, {"dataset": workspace.dataset("tickets")}) as run:
        run.outputs["dataset"] = workspace.put_dataset(rows)
    return run.outputs["dataset"]


async def test_the_steps_show_their_commands_and_run_them(workspace: Workspace) -> None:
    """The next step is the one under the cursor; enter shows its exact command, to be changed or run."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("E")
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, StepsScreen)
        assert [step.state for step in screen.steps] == ["done", "next", *["later"] * 9]
        assert screen.steps[1].told == "12 of 20 open findings block: split and export wait for them"
        assert "seatrial review tickets --open" in str(screen.query_one("#run-detail", Static).content)
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, QueueScreen)
        await pilot.press("B", "x")
        await settle(pilot)
        await pilot.press("q")
        await settle(pilot)
        divided = workspace.examples(workspace.dataset("tickets")).with_columns(
            split=pl.Series(["train"] * 12 + ["test"] * 8)
        )
        digest = divided_from(workspace, divided)
        workspace.ledger.set_name("tickets", digest)
        screen.dataset = digest
        await pilot.press("ctrl+r")
        await settle(pilot)
        assert [step.state for step in screen.steps][:6] == ["done", "done", "done", "done", "next", "later"]
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, Ask)
        assert app.screen.query_one(Input).value == "train tickets"
        await pilot.press("escape")


def test_a_newer_adapter_has_to_be_asked_again(workspace: Workspace, tmp_path: Path) -> None:
    """What is done is told by what was made from what, not by whether anything of the kind is there."""
    rows = workspace.examples(workspace.dataset("tickets"))
    divided = rows.with_columns(split=pl.Series(["train"] * 12 + ["test"] * 8))
    desk = Desk(workspace, workspace.dataset("tickets"), "tickets", "anna")
    decide_all(desk, shown(desk).found.open, "keep")
    dataset = divided_from(workspace, divided)

    def make(kind: str, role: str, params: dict[str, object], inputs: dict[str, str]) -> str:
        (tmp_path / "made").mkdir(exist_ok=True)
        (tmp_path / "made" / "x").write_text(f"{kind} {len(runs(workspace))}")
        with workspace.run(kind, params, {"dataset": dataset, **inputs}) as run:
            run.outputs[role] = workspace.put_files(role, tmp_path / "made")
        return run.outputs[role]

    def states() -> str:
        found = [step.state for step in steps(workspace, dataset)]
        assert found[:3] == ["done"] * 3
        return " ".join(found[3:])

    assert states() == "done next later later later later later later"
    adapter = make("train", "adapter", {}, {})
    assert states() == "done done next later later later later later"
    make("tune", "tuning", {}, {})
    assert states() == "done done done next later later later later"
    asked = make("predict", "predictions", {"arm": "tuned", "split": "test"}, {"adapter": adapter})
    assert states() == "done done done done next later later later"
    scores = make("score", "scores", {}, {"predictions": asked})
    with workspace.run("probe", {}, {"dataset": dataset, "adapter": adapter}) as run:
        run.outputs["probes"] = workspace.put_json("probes", {"red team": {"state": "fail"}})
    assert steps(workspace, dataset)[8].told == "failed: red team"
    comparison = make("compare", "comparison", {}, {"scores": scores})
    assert states() == "done done done done done done done next"
    with workspace.run("report", {"to": "report", "history": True}, {"comparison": comparison}):
        pass
    assert states().endswith("next")
    with workspace.run("report", {"to": "here", "history": False}, {"comparison": comparison}):
        pass
    assert states().endswith("done") and steps(workspace, dataset)[-1].told == "written to here"
    make("train", "adapter", {"again": True}, {})
    assert states() == "done done done next later later later later"


def test_a_plot_keeps_to_its_edges() -> None:
    """Every point lies in the grid; a flat line, one point and numbers that are none do not break it."""
    line = [(0.0, 1.0), (50.0, math.nan), (60.0, math.inf), (100.0, 0.0), (500.0, -3.0)]
    rows = plot(line, [(100.0, 0.5), (0.0, math.nan)], (0.0, 100.0), (0.0, 1.0), 30, 5)
    assert [len(row) for row in rows] == [30] * 5
    assert rows[0][0] != " " and rows[-1][-1] != " " and rows[2][-1] == MARK
    assert sum(row.count(MARK) for row in rows) == 1
    flat = plot([(0.0, 2.0), (10.0, 2.0)], [], (0.0, 10.0), (2.0, 2.0), 10, 3)
    assert all(cell != " " for cell in flat[1]) and set(flat[0] + flat[2]) == {" "}
    assert plot([], [], (0.0, 0.0), (0.0, 0.0), 4, 2) == [[" "] * 4] * 2


async def test_the_mask_of_each_row_is_shown_token_by_token(workspace: Workspace) -> None:
    """From the curves: the row as the model gets it, the answer marked; the next and the one before."""
    pytest.importorskip("trl")
    examples = workspace.examples(workspace.dataset("tickets"))
    parts = pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("train")).otherwise(pl.lit("test"))
    workspace.ledger.set_name("tickets", workspace.put_dataset(examples.with_columns(split=parts)))
    training = Training(workspace)
    app = workbench(workspace)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        screen = MaskScreen(training.row)
        await app.push_screen(screen)
        await settle(pilot)
        first = screen.text
        assert "train" in first and "<|assistant|>" in first
        await pilot.press("right_square_bracket")
        await settle(pilot)
        assert screen.position == 1 and screen.text != first
        await pilot.press("left_square_bracket")
        await settle(pilot)
        assert screen.text == first
        await pilot.press("q")
        await settle(pilot)
        assert app.screen is not screen


def test_a_version_without_rows_to_train_on_has_no_mask(workspace: Workspace) -> None:
    """And a run that was recorded with settings of another time is read all the same."""
    with pytest.raises(NotFoundError, match="no training"):
        masks_of(
            workspace.examples(workspace.dataset("tickets")),
            recipe_of({"recipe": {"epochs": 2, "dora": True}}),
        )


def test_what_has_to_be_done_before_a_split(workspace: Workspace) -> None:
    """Not scanned, then decided and not carried out: each is the next step, and says why."""
    dataset = workspace.dataset("tickets")
    fresh = workspace.put_dataset(workspace.examples(dataset).head(5))
    assert [step.state for step in steps(workspace, fresh)][:4] == ["next", "later", "later", "later"]
    desk = Desk(workspace, dataset, "tickets", "anna")
    decide_all(desk, shown(desk).found.acceptable, None)
    found = steps(workspace, dataset)
    assert [step.state for step in found][:4] == ["done", "done", "next", "later"]
    assert found[1].told == "nothing blocks; 3 doubtful ones are open"
    assert found[2].told.startswith("17 decisions wait to be carried out")


async def test_the_steps_go_on_with_what_was_made(workspace: Workspace) -> None:
    """After a split, started here or elsewhere, they are the new version's, and say so; an old version's stay."""
    old = workspace.dataset("tickets")
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("E")
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, StepsScreen)
        divided = workspace.examples(old).with_columns(split=pl.Series(["train"] * 12 + ["test"] * 8))
        with workspace.run("split", {}, {"dataset": old}) as run:
            made = run.outputs["dataset"] = workspace.put_dataset(divided)
        workspace.ledger.set_name("tickets", made)
        screen.look()
        await settle(pilot)
        assert screen.dataset == made
        assert next(step for step in screen.steps if step.name == "split").told == "12 train, 8 test"
        told = [each.message for each in app._notifications]
        assert f"the steps go on with the version {made[:8]}, made by split" in told
        await app.push_screen(StepsScreen(old))
        await settle(pilot)
        assert isinstance(app.screen, StepsScreen) and app.screen.dataset == old
