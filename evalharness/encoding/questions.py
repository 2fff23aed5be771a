"""Validation rows answered greedily while a run goes, and scored by the task's own metric, as `seatrial predict` is.

Accuracy where the task has labels, else ROUGE-L, as `seatrial compare` chooses. The rows are those with the
lowest ids, as for `seatrial predict --limit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import polars as pl

from evalharness.asking.answerers import BATCH_ROWS, SHORTEST, SLACK
from evalharness.asking.predict import LONGEST
from evalharness.asking.task import Task, queries, task_of
from evalharness.encoding.encode import Encoded
from evalharness.metrics import metrics_of
from evalharness.models.candidates import Candidates
from evalharness.models.chat import Chat
from evalharness.models.generation import Generated, generate
from evalharness.models.loaded import LoadedModel
from evalharness.statistics.intervals import Floats


@dataclass(frozen=True)
class Questions:
    """What is asked each time."""

    rows: tuple[Encoded, ...]
    labels: tuple[str | None, ...]  # one a row
    task: Task

    @property
    def name(self) -> str:
        """The metric by the scorer's name."""
        return "accuracy" if self.task.labels else "rougeL"


def questions(
    rows: Sequence[Encoded], training: pl.DataFrame, validation: pl.DataFrame, count: int
) -> Questions | None:
    """`count` of the rows, which are those of `validation` as tokens; None where there are none.

    `training` shows what the task is, as it does to the harness.
    """
    chosen = sorted(rows, key=lambda row: row.example_id)[:count]
    if not chosen:
        return None
    labels = dict(validation.select("example_id", "label").iter_rows())
    return Questions(
        tuple(chosen), tuple(labels[row.example_id] for row in chosen), task_of([*queries(training)])
    )


def parted(row: Encoded) -> tuple[list[int], list[int]]:
    """A row's last answer, and all before it; in tokens."""
    end = len(row.ids) - row.trained[::-1].index(True)
    start = end - len(list(takewhile(bool, reversed(row.trained[:end]))))
    return list(row.ids[:start]), list(row.ids[start:end])


def answers(
    loaded: LoadedModel, rows: Sequence[Encoded], task: Task, *, longest: int = LONGEST
) -> list[Generated]:
    """What the model says to each row's last question, with the likeliest label where the task has labels.

    At most as many tokens as the longest of the rows' own answers, and some slack.
    """
    chat = Chat(loaded)
    parts = [parted(row) for row in rows]
    room = loaded.context - max(len(prompt) for prompt, _ in parts)
    usual = max(SHORTEST, max(len(answer) for _, answer in parts) + SLACK)
    choices = Candidates(chat.candidates(task.labels, whole=task.whole)) if task.labels else None
    found: list[Generated | None] = [None] * len(rows)
    order = sorted(range(len(rows)), key=lambda at: (-len(parts[at][0]), at))
    size = BATCH_ROWS[loaded.device]
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        said = generate(
            loaded,
            [parts[at][0] for at in batch],
            stops=chat.stops,
            max_new_tokens=max(1, min(usual, longest, room)),
            candidates=choices,
        )
        for at, each in zip(batch, said, strict=True):
            found[at] = each
    return [each for each in found if each is not None]


def measure(loaded: LoadedModel, asked: Questions) -> float | None:
    """The mean of the metric over the rows it can score; None where it can score none."""
    known = values(asked, answered(loaded, asked))
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else None


def answered(loaded: LoadedModel, asked: Questions) -> pl.DataFrame:
    """What the model says to the questions, as the harness's scorers read it."""
    chat = Chat(loaded)
    said = answers(loaded, asked.rows, asked.task)
    return pl.DataFrame(
        {
            "example_id": [row.example_id for row in asked.rows],
            "answer": [chat.answer(each.ids) for each in said],
            "choice": [asked.task.labels[each.choice] if each.choice is not None else None for each in said],
            "finish_reason": [each.finish_reason for each in said],
            "reference": [chat.answer(parted(row)[1]) for row in asked.rows],
            "reference_label": list(asked.labels),
            "error": [None] * len(said),
        },
        schema_overrides={"choice": pl.String, "reference_label": pl.String, "error": pl.String},
    )


def values(asked: Questions, table: pl.DataFrame) -> Floats:
    """The metric of each row; NaN where it has none."""
    scorer = next(each for each in metrics_of(asked.task) if each.name == asked.name)
    return scorer.score(table)["value"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
