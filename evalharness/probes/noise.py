"""The instrument itself: what changes when the same is asked again, and from seed to seed."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from typing import Any

import polars as pl

from curate.errors import ConfigError
from curate.workspace import Workspace
from evalharness.asking.arms import Arm, Base, Pool, Tuned
from evalharness.asking.predict import PREDICTIONS, Answerer, Asking, questions
from evalharness.asking.task import Query, label_of
from evalharness.asking.unfinished import Row
from evalharness.probes.drafts import Drafts
from evalharness.probes.red_team import answers
from evalharness.statistics.intervals import wilson
from evalharness.tuning.measure import Measure, Score, measure_of

SPLIT = "validation"  # and train rows where these are few; the test split is not read
ASKED = 32  # questions that are asked twice
ANSWERED = 16  # of them, at least
ROWS = 96  # validation rows that each seed's adapter is asked
DIFFER = 0.15  # share of answers that may differ, by its upper bound: .08 where none of 32 does
CONFIDENCE = 0.9  # two-sided, for a one-sided bound of 95 %


def decoding(answerer: Answerer, pool: Pool, examples: pl.DataFrame, drafts: Drafts) -> dict[str, Any]:
    """The condition `instrument`: the base against itself, in batches and one by one."""
    asking = Asking(SPLIT, limit=ASKED)
    asked = _asked(examples)
    arm: Arm = Base()
    together = answers(answerer, arm, pool, asked, asking, drafts.of("noise-together"))
    alone: dict[str, Row] = {}
    for number, query in enumerate(asked):
        alone |= answers(answerer, arm, pool, [query], asking, drafts.of(f"noise-{number}", again=True))
    both = [each for each in together if each in alone]
    if len(both) < ANSWERED:
        detail = f"{len(both)} validation and train rows were answered twice; at least {ANSWERED} are needed"
        return {"state": "not measured", "detail": detail}
    labels = pool.task.labels
    differ = sum(together[each]["answer"] != alone[each]["answer"] for each in both)
    otherwise = sum(_says(together[each], labels) != _says(alone[each], labels) for each in both)
    bound = wilson(differ, len(both), CONFIDENCE).high
    noise = f"the base asked twice: {differ} of {len(both)} answers differ" + (
        f", {otherwise} in their label" if labels else ""
    )
    return {
        "state": "pass" if bound is not None and bound <= DIFFER else "fail",
        "detail": noise,
        "noise": noise,
        "value": differ / len(both),
        "bound": bound,
        "limit": DIFFER,
        "unit": "share of answers",
        "n": len(both),
        "remedy": "compare on one device in full precision, or ask an endpoint that decodes greedily",
    }


def _asked(examples: pl.DataFrame) -> list[Query]:
    """Validation questions, and train ones where these are few."""
    here = [split for split in (SPLIT, "train") if examples.filter(pl.col("split") == split).height]
    found = [each for split in here for each in questions(examples, Asking(split, limit=ASKED))]
    return [each.query for each in found[:ASKED]]


def acts(
    answerer: Answerer, pool: Pool, examples: pl.DataFrame, drafts: Drafts, noise: float
) -> dict[str, Any]:
    """The condition `adapter acts` of a served fine-tune: the base's very prompts, asked of both.

    `noise`: the share of answers in which the base differs from itself; a fine-tune must differ more often.
    """
    asking, asked = Asking(SPLIT, limit=ASKED), _asked(examples)
    prompter = answerer.prompter(Base(), pool, asking)
    prompts = [prompt for query in asked if (prompt := prompter.prompt(query)).error is None]
    said: list[dict[str, Row]] = []
    for arm in (Base(), Tuned()):
        rows = answerer.rows(arm, prompts, pool, asking, drafts.of(f"acts-{arm.name}"))
        said.append({row["example_id"]: row for part in rows for row in part if row["error"] is None})
    base, tuned = said
    both = [each for each in base if each in tuned]
    if len(both) < ANSWERED:
        detail = f"{len(both)} equal prompts were answered by both; at least {ANSWERED} are needed"
        return {"state": "not measured", "detail": detail}
    differ = sum(base[each]["answer"] != tuned[each]["answer"] for each in both)
    passed = differ > noise * len(both)
    return {
        "state": "pass" if passed else "fail",
        "detail": f"{differ} of {len(both)} answers differ from the base model's on equal prompts",
        "n": len(both),
        "remedy": "" if passed else "is the fine-tune what is served under its name? --tuned-model names it",
    }


def _says(row: Row, labels: Sequence[str]) -> object:
    return row["choice"] or label_of(str(row["answer"] or ""), labels)


def siblings(workspace: Workspace, adapter: str) -> list[str]:
    """Adapters trained on the same version with the same settings but for the seed, this one first."""
    found = [adapter]
    made = _made(workspace, adapter)
    if made is None:
        return found
    query = """select run.run_id, o.digest from run join run_end using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.role = 'dataset' and i.digest = ?
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'adapter'
               where kind = 'train' and error is null order by run_end.ended_at"""
    for row in workspace.ledger.rows(query, made[0]):
        other = str(row["digest"])
        if other not in found and _made(workspace, other) == made:
            found.append(other)
    return found


def _made(workspace: Workspace, adapter: str) -> tuple[str, dict[str, Any]] | None:
    """(dataset, settings without the seed) of the run that trained it."""
    query = """select run.run_id, params from run join run_end using (run_id)
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.digest = ?
               where kind = 'train' and error is null order by run_end.ended_at desc limit 1"""
    for row in workspace.ledger.rows(query, adapter):
        dataset = workspace.ledger.run_artifacts(row["run_id"], "in").get("dataset")
        params = {key: value for key, value in json.loads(row["params"]).items() if key != "seed"}
        return (dataset, params) if dataset else None
    return None


def measured_by(workspace: Workspace, dataset: str, pool: Pool) -> tuple[Measure, str]:
    """What decides the comparison, to tell seeds apart by; where it cannot be had here the task's usual, and why."""
    try:
        return measure_of(workspace, dataset, pool.task, None), ""
    except ConfigError as error:
        usual = "accuracy" if pool.task.labels else "rougeL"
        return measure_of(workspace, dataset, pool.task, usual), f"; {error.message}: {usual} in its place"


