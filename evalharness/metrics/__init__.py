"""The metrics, by name. A metric is a frozen dataclass whose fields are its settings.

Each scores one arm's answers: a frame with the columns of PREDICTIONS, `reference` (the answer
in the data) and `reference_label`. It returns example_id, value (0 to 1; null where it could not be
scored, never 0 for that), reason (why null) and label (the label that the answer gives, where the
metric has one). Macro-F1 is a property of the whole: it comes from accuracy's labels.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

import polars as pl

from evalharness.metrics.form import Format
from evalharness.metrics.labels import Accuracy, macro_f1
from evalharness.metrics.text import ExactMatch, RougeF, TokenF1
from evalharness.task import Task

__all__ = ["Accuracy", "ExactMatch", "Format", "Metric", "RougeF", "TokenF1", "macro_f1", "metrics_of"]


class Metric(Protocol):
    """What a metric is."""

    version: ClassVar[int]

    @property
    def name(self) -> str:
        """As it stands in the scores."""
        ...

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """One row for each prediction: example_id, value, reason, label."""
        ...


def metrics_of(task: Task, form: Format | None = None) -> tuple[Metric, ...]:
    """The metrics of a task; `form` replaces the format that its labels ask for."""
    texts: tuple[Metric, ...] = (
        ExactMatch(),
        TokenF1(),
        RougeF("rouge1"),
        RougeF("rouge2"),
        RougeF("rougeL"),
    )
    return (Accuracy(task.labels), *texts, form or Format(labels=task.labels))
