"""What the workspace knows about a comparison: its conditions, how it came to be, lineage."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.deciding.review import OPEN, RUN, UNAPPLIED, looked, review
from curate.runs.release import LEAKS
from curate.workspace import Workspace
from evalharness.deciding.comparison import Check, MetricRow, Settings, State, Step
from evalharness.deciding.probed import served_at
from evalharness.deciding.wording import POOR, fraction, points

TINY = "tiny"
TOO_LONG = re.compile(r"the prompt has [\d,]+ tokens")  # an error that asking again cannot change


def _check(name: str, state: State, detail: str, remedy: str = "", *, required: bool = True) -> Check:
    return Check(check=name, state=state, required=required, detail=detail, remedy=remedy)


def check_clean(workspace: Workspace, dataset: str) -> Check:
    """Whether the version that was split (or this one, if it came split) has no open blocking finding."""
    parent = _parent(workspace, dataset)
    remedy = "seatrial scan and seatrial review on the version before the split, then apply and split again"
    if workspace.findings(parent) is None:
        return _check("data clean", "not measured", "the version that was split was never scanned", remedy)
    unseen = [check for check in ("structure", "pii") if looked(workspace, parent)[check] != RUN]
    if unseen:
        return _check("data clean", "not measured", f"never looked for: {', '.join(unseen)}", remedy)
    whole = review(workspace, parent)
    if parent != dataset:  # the rows were divided anew since
        whole = whole.filter(~LEAKS)
    table = whole.filter(pl.col("blocking"))
    waiting, stale = table.filter(OPEN).height, table.filter(UNAPPLIED).height
    if waiting or stale:
        parts = [f"{waiting} blocking findings open"] * bool(waiting)
        parts += [f"{stale} decided and not applied"] * bool(stale)
        return _check("data clean", "fail", ", ".join(parts), remedy)
    doubtful = whole.filter(OPEN)
    tested = workspace.scan_examples(dataset).filter(pl.col("split") == "test").select("example_id").collect()
    named = pl.col("example_id").is_in(tested["example_id"].implode())
    left = f"; {doubtful.height} doubtful ones wait, {doubtful.filter(named).height} on test rows"
    return _check(
        "data clean",
        "pass",
        "no open blocking finding on the version that was split" + (left if doubtful.height else ""),
    )


def _parent(workspace: Workspace, dataset: str) -> str:
    query = """select i.digest from run join run_end using (run_id)
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.digest = ?
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.role = 'dataset'
               where run.kind = 'split' and error is null order by ended_at desc limit 1"""
    rows = workspace.ledger.rows(query, dataset)
    return str(rows[0]["digest"]) if rows else dataset


def check_leaks(workspace: Workspace, dataset: str) -> Check:
    """Whether the newest scan of the split version looked for leaks between the splits, and found none."""
    name, remedy = "leaks between splits", "seatrial scan on the split version, then seatrial compare again"
    said = looked(workspace, dataset)["leak"]
    if said != RUN:
        return _check(name, "not measured", f"the check did not look: {said}", remedy)
    told = review(workspace, dataset).filter((pl.col("check") == "leak") & (OPEN | UNAPPLIED))
    found = told.filter(pl.col("blocking") | UNAPPLIED)
    if found.height:
        return _check(
            name,
            "fail",
            f"{found.height} leaks, on {found['example_id'].n_unique()} examples",
            "seatrial review, apply, then split again: clusters are kept together",
        )
    said = "scanned after the split; " + ("none that blocks" if told.height else "none found")
    if told.height:
        counts = told.group_by("label").agg(pl.col("example_id").n_unique()).sort("label").iter_rows()
        said += ", open and told: " + ", ".join(f"{label} {count:,}" for label, count in counts)
    return _check(name, "pass", "; ".join([said, *_unlooked(workspace, dataset, "leak")]))


def _unlooked(workspace: Workspace, dataset: str, check: str) -> list[str]:
    """What the check's newest scan could not look for: without an encoder, by language or the like."""
    for stands in workspace.standing(dataset):
        if check in stands.checks:
            return [why for part, why in stands.scan.not_run.items() if part.startswith(f"{check} (")]
    return []


