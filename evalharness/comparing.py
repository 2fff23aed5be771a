"""The run `compare`: scores and ledger in, one comparison and its report out, recorded."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl

from curate.errors import GateError, NotFoundError, WorkspaceError
from curate.workspace import Workspace
from evalharness import evidence, seal
from evalharness.believed import believed_beside, believed_sources, leaked_words
from evalharness.compare import (
    ALPHA,
    MARGIN,
    Pairs,
    difference_rows,
    metric_rows,
    pair,
    settings,
    slice_rows,
)
from evalharness.comparison import (
    ARMS,
    CANDIDATE,
    SCHEMA,
    Believed,
    Check,
    Comparison,
    MetricRow,
    Settings,
    Subject,
)
from evalharness.people import NOBODY, with_people
from evalharness.report import write_report
from evalharness.score import must_match
from evalharness.sidebyside import cost_rows, side_by_side
from evalharness.verdict import decide

TEST = "test"
NEVER_MEASURED = (
    "forgetting: whether the adapter lost abilities that the test split does not ask for",
    "harm: answers to hostile or unsafe requests",
    "the spread between training seeds: one adapter was trained, with one seed",
    NOBODY,
)


def compare_dataset(
    workspace: Workspace,
    dataset: str,
    *,
    primary: str | None = None,
    margin: float = MARGIN,
    alpha: float = ALPHA,
    seed: int = 0,
    believed: str | Believed | None = None,
) -> str:
    """Compare the arms on a dataset version's test split; returns the comparison's digest.

    Reads the newest scores of each arm. `believed` is the digest of a dataset version, or figures
    measured elsewhere, whose flattering figure is told beside the true one. The settings are
    recorded, so that a change of them shows in every later report.
    """
    scores, sources = newest_scores(workspace, dataset)
    chosen = settings(scores, primary=primary, margin=margin, alpha=alpha, seed=seed)
    inputs = {"dataset": dataset, **sources}
    figures = None if isinstance(believed, str) else believed
    if isinstance(believed, str):
        figures = believed_beside(workspace, dataset, believed, chosen["primary"])
        figures["why"] += leaked_words(workspace, believed)
        inputs |= believed_sources(workspace, dataset, believed)
    with workspace.run("compare", {"settings": dict(chosen), "believed": figures}, inputs) as run:
        comparison = with_people(workspace, build(workspace, inputs, scores, sources, chosen, figures))
        run.outputs["comparison"] = workspace.put_json("comparison", comparison)
        with tempfile.TemporaryDirectory() as folder:
            write_report(comparison, Path(folder))
            run.outputs["report"] = workspace.put_files("report", Path(folder))
    return run.outputs["comparison"]


def newest_scores(workspace: Workspace, dataset: str) -> tuple[pl.DataFrame, dict[str, str]]:
    """The newest scores of each arm on a version's test rows, and the tables that they are in, by role.

    Only of score runs whose predictions were all asked on the test split.
    """
    query = """select run.run_id, o.digest from run join run_end using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.digest = ?
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'scores'
               where kind = 'score' and error is null group by run.run_id order by ended_at desc"""
    parts: list[pl.DataFrame] = []
    sources: dict[str, str] = {}
    seen: set[str] = set()
    elsewhere: set[str] = set()
    for row in workspace.ledger.rows(query, dataset):
        if (asked := _splits_asked(workspace, row["run_id"])) != {TEST}:
            elsewhere |= asked - {TEST}
            continue
        table = workspace.table(row["digest"])
        fresh = [arm for arm in table["arm"].unique(maintain_order=True) if arm not in seen]
        if fresh:
            parts.append(table.filter(pl.col("arm").is_in(fresh)))
            sources["scores" + (f"_{len(sources)}" if sources else "")] = str(row["digest"])
            seen.update(fresh)
    if not parts:
        other = f", only on {' and '.join(sorted(elsewhere))}" if elsewhere else ""
        raise NotFoundError(
            f"nothing is scored on the test rows of this dataset version{other}",
            hint="seatrial predict --split test, then seatrial score",
        )
    return pl.concat(parts), sources


def _splits_asked(workspace: Workspace, score_run: str) -> set[str]:
    """The splits that the predictions of a score run were asked on; empty where that is not recorded."""
    query = """select distinct made.run_id, made.params from run_artifact i
               join run_artifact o on o.digest = i.digest and o.direction = 'out' and o.role = 'predictions'
               join run made on made.run_id = o.run_id and made.kind = 'predict'
               where i.run_id = ? and i.direction = 'in'"""
    rows = workspace.ledger.rows(query, score_run)
    return {str(json.loads(row["params"]).get("split", TEST)) for row in rows}


def build(
    workspace: Workspace,
    inputs: Mapping[str, str],
    scores: pl.DataFrame,
    sources: Mapping[str, str],
    chosen: Settings,
    believed: Believed | None,
) -> Comparison:
    """The whole comparison as one value; `inputs` are those of its run, `sources` the scores among them."""
    dataset = inputs["dataset"]
    examples = workspace.examples(dataset)
    pairs = pair(scores, examples)
    metrics, differences = metric_rows(pairs, chosen), difference_rows(pairs, chosen)
    predictions, tables = newest_predictions(workspace, sources)
    _must_be_alike(workspace, predictions, tables)
    test = _test_rows(examples, pairs)
    tuned = evidence.asked(workspace, tables.get(CANDIDATE, ""))
    told = seal.told(workspace, dataset, inputs)
    read = seal.readings(workspace, dataset, test, tuned.run_id, ARMS, told)
    checks = [
        evidence.check_clean(workspace, dataset),
        evidence.check_leaks(workspace, dataset),
        evidence.check_groups(examples),
        evidence.check_unseen(tuned.trained_on),
        seal.check_sealed(read),
        seal.check_settings(seal.first_settings(workspace, test), chosen),
        evidence.check_pairs(metrics, lacking(pairs, chosen), chosen),
        evidence.check_adapter(predictions, tuned.acts, CANDIDATE),
        evidence.check_errors(predictions),
        evidence.check_format(metrics, chosen, CANDIDATE),
        evidence.check_judge(metrics),
    ]
    verdict = decide(differences, checks, chosen, _primary_mean(metrics, chosen))
    unasked = examples.filter(pl.col("split") == TEST).height - len(pairs.example_ids)
    if verdict["rows"] and unasked > 0:
        verdict["advice"] += f" {unasked:,} test rows were not asked: seatrial predict without --limit."
    artifacts = {**inputs, **{f"predictions of {arm}": digest for arm, digest in tables.items()}}
    artifacts |= {"adapter": tuned.adapter} if tuned.adapter else {}
    return Comparison(
        schema=SCHEMA,
        subject=_subject(workspace, dataset, examples, tuned, sources),
        settings=chosen,
        candidate=CANDIDATE,
        arms=list(ARMS),
        n=len(pairs.example_ids),
        groups=None if pairs.groups is None else len(np.unique(pairs.groups)),
        verdict=verdict,
        checks=checks,
        metrics=metrics,
        differences=differences,
        slices=slice_rows(pairs, chosen),
        examples=side_by_side(pairs, examples, predictions, chosen, ARMS, CANDIDATE),
        cost=cost_rows(predictions, ARMS),
        readings=read,
        other_settings=other_settings(workspace, dataset, chosen),
        not_measured=not_measured(checks, metrics),
        believed=believed,
        lineage=evidence.lineage(workspace, list(inputs.values())),
        artifacts=artifacts,
    )


def _test_rows(examples: pl.DataFrame, pairs: Pairs) -> pl.DataFrame:
    """The compared examples. Raises GateError if one is not a test row."""
    rows = examples.filter(pl.col("example_id").is_in(pairs.example_ids))
    other = rows.filter(pl.col("split").ne_missing(TEST))
    if other.height:
        splits = " and ".join(sorted({str(split or "no split") for split in other["split"]}))
        raise GateError(
            f"{other.height:,} of the {rows.height:,} compared examples are not test rows: they are in {splits}",
            hint="seatrial predict --split test, seatrial score, then compare",
        )
    return rows


def _must_be_alike(workspace: Workspace, predictions: pl.DataFrame | None, tables: Mapping[str, str]) -> None:
    """Refuse arms that were not asked alike, also where they were scored in different runs."""
    if predictions is not None:
        digests = {arm: tables[arm] for arm in ARMS if arm in tables}
        answers = {arm: predictions.filter(pl.col("arm") == arm) for arm in digests}
        must_match(workspace, digests, answers)


def _primary_mean(metrics: list[MetricRow], chosen: Settings) -> float | None:
    rows = (row for row in metrics if (row["metric"], row["arm"]) == (chosen["primary"], CANDIDATE))
    return next((row["mean"] for row in rows), None)


def lacking(pairs: Pairs, chosen: Settings) -> dict[str, int]:
    """By arm, how many examples have no score by the primary metric though another arm's has."""
    metric = "accuracy" if chosen["primary"] == "macro-f1" else chosen["primary"]
    absent = {arm: np.isnan(pairs.values[metric, arm]) for arm in ARMS}
    nowhere = np.all(list(absent.values()), axis=0)
    return {arm: int(np.sum(mask & ~nowhere)) for arm, mask in absent.items()}


