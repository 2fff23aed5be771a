"""The training rows that are nearest to a question: where to look when its answer is wrong."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from curate.example import prompt_text
from curate.workspace import Workspace
from evalharness.retrieval import Retriever


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
