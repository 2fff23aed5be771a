"""The metrics, by name. A metric is a frozen dataclass whose fields are its settings.

Each scores one arm's answers: a frame with the columns of PREDICTIONS, `reference` (the answer
in the data) and `reference_label`. It returns example_id, value (null where it could not be scored,
never 0 for that), reason (why null), label (the label that the answer gives, where the metric has
one) and statistics (what a measure of the whole sums over rows: see `about`). Macro-F1 is a property
of the whole: it comes from accuracy's labels.
"""

from __future__ import annotations

from evalharness.asking.task import Task
from evalharness.metrics.about import about
from evalharness.metrics.described import Latency, Length, Refusal, Repetition, Throughput
from evalharness.metrics.form import Format
from evalharness.metrics.labels import Accuracy, macro_f1
from evalharness.metrics.metric import Metric, recorded
from evalharness.metrics.text import ExactMatch, RougeF, TokenF1, score_rouges
from evalharness.metrics.translation import Bleu, Chrf

__all__ = [
    "Accuracy",
    "Bleu",
    "Chrf",
    "ExactMatch",
    "Format",
    "Metric",
    "RougeF",
    "TokenF1",
    "about",
    "described",
    "macro_f1",
    "metrics_of",
    "recorded",
    "score_rouges",
]


def metrics_of(task: Task, form: Format | None = None) -> tuple[Metric, ...]:
    """The metrics of a task; `form` replaces the format that its labels ask for."""
    texts: tuple[Metric, ...] = (
        ExactMatch(),
        TokenF1(),
        RougeF("rouge1"),
        RougeF("rouge2"),
        RougeF("rougeL"),
    )
    if not task.labels:
        texts += (RougeF("rougeLsum"), Bleu(), Chrf())
    return (Accuracy(task.labels), *texts, form or Format(labels=task.labels))


def described() -> tuple[Metric, ...]:
    """What is told of every answer, whatever the task: nothing is tested by it."""
    times = (Latency(), Latency("first-token-seconds"), Throughput())
    return (Refusal(), Repetition(), Length(), Length("tokens"), *times)