def newest_predictions(
    workspace: Workspace, sources: Mapping[str, str]
) -> tuple[pl.DataFrame | None, dict[str, str]]:
    """The predictions behind the scores, each arm once, and the table that each arm is in."""
    query = """select distinct i.digest, i.role from run_artifact o
               join run_artifact i on i.run_id = o.run_id and i.direction = 'in'
               join artifact on artifact.digest = i.digest and artifact.kind = 'predictions'
               where o.digest = ? and o.direction = 'out' order by i.role"""
    parts: list[pl.DataFrame] = []
    tables: dict[str, str] = {}
    for scores in sources.values():
        for row in workspace.ledger.rows(query, scores):
            table = workspace.table(row["digest"])
            fresh = [arm for arm in table["arm"].unique(maintain_order=True) if arm not in tables]
            if fresh:
                parts.append(table.filter(pl.col("arm").is_in(fresh)))
                tables |= dict.fromkeys(fresh, str(row["digest"]))
    return (pl.concat(parts) if parts else None), tables


def _subject(
    workspace: Workspace,
    dataset: str,
    examples: pl.DataFrame,
    tuned: evidence.Asked,
    sources: Mapping[str, str],
) -> Subject:
    query = """select max(ended_at) as ended from run_end join run_artifact using (run_id)
               where digest = ? and direction = 'out'"""
    ended = [str(workspace.ledger.rows(query, digest)[0]["ended"]) for digest in sources.values()]
    counts = examples.group_by(pl.col("split").fill_null("none")).len().sort("split").iter_rows()
    return Subject(
        dataset=dataset,
        name=workspace.name_of(dataset) or dataset[:8],
        rows={str(split): int(count) for split, count in counts},
        split=TEST,
        base=tuned.base,
        toy=evidence.is_toy(tuned.base),
        adapter=tuned.adapter,
        scored_at=max(ended),
    )


