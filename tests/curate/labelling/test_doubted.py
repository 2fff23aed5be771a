"""What the label screen must not put into people's heads: a doubted label, an answer that gives the label away."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from curate.example import frame
from curate.finding import stamp
from curate.labelling.classes import told_by_answers
from curate.labelling.doubted import doubted
from curate.labelling.tasks import Option, Task
from curate.labelling.work import Work
from curate.runs.steps import Reading, import_files
from curate.workspace import Decision, Workspace

TASK = Task("topic", options=(Option("leave", "1"), Option("email", "2")))


def rows(answers: list[tuple[str, str]]) -> pl.LazyFrame:
    """Rows with an answer and a label."""
    turn = {"name": None, "tool_calls": None, "tool_call_id": None}
    return frame(
        [
            {"messages": [{"role": "user", "content": "?", **turn}, {"role": "assistant", "content": said, **turn}], "label": label}
            for said, label in answers
        ]
    ).lazy()  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([("Leave", "leave"), ("email.", "email")], True),
        ([("**leave**: ask your manager", "leave"), ("Restart it.", "email")], True),
        ([("Ask your manager about leave.", "leave"), ("Restart it.", "email")], False),
        ([], False),
    ],
)
def test_answers_are_hidden_where_they_give_the_label_away(
    answers: list[tuple[str, str]], *, told: bool
) -> None:
    """Where they begin with it, not where they only speak of it."""
    assert told_by_answers(rows(answers)) is told


def test_a_doubted_label_is_not_suggested(tmp_path: Path) -> None:
    """Until somebody has said that it is right; other rows' labels are."""
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f'{{"text": "message {n} of mine", "label": "leave"}}\n' for n in range(3)))
    workspace = Workspace(tmp_path)
    dataset = import_files(workspace, [str(path)], Reading(label="label")).made.outputs["dataset"]
    assert doubted(workspace, dataset) == frozenset()
    examples = workspace.examples(dataset)
    hashes = dict(examples.select("example_id", "content_hash").iter_rows())
    found = pl.DataFrame(
        [{"example_id": examples["example_id"][1], "label": "wrong", "score": 0.9, "action": "review"}]
    )
    table = stamp(found, hashes, check="wrong-label", version=1)
    with workspace.run("scan", {"wrong-label": {}}, {"dataset": dataset}) as run:
        run.outputs["findings"] = workspace.put_table("findings", table)
    work = Work(workspace, dataset, "rows", TASK, "anna")
    suggested = [work.suggestion(place) for place in range(3)]
    assert [each and each.value for each in suggested] == ["leave", None, "leave"]
    workspace.ledger.decide([Decision(table["finding_id"][0], table["example_id"][0], "keep", "ben")])
    assert Work(workspace, dataset, "rows", TASK, "anna").suggestion(1) is not None
