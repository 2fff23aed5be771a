"""What cannot go to others in a journal is refused when it is said, not when the journal is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from curate.errors import ConfigError
from curate.labelling.answers import is_raw
from curate.labelling.tasks import Task
from curate.labelling.work import Work
from curate.people.journal import export, read, write
from curate.workspace import Annotation, Decision, Workspace
from curate.workspace.limits import LONGEST, NAME


@pytest.fixture
def work(workspace: Workspace, tasks: dict[str, Task]) -> Work:
    """Anna's work on the task of free texts."""
    return Work(workspace, workspace.dataset(), "tickets", tasks["line"], "anna")


def test_the_longest_answers_and_notes_come_through_a_journal(work: Work, tmp_path: Path) -> None:
    example = work.workspace.examples(work.dataset).row(0, named=True)
    work.answer(0, example, "x" * (LONGEST // 2 - 100))
    work.annotate(example, "n" * LONGEST)
    work.workspace.ledger.decide([Decision("f1", "e1", "keep", "a" * NAME, note="n" * LONGEST)])
    path = tmp_path / "journal.jsonl"
    write(path, export(work.workspace, with_edits=True))
    assert len(read(path).words) == 3


@pytest.mark.parametrize(
    "text", ["x" * (LONGEST + 1), "\N{GRINNING FACE}" * (LONGEST + 1), "half \ud83d of one"]
)
def test_what_a_journal_would_not_carry_is_not_written(work: Work, text: str) -> None:
    """Answer, note, rating and decision alike: an error that says why, and nothing in the ledger."""
    example = work.workspace.examples(work.dataset).row(0, named=True)
    ledger = work.workspace.ledger
    hash_, id_ = example["content_hash"], example["example_id"]
    for say in (
        lambda: work.answer(0, example, text),
        lambda: work.annotate(example, text),
        lambda: ledger.annotate([Annotation(id_, hash_, "rating:a-b", text, "anna")]),
        lambda: ledger.annotate([Annotation(id_, hash_, "flag", "yes", text)]),
        lambda: ledger.decide([Decision("f1", id_, "keep", "anna", note=text)]),
    ):
        with pytest.raises(ConfigError, match="nothing was written"):
            say()
    assert not work.own and not work.answered.any()
    counts = "select (select count(*) from annotation) + (select count(*) from decision) as n"
    assert ledger.rows(counts)[0]["n"] == 0


def test_what_was_typed_freely_is_marked_raw(workspace: Workspace, tasks: dict[str, Task]) -> None:
    """Free texts and notes, not choices: so that a journal can leave them out."""
    example = workspace.examples(workspace.dataset()).row(0, named=True)
    for task, value in (("line", "call Anna on 0171"), ("queue", "oak"), ("mood", 3), ("tags", ["money"])):
        Work(workspace, workspace.dataset(), "tickets", tasks[task], "anna").answer(0, example, value)
    work = Work(workspace, workspace.dataset(), "tickets", tasks["queue"], "anna")
    work.annotate(example, "Anna again")
    work.flag(example)
    raw = {
        row["key"]: is_raw(row["key"], row["value"])
        for row in workspace.ledger.rows("select * from annotation")
    }
    assert raw == {
        "label:line": True, "label:queue": False, "label:mood": False, "label:tags": False, "note:queue": True, "flag": False,
    }  # fmt: skip
    assert not is_raw("label:line", None) and not is_raw("rating:a-b", '{"answer": "a", "left": "a"}')
