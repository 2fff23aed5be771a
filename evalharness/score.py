"""Predictions of the arms -> one table of scores."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import polars as pl

from curate.errors import ConfigError, NotFoundError
from curate.workspace import Workspace
from evalharness.arms import ARMS, TUNED, Pool
from evalharness.judge import Judge
from evalharness.metrics import Format, macro_f1, metrics_of
from evalharness.task import Task, queries, task_of

SCORES = pl.Schema(
    {
        "example_id": pl.String,
        "arm": pl.String,
        "metric": pl.String,
        "value": pl.Float64,  # 0 to 1; null where it could not be scored
        "reason": pl.String,  # why null
        "label": pl.String,  # the label that was predicted, where the metric has one
    }
)
SAME = (
    "split", "limit", "base", "base_digest", "quantization", "endpoint", "device", "decoding", "max_new_tokens",
)  # fmt: skip


class Scores(NamedTuple):
    """The table, its digest, and the run that made it."""

    digest: str
    table: pl.DataFrame
    run_id: str
    fresh: bool  # False: recorded before, nothing has changed since


class Mean(NamedTuple):
    """One arm by one metric, as a point; `seatrial compare` gives the interval."""

    arm: str
    metric: str
    mean: float | None
    n: int
    nulls: int
    reason: str | None  # the most frequent one


def newest(workspace: Workspace, dataset: str, split: str | None = None) -> dict[str, str]:
    """Arm to the digest of its newest predictions on this dataset version, in the order of ARMS.

    Without a split, the one that was asked last. Answers by an adapter that was trained on this version
    go before those by others, which may have been asked only to show what one would have believed of
    them. NotFoundError where there are none.
    """
    rows = _runs(workspace, dataset)
    split = split or next((params["split"] for _, params, _ in rows), None)
    found: dict[str, str] = {}
    for _, params, digest in sorted(rows, key=lambda row: _foreign(workspace, dataset, row[0])):
        if params["split"] == split:
            found.setdefault(params["arm"], digest)
    if not found:
        raise NotFoundError(
            f"no predictions on the {split or 'test'} rows of this dataset yet", hint="seatrial predict"
        )
    return {arm: found[arm] for arm in ARMS if arm in found}


def splits_answered(workspace: Workspace, dataset: str) -> list[str]:
    """The splits of this dataset version that arms have answered, the newest first."""
    return list(dict.fromkeys(str(params["split"]) for _, params, _ in _runs(workspace, dataset)))


def foreign(workspace: Workspace, dataset: str, chosen: Mapping[str, str]) -> str | None:
    """Newer predictions that `newest` passed over, by an adapter trained on other rows."""
    for run_id, params, digest in _runs(workspace, dataset):
        if digest in chosen.values():
            if params["arm"] == TUNED:
                return None
        elif params["arm"] == TUNED and _foreign(workspace, dataset, run_id):
            return digest
    return None


def _runs(workspace: Workspace, dataset: str) -> list[tuple[str, dict[str, Any], str]]:
    """(run id, settings, predictions) of the runs on this dataset that ended well, newest first."""
    query = """select run.run_id, run.params, o.digest from run join run_end using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.digest = ?
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'predictions'
               where run.kind = 'predict' and error is null order by run_end.ended_at desc, run.run_id desc"""
    rows = workspace.ledger.rows(query, dataset)
    return [(str(row["run_id"]), json.loads(row["params"]), str(row["digest"])) for row in rows]


def _foreign(workspace: Workspace, dataset: str, run_id: str) -> bool:
    """Whether a run's adapter was trained in this workspace, on another version than this."""
    adapter = workspace.ledger.run_artifacts(run_id, "in").get("adapter")
    if adapter is None:
        return False
    query = """select i.digest from run join run_artifact o using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.role = 'dataset'
               where run.kind = 'train' and o.direction = 'out' and o.digest = ?"""
    trained = {str(row["digest"]) for row in workspace.ledger.rows(query, adapter)}
    return bool(trained) and dataset not in trained


def score(
    workspace: Workspace,
    dataset: str,
    predictions: Mapping[str, str],
    *,
    judges: Sequence[Judge] = (),
    form: Format | None = None,
) -> Scores:
    """Score each arm's predictions (arm to digest) by every metric of the task and every judge.

    Raises ConfigError unless all arms answered the same questions on the same base: their scores could
    not be compared.
    """
    examples = workspace.examples(dataset)
    tables = {arm: workspace.table(digest) for arm, digest in predictions.items()}
    must_match(workspace, predictions, tables)
    task = task_in(examples)
    metrics = metrics_of(task, form)
    params: dict[str, object] = {
        "metrics": {metric.name: {"version": metric.version, **_fields(metric)} for metric in metrics},
        "judges": {judge.name: _judge_params(judge) for judge in judges},
    }
    inputs = {"dataset": dataset, **{f"predictions-{arm}": digest for arm, digest in predictions.items()}}
    asked = any(judge.endpoint for judge in judges)  # what failed may work now; what worked is kept
    if not asked and (found := workspace.recorded("score", params, inputs)):
        run_id, outputs = found
        return Scores(outputs["scores"], workspace.table(outputs["scores"]), run_id, fresh=False)
    with workspace.run("score", params, inputs) as run:
        parts, judged = [], []
        for arm, table in tables.items():
            answers = with_references(table, examples)
            parts += [_rows(arm, metric.name, metric.score(answers)) for metric in metrics]
            for judge in judges:
                judged.append(judge.judge(answers))
                parts.append(_rows(arm, judge.name, judge.scores(judged[-1])))
        scores = pl.concat(parts)
        run.outputs["scores"] = workspace.put_table("scores", scores)
        if judged:
            run.outputs["judgements"] = workspace.put_table("judgements", pl.concat(judged))
    return Scores(run.outputs["scores"], scores, run.run_id, fresh=True)


