"""What answers make of a version, by each policy; nothing is made where the answer is no."""

from __future__ import annotations

import json
from dataclasses import replace

import polars as pl
import pytest

from curate.errors import ConfigError, GateError
from curate.example import with_content_hash
from curate.labelling.answers import shown_hash
from curate.labelling.applying import apply_answers
from curate.labelling.status import exported, status_of
from curate.labelling.tasks import Task, Value
from curate.labelling.work import Work
from curate.runs.biography import biography
from curate.workspace import Workspace


def say(workspace: Workspace, task: Task, who: str, said: dict[int, Value]) -> None:
    """Answers of one person to the newest version."""
    dataset = workspace.dataset()
    work = Work(workspace, dataset, "tickets", task, who)
    examples = workspace.examples(dataset)
    for place, value in said.items():
        work.answer(place, examples.row(place, named=True), value, 2.0)


def test_answers_become_labels_and_still_hold_in_the_new_version(
    workspace: Workspace, tasks: dict[str, Task]
) -> None:
    task, before = tasks["queue"], workspace.dataset()
    say(workspace, task, "anna", {1: "viola", 2: "oak", 3: "rest"})
    say(workspace, task, "ben", {1: "viola"})
    done = apply_answers(workspace, before, task)
    assert (done.rows, done.answered, done.changed, done.differ) == (12, 3, 2, 0)
    made = done.made.outputs["dataset"]
    assert workspace.dataset("tickets") == made != before
    labels = workspace.examples(made)["label"].to_list()
    assert labels == ["oak", "viola", "oak", "rest"] + ["oak"] * 8
    told = workspace.table(done.made.outputs["labelled"])
    assert json.loads(told["people"][0]) == ["anna", "ben"]
    assert status_of(workspace, made, task).answered == 3
    again = apply_answers(workspace, before, task)
    assert again.made.recorded and again.made.outputs == done.made.outputs


def test_people_who_differ_stop_it_unless_a_policy_says_who_is_right(
    workspace: Workspace, tasks: dict[str, Task]
) -> None:
    task, dataset = tasks["queue"], workspace.dataset()
    say(workspace, task, "anna", {0: "rest", 1: "rest", 2: "oak"})
    say(workspace, task, "ben", {0: "viola", 1: "viola", 2: "oak"})
    with pytest.raises(GateError, match="people differ on 2 rows"):
        apply_answers(workspace, dataset, task)
    assert workspace.dataset() == dataset
    say(workspace, task, "carl", {0: "viola"})
    done = apply_answers(workspace, dataset, task, policy="majority")
    assert (done.answered, done.differ) == (2, 1)
    assert workspace.examples(done.made.outputs["dataset"])["label"].to_list()[:2] == ["viola", "oak"]
    one = apply_answers(workspace, dataset, task, policy="one", by="anna")
    assert workspace.examples(one.made.outputs["dataset"])["label"].to_list()[:2] == ["rest", "rest"]
    with pytest.raises(GateError, match="by dora"):
        apply_answers(workspace, dataset, task, policy="one", by="dora")
    for policy, by in (("one", ""), ("agreed", "anna"), ("most", "")):
        with pytest.raises(ConfigError):
            apply_answers(workspace, dataset, task, policy=policy, by=by)


def test_answers_go_into_meta_as_what_they_are(workspace: Workspace, tasks: dict[str, Task]) -> None:
    say(workspace, tasks["tags"], "anna", {0: ["money", "urgent"], 1: []})
    say(workspace, tasks["mood"], "anna", {0: 4})
    say(workspace, tasks["line"], "anna", {0: "too high"})
    for name in ("tags", "mood", "line"):
        apply_answers(workspace, workspace.dataset(), tasks[name])
    metas = [json.loads(meta) for meta in workspace.examples(workspace.dataset())["meta"].head(2)]
    assert metas[0] == {"truth": "oak", "tags": ["urgent", "money"], "mood": 4, "line": "too high"}
    assert metas[1] == {"truth": "viola", "tags": []}
    done = apply_answers(workspace, workspace.dataset(), tasks["mood"], to="label")
    assert workspace.examples(done.made.outputs["dataset"])["label"][0] == "4"
    work = Work(workspace, workspace.dataset(), "tickets", tasks["tags"], "ben")
    assert work.suggestion(0) == (["urgent", "money"], None, "label")


