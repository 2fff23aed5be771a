"""What happened to these test rows before: who answered them, in any dataset version."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from curate.workspace import Workspace
from evalharness.asking.arms import BASE, FEW_SHOT, RAG, SERVED, is_tuned
from evalharness.asking.predict import CONTINUES
from evalharness.deciding.believed import ROLES
from evalharness.deciding.comparison import Check, Readings
from evalharness.deciding.wording import listed, read_words

TEST = "test"
TUNING = "tuning"  # what it chose is among the settings
ANOTHER, MODEL = "another adapter", "another model"
OTHERWISE = "this adapter, with other settings or in another version,"
AGAIN = "Import and split the version that was purged again: then its rows can be told from these."
FRESH = "Put fresh rows into the test split and compare once: another seed draws from rows that were read."


class Reading(NamedTuple):
    """One predict run."""

    run_id: str
    of: str  # equal for the runs that are one reading: same arm, adapter, settings and rows
    dataset: str
    split: str
    arm: str
    who: str  # the adapter's digest, or the fine-tune's name at its endpoint
    adapter: str | None  # digest
    base: str | None  # name, or the model at its endpoint
    base_digest: str | None
    started_at: str
    whole: bool  # not broken off
    predictions: str | None  # digest


def predict_runs(workspace: Workspace) -> list[Reading]:
    """Every predict run of the ledger, oldest first.

    Greedy answers of one adapter to one prompt are the same each time, so asking again is no other
    reading. What lies behind an endpoint may change: there each run is one, but for those that only
    asked again what had failed.
    """
    query = """select run.run_id, params, started_at, ended_at, error from run
               left join run_end on run_end.run_id = run.run_id
               where kind = 'predict' order by started_at, run.run_id"""
    found: list[Reading] = []
    made: dict[str, str] = {}  # predictions to the reading that they are of
    for row in workspace.ledger.rows(query):
        params: dict[str, Any] = json.loads(row["params"])
        inputs = workspace.ledger.run_artifacts(row["run_id"], "in")
        predictions = workspace.ledger.run_artifacts(row["run_id"], "out").get("predictions")
        adapter, endpoint = inputs.get("adapter"), params.get("endpoint")
        what = {role: each for role, each in inputs.items() if role not in (CONTINUES, TUNING)}
        alone = json.dumps([what, params], sort_keys=True)
        of = made.get(inputs.get(CONTINUES, "")) or (str(row["run_id"]) if endpoint else alone)
        if predictions:
            made.setdefault(predictions, of)
        reading = Reading(
            run_id=str(row["run_id"]),
            of=of,
            dataset=inputs.get("dataset", ""),
            split=str(params.get("split", TEST)),
            arm=str(params.get("arm", "?")),
            who=adapter or (f"{params.get('base')} at {endpoint}" if endpoint else "unknown"),
            adapter=adapter,
            base=params.get("base"),
            base_digest=params.get("base_digest"),
            started_at=str(row["started_at"]),
            whole=bool(row["ended_at"]) and not row["error"],
            predictions=predictions,
        )
        found.append(reading)
    return found


def told(workspace: Workspace, dataset: str, inputs: Mapping[str, str]) -> set[str]:
    """Predictions that a comparison on this version, or the one with these inputs, told as what was believed."""
    query = """select distinct b.digest from run join run_end using (run_id)
               join run_artifact d on d.run_id = run.run_id and d.direction = 'in' and d.digest = ?
               join run_artifact b on b.run_id = run.run_id and b.direction = 'in' and b.role = ?
               where run.kind = 'compare' and error is null"""
    found = {inputs[role] for role in ROLES if role in inputs}
    for role in ROLES:
        found |= {str(row["digest"]) for row in workspace.ledger.rows(query, dataset, role)}
    return found


def readings(
    workspace: Workspace,
    dataset: str,
    test: pl.DataFrame,
    candidate: str | None,
    arms: Sequence[str],
    believed: Collection[str],
    compared: Iterable[str] = (),
    tuned: Collection[str] = (),
) -> Readings:
    """How often the test rows were read.

    `test`: the compared rows; `candidate`: the run that made the candidate's answers; `believed`: see
    `told`; `compared`: digests of the arms' predictions, which say what the base is; `tuned`:
    predictions of baselines that were asked as a tuning chose (`fair.as_chosen`). A reading that only tells what one would have believed is declared, and stands aside, where
    it could not have chosen the candidate: by another adapter, after the candidate's own reading or
    trained away from this test.
    """
    every = predict_runs(workspace)
    mine = next((run for run in every if run.run_id == candidate), None)
    began = min((run.started_at for run in every if mine and run.of == mine.of), default="")
    declared = {
        run.of
        for run in every
        if run.predictions in believed
        and mine
        and run.who != mine.who
        and (run.started_at > began or _kept_away(workspace, run.adapter, dataset))
    }
    here = [run for run in every if run.dataset == dataset and run.split == TEST]
    first: dict[str, Reading] = {}
    for run in here:
        if run.whole and run.arm in arms:  # others inform and decide nothing
            first.setdefault(run.of, run)
    first = _without_plain(first, tuned)
    known = set(compared)
    theirs = [run for run in every if run.arm in arms and run.predictions in known]
    bases = [run for run in theirs if not is_tuned(run.arm)]
    others = {
        run: by
        for run in every
        if mine and run.whole and run.dataset and run.started_at < began and run.of not in declared
        if (by := _could_choose(run, mine, bases))
    }
    seen = _seen(workspace, list(others), test)
    return Readings(
        count=len(first),
        allowed=max(len(arms), len({run.arm for run in first.values()})),
        declared=len(declared & set(first)),
        broken_off=sum(not run.whole for run in here),
        runs=[{"run_id": run.run_id, "arm": run.arm, "started_at": run.started_at} for run in first.values()],
        rows_seen=len(seen.rows),
        seen_in=[run.run_id for run in seen.runs],
        seen_by=list(dict.fromkeys(others[run] for run in seen.runs)),
        untold=seen.untold,
    )


def _without_plain(first: Mapping[str, Reading], chosen: Collection[str]) -> dict[str, Reading]:
    """Readings without a baseline's first one where the same base was then asked as a tuning chose.

    What validation rows chose cannot have been chosen by the test, and it only makes the baseline stronger.
    """
    found = dict(first)
    for arm in (BASE, FEW_SHOT, RAG):
        runs = [run for run in first.values() if run.arm == arm]
        if any(_same_base(runs[0], run) and run.predictions in chosen for run in runs[1:]):
            del found[runs[0].of]
    return found


def _kept_away(workspace: Workspace, adapter: str | None, dataset: str) -> bool:
    """Whether the adapter was trained on a version that was split away from this one's test."""
    if adapter is None:
        return False
    query = """select 1 from run t join run_artifact made using (run_id)
               join run_artifact used on used.run_id = t.run_id and used.direction = 'in' and used.role = 'dataset'
               join run_artifact divided on divided.digest = used.digest and divided.direction = 'out'
               join run s on s.run_id = divided.run_id and s.kind = 'split'
               join run_artifact away on away.run_id = s.run_id and away.direction = 'in' and away.role = 'away_from'
               where t.kind = 'train' and made.direction = 'out' and made.digest = ? and away.digest = ?"""
    return bool(workspace.ledger.rows(query, adapter, dataset))


