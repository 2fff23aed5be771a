"""The run `compare`: scores and ledger in, one comparison and its report out, recorded."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import polars as pl

from curate.errors import GateError
from curate.workspace import Workspace
from evalharness.deciding import (
    budget,
    evidence,
    fair,
    instrument,
    probed,
    represented,
    seal,
    slices,
    stale,
    trained,
    written,
)
from evalharness.deciding.believed import believed_beside, believed_sources, leaked_words
from evalharness.deciding.compare import ALPHA, MARGIN, Pairs, metric_rows, pair, settings, usual
from evalharness.deciding.comparison import (
    ARMS,
    CANDIDATE,
    SCHEMA,
    Believed,
    Check,
    Comparison,
    Declared,
    DifferenceRow,
    Limits,
    MetricRow,
    Prices,
    Settings,
    Subject,
    Verdict,
)
from evalharness.deciding.content import scored_by
from evalharness.deciding.declared import check_settings, declared_of
from evalharness.deciding.differences import difference_rows
from evalharness.deciding.probed import ACTS, LIKELIHOODS
from evalharness.deciding.reading import read_comparison
from evalharness.deciding.verdict import decide
from evalharness.judging import card, stored
from evalharness.judging.people import NOBODY, with_people
from evalharness.report import write_report
from evalharness.report.nearest import with_near
from evalharness.report.sidebyside import cost_rows, side_by_side
from evalharness.scoring.gathered import TEST, newest_predictions, newest_scores
from evalharness.scoring.primary import sided
from evalharness.scoring.score import must_match
from evalharness.scoring.summary import means

__all__ = ["build", "compare_dataset", "read_comparison"]

NEVER_MEASURED = (NOBODY,)


def compare_dataset(
    workspace: Workspace,
    dataset: str,
    *,
    primary: str | None = None,
    margin: float | None = None,
    alpha: float | None = None,
    seed: int | None = None,
    believed: str | Believed | None = None,
    prices: Prices | None = None,
) -> str:
    """Compare the arms on a dataset version's test split; returns the comparison's digest.

    Reads the newest scores of each arm. What decides is what was declared for these rows; another
    primary metric, margin or alpha is recorded and fails the condition that it was fixed before.
    `believed` is the digest of a dataset version, or figures measured elsewhere, whose flattering figure
    is told beside the true one. `prices` that were not declared tell what answers cost and decide nothing.
    """
    scores, sources = newest_scores(workspace, dataset)
    found = declared_of(workspace, dataset)
    bound = found["binding"]
    chosen = settings(
        scores,
        primary=primary or (bound["primary"] if bound else None),
        margin=_first(margin, bound["margin"] if bound else MARGIN),
        alpha=_first(alpha, bound["alpha"] if bound else ALPHA),
        seed=int(_first(seed, bound.get("seed", 0) if bound else 0)),
        limits=Limits(**bound["limits"]) if bound else None,
        prices=prices or (bound.get("prices") if bound else None),
        waived=bound.get("waived", ()) if bound else (),
        sided=sided(workspace, sources.values()),
    )
    inputs = {"dataset": dataset, **sources}
    if bound:
        inputs["declaration"] = bound["digest"]
    figures = None if isinstance(believed, str) else believed
    if isinstance(believed, str):
        figures = believed_beside(workspace, dataset, believed, chosen["primary"])
        figures["why"] += leaked_words(workspace, believed)
        inputs |= believed_sources(workspace, dataset, believed)
    with workspace.run("compare", {"settings": dict(chosen), "believed": figures}, inputs) as run:
        comparison = with_people(workspace, build(workspace, inputs, scores, sources, chosen, figures, found))
        run.outputs["comparison"] = workspace.put_json("comparison", comparison)
        with tempfile.TemporaryDirectory() as folder:
            write_report(comparison, Path(folder))
            run.outputs["report"] = workspace.put_files("report", Path(folder))
    return run.outputs["comparison"]


def _first(given: float | None, else_: float) -> float:
    return else_ if given is None else given


class Gathered(NamedTuple):
    """What the conditions look at."""

    examples: pl.DataFrame
    pairs: Pairs
    metrics: list[MetricRow]
    predictions: pl.DataFrame | None
    tables: dict[str, str]  # arm to the digest of its predictions
    records: dict[str, dict[str, Any]]  # arm to settings and notes of its run
    tuned: evidence.Asked
    probes: Mapping[str, Any]
    probe: str | None  # digest of the probes
    judges: list[card.Card]


def build(
    workspace: Workspace,
    inputs: Mapping[str, str],
    scores: pl.DataFrame,
    sources: Mapping[str, str],
    chosen: Settings,
    believed: Believed | None,
    found: Declared,
) -> Comparison:
    """The whole comparison as one value; `inputs` are those of its run, `sources` the scores among them."""
    dataset = inputs["dataset"]
    g = _gathered(workspace, dataset, scores, sources, chosen)
    differences = difference_rows(g.pairs, chosen)
    test = _test_rows(g.examples, g.pairs)
    told = seal.told(workspace, dataset, inputs)
    of_tables = g.tables.values(), fair.as_chosen(workspace, dataset, g.tables.values())
    read = seal.readings(workspace, dataset, test, g.tuned.run_id, ARMS, told, *of_tables)
    made = scored_by(workspace, sources, primary := chosen["primary"])
    fixed = [seal.check_sealed(read), check_settings(found, chosen, usual(scores), made)]
    fixed.append(fair.check_tuned(workspace, dataset, g.examples, g.tables, primary, made))
    fixed.append(_stands(workspace, dataset, g, test))
    kindly = written.written(g.predictions, _labels(g), CANDIDATE)
    checks = written.told_in(_checks(workspace, dataset, g, chosen, fixed, found), kindly)
    verdict = trained.told_beside(_verdict(differences, checks, chosen, g), workspace, g.tuned.adapter)
    verdict = written.told_beside(verdict, kindly)
    sliced, none = slices.slice_rows(g.pairs, chosen, examples=test)
    shown = side_by_side(g.pairs, g.examples, g.predictions, chosen, ARMS, CANDIDATE)
    return Comparison(
        schema=SCHEMA,
        subject=_subject(workspace, dataset, g, sources),
        settings=chosen,
        candidate=CANDIDATE,
        arms=list(ARMS),
        n=len(g.pairs.example_ids),
        groups=None if g.pairs.groups is None else len(np.unique(g.pairs.groups)),
        verdict=verdict,
        checks=checks,
        metrics=g.metrics,
        differences=differences,
        slices=sliced,
        slices_left=none,
        confusion=slices.confusions(g.pairs),
        examples=with_near(workspace, dataset, shown),
        cost=cost_rows(g.predictions, ARMS, chosen.get("prices")),
        readings=read,
        other_settings=other_settings(workspace, dataset, chosen),
        not_measured=not_measured(checks, g.metrics),
        believed=believed,
        lineage=evidence.lineage(workspace, list(inputs.values())),
        artifacts=_artifacts(inputs, g),
        declared=found,
        instrument=instrument.stamp(g.records, CANDIDATE, g.probes),
        fair_chance=fair.told(instrument.fair_chances(g.records, CANDIDATE), primary),
        informing=informing(scores, g.examples, chosen),
        judges=[card.as_json(each) for each in g.judges],
        evidence=stale.bound_to(
            workspace, inputs, g.tables, chosen, adapter=g.tuned.adapter, probes=g.probe,
            declaration=inputs.get("declaration"),
        ),
    )  # fmt: skip


def _labels(g: Gathered) -> list[str]:
    """The labels of the version; none where the task has none."""
    return sorted(g.examples["label"].drop_nulls().unique()) if g.pairs.has_labels else []


def _verdict(differences: list[DifferenceRow], checks: list[Check], chosen: Settings, g: Gathered) -> Verdict:
    """The verdict; where it asks for more rows, with how many were there to be asked."""
    verdict = decide(differences, checks, chosen, _primary_mean(g.metrics, chosen))
    unasked = g.examples.filter(pl.col("split") == TEST).height - len(g.pairs.example_ids)
    if verdict["rows"] and unasked > 0:
        verdict["advice"] += f" {unasked:,} test rows were not asked: seatrial predict without --limit."
    return verdict


def _stands(workspace: Workspace, dataset: str, g: Gathered, test: pl.DataFrame) -> Check:
    labelled = g.pairs.has_labels
    return represented.check_stands(workspace, dataset, g.examples, test, labelled=labelled)


def _artifacts(inputs: Mapping[str, str], g: Gathered) -> dict[str, str]:
    """By role, the digests of all that the comparison was made of."""
    answers = {f"predictions of {arm}": digest for arm, digest in g.tables.items()}
    more = (("adapter", g.tuned.adapter), ("probes", g.probe))
    return {**inputs, **answers, **{role: each for role, each in more if each}}


def _gathered(
    workspace: Workspace, dataset: str, scores: pl.DataFrame, sources: Mapping[str, str], chosen: Settings
) -> Gathered:
    examples = workspace.examples(dataset)
    pairs = pair(scores, examples)
    predictions, tables = newest_predictions(workspace, sources)
    _must_be_alike(workspace, predictions, tables)
    records = instrument.records(workspace, tables)
    instrument.must_be_one({arm: records[arm] for arm in ARMS if arm in records})
    tuned = evidence.asked(workspace, tables.get(CANDIDATE, ""))
    probe, probes = probed.newest(workspace, tuned.adapter, tuned.served)
    looked_at = probed.trained_on(workspace, tuned.adapter) or {dataset}
    told = records.get(CANDIDATE, {}).get("params", {})
    if probe and (why := probed.unlike(workspace, probe, told, looked_at)):
        probes = {probed.UNLIKE: why}
    metrics = metric_rows(pairs, chosen)
    judges = stored.cards(workspace, dataset, tables, scores=scores, arms=ARMS)
    return Gathered(examples, pairs, metrics, predictions, tables, records, tuned, probes, probe, judges)


def _checks(
    workspace: Workspace,
    dataset: str,
    g: Gathered,
    chosen: Settings,
    fixed: list[Check],
    found: Declared,
) -> list[Check]:
    """Every condition beside the gain.

    `fixed` are those on how the test rows were read, what was declared, how the baselines were tuned, and whether
    the test stands for the data;
    `found` is the declaration itself.
    """
    limits = chosen.get("limits", Limits())
    bound = found["binding"]
    cost = cost_rows(g.predictions, ARMS, bound.get("prices") if bound else None)
    served = g.tuned.served is not None
    noise = float((g.probes.get("instrument") or {}).get("value") or 0.0)
    waived = chosen.get("waived", ()) if served else ()  # weights on this machine can be asked everything
    return [
        evidence.check_clean(workspace, dataset),
        evidence.check_leaks(workspace, dataset),
        evidence.check_groups(g.examples),
        evidence.check_unseen(g.tuned.trained_on),
        *fixed,
        evidence.check_pairs(g.metrics, lacking(g.pairs, chosen), chosen),
        evidence.check_adapter(g.predictions, g.tuned.acts, CANDIDATE, g.probes.get(ACTS), noise),
        evidence.check_errors(g.predictions),
        evidence.check_format(g.metrics, chosen, CANDIDATE),
        budget.check_latency(cost, limits, CANDIDATE),
        budget.check_cost(cost, limits, CANDIDATE),
        *(
            probed.check(name, g.probes, limits, required=name not in waived, served=served)
            for name in (*LIKELIHOODS, "red team")
        ),
        probed.check_instrument(instrument.stamp(g.records, CANDIDATE, g.probes), g.probes, limits),
        stored.check(g.judges, g.metrics, chosen["primary"]),
    ]


def informing(scores: pl.DataFrame, examples: pl.DataFrame, chosen: Settings) -> list[MetricRow]:
    """Arms beside the four of the verdict (the fine-tune with retrieval, further adapters), by the primary metric."""
    others = scores.filter(~pl.col("arm").is_in(ARMS))
    return [
        MetricRow(
            metric=row.metric,
            arm=row.arm,
            mean=row.mean,
            n=row.n,
            nulls=row.nulls,
            low=row.low,
            high=row.high,
            method="as scored",
            reason=row.reason,
        )
        for row in means(others, examples)
        if row.metric == chosen["primary"]
    ]


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


def _subject(workspace: Workspace, dataset: str, g: Gathered, sources: Mapping[str, str]) -> Subject:
    query = """select max(ended_at) as ended from run_end join run_artifact using (run_id)
               where digest = ? and direction = 'out'"""
    ended = [str(workspace.ledger.rows(query, digest)[0]["ended"]) for digest in sources.values()]
    counts = g.examples.group_by(pl.col("split").fill_null("none")).len().sort("split").iter_rows()
    base_digest = g.records.get(CANDIDATE, {}).get("params", {}).get("base_digest")
    return Subject(
        dataset=dataset,
        name=workspace.name_of(dataset) or dataset[:8],
        rows={str(split): int(count) for split, count in counts},
        split=TEST,
        base=g.tuned.base,
        toy=evidence.is_toy(g.tuned.base),
        adapter=g.tuned.adapter,
        base_digest=None if base_digest is None else str(base_digest),
        served=g.tuned.served,
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