def test_status_and_export_tell_what_stands(workspace: Workspace, tasks: dict[str, Task]) -> None:
    task, dataset = tasks["queue"], workspace.dataset()
    say(workspace, task, "anna", {0: "oak", 1: "rest"})
    say(workspace, task, "ben", {1: "viola"})
    work = Work(workspace, dataset, "tickets", task, "anna")
    work.annotate(workspace.examples(dataset).row(1, named=True), "unclear")
    told = status_of(workspace, dataset, task)
    assert (told.answered, told.differ, told.elsewhere, told.strange) == (2, 1, 0, 0)
    anna, ben = told.people
    assert (anna.answered, anna.gold_right, anna.gold, anna.seconds) == (2, 1, 2, 2.0)
    assert (ben.gold_right, ben.gold) == (1, 1)
    rows = list(exported(workspace, dataset, task))
    assert [(row["row"], row["reviewer"], row["answer"], row["note"]) for row in rows] == [
        (1, "anna", "oak", None), (2, "anna", "rest", "unclear"), (2, "ben", "viola", None)
    ]  # fmt: skip
    assert [row["reviewer"] for row in exported(workspace, dataset, task, "ben")] == ["ben"]


def test_an_option_that_is_gone_is_counted_and_not_applied(
    workspace: Workspace, tasks: dict[str, Task]
) -> None:
    from dataclasses import replace

    task, dataset = tasks["queue"], workspace.dataset()
    say(workspace, task, "anna", {0: "rest", 1: "viola"})
    fewer = replace(task, options=task.options[:2])
    assert status_of(workspace, dataset, fewer).strange == 1
    assert apply_answers(workspace, dataset, fewer).answered == 1


def test_an_answer_that_is_the_label_itself_becomes_the_new_one(
    workspace: Workspace, tasks: dict[str, Task]
) -> None:
    """As classes are imported; other answers stay, and so do the people's words: the prompt was judged."""
    dataset = workspace.dataset()
    examples = workspace.examples(dataset)
    turns = examples["messages"].to_list()
    turns[1][2]["content"] = " oak\n"
    import polars as pl

    messages = pl.Series("messages", turns, dtype=examples.schema["messages"])
    dataset = workspace.put_dataset(with_content_hash(examples.with_columns(messages)))
    workspace.ledger.set_name("tickets", dataset)
    say(workspace, tasks["queue"], "anna", {1: "viola", 3: "viola"})
    made = apply_answers(workspace, dataset, tasks["queue"]).made.outputs["dataset"]
    after = workspace.examples(made)["messages"].to_list()
    assert [after[n][2]["content"] for n in (0, 1, 3)] == ["oak: sorry", "viola", "viola: sorry"]
    assert status_of(workspace, made, tasks["queue"]).answered == 2


def test_the_biography_of_a_row_tells_of_it(workspace: Workspace, tasks: dict[str, Task]) -> None:
    say(workspace, tasks["queue"], "anna", {1: "viola"})
    apply_answers(workspace, workspace.dataset(), tasks["queue"])
    told = [event.words for event in biography(workspace, "t.jsonl:2").events]
    assert "answered queue: viola by anna" in told
    assert 'queue: "viola", by anna; the row said something else before' in told


@pytest.mark.parametrize("show", ["all", "prompt"])
def test_answers_that_are_labels_hold_after_they_were_applied(
    workspace: Workspace, tasks: dict[str, Task], show: str
) -> None:
    """Classes as answers: applying changes label and answer together, and no row is open again for that."""
    task = replace(tasks["queue"], show=show, gold="")
    examples = workspace.examples(workspace.dataset())
    messages = examples["messages"].to_list()
    for turns in messages:
        turns[2]["content"] = "oak"
    column = pl.Series("messages", messages, dtype=examples.schema["messages"])
    dataset = workspace.put_dataset(with_content_hash(examples.with_columns(column)))
    workspace.ledger.set_name("tickets", dataset)
    work = Work(workspace, dataset, "tickets", task, "anna")
    for place, value in enumerate(("oak", "viola", "rest")):
        work.answer(place, workspace.examples(dataset).row(place, named=True), value)
    made = apply_answers(workspace, dataset, task).made.outputs["dataset"]
    contents = [turns[2]["content"] for turns in workspace.examples(made)["messages"].to_list()]
    assert contents[:4] == ["oak", "viola", "rest", "oak"]
    status = status_of(workspace, made, task)
    assert (status.answered, status.elsewhere) == (3, 0)
    # an answer that is another text than the label does count with `all`
    messages[3][2]["content"] = "something else"
    column = pl.Series("messages", messages, dtype=examples.schema["messages"])
    changed = with_content_hash(examples.with_columns(column))
    first = shown_hash(task, changed.row(3, named=True))
    messages[3][2]["content"] = "and something else again"
    column = pl.Series("messages", messages, dtype=examples.schema["messages"])
    other = shown_hash(task, examples.with_columns(column).row(3, named=True))
    assert (first != other) == (show == "all")