def spread(
    answerer: Answerer,
    arms: Sequence[Arm],
    pool: Pool,
    examples: pl.DataFrame,
    drafts: Drafts,
    measured: tuple[Measure, str],
    limit: int | None = ROWS,
) -> str:
    """The metric that decides of each seed's adapter, over the validation rows that all could answer, in words."""
    from evalharness.scoring.score import with_references

    asking = Asking(SPLIT, limit=limit)
    asked = [each.query for each in questions(examples, asking)]
    measure, instead = measured
    scored: list[dict[str, Score]] = []
    for arm in arms:
        rows = answers(answerer, arm, pool, asked, asking, drafts.of(f"seed-{arm.name}"))
        table = with_references(pl.DataFrame(list(rows.values()), schema=PREDICTIONS, orient="row"), examples)
        found = dict(zip(rows, measure.scores(table), strict=True)) if rows else {}
        scored.append({each: score for each, score in found.items() if score.value is not None})
    scored = [each for each in scored if each]
    both = [each.example_id for each in asked if all(each.example_id in found for found in scored)]
    figures = [measure.figure([found[each] for each in both]) for found in scored]
    known = [figure for figure in figures if figure is not None]
    if len(known) < 2:
        return "one seed only: the spread between seeds is not known"
    return (
        f"{measure.name} {min(known):.3f} to {max(known):.3f} over {len(known)} seeds "
        f"(sd {statistics.stdev(known):.3f}, {len(both)} validation rows){instead}"
    )
