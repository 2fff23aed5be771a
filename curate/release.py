"""The last arrows: the gate, and what may pass it: split and export."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from curate.aside import bound_to
from curate.checks.leak import Leak
from curate.errors import AccountError, ConfigError, GateError
from curate.example import EXAMPLES
from curate.finding import ORDER
from curate.links import found_links, near_links
from curate.review import open_blocking, review
from curate.split import SIZES, split
from curate.steps import Made, done_before, move_name
from curate.workspace import Workspace


def gate(workspace: Workspace, dataset: str, what: str, *, allow: bool = False) -> pl.DataFrame:
    """The review of a version, unless open blocking findings stop `what` (split, export).

    A version that a split made has the texts of the one it was made from, so that one's findings
    count; with its own, if it was scanned itself. Raises GateError.
    """
    tables = [review(workspace, d) for d in scanned_versions(workspace, dataset)]
    if allow:
        return pl.concat(tables) if tables else review(workspace, dataset)
    if not tables:
        raise GateError(
            f"cannot {what}: this version was never scanned, so nothing is known about it",
            hint="seatrial scan first; --allow-blocking goes on without",
        )
    table = pl.concat(tables).unique("finding_id", keep="first", maintain_order=True)
    blocking = open_blocking(table)
    if blocking.height:
        kinds = blocking.group_by("check").len().sort("check").iter_rows()
        raise GateError(
            f"cannot {what}: {blocking.height:,} blocking findings are open "
            f"({', '.join(f'{check} {count:,}' for check, count in kinds)})",
            hint="seatrial review --open; seatrial review --accept-safe, then seatrial apply; "
            "--allow-blocking goes on with them",
        )
    return table


def scanned_versions(workspace: Workspace, dataset: str) -> list[str]:
    """The version itself and, where a split made it, the ones it was made from; those that were scanned."""
    chain = [dataset]
    query = """select i.digest from run join run_artifact o using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.role = 'dataset'
               join run_end on run_end.run_id = run.run_id and error is null
               where kind = 'split' and o.direction = 'out' and o.role = 'dataset' and o.digest = ?
               order by run.run_id desc limit 1"""
    for row in (row for d in chain for row in workspace.ledger.rows(query, d)):
        if row["digest"] not in chain:
            chain.append(row["digest"])
    return [d for d in chain if workspace.made_from(d, kind="scan", role="findings")]


def split_version(
    workspace: Workspace,
    dataset: str,
    *,
    sizes: Sequence[float] = SIZES,
    seed: int = 0,
    by: str | None = "label",
    group: bool = True,
    keep_existing: bool = False,
    link_threshold: float = 0.6,
    allow_blocking: bool = False,
    random: bool = False,
    away_from: str | None = None,
) -> tuple[Made, dict[str, Any]]:
    """Divide a version and name the result; returns the report too. Raises GateError, ConfigError.

    `away_from` is the digest of another version: rows that its test holds, and all that hang together
    with them, get no split, so that a model trained on the rest knows nothing of that test.
    """
    table = gate(workspace, dataset, "split", allow=allow_blocking)
    findings = workspace.made_from(dataset, kind="scan", role="findings")
    inputs = {"dataset": dataset, **({"findings": findings} if findings else {})}
    if away_from:
        inputs["away_from"] = away_from
    params = {
        "sizes": list(sizes),
        "seed": seed,
        "by": by,
        "group": group,
        "keep_existing": keep_existing,
        "link_threshold": link_threshold,
        "random": random,
    }
    done = done_before(workspace, "split", params, inputs)
    if done is None:
        with workspace.run("split", params, inputs) as run:
            examples = workspace.examples(dataset)
            links = pl.concat([found_links(table), near_links(examples, link_threshold)])
            aside = _aside(workspace, examples, links, away_from)
            result = split(
                examples.filter(~aside), links, sizes=sizes, seed=seed, by=by, group=group,
                keep_existing=keep_existing, random=random,
            )  # fmt: skip
            divided = pl.concat([result.examples, examples.filter(aside).with_columns(split=None)])
            divided = divided.cast(EXAMPLES).join(
                examples.select("example_id"), on="example_id", how="right", maintain_order="right"
            )
            run.outputs["dataset"] = workspace.put_dataset(divided.select(EXAMPLES.names()))
            report = {**result.report.as_json(), "set_aside": int(aside.sum())}
            run.outputs["split-report"] = workspace.put_json("split-report", report)
        done = Made(run.run_id, run.outputs, recorded=False)
    if findings:
        carry_over(workspace, dataset, findings, done.outputs["dataset"])
    name_it = name_aside if random else move_name
    name_it(workspace, dataset, done.outputs["dataset"])
    told = workspace.json(done.outputs["split-report"])
    if not isinstance(told, dict):
        raise AccountError(f"artifact {done.outputs['split-report']} is no split report")
    return done, told


def _aside(
    workspace: Workspace, examples: pl.DataFrame, links: pl.DataFrame, away_from: str | None
) -> pl.Series:
    """For each example, whether it has to do with the test of the version to keep away from."""
    if away_from is None:
        return pl.Series("bound", [False] * examples.height, dtype=pl.Boolean)
    test = workspace.scan_examples(away_from).filter(pl.col("split") == "test")
    held = test.select("example_id").collect()["example_id"].to_list()
    if not held:
        raise ConfigError("the version to keep away from has no test rows", hint="split it first")
    return bound_to(examples, links, held)


def name_aside(workspace: Workspace, dataset: str, made: str) -> None:
    """Name a version for comparison `NAME-random`; the name itself keeps its meaning, and stays the newest."""
    name = workspace.name_of(dataset)
    if name is not None:
        means = workspace.ledger.resolve(name)
        workspace.ledger.set_name(f"{name.removesuffix('-random')}-random", made)
        workspace.ledger.set_name(name, means)


def carry_over(workspace: Workspace, parent: str, findings: str, made: str) -> Made:
    """Record a scan of a version that a split made: the leak check anew, the other findings as they were.

    A split changes no text, so what the other checks found still stands, under the same ids and with
    the same decisions. Only the leak check reads splits: it proves the division.
    """
    from curate.scan import make_checks, scan, settings_of

    # by both, for two versions with nothing to find have the same findings
    query = """select run.run_id, params from run join run_end using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.digest = ?
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.digest = ?
               where kind = 'scan' and error is null order by ended_at desc limit 1"""
    run_row = workspace.ledger.rows(query, parent, findings)[0]
    params: dict[str, Any] = json.loads(run_row["params"])
    inputs = {**workspace.ledger.run_artifacts(run_row["run_id"], "in"), "dataset": made}
    protected = [workspace.examples(d) for role, d in sorted(inputs.items()) if role != "dataset"]
    checks = make_checks([Leak.name], {Leak.name: params[Leak.name]}) if Leak.name in params else []
    not_run = {name: why for name, why in params.get("not_run", {}).items() if name != Leak.name}
    params = {**params, **settings_of(checks), "not_run": not_run, "carried_from": parent}
    done = done_before(workspace, "scan", params, inputs)
    if done is None:
        with workspace.run("scan", params, inputs) as run:
            found = scan(
                workspace.examples(made), checks, protected=pl.concat(protected) if protected else None
            )
            stay = workspace.table(findings).filter(pl.col("check") != Leak.name)
            both = pl.concat([stay, found.findings]).sort(*ORDER, "finding_id", nulls_last=False)
            run.outputs["findings"] = workspace.put_table("findings", both)
        done = Made(run.run_id, run.outputs, recorded=False)
    return done