def other_settings(workspace: Workspace, dataset: str, chosen: Settings) -> list[Settings]:
    """Settings of earlier comparisons on this dataset version that differ from these, each once."""
    query = """select params from run join run_end using (run_id) join run_artifact i using (run_id)
               where kind = 'compare' and error is null and i.digest = ? and i.direction = 'in'
               order by run.started_at"""
    others: list[Settings] = []
    for row in workspace.ledger.rows(query, dataset):
        found = cast("Settings", json.loads(row["params"])["settings"])
        if found != chosen and found not in others:
            others.append(found)
    return others


def not_measured(checks: list[Check], metrics: list[MetricRow]) -> list[str]:
    """What the reader may think was looked at and was not."""
    open_checks = [f"{c['check']}: {c['detail']}" for c in checks if c["state"] == "not measured"]
    empty: dict[str, str] = {}
    for metric in dict.fromkeys(row["metric"] for row in metrics):
        rows = [row for row in metrics if row["metric"] == metric]
        if all(row["mean"] is None for row in rows):
            empty[metric] = next((row["reason"] for row in rows if row["reason"]), None) or "no scores"
    return [*open_checks, *(f"{metric}: {why}" for metric, why in empty.items()), *NEVER_MEASURED]


def read_comparison(workspace: Workspace, reference: str | None = None) -> Comparison:
    """A comparison by name or digest; the newest by default. Raises WorkspaceError for another schema."""
    value = workspace.json(workspace.artifact("comparison", reference))
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise WorkspaceError(
            "this comparison was made by another version of Seatrial", hint="seatrial compare makes it again"
        )
    return cast("Comparison", value)