def task_in(examples: pl.DataFrame) -> Task:
    """The task of a dataset: as its train rows show it or, where it has none, all rows."""
    pool = Pool(examples)
    return pool.task if pool.solved else task_of(list(queries(examples)))


def with_references(predictions: pl.DataFrame, examples: pl.DataFrame) -> pl.DataFrame:
    """The predictions with question, reference and reference_label from the dataset, in their order."""
    asked = examples.join(predictions.select("example_id"), on="example_id", how="semi")
    known = [
        (
            each.query.example_id,
            "\n".join(f"{turn['role']}: {turn.get('content') or ''}" for turn in each.query.turns),
            each.answer or None,
            each.label,
        )
        for each in queries(asked)
    ]
    names = ("example_id", "question", "reference", "reference_label")
    right = pl.DataFrame(known, schema=dict.fromkeys(names, pl.String), orient="row")
    joined = predictions.join(right, on="example_id", how="left", maintain_order="left")
    if joined.height != predictions.height or right.height != predictions.height:
        raise ConfigError(
            "the predictions name rows that this dataset version does not have",
            hint="seatrial predict on this version, or name the version that was asked",
        )
    return joined


def means(scores: pl.DataFrame, examples: pl.DataFrame) -> list[Mean]:
    """Each arm by each metric, in the table's order, with macro-F1 after accuracy."""
    labels = dict(examples.select("example_id", "label").iter_rows())
    rows = []
    for (arm, metric), part in scores.group_by(["arm", "metric"], maintain_order=True):
        known = part.filter(pl.col("value").is_not_null())
        missing = part.filter(pl.col("value").is_null())
        why = missing["reason"].mode().sort()[0] if missing.height else None
        value = known["value"].mean()
        mean = float(value) if isinstance(value, int | float) else None
        rows.append(Mean(str(arm), str(metric), mean, known.height, missing.height, why))
        if metric == "accuracy":
            pairs = [(labels[each], said) for each, said in known.select("example_id", "label").iter_rows()]
            whole = macro_f1([right for right, _ in pairs], [said for _, said in pairs])
            rows.append(Mean(str(arm), "macro-f1", whole, known.height, missing.height, why))
    return rows


def _rows(arm: str, metric: str, found: pl.DataFrame) -> pl.DataFrame:
    return found.with_columns(arm=pl.lit(arm), metric=pl.lit(metric)).select(SCORES.names())


def _fields(metric: object) -> dict[str, Any]:
    return asdict(metric)  # type: ignore[call-overload,no-any-return]  # every metric is a dataclass


def _judge_params(judge: Judge) -> dict[str, object]:
    endpoint = judge.endpoint
    return {
        "rubric": judge.rubric.digest,
        "version": judge.version,
        "endpoint": endpoint.url if endpoint else None,
        "model": endpoint.model if endpoint else None,
    }


def must_match(
    workspace: Workspace, predictions: Mapping[str, str], tables: Mapping[str, pl.DataFrame]
) -> None:
    """Refuse arms that answered other questions, or on another base, than the first one (ConfigError)."""
    first, *others = tables
    for arm in others:
        if set(tables[arm]["example_id"]) != set(tables[first]["example_id"]):
            raise ConfigError(
                f"{first} answered {tables[first].height:,} questions and {arm} {tables[arm].height:,}, not the same ones",
                hint="seatrial predict with the same --split and --limit for all arms",
            )
    made = {arm: _made_by(workspace, digest) for arm, digest in predictions.items()}
    for arm in others:
        for key in SAME:
            left, right = made[first].get(key), made[arm].get(key)
            if left != right and not (key == "base" and "endpoint" in made[arm] and arm == "tuned"):
                raise ConfigError(
                    f"the arms were not asked alike: {key} is {left} for {first} and {right} for {arm}",
                    hint=f"seatrial predict --arm {first} --arm {arm} with the same settings",
                )


def _made_by(workspace: Workspace, digest: str) -> dict[str, Any]:
    """Settings of the newest run that made these predictions, the longest answer as it came to be."""
    query = """select run.run_id, params from run join run_end using (run_id) join run_artifact using (run_id)
               where digest = ? and direction = 'out' and kind = 'predict' and error is null
               order by ended_at desc limit 1"""
    for row in workspace.ledger.rows(query, digest):
        params: dict[str, Any] = json.loads(row["params"])
        made = workspace.ledger.run_artifacts(row["run_id"], "out")
        notes = workspace.json(made["notes"]) if "notes" in made else {}
        known = notes.get("max_new_tokens") if isinstance(notes, dict) else None
        return {**params, "max_new_tokens": known or params.get("max_new_tokens")}
    return {}