def _could_choose(run: Reading, mine: Reading, bases: Sequence[Reading]) -> str | None:
    """Which other weights an earlier reading is of, or how the candidate's own was another look; None if neither."""
    if run.of == mine.of:
        return None
    if is_tuned(run.arm):
        return OTHERWISE if run.adapter and run.adapter == mine.adapter else ANOTHER
    if run.arm.startswith(SERVED):
        return MODEL
    return None if not bases or any(_same_base(run, each) for each in bases) else MODEL


def _same_base(one: Reading, two: Reading) -> bool:
    if one.base_digest and two.base_digest:
        return one.base_digest == two.base_digest
    return one.base == two.base


class Seen(NamedTuple):
    """Test rows that were answered before."""

    rows: set[str]
    runs: list[Reading]  # that answered them
    untold: list[str]  # runs whose rows are not here any more


def _seen(workspace: Workspace, runs: Sequence[Reading], test: pl.DataFrame) -> Seen:
    """Which of the test rows these runs answered, by id or by content."""
    seen = Seen(set(), [], [])
    for run in runs:
        rows = answered(workspace, run)
        same = shared_ids(workspace, run, test) if rows is None else shared(test, rows)
        if same:
            seen.rows.update(same)
            seen.runs.append(run)
        elif rows is None:
            seen.untold.append(run.run_id)
    return seen


def answered(workspace: Workspace, run: Reading) -> pl.DataFrame | None:
    """example_id and content_hash of the rows that a run answered; None where its version was purged."""
    if not workspace.store.holds(run.dataset):
        return None
    rows = workspace.scan_examples(run.dataset).select("example_id", "content_hash", "split")
    if run.predictions and workspace.store.holds(run.predictions):
        ids = workspace.table(run.predictions).select("example_id")
        return rows.collect().join(ids, on="example_id", how="semi")
    return rows.filter(pl.col("split") == run.split).collect()


def shared_ids(workspace: Workspace, run: Reading, test: pl.DataFrame) -> set[str]:
    """Ids of the test rows among a run's answers, where these are here: all that is left of a purged version."""
    if not run.predictions or not workspace.store.holds(run.predictions):
        return set()
    return set(test["example_id"]) & set(workspace.table(run.predictions)["example_id"])


def shared(test: pl.DataFrame, rows: pl.DataFrame) -> set[str]:
    """Ids of the test rows that are among other rows: the same row, or the same words."""
    ids, contents = set(rows["example_id"]), set(rows["content_hash"])
    pairs = test.select("example_id", "content_hash").iter_rows()
    return {example_id for example_id, content in pairs if example_id in ids or content in contents}


def check_sealed(found: Readings) -> Check:
    """Whether each arm read the test split once at the most, and nothing that could choose had answered its rows."""
    name = "test sealed"
    if found["count"] == 0:
        detail = "the ledger holds no predict run on this split"
        return Check(check=name, state="not measured", required=True, detail=detail, remedy="")
    chosen_from = found["count"] - found["declared"]
    detail = f"read {read_words(found)}"
    if found["rows_seen"]:
        first, *more = found["seen_in"]
        also = f" and {len(more)} more" if more else ""
        rows = "1 test row was" if found["rows_seen"] == 1 else f"{found['rows_seen']:,} test rows were"
        by = listed(found.get("seen_by") or [ANOTHER])
        detail += f"; {rows} answered by {by} before, in run {first}{also}"
    if chosen_from > found["allowed"] or found["rows_seen"]:
        detail += ": what is chosen after several looks at the same rows looks better than it is"
        return Check(check=name, state="fail", required=True, detail=detail, remedy=FRESH)
    if untold := found.get("untold"):
        also = f" and {len(untold) - 1} more" if len(untold) > 1 else ""
        detail += f"; the rows of run {untold[0]}{also} are not here any more: it may have answered these"
        return Check(check=name, state="not measured", required=True, detail=detail, remedy=AGAIN)
    return Check(check=name, state="pass", required=True, detail=detail, remedy="")
