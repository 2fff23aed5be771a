"""One person's work: what comes next, undo without limit, gold, shares, what holds after a change."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate.errors import ConfigError
from curate.example import with_content_hash
from curate.labelling.answers import IDLE, Pace, shown_hash, standing
from curate.labelling.gold import gold_of
from curate.labelling.sharing import mine
from curate.labelling.tasks import Task, Value
from curate.labelling.work import Work
from curate.workspace import Workspace
from curate.workspace.differences import answers


def work_of(workspace: Workspace, task: Task, who: str = "anna") -> Work:
    """The work of a person on the newest version."""
    return Work(workspace, workspace.dataset(), "tickets", task, who)


def say(work: Work, place: int, value: Value, seconds: float | None = 1.0) -> None:
    """Answer the row at a place."""
    example = work.workspace.examples(work.dataset).row(place, named=True)
    work.answer(place, example, value, seconds, work.suggestion(place))


def test_an_answer_is_on_the_disk_and_there_after_a_restart(
    workspace: Workspace, tasks: dict[str, Task]
) -> None:
    work = work_of(workspace, tasks["queue"])
    say(work, 3, "viola", 2.5)
    assert workspace.ledger.rows("select count(*) as n from annotation")[0]["n"] == 1
    again = work_of(workspace, tasks["queue"])
    assert again.own == {3: "viola"} and again.open == 11 and again.pace == 2.5 and again.recent == ["viola"]
    value = json.loads(workspace.ledger.rows("select value from annotation")[0]["value"])
    assert value == {"answer": "viola", "seconds": 2.5, "suggested": "oak", "origin": "label"}


def test_undo_and_redo_across_restarts(workspace: Workspace, tasks: dict[str, Task]) -> None:
    task = tasks["queue"]
    work = work_of(workspace, task)
    say(work, 0, "oak")
    say(work, 1, "viola")
    say(work, 0, "rest")
    later = work_of(workspace, task)
    assert later.undo()[1] == 0 and later.own[0] == "oak"
    assert later.undo()[1] == 1 and 1 not in later.own and later.open == 11
    last = work_of(workspace, task)
    assert last.own == {0: "oak"}
    assert last.redo()[1] == 1 and last.redo()[1] == 0 and last.redo() == (None, None)
    assert work_of(workspace, task).own == {1: "viola", 0: "rest"}


ACTS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["oak", "viola", "undo", "redo", "restart", "ben"])),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACTS)
def test_undoing_all_is_the_start(
    workspace: Workspace, tasks: dict[str, Task], acts: list[tuple[int, str]]
) -> None:
    """Whatever one did among another's answers: undone, the other's words alone are left."""
    task = tasks["queue"]
    count = workspace.ledger.rows("select count(distinct reviewer) as n from annotation")[0]["n"]
    who = f"r{count}"  # new in each example
    others = work_of(workspace, task, "ben")
    work = work_of(workspace, task, who)
    said: dict[int, Value] = {}
    for place, act in acts:
        if act in ("undo", "redo"):
            getattr(work, act)()
        elif act == "restart":
            work = work_of(workspace, task, who)
        elif act == "ben":
            say(others, place, "rest")
            said[place] = "rest"
        else:
            say(work, place, act)
    assert work_of(workspace, task, who).own == work.own
    while work.undo()[0] is not None:
        pass
    assert work.own == {} and work.open == 12
    assert not [word for word in standing(workspace, task).said if word.reviewer == who]
    assert said.items() <= work_of(workspace, task, "ben").own.items()
    steps = 0
    while work.redo()[0] is not None:
        steps += 1
    assert work_of(workspace, task, who).own == work.own and steps <= len(acts)


def test_an_answer_holds_while_the_text_does(workspace: Workspace, tasks: dict[str, Task]) -> None:
    """Another label changes nothing of what was judged; another text makes the answer void."""
    task = tasks["queue"]
    work = work_of(workspace, task)
    say(work, 2, "viola")
    say(work, 4, "viola")
    examples = workspace.examples(work.dataset)
    row = examples.row(2, named=True)
    assert shown_hash(task, row) == shown_hash(task, {**row, "label": "x", "meta": "{}"})
    turns = examples["messages"].to_list()
    turns[4][1]["content"] = "something else"
    other = examples.with_columns(
        label=pl.lit("other"), messages=pl.Series(turns, dtype=examples.schema["messages"])
    )
    digest = workspace.put_dataset(with_content_hash(other))
    assert Work(workspace, digest, "x", task, "anna").own == {2: "viola"}


def test_people_who_differ_settle_it_in_sight_of_each_other(
    workspace: Workspace, tasks: dict[str, Task]
) -> None:
    task = tasks["queue"]
    say(work_of(workspace, task, "ben"), 5, "rest")
    anna = work_of(workspace, task)
    say(anna, 5, "viola")
    with pytest.raises(ConfigError, match="people differ on no row"):
        anna.arrange("differ")  # what was read before anna answered is what is seen
    anna = work_of(workspace, task)
    assert anna.people(5) == ""  # blind, until one asks for what people differ on
    anna.arrange("differ")
    assert anna.ids.tolist() == [5] and anna.people(5) == "anna: viola; ben: rest"
    say(anna, 5, "viola")
    assert anna.next_open(0) is None
    assert [word.said for words in answers(workspace.ledger, task.key).values() for word in words] == [
        "viola"
    ]


def test_gold_is_mixed_in_and_scored(workspace: Workspace, tasks: dict[str, Task], tmp_path: Path) -> None:
    task = tasks["queue"]
    work = work_of(workspace, task)
    assert work.gold == {0: "oak", 1: "viola"} and sorted(work.ids.tolist()) == list(range(12))
    assert {0, 1} & set(work.ids[:4].tolist()) and {0, 1} & set(work.ids[4:8].tolist())
    say(work, 0, "oak")
    say(work, 1, "oak")
    assert work.gold_score == (1, 2)
    from dataclasses import replace

    (workspace.root / "gold.jsonl").write_text(
        '{"source": "t.jsonl", "row": 3, "answer": "oak"}\n\n{"example_id": "gone", "answer": "oak"}\n',
        "utf-8",
    )
    by_file = replace(task, gold="gold.jsonl")
    assert gold_of(workspace, work.dataset, by_file) == {2: "oak"}
    for line, said in (('{"row": 3}', "a gold row has"), ("no", "no JSON"), (
        '{"source": "t.jsonl", "row": 3, "answer": "elm"}', "does not answer")):  # fmt: skip
        (workspace.root / "gold.jsonl").write_text(line, "utf-8")
        with pytest.raises(ConfigError, match=f"gold.jsonl:1: .*{said}"):
            gold_of(workspace, work.dataset, by_file)
    with pytest.raises(ConfigError, match="gold of queue"):
        gold_of(workspace, work.dataset, replace(task, gold="none.jsonl"))


def test_rows_are_shared_among_people() -> None:
    ids = pl.Series([f"row {n}" for n in range(3_000)])
    task = Task("t", "text", people=("a", "b", "c"), overlap=0.2)
    parts = {who: mine(task, who, ids) for who in task.people}
    together = sum(part.astype(int) for part in parts.values())
    assert set(together.tolist()) == {1, 3}
    assert 0.16 < (together == 3).mean() < 0.24
    assert all(0.40 < part.mean() < 0.53 for part in parts.values())
    with pytest.raises(ConfigError, match="dora is not among"):
        mine(task, "dora", ids)
    assert mine(Task("t", "text", people=("a",), overlap=1.0), "dora", ids).all()


def test_a_suggestion_says_where_it_is_from(workspace: Workspace, tasks: dict[str, Task]) -> None:
    from dataclasses import replace

    task = tasks["queue"]
    assert work_of(workspace, task).suggestion(0) == ("oak", None, "label")
    for way in ("model", "none"):
        assert work_of(workspace, replace(task, suggest=way)).suggestion(0) is None
    assert work_of(workspace, tasks["tags"]).suggestion(0) is None


def test_idle_time_is_taken_out() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    now[0] = 3.0
    pace.beat()
    now[0] = 903.0
    assert pace.seconds() == 3.0 + IDLE
    pace.start()
    now[0] = 902.0  # a clock that goes back
    assert pace.seconds() == 0


def test_notes_and_flags_are_of_a_row(workspace: Workspace, tasks: dict[str, Task]) -> None:
    work = work_of(workspace, tasks["queue"])
    example = workspace.examples(work.dataset).row(1, named=True)
    work.annotate(example, "why?")
    work.flag(example)
    assert work.note(example) == "why?" and work.flagged(example)
    work.annotate(example, "")
    work.flag(example)
    assert work.note(example) == "" and not work.flagged(example)
    assert work.undo() == (None, None)


def with_texts(workspace: Workspace, changed: dict[int, str]) -> str:
    """A version in which the questions of some rows are others."""
    examples = workspace.examples(workspace.dataset("tickets"))
    messages = examples["messages"].to_list()
    for place, text in changed.items():
        messages[place][1]["content"] = text
    column = pl.Series("messages", messages, dtype=examples.schema["messages"])
    return workspace.put_dataset(with_content_hash(examples.with_columns(column)))


def test_undo_stays_in_the_version(workspace: Workspace, tasks: dict[str, Task]) -> None:
    """What was answered to another version's text is neither undone nor done again from here."""
    task = tasks["queue"]
    before = work_of(workspace, task)
    say(before, 0, "oak")
    say(before, 1, "viola")
    other = with_texts(workspace, {0: "another text altogether"})
    after = Work(workspace, other, "tickets", task, "anna")
    say(after, 0, "rest")
    assert after.undo()[1] == 0 and after.own == {1: "viola"}
    assert after.undo()[1] == 1, "row 1 shows the same in both"
    assert after.undo() == (None, None)
    assert {place: word.value for place, word in after.current(standing(workspace, task).said)} == {}
    back = Work(workspace, before.dataset, "tickets", task, "anna")
    assert back.own == {0: "oak"}, "the answer of before stands"
    assert after.redo()[1] == 1 and after.redo()[1] == 0 and after.redo() == (None, None)
    assert back.undo()[1] == 1 and back.undo()[1] == 0 and back.undo() == (None, None)
    assert Work(workspace, other, "tickets", task, "anna").own == {0: "rest"}


def test_undo_of_words_that_came_while_the_work_was_open(
    workspace: Workspace, tasks: dict[str, Task]
) -> None:
    """Another window's answers are undone too, but for those to another version's text."""
    task = tasks["queue"]
    here = work_of(workspace, task)
    say(here, 2, "oak")
    assert here.undo()[1] == 2
    window, elsewhere = work_of(workspace, task), with_texts(workspace, {5: "not what it was"})
    say(window, 4, "rest")
    say(Work(workspace, elsewhere, "tickets", task, "anna"), 5, "rest")
    assert here.undo()[1] == 4 and here.undo() == (None, None)
