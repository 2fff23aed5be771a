"""A session in which rows were labelled: written, and done again in an empty workspace to the same bytes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from curate.errors import ConfigError, GateError
from curate.labelling.applying import apply_answers
from curate.labelling.tasks import Option, Task, Value
from curate.labelling.work import Work
from curate.people.session import write_session
from curate.runs.job import run_recipe
from curate.runs.recipe import read_recipe
from curate.runs.steps import Reading, import_files
from curate.workspace import Workspace

QUEUE = Task("queue", show="prompt", options=(Option("a", "1"), Option("b", "2")), retrain=0)
TAGS = Task("tags", "several", (Option("x", "1"), Option("y", "2")), column="meta:tags")


def say(workspace: Workspace, dataset: str, task: Task, who: str, said: dict[int, Value]) -> Work:
    """Answers of one person."""
    work = Work(workspace, dataset, "rows", task, who)
    examples = workspace.examples(dataset)
    for place, value in said.items():
        work.answer(place, examples.row(place, named=True), value, 1.0)
    return work


@pytest.fixture
def worked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Workspace, str]:
    """Two people labelled: an undo, a majority, a second task, and the first again."""
    monkeypatch.chdir(tmp_path)
    rows = [{"text": f"message {n} about my parcel", "label": "a"} for n in range(20)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    monkeypatch.setattr("sys.argv", ["seatrial", "import", "rows.jsonl"])
    (tmp_path / "here").mkdir()
    here = Workspace(tmp_path / "here")
    dataset = import_files(here, ["rows.jsonl"], Reading(label="label")).made.outputs["dataset"]
    say(here, dataset, QUEUE, "ben", {0: "b", 1: "b", 2: "a"})
    say(here, dataset, QUEUE, "anna", {0: "a", 1: "b", 3: "b"}).undo()
    dataset = apply_answers(here, dataset, QUEUE, policy="majority").made.outputs["dataset"]
    say(here, dataset, TAGS, "anna", {5: ["x", "y"]})
    dataset = apply_answers(here, dataset, TAGS).made.outputs["dataset"]
    say(here, dataset, QUEUE, "anna", {7: "b"})
    return here, apply_answers(here, dataset, QUEUE, policy="one", by="anna").made.outputs["dataset"]


def test_a_labelled_version_is_made_again(worked: tuple[Workspace, str], tmp_path: Path) -> None:
    here, dataset = worked
    say(here, dataset, QUEUE, "anna", {0: "b", 9: "b"})  # since then: no part of it
    written = write_session(here, dataset, tmp_path / "session")
    assert (written.steps, written.words) == (3, 9)
    (tmp_path / "there").mkdir()
    there = Workspace(tmp_path / "there")
    assert run_recipe(there, read_recipe(tmp_path / "session" / "recipe.toml")).dataset == dataset
    assert there.examples(dataset).equals(here.examples(dataset))
    write_session(there, dataset, tmp_path / "again")
    one, two = (tmp_path / each / "journal.jsonl" for each in ("session", "again"))
    assert one.read_bytes() == two.read_bytes()


def test_a_changed_answer_or_setting_stops_the_replay(worked: tuple[Workspace, str], tmp_path: Path) -> None:
    here, dataset = worked
    write_session(here, dataset, tmp_path / "session")
    journal = tmp_path / "session" / "journal.jsonl"
    text = journal.read_text("utf-8")
    for number, (old, new, kind) in enumerate(
        [
            ('\\"answer\\": \\"b\\"', '\\"answer\\": \\"a\\"', GateError),
            ('"policy": "majority"', '"policy": 3', ConfigError),
            ('"policy": "majority"', '"polcy": "majority"', ConfigError),
        ]
    ):
        assert old in text
        journal.write_text(text.replace(old, new), "utf-8")
        folder = tmp_path / f"there {number}"
        folder.mkdir()
        with pytest.raises(kind):
            run_recipe(Workspace(folder), read_recipe(tmp_path / "session" / "recipe.toml"))
