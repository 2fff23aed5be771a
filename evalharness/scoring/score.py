"""Predictions of the arms -> one table of scores."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from curate.errors import ConfigError, NotFoundError
from curate.workspace import Workspace
from evalharness.asking.arms import SERVED, TUNED, Pool, in_order
from evalharness.asking.task import Task, queries, task_of
from evalharness.judging.judge import Judge
from evalharness.metrics import Format, Metric, RougeF, described, metrics_of, recorded, score_rouges
from evalharness.metrics.likelihood import Perplexity
from evalharness.scoring.scored_before import (
    JUDGEMENTS,
    JUDGES,
    METRICS,
    SCORES,
    Before,
    Earlier,
    read_scores,
    role,
)

PERPLEXITIES = (Perplexity("perplexity-by-token"), Perplexity("perplexity-by-sequence"))
SAME = (
    "split", "limit", "base", "base_digest", "quantization", "endpoint", "device", "decoding", "max_new_tokens",
)  # fmt: skip
ASKED_ALIKE = (
    "split",
    "limit",
    "decoding",
    "max_new_tokens",
)  # of another model: it informs and is not compared


class Scores(NamedTuple):
    """The table, its digest, and the run that made it."""

    digest: str
    table: pl.DataFrame
    run_id: str
    fresh: bool  # False: recorded before, nothing has changed since


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
        known = ", ".join(splits_answered(workspace, dataset))
        raise NotFoundError(
            f"no predictions on the {split or 'test'} rows of this dataset yet",
            hint=f"seatrial predict{f'; answered are: {known}' if known else ''}",
        )
    return {arm: found[arm] for arm in in_order(found)}


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
    more: Sequence[Metric] = (),
    logprobs: Mapping[str, pl.DataFrame] | None = None,
) -> Scores:
    """Score each arm's predictions (arm to digest) by every metric of the task, by `more` and by every judge.

    What was scored before of the same answers stands in the new table too, by metrics and judges that are
    not asked for now; what has not changed is not scored again. `logprobs` (arm to a table with the columns
    of metrics/likelihood.py) adds perplexity. Raises ConfigError unless all arms answered the same
    questions on the same base: their scores could not be compared.
    """
    examples = workspace.examples(dataset)
    tables = {arm: workspace.table(digest) for arm, digest in predictions.items()}
    must_match(workspace, predictions, tables)
    earlier = Earlier(workspace, dataset)
    form = form or _form_before(earlier, predictions)
    usual = (*metrics_of(task_in(examples), form), *described())
    metrics = {metric.name: metric for metric in (*usual, *(PERPLEXITIES if logprobs else ()), *more)}
    settings = {name: recorded(metric) for name, metric in metrics.items()}
    asked = {judge.name: judge_params(judge) for judge in judges if judge.endpoint}
    kept = earlier.other(METRICS, predictions, settings)
    judged = earlier.other(JUDGES, predictions, asked)
    silent = [judge for judge in judges if not judge.endpoint and judge.name not in judged]
    params: dict[str, object] = {
        METRICS: settings | {name: each for name, (_, each) in kept.items()},
        JUDGES: asked | {name: each for name, (_, each) in judged.items()}
        | {judge.name: judge_params(judge) for judge in silent},
    }  # fmt: skip
    inputs = {"dataset": dataset, **{role(arm): digest for arm, digest in predictions.items()}}
    # a judge that failed may work now, and what it said is kept; log probabilities are new
    if not asked and not logprobs and (found := workspace.recorded("score", params, inputs)):
        run_id, outputs = found
        return Scores(outputs["scores"], read_scores(workspace, outputs["scores"]), run_id, fresh=False)
    with workspace.run("score", params, inputs) as run:
        parts = []
        verdicts = _judgements(workspace, judged)
        for arm, table in tables.items():
            answers = with_references(table, examples)
            if logprobs:
                answers = answers.join(logprobs[arm], on="example_id", how="left", maintain_order="left")
            parts += _scored(earlier, arm, predictions[arm], answers, list(metrics.values()), settings)
            for judge in (*(each for each in judges if each.endpoint), *silent):
                verdicts.append(judge.judge(answers))
                parts.append(_rows(arm, judge.name, judge.scores(verdicts[-1])))
        for name, (before, _) in (kept | judged).items():
            parts += earlier.part(before, predictions, name)
        scores = pl.concat(_in_order(parts, list(predictions), [metric.name for metric in usual]))
        run.outputs["scores"] = workspace.put_table("scores", scores)
        if verdicts:
            run.outputs[JUDGEMENTS] = workspace.put_table(JUDGEMENTS, pl.concat(verdicts, how="diagonal"))
    return Scores(run.outputs["scores"], scores, run.run_id, fresh=True)


def _scored(
    earlier: Earlier,
    arm: str,
    digest: str,
    answers: pl.DataFrame,
    metrics: Sequence[Metric],
    settings: Mapping[str, Mapping[str, Any]],
) -> list[pl.DataFrame]:
    """One arm's rows by each metric, in their order; ROUGE's kinds together, since they share their words."""
    found: dict[str, pl.DataFrame] = {}
    for metric in metrics:
        known = earlier.rows(arm, digest, metric.name, settings[metric.name])
        if known is not None and not isinstance(metric, Perplexity):
            found[metric.name] = known
    rouges = [metric for metric in metrics if isinstance(metric, RougeF) and metric.name not in found]
    for rouge, table in zip(rouges, score_rouges(rouges, answers), strict=True):
        found[rouge.name] = _rows(arm, rouge.name, table)
    for metric in metrics:
        if metric.name not in found:
            found[metric.name] = _rows(arm, metric.name, metric.score(answers))
    return [found[metric.name] for metric in metrics]


def _in_order(parts: Sequence[pl.DataFrame], arms: Sequence[str], usual: Sequence[str]) -> list[pl.DataFrame]:
    """Parts of one arm and metric each by arm, then the task's metrics, then the others by name.

    So the table does not depend on what was scored now and what before: equal scores are equal bytes, and a
    verdict does not go stale by scoring again.
    """

    def place(part: pl.DataFrame) -> tuple[int, int, str]:
        if not part.height:
            return len(arms), 0, ""
        arm, name = part.item(0, "arm"), str(part.item(0, "metric"))
        return arms.index(arm), usual.index(name) if name in usual else len(usual), name

    return sorted(parts, key=place)


def _form_before(earlier: Earlier, predictions: Mapping[str, str]) -> Format | None:
    """The form that these answers were asked to have when they were last scored."""
    settings = earlier.newest(predictions).get("format", {})
    if settings.get("regex") is None and settings.get("schema") is None:
        return None
    return Format(regex=settings["regex"], schema=settings["schema"])


def _judgements(workspace: Workspace, judged: Mapping[str, tuple[Before, Any]]) -> list[pl.DataFrame]:
    """What each of these judges said before."""
    tables = []
    for name, (before, _) in judged.items():
        if JUDGEMENTS in before.outputs:
            said = workspace.table(before.outputs[JUDGEMENTS])
            tables.append(said.filter(("judge:" + pl.col("rubric")) == name))
    return tables


def task_in(examples: pl.DataFrame) -> Task:
    """The task of a dataset: as its train rows show it or, where it has none, all rows."""
    pool = Pool(examples)
    return pool.task if pool.solved else task_of(list(queries(examples)))


def with_references(predictions: pl.DataFrame, examples: pl.DataFrame) -> pl.DataFrame:
    """The predictions with question, reference, reference_label and meta (JSON) from the dataset, in their order."""
    asked = examples.join(predictions.select("example_id"), on="example_id", how="semi")
    known = [
        (
            each.query.example_id,
            "\n".join(f"{turn['role']}: {turn.get('content') or ''}" for turn in each.query.turns),
            each.answer or None,
            each.label,
            meta,
        )
        for each, meta in zip(queries(asked), asked["meta"], strict=True)
    ]
    names = ("example_id", "question", "reference", "reference_label", "meta")
    right = pl.DataFrame(known, schema=dict.fromkeys(names, pl.String), orient="row")
    joined = predictions.join(right, on="example_id", how="left", maintain_order="left")
    if joined.height != predictions.height or right.height != predictions.height:
        raise ConfigError(
            "the predictions name rows that this dataset version does not have",
            hint="seatrial predict on this version, or name the version that was asked",
        )
    return joined


def _rows(arm: str, metric: str, found: pl.DataFrame) -> pl.DataFrame:
    if "statistics" not in found.columns:
        found = found.with_columns(statistics=pl.lit(None, SCORES["statistics"]))
    return found.with_columns(arm=pl.lit(arm), metric=pl.lit(metric)).select(SCORES.names())


def judge_params(judge: Judge) -> dict[str, object]:
    """What the ledger keeps of a judge."""
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
        for key in ASKED_ALIKE if arm.startswith(SERVED) else SAME:
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
