"""The model: it learns from a few answers, says when it cannot, and orders the rows."""

from __future__ import annotations

import numpy as np
import pytest

from curate.labelling.suggest import arranged, suggest
from curate.labelling.suggestions import path_of, proposed
from curate.labelling.tasks import Task, Value
from curate.labelling.work import Work
from curate.workspace import Workspace


def say(workspace: Workspace, task: Task, said: dict[int, Value]) -> Work:
    """Answers to the newest version, and the work they were given in."""
    dataset = workspace.dataset()
    work = Work(workspace, dataset, "tickets", task, "anna")
    examples = workspace.examples(dataset)
    for place, value in said.items():
        work.answer(place, examples.row(place, named=True), value)
    return work


def test_too_little_is_said_and_writes_nothing(workspace: Workspace, tasks: dict[str, Task]) -> None:
    task, dataset = tasks["queue"], workspace.dataset()
    say(workspace, task, {0: "oak", 2: "oak", 4: "oak"})
    assert "3 answers are too few" in suggest(workspace, dataset, task, "none").why
    say(workspace, task, {6: "oak"})
    assert "all answers are the same" in suggest(workspace, dataset, task, "none").why
    assert "free text" in suggest(workspace, dataset, tasks["line"], "none").why
    assert proposed(workspace, dataset, task) is None


def test_it_learns_from_four_answers(workspace: Workspace, tasks: dict[str, Task]) -> None:
    from dataclasses import replace

    task = replace(tasks["queue"], suggest="model", gold="")
    work = say(workspace, task, {0: "oak", 1: "viola", 2: "oak", 3: "viola"})
    taught = suggest(workspace, work.dataset, task, "none")
    assert (taught.trained_on, taught.rows, taught.features, taught.right) == (4, 12, "words", None)
    model = work.newer_model()
    assert model is not None
    work.take_model(model, 5)
    assert work.newer_model() is None
    said = [work.suggestion(place) for place in range(4, 12)]
    assert [each.value for each in said if each] == ["oak", "viola"] * 4
    assert all(each and each.origin == "model" and 0.5 <= (each.probability or 0) <= 1 for each in said)
    assert work.order == "uncertain" and work.ids[:5].tolist() == [0, 1, 2, 3, 5]
    assert sorted(work.ids.tolist()) == list(range(12)) and work.next_open(3) == 4
    before = path_of(workspace, work.dataset, task).read_bytes()
    suggest(workspace, work.dataset, task, "none")
    again = proposed(workspace, work.dataset, task)
    assert again is not None and again.rows.equals(proposed_rows(before))


def proposed_rows(data: bytes) -> object:
    """The table in a file's bytes."""
    import io

    import polars as pl

    return pl.read_parquet(io.BytesIO(data))


def test_several_and_scales_are_learned_too(workspace: Workspace, tasks: dict[str, Task]) -> None:
    work = say(workspace, tasks["tags"], {0: ["money"], 1: ["urgent"], 2: ["money"], 3: ["urgent"]})
    suggest(workspace, work.dataset, tasks["tags"], "none")
    again = Work(workspace, work.dataset, "tickets", tasks["tags"], "anna")
    assert again.suggestion(8).value == ["money"] and again.suggestion(9).value == ["urgent"]  # type: ignore[union-attr]
    work = say(workspace, tasks["mood"], {0: 1, 1: 5, 2: 1, 3: 5})
    suggest(workspace, work.dataset, tasks["mood"], "none")
    again = Work(workspace, work.dataset, "tickets", tasks["mood"], "anna")
    assert again.suggestion(8).value == 1 and again.suggestion(9).value == 5  # type: ignore[union-attr]


@pytest.mark.parametrize("content", [b"", b"no parquet", None])
def test_a_file_that_is_none_is_no_model(
    workspace: Workspace, tasks: dict[str, Task], content: bytes | None
) -> None:
    import polars as pl

    path = path_of(workspace, workspace.dataset(), tasks["queue"])
    path.parent.mkdir()
    if content is None:
        pl.DataFrame({"x": [1]}).write_parquet(path)
    else:
        path.write_bytes(content)
    assert proposed(workspace, workspace.dataset(), tasks["queue"]) is None
    assert Work(workspace, workspace.dataset(), "tickets", tasks["queue"], "anna").order == "file"


def test_the_model_is_due_again_after_so_many_answers(workspace: Workspace, tasks: dict[str, Task]) -> None:
    from dataclasses import replace

    task = replace(tasks["queue"], retrain=4)
    work = say(workspace, task, {0: "oak", 1: "viola", 2: "oak"})
    assert not work.due(0)
    work = say(workspace, task, {3: "viola"})
    assert work.due(0) and not work.due(4)
    suggest(workspace, work.dataset, task, "none")
    work = say(workspace, task, {4: "oak"})
    assert not work.due(0) and "model of 4 answers, 1 newer" in work.model_told()
    assert not say(workspace, replace(task, retrain=0), {5: "oak"}).due(0)


def test_the_most_doubtful_come_first_and_what_is_alike_together() -> None:
    draws = np.random.default_rng(0)
    kinds = draws.integers(0, 2, 200)
    features = np.eye(2, dtype=np.float32)[kinds]
    doubt = np.concatenate([np.full(40, 0.9), np.full(160, 0.1)])
    rank = arranged(features, doubt)
    assert sorted(rank.tolist()) == list(range(200)) and rank[:40].max() == 39
    few = arranged(features[:3], doubt[:3])
    assert sorted(few.tolist()) == [0, 1, 2]
    first = kinds[np.argsort(rank)[:40]]
    assert (first[1:] != first[:-1]).sum() <= 3  # two blocks of two kinds
