"""Whether each baseline was asked as a tuning on validation rows chose: a weak baseline makes a wrong SHIP."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from curate.workspace import Workspace
from evalharness.asking.arms import BASE, FEW_SHOT, RAG
from evalharness.asking.predict import settings_of
from evalharness.deciding.comparison import Check, FairChance
from evalharness.deciding.content import Scored, built_in
from evalharness.deciding.wording import listed
from evalharness.tuning.grid import from_json
from evalharness.tuning.halving import LEAST
from evalharness.tuning.tune import DOCUMENTS, TUNING, VALIDATION, same_model, tried_in_all

NAME = "baselines tuned"
BASELINES = (BASE, FEW_SHOT, RAG)
CHOSEN = ("shots", "choice", "seed", "neighbours", "retrieval", "source", "prompt")  # of a predict run
FEWEST = 2  # candidates: of one there is nothing to choose
FRESH = "where that asks with other settings than these were asked with, on fresh test rows"


class Chance(NamedTuple):
    """By what and on how much a baseline was tuned; or why it does not count as tuned."""

    why_not: str | None = None
    by_hand: bool = False  # tuned, and then asked otherwise
    metric: str = ""
    content: str | None = None
    rows: int = 0
    candidates: int = 0


def check_tuned(
    workspace: Workspace,
    dataset: str,
    examples: pl.DataFrame,
    tables: Mapping[str, str],
    primary: str,
    scored: Scored,
) -> Check:
    """Whether base, few-shot and rag were each asked as a tuning on this version's validation rows chose.

    `tables`: by arm, the digest of its predictions. By another metric than the primary it passes, and says so.
    """
    found = {arm: _chance(workspace, dataset, tables.get(arm, "")) for arm in BASELINES}
    lacking = {arm: each.why_not for arm, each in found.items() if each.why_not}
    if not lacking:
        detail = _by_what(found, primary, scored) + _in_all(workspace, dataset, tables[BASE])
        return Check(check=NAME, state="pass", required=True, detail=detail, remedy="")
    reasons = dict.fromkeys(lacking.values())
    said = "; ".join(f"{listed([arm for arm in lacking if lacking[arm] == why])}: {why}" for why in reasons)
    remedy = _remedy(
        workspace, dataset, examples, tables, only_by_hand=all(found[arm].by_hand for arm in lacking)
    )
    return Check(check=NAME, state="not measured", required=True, detail=said, remedy=remedy)


def as_chosen(workspace: Workspace, dataset: str, predictions: Iterable[str]) -> set[str]:
    """Those predictions that are a baseline's as a tuning on this version chose, on the same model."""
    return {each for each in predictions if _chance(workspace, dataset, each).why_not is None}


def _chance(workspace: Workspace, dataset: str, predictions: str) -> Chance:
    """How the newest run that made these predictions came by its settings."""
    params, inputs = _asked(workspace, predictions)
    digest = inputs.get(TUNING)
    if digest is None:
        return Chance("not tuned")
    run = _tuning(workspace, dataset, digest)
    if run is None or not workspace.store.holds(digest):
        return Chance("what chose its settings is not in this workspace, or is of another version")
    plan, given = run
    tuning = workspace.json(digest)
    if not isinstance(tuning, dict) or tuning.get("split") != VALIDATION:
        return Chance("its settings were not chosen on validation rows")
    if not same_model(plan, params):
        return Chance("tuned on another model")
    arm = str(params.get("arm"))
    if params.get("instruction"):
        return Chance("tuned, and asked under a system message of your own", by_hand=True)
    if _settings(tuning["chosen"].get(arm)) != {key: params.get(key) for key in CHOSEN} or (
        params.get("source") == "documents" and inputs.get(DOCUMENTS) != given.get(DOCUMENTS)
    ):
        return Chance("tuned, and asked with other settings than were chosen", by_hand=True)
    rows, tried = int(tuning["rows"]), len(tuning["arms"][arm]["tried"])
    if tried < FEWEST:
        return Chance("a choice of one is none")
    if rows < LEAST:
        return Chance(f"{rows} validation rows are too few to choose by: at least {LEAST}")
    return Chance(None, False, str(tuning["metric"]), tuning.get("content"), rows, tried)