def check_pairs(metrics: Sequence[MetricRow], lacking: Mapping[str, int], chosen: Settings) -> Check:
    """Whether each example that one arm has a score for by the primary metric has one in every arm.

    `lacking`: by arm, examples without a score that another arm has.
    """
    some = {arm: count for arm, count in lacking.items() if count}
    total = max(row["n"] + row["nulls"] for row in metrics if row["metric"] == chosen["primary"])
    if some:
        said = ", ".join(f"{arm} {count}" for arm, count in some.items())
        return _check(
            "pairing complete",
            "fail",
            f"of {total:,} examples without a score by {chosen['primary']}: {said}",
            "look at the reasons in the report's table, then predict and score again",
        )
    nowhere = min(row["nulls"] for row in metrics if row["metric"] == chosen["primary"])
    left_out = f"; {nowhere} could be scored in no arm and are left out" if nowhere else ""
    return _check("pairing complete", "pass", f"{total - nowhere} examples scored in every arm{left_out}")


def check_adapter(
    predictions: pl.DataFrame | None,
    told: bool | None,
    candidate: str,
    probe: Mapping[str, Any] | None = None,
    noise: float = 0.0,
) -> Check:
    """Whether the adapter changes what the model says: an adapter that did not load scores like the base.

    A probe that found a served fine-tune inert goes before all. Else by the answers to equal prompts, of which
    more must differ than when the base is asked twice (`noise`, a share); else by what the predict run
    recorded (`told`); else by what the probe found.
    """
    name, remedy = "adapter acts", "look at the adapter's files and base model: seatrial log"
    by_probe = None
    if probe and probe.get("state") in ("pass", "fail"):
        by_probe = _check(name, probe["state"], str(probe.get("detail", "")), str(probe.get("remedy") or ""))
        if by_probe["state"] == "fail":
            return by_probe
    if predictions is not None:
        columns = ["example_id", "answer", "choice", "prompt_hash"]
        tuned = predictions.filter(pl.col("arm") == candidate).select(columns)
        base = predictions.filter(pl.col("arm") == "base").select(columns)
        same = tuned.join(base, on=["example_id", "prompt_hash"], suffix="_base")
        if same.height:
            differs = same.filter(
                pl.col("answer").ne_missing(pl.col("answer_base"))
                | pl.col("choice").ne_missing(pl.col("choice_base"))
            ).height
            detail = f"{differs} of {same.height} answers differ from the base model's on equal prompts"
            acts = differs > noise * same.height
            if differs and not acts:
                detail += f", and as many where the base is asked twice ({noise:.0%})"
            return _check(name, "pass" if acts else "fail", detail, "" if acts else remedy)
    if told is not None:
        said = "seen when it was loaded: it moves the model's logits"
        return _check(name, "pass" if told else "fail", said if told else "it changes nothing", remedy)
    if by_probe is not None:
        return by_probe
    return _check(name, "not measured", "no answers to equal prompts with and without it", remedy)


def check_errors(predictions: pl.DataFrame | None) -> Check:
    """Whether every answer was given. A row that is too long for the model in every arm is left out alike."""
    name = "no errors"
    if predictions is None:
        return _check(name, "not measured", "the predictions are not in this workspace")
    failed = predictions.filter(pl.col("finish_reason") == "error")
    long = failed.filter(pl.col("error").str.contains(TOO_LONG.pattern)).group_by("example_id").len()
    nowhere = long.filter(pl.col("len") == predictions["arm"].n_unique())
    left = failed.join(nowhere, on="example_id", how="anti")
    rows = "1 row is" if nowhere.height == 1 else f"{nowhere.height:,} rows are"
    left_out = f"{rows} too long for the model in every arm: left out" if nowhere.height else ""
    if left.height:
        counts = left.group_by("arm").len().sort("arm").iter_rows()
        said = ", ".join(f"{arm} {count}" for arm, count in counts)
        return _check(
            name,
            "fail",
            f"answers that failed: {said}" + (f"; {left_out}" if left_out else ""),
            "seatrial predict asks again what can be asked again; then seatrial score and compare",
        )
    answers = predictions.height - failed.height
    return _check(name, "pass", left_out or f"{answers} answers, none failed")


def check_groups(examples: pl.DataFrame) -> Check:
    """Whether no group has rows in test and also in train or validation."""
    name = "groups not divided"
    grouped = examples.filter(pl.col("group").is_not_null())
    if not grouped.height:
        return _check(name, "pass", "no groups given")
    test = grouped.filter(pl.col("split") == "test")
    known = grouped.filter(pl.col("split").is_in(["train", "validation"])).select("group").unique()
    both = test.join(known, on="group", how="semi")
    groups = test["group"].n_unique()
    alone = examples.filter((pl.col("split") == "test") & pl.col("group").is_null()).height
    if both.height:
        detail = (
            f"{both['group'].n_unique():,} of {groups:,} groups of test rows are in train or validation too"
            f" ({both.height:,} test rows)"
        )
        return _check(name, "fail", detail, "split again by the group: seatrial split keeps each one whole")
    rows = f" ({alone:,} of them a single row without a group)" if alone else ""
    return _check(name, "pass", f"{groups + alone:,} groups of test rows{rows}, none in train or validation")


