"""What candidates are compared by: a metric of the answers, and one figure of the rows that all could answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from curate.errors import ConfigError
from curate.workspace import Workspace
from evalharness.asking.task import Task
from evalharness.deciding.comparison import Declaration
from evalharness.deciding.content import JUDGED, built_in, content_digest
from evalharness.deciding.declared import declared_of, usual_primary
from evalharness.metrics import Accuracy, Format, Metric, metrics_of, recorded
from evalharness.metrics.about import KNOWN, about, f1
from evalharness.metrics.asked import asked_metric
from evalharness.metrics.custom import SUFFIX, Custom
from evalharness.scoring.classes import micro
from evalharness.statistics.f1 import macro_f1
from evalharness.statistics.pooled import pooled_value

MACRO, MICRO = "macro-f1", "micro-f1"
OF_LABELS = ("accuracy", MACRO, MICRO)


class Score(NamedTuple):
    """One answer by a metric, with what a figure of the whole needs."""

    value: float | None
    reason: str | None  # why there is none
    said: str | None  # the label that was given
    right: str | None  # the row's
    statistics: list[float] | None


@dataclass(frozen=True)
class Measure:
    """A metric, and how its rows become the one figure that `seatrial score` would give of them."""

    name: str  # as it stands in the scores
    metric: Metric  # of a row
    primary: str  # what decides the comparison

    @property
    def another(self) -> bool:
        """Whether something else decides the comparison."""
        return self.name != self.primary

    @property
    def content(self) -> str | None:
        """Digest of what the metric does, where its name alone does not say it."""
        return None if built_in(self.name) else content_digest(recorded(self.metric))

    @property
    def guessed(self) -> bool:
        """Whether nobody said that more of it is better."""
        if isinstance(self.metric, Custom):
            return self.metric.sides is None
        return not about(self.name).known

    def scores(self, answers: pl.DataFrame) -> list[Score]:
        """Of each answer, in their order; `answers` are predictions with references."""
        found = self.metric.score(answers)
        if "statistics" not in found.columns:
            found = found.with_columns(statistics=pl.lit(None))
        table = found.select("example_id", "value", "reason", "label", "statistics")
        by_id = {row[0]: row[1:] for row in table.iter_rows()}
        rows = answers.select("example_id", "reference_label").iter_rows()
        scores = []
        for example_id, right in rows:
            value, reason, said, statistics = by_id[example_id]
            scores.append(Score(value, reason, said, right, statistics))
        return scores

    def figure(self, scores: Sequence[Score]) -> float | None:
        """Of rows that all have a score: their mean or, of a measure of the whole, that measure."""
        if not scores:
            return None
        right, said = [each.right for each in scores], [each.said for each in scores]
        if self.name == MACRO:
            return macro_f1(right, said)
        if self.name == MICRO:
            return pooled_value(micro(right, said), f1)
        if (formula := about(self.name).formula) is not None:
            return pooled_value(np.array([each.statistics for each in scores], dtype=float), formula)
        return sum(each.value or 0.0 for each in scores) / len(scores)


def primary_of(workspace: Workspace, dataset: str) -> str:
    """The metric that decides: as declared or, where nothing is, the task's usual."""
    bound = declared_of(workspace, dataset)["binding"]
    return bound["primary"] if bound else usual_primary(workspace.examples(dataset))


def measure_of(workspace: Workspace, dataset: str, task: Task, asked: str | None) -> Measure:
    """The measure to tune by: as `--metric` names it, else what was declared to decide, else the task's usual.

    ConfigError for what tells no better answer from a worse one, or is a judge's.
    """
    bound, primary = declared_of(workspace, dataset)["binding"], primary_of(workspace, dataset)
    name = asked or primary
    where = f"--metric {name}" if asked else f"the declared primary metric {name}"
    if asked is None and name.endswith(SUFFIX):
        # not looked for: the declaration names no place, and a file of that name is a program that would run
        raise ConfigError(f"{where} is a file", hint=f"seatrial tune --metric {name}, with its path")
    if built_in(name) and not about(name).known:
        good = [each for each in KNOWN if about(each).better == "more" and each != "judge"]
        raise ConfigError(f"{where}: no such metric", hint=f"{', '.join(good)}, FILE.py, evaluate:NAME")
    if why := _why_not(name, task, bound):
        cheaper = "accuracy" if task.labels else "rougeL"
        raise ConfigError(
            f"{where}: {why}",
            hint=f"seatrial tune --metric {cheaper}; the report then says that another metric chose",
        )
    metric = _metric(name, task)
    known = name if name in OF_LABELS else metric.name
    found = Measure(known, metric, primary)
    if bound and not found.another and bound.get("content") and bound["content"] != found.content:
        raise ConfigError(
            f"{where}: {known} was declared, and this is another file of that name",
            hint="name the declared one; a changed metric needs a name of its own",
        )
    return found


def _why_not(name: str, task: Task, bound: Declaration | None) -> str | None:
    """Why nothing can be tuned by this metric; None where it can."""
    if name.startswith(JUDGED):
        return "a tuning asks no judge, who would be asked of every answer of every candidate"
    if name.startswith("perplexity"):
        return "it is of the references and not of answers"
    if about(name).better is None:
        return "neither way is good in itself"
    if name in OF_LABELS and not task.labels:
        return "the answers do not begin with the row's label"
    if name == Format.name and bound and bound.get("form"):
        return "of the declared form the digest alone is kept"
    if name == Format.name and not task.labels:
        return "without labels no form is asked for"
    return None


def _metric(name: str, task: Task) -> Metric:
    """What scores a row."""
    if name in OF_LABELS:
        return Accuracy(task.labels)
    known = {metric.name: metric for metric in metrics_of(task)}
    return known[name] if name in known else asked_metric(name)