def _asked(workspace: Workspace, predictions: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Settings and inputs of the newest run that made these predictions; empty where none is known."""
    query = """select run.run_id, params from run join run_end using (run_id) join run_artifact using (run_id)
               where digest = ? and direction = 'out' and kind = 'predict' and error is null
               order by ended_at desc limit 1"""
    for row in workspace.ledger.rows(query, predictions):
        return json.loads(row["params"]), workspace.ledger.run_artifacts(row["run_id"], "in")
    return {}, {}


def _tuning(workspace: Workspace, dataset: str, digest: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    """Settings and inputs of the run that tuned so on this version; None where there is none."""
    query = """select run.run_id, params from run join run_end using (run_id) join run_artifact using (run_id)
               where digest = ? and direction = 'out' and role = ? and kind = 'tune' and error is null
               order by ended_at desc, run.run_id desc"""
    for row in workspace.ledger.rows(query, digest, TUNING):
        inputs = workspace.ledger.run_artifacts(row["run_id"], "in")
        if inputs.get("dataset") == dataset:
            return json.loads(row["params"]), inputs
    return None


def _settings(told: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What a predict run with the chosen settings has recorded."""
    if told is None:
        return None
    known = json.loads(json.dumps(settings_of(from_json(dict(told)))))
    return {key: known.get(key) for key in CHOSEN}


def _by_what(found: Mapping[str, Chance], primary: str, scored: Scored) -> str:
    """By which metric, on how many rows, and of how many candidates each was chosen."""
    ways: dict[str, list[str]] = {}
    for arm, each in found.items():
        way = f"on {each.rows:,} validation rows, {metric_words(each.metric, primary)}"
        if not built_in(primary) and each.metric == primary and each.content != scored.content:
            way += ", of which the content was another then"
        ways.setdefault(way, []).append(arm)
    counts = listed([f"{each.candidates:,}" for each in found.values()])
    if len(ways) == 1:
        return f"each asked as chosen {next(iter(ways))}, of {counts} candidates"
    return "; ".join(f"{listed(arms)} as chosen {way}" for way, arms in ways.items())


def _in_all(workspace: Workspace, dataset: str, predictions: str) -> str:
    """How often these validation rows have chosen, where that is more than once."""
    tunings, candidates = tried_in_all(workspace, dataset, _asked(workspace, predictions)[0])
    if tunings < 2:
        return ""
    return f"; the newest of {tunings:,} tunings, which tried {candidates:,} candidates on these rows in all"


def metric_words(metric: str, primary: str) -> str:
    """By which metric it was tuned, and whether that is the one that decides."""
    return f"by {metric}" if metric == primary else f"by another metric: {metric}, where {primary} decides"


def _remedy(
    workspace: Workspace,
    dataset: str,
    examples: pl.DataFrame,
    tables: Mapping[str, str],
    *,
    only_by_hand: bool,
) -> str:
    """The command that mends it."""
    if only_by_hand:
        return (
            "seatrial predict with neither settings by hand nor --prompt-file takes what was chosen "
            f"(seatrial tune --prompt FILE tries yours); {FRESH}"
        )
    there = examples.filter(pl.col("split") == VALIDATION).height
    if there < LEAST:
        return (
            f"this version has {'only ' if there else ''}{there or 'no'} validation rows: seatrial split --sizes 70,15,15 "
            "(or with a larger second number) makes more, then seatrial tune before seatrial predict"
        )
    name = workspace.name_of(dataset) or dataset[:8]
    words = ["seatrial", "tune", name, *_model(_asked(workspace, tables.get(BASE, ""))[0])]
    return f"{shlex.join(words)}, then seatrial predict; what was asked untuned gives way to it, once"


def _model(params: Mapping[str, Any]) -> Sequence[str]:
    """The options that name the model which the baselines were asked of."""
    base = params.get("base")
    if endpoint := params.get("endpoint"):
        return "--endpoint", str(endpoint), "--model", str(base)
    return () if base in (None, "tiny") else ("--base", str(base))


def told(rows: Sequence[FairChance], primary: str) -> list[FairChance]:
    """The baselines' chances, each tuned one with the metric that chose, and whether that is the primary one."""
    return [
        {**row, "prompt": f"tuned on validation {metric_words(str(row['metric']), primary)}"}
        if row.get("metric")
        else row
        for row in rows
    ]
