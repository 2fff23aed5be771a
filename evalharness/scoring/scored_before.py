"""What earlier score runs hold of the same answers, so that nothing is scored twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from curate.workspace import Workspace, code_version
from evalharness.metrics.rows import STATISTICS

SCORES = pl.Schema(
    {
        "example_id": pl.String(),
        "arm": pl.String(),
        "metric": pl.String(),
        "value": pl.Float64(),  # null where it could not be scored
        "reason": pl.String(),  # why null
        "label": pl.String(),  # the label that was predicted, where the metric has one
        "statistics": STATISTICS,  # what a measure of the whole sums over rows: metrics/about.py
    }
)
METRICS, JUDGES, JUDGEMENTS = "metrics", "judges", "judgements"


def read_scores(workspace: Workspace, digest: str) -> pl.DataFrame:
    """A table of scores with every column of SCORES; what an older one lacks is null."""
    table = workspace.table(digest)
    absent = [pl.lit(None, kind).alias(name) for name, kind in SCORES.items() if name not in table.columns]
    return table.with_columns(absent).select(SCORES.names())


def role(arm: str) -> str:
    """The role of an arm's predictions among a score run's inputs."""
    return f"predictions-{arm}"


@dataclass(frozen=True)
class Before:
    """A score run that ended well."""

    run_id: str
    same_code: bool
    params: Mapping[str, Any]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]

    def answered(self, predictions: Mapping[str, str]) -> bool:
        """Whether it scored all of these answers (arm to digest)."""
        return all(self.inputs.get(role(arm)) == digest for arm, digest in predictions.items())


class Earlier:
    """The score runs on one dataset version, the newest first."""

    def __init__(self, workspace: Workspace, dataset: str) -> None:
        self._workspace = workspace
        self._runs = list(_runs(workspace, dataset))
        self._tables: dict[str, pl.DataFrame] = {}

    def rows(self, arm: str, digest: str, metric: str, settings: Mapping[str, Any]) -> pl.DataFrame | None:
        """One arm's scores by one metric, made by the same code of the same answers and settings."""
        for run in self._runs:
            alike = run.same_code and run.inputs.get(role(arm)) == digest
            if alike and run.params[METRICS].get(metric) == settings:
                return self._part(run, arm, metric)
        return None

    def newest(self, predictions: Mapping[str, str]) -> Mapping[str, Any]:
        """Settings by metric of the newest run that scored all of these answers; empty where none did."""
        found = next((run for run in self._runs if run.answered(predictions)), None)
        settings: Mapping[str, Any] = found.params[METRICS] if found else {}
        return settings

    def other(
        self, kind: str, predictions: Mapping[str, str], known: Mapping[str, Any]
    ) -> dict[str, tuple[Before, Any]]:
        """Metrics or judges beside the `known` that scored all of these answers before: the run and settings."""
        found: dict[str, tuple[Before, Any]] = {}
        for run in self._runs:
            if run.answered(predictions):
                for name, settings in run.params.get(kind, {}).items():
                    if name not in known:
                        found.setdefault(name, (run, settings))
        return found

    def part(self, run: Before, predictions: Mapping[str, str], metric: str) -> list[pl.DataFrame]:
        """Every arm's scores by one metric of a run."""
        return [self._part(run, arm, metric) for arm in predictions]

    def _part(self, run: Before, arm: str, metric: str) -> pl.DataFrame:
        digest = run.outputs["scores"]
        if digest not in self._tables:
            self._tables[digest] = read_scores(self._workspace, digest)
        return self._tables[digest].filter((pl.col("arm") == arm) & (pl.col("metric") == metric))


def _runs(workspace: Workspace, dataset: str) -> Iterator[Before]:
    query = """select distinct run.run_id, run.params, run.code, ended_at from run join run_end using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.digest = ?
               where kind = 'score' and error is null order by ended_at desc, run.run_id desc"""
    code = code_version()
    for row in workspace.ledger.rows(query, dataset):
        outputs = workspace.ledger.run_artifacts(row["run_id"], "out")
        if "scores" in outputs:
            params = {METRICS: {}, **json.loads(row["params"])}
            inputs = workspace.ledger.run_artifacts(row["run_id"], "in")
            yield Before(str(row["run_id"]), row["code"] == code, params, inputs, outputs)