def check_format(metrics: Sequence[MetricRow], chosen: Settings, candidate: str) -> Check:
    """Whether the candidate keeps to the form of an answer about as well as the best baseline, and in most answers.

    Where no arm keeps to it the candidate is no worse, and yet nothing that reads answers by their form can use it.
    """
    means = {row["arm"]: row["mean"] for row in metrics if row["metric"] == "format"}
    own = means.pop(candidate, None)
    known = {arm: mean for arm, mean in means.items() if mean is not None}
    if own is None or not known:
        return _check("format", "not measured", "the task names no form to comply with", required=False)
    best = max(known, key=lambda arm: known[arm])
    allowed = chosen.get("limits", {}).get("format", chosen["margin"])
    detail = f"{fraction(own)} comply, {fraction(known[best])} with {best}"
    limit = max(known[best] - allowed, min(POOR, 1 - allowed))
    failed = own < limit
    if failed:
        detail += ": fewer than half" if own < POOR else f": more than {points(allowed)} below"
    found = _check("format", "fail" if failed else "pass", detail)
    if failed:
        found["remedy"] = "look at the answers that do not comply, and train on the form"
    found |= {"value": own, "limit": limit, "unit": "fraction, at least"}
    return found


class Asked(NamedTuple):
    """How predictions came to be; what the record does not say is None."""

    run_id: str | None
    base: str | None
    adapter: str | None  # digest
    acts: bool | None  # the adapter was seen to move the model's logits
    trained_on: int | None  # of the rows asked, how many the adapter was trained on
    served: str | None = None  # `model at address`, where it answered at an endpoint


def asked(workspace: Workspace, predictions: str) -> Asked:
    """What the newest run that made these predictions recorded."""
    query = """select run.run_id, params from run join run_end using (run_id) join run_artifact using (run_id)
               where digest = ? and direction = 'out' and kind = 'predict' and error is null
               order by ended_at desc limit 1"""
    for row in workspace.ledger.rows(query, predictions):
        params = json.loads(row["params"])
        inputs = workspace.ledger.run_artifacts(row["run_id"], "in")
        outputs = workspace.ledger.run_artifacts(row["run_id"], "out")
        notes = workspace.json(outputs["notes"]) if "notes" in outputs else {}
        notes = notes if isinstance(notes, dict) else {}
        model = notes.get("model") or {}
        base = params.get("base")
        return Asked(
            run_id=str(row["run_id"]),
            base=None if base is None else str(base),
            adapter=inputs.get("adapter"),
            # answering refuses an adapter that moves no logit, so a run that has its digest has seen it act
            acts=True if "adapter" in inputs and "adapter_digest" in model else None,
            trained_on=notes.get("trained_on"),
            served=served_at(params),
        )
    return Asked(None, None, None, None, None)


def check_unseen(trained_on: int | None) -> Check:
    """Whether the adapter was trained on none of the rows that were asked."""
    name = "test rows not trained on"
    if trained_on is None:
        return _check(name, "not measured", "the adapter's training is not in this workspace", required=False)
    if trained_on:
        return _check(
            name,
            "fail",
            f"{trained_on} of the test rows were among the adapter's training rows",
            "train again on this split's train rows",
        )
    return _check(name, "pass", "none of the test rows was among the adapter's training rows")


def is_toy(base: str | None) -> bool:
    """Whether the base is the tiny model that is shipped."""
    return base is not None and (base == TINY or Path(base).name == "tinybase")


def lineage(workspace: Workspace, digests: Sequence[str]) -> list[Step]:
    """Every run that led to these artifacts, once, oldest first."""
    steps = {}
    for digest in digests:
        for row in workspace.ledger.ancestry(digest):
            steps[row["run_id"]] = Step(
                run_id=row["run_id"],
                kind=row["kind"],
                command=row["command"],
                started_at=row["started_at"],
                params=json.loads(row["params"]),
            )
    return sorted(steps.values(), key=lambda step: (step["started_at"], step["run_id"]))
