"""A language model as a judge of answers, each by itself, by a rubric.

It sees the question, the answer and, where the rubric says so, the reference; never which arm
answered. Whether its scores can be believed is another module's matter (`card`); whoever prints them
without it says that they are not calibrated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from evalharness.asking.endpoint import Endpoint
from evalharness.judging.asking import NO_ENDPOINT, Asker, Question, Told
from evalharness.judging.quoting import scores as shape_of_scores
from evalharness.judging.quoting import scoring
from evalharness.judging.replying import Reading, read_scores
from evalharness.judging.rubric import Rubric
from evalharness.metrics.rows import NO_REFERENCE

JUDGEMENTS = pl.Schema(
    {
        "example_id": pl.String,
        "arm": pl.String,
        "rubric": pl.String,
        "score": pl.Float64,  # on the rubric's own scale; null where there is none
        "said": pl.String,  # the judge's reason
        "failure": pl.String,  # why there is no score
        "model": pl.String,
        "criteria": pl.String,  # JSON: each criterion's score; absent in older tables
        "repaired": pl.Boolean,  # the first reply could not be read
    }
)


@dataclass(frozen=True)
class Judge:
    """A rubric and the endpoint that applies it; without one, what a model should judge reads "not judged"."""

    rubric: Rubric
    endpoint: Endpoint | None = None
    cache: Path | None = None  # a folder; the same request is never sent twice
    version: ClassVar[int] = 2

    @property
    def name(self) -> str:
        """As it stands in the scores."""
        return f"judge:{self.rubric.name}"

    def judge(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """A row of JUDGEMENTS for each prediction; needs the columns question, reference and answer.

        One answer that cannot be judged has a null score with the reason. Where no reply comes at all,
        ResourceError.
        """
        rows = list(predictions.iter_rows(named=True))
        checked = self._checked([row["answer"] or "" for row in rows])
        told = self._told(rows)
        model = self.endpoint.model if self.endpoint else None
        table = []
        for row, by_rule, (reading, repaired) in zip(rows, checked, told, strict=True):
            values = None if reading.values is None else {**by_rule, **reading.values}
            score = None if values is None else self.rubric.score(values)
            criteria = None if values is None else json.dumps(values)
            about = (row["example_id"], row["arm"], self.rubric.name)
            table.append((*about, score, reading.said, reading.failure, model, criteria, repaired))
        return pl.DataFrame(table, schema=JUDGEMENTS, orient="row")

    def scores(self, judgements: pl.DataFrame) -> pl.DataFrame:
        """The judgements as a metric's rows: the rubric's scale from its low end, 0, to its high end, 1."""
        span = self.rubric.high - self.rubric.low
        return judgements.select(
            "example_id",
            value=(pl.col("score") - self.rubric.low) / span,
            reason=pl.col("failure"),
            label=pl.lit(None, dtype=pl.String),
        )

    def _checked(self, answers: Sequence[str]) -> list[dict[str, float]]:
        """What the rules say of each answer."""
        found = {each.name: each.rule.passed(answers) for each in self.rubric.criteria if each.rule}
        return [{name: float(found[name][row]) for name in found} for row in range(len(answers))]

    def _told(self, rows: Sequence[Mapping[str, Any]]) -> list[Told]:
        """What the model says of each, and whether its reply had to be repaired."""
        why = [self._why_not(row) for row in rows]
        asked = [row for row, reason in zip(rows, why, strict=True) if reason is None]
        told = [Told(Reading({}))] * len(asked)  # rules alone
        if self.endpoint and asked and self.rubric.judged:
            told = Asker(self.endpoint, self.cache).ask([self._question(row) for row in asked], self.name)
        answers = iter(told)
        return [next(answers) if reason is None else Told(Reading(None, None, reason)) for reason in why]

    def _why_not(self, row: Mapping[str, Any]) -> str | None:
        """Why an answer cannot be judged whatever the model would say."""
        if self.endpoint is None and self.rubric.judged:
            return NO_ENDPOINT
        if row["answer"] is None:
            return f"no answer: {row['error'] or 'none was recorded'}"
        needs = self.rubric.reference and bool(self.rubric.judged)
        return NO_REFERENCE if needs and not row["reference"] else None

    def _question(self, row: Mapping[str, Any]) -> Question:
        read = partial(read_scores, self.rubric)
        return Question(scoring(self.rubric, row), shape_of_scores(self.rubric), read)
