"""The training rows that are nearest to a question: where to look when its answer is wrong."""

from __future__ import annotations

import json
import shlex
from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple

import polars as pl

from curate.example import prompt_text
from curate.workspace import Workspace
from evalharness.deciding.comparison import Examples, NearRow
from evalharness.retrieval import Retriever

COUNT = 3
WRONG = ("lost", "none right")  # kinds of examples that the candidate got wrong
CUT = 240  # characters of a training row's question
MOST = 200_000  # training rows; more would take longer than the comparison


class Near(NamedTuple):
    """One training row."""

    example_id: str
    label: str | None
    question: str


class Nearest:
    """A version's training rows, ready to be searched by their words (BM25)."""

    def __init__(self, workspace: Workspace, dataset: str) -> None:
        rows = workspace.scan_examples(dataset).filter(pl.col("split") == "train")
        columns = rows.select("example_id", "label", "messages").collect()
        self.rows = [
            Near(example_id, label, prompt_text(messages or []))
            for example_id, label, messages in columns.iter_rows()
        ]
        self.index = Retriever([row.question for row in self.rows])

    def to(self, question: str, count: int = 3) -> list[Near]:
        """The nearest, nearest first."""
        return [self.rows[place] for place in self.index.neighbours(question, count)]


def with_near(workspace: Workspace, dataset: str, examples: Examples) -> Examples:
    """The examples, each wrong answer with its nearest training rows and what was decided of them.

    Left as they are where nothing is wrong, or there are no training rows or very many.
    """
    wrong = [row for row in examples["rows"] if row["kind"] in WRONG]
    train = workspace.scan_examples(dataset).filter(pl.col("split") == "train")
    count = train.select(pl.len()).collect().item() if wrong else 0
    if not 0 < count <= MOST:
        return examples
    index = Nearest(workspace, dataset)
    near = {row["example_id"]: index.to(row["question"], COUNT) for row in wrong}
    said = decisions(workspace, {each.example_id for rows in near.values() for each in rows})
    for row in wrong:
        row["near"] = [_near_row(each, said) for each in near[row["example_id"]]]
    return examples


def _near_row(near: Near, said: dict[str, list[str]]) -> NearRow:
    return NearRow(
        example_id=near.example_id,
        label=near.label,
        question=near.question[:CUT],
        decisions=said.get(near.example_id, []),
        why=shlex.join(["seatrial", "why", near.example_id]),
    )


def decisions(workspace: Workspace, example_ids: Collection[str]) -> dict[str, list[str]]:
    """By example, the standing decision on each of its findings, in their order: keep, drop, redact, edit."""
    query = """select example_id, finding_id, action from decision
               where example_id in (select value from json_each(?)) order by decided_at, uid"""
    last: dict[tuple[str, str], str | None] = {}
    for row in workspace.ledger.rows(query, json.dumps(sorted(example_ids))):
        last[row["example_id"], row["finding_id"]] = row["action"]
    found: defaultdict[str, list[str]] = defaultdict(list)
    for (example_id, _), action in last.items():
        if action:
            found[example_id].append(action)
    return dict(found)
