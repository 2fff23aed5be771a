"""The last arrows: the gate, and what may pass it: split and export."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from curate.checks.leak import Leak
from curate.checks.leak.sides import between
from curate.checks.structure import Structure
from curate.deciding.review import RUN, UNAPPLIED, looked, open_blocking, review
from curate.dividing.splitting import Wish, divided, meaning
from curate.engine import Engine, Serial
from curate.errors import AccountError, GateError
from curate.finding import ORDER
from curate.runs.steps import Made, done_before, findings_of, move_name
from curate.scanning.embedding import AUTO, NONE, Encoder, Vectors, find_encoder
from curate.workspace import Workspace

SERIAL = Serial()
ROUNDS = 3  # of dividing again by what the proof found
LEAKS = (pl.col("check") == Leak.name) & between()  # findings between the parts of a split
PII = "pii"  # by name: its check has much to load


def gate(
    workspace: Workspace, dataset: str, what: str, *, allow: bool = False, anew: bool = False
) -> pl.DataFrame:
    """The review of a version, unless something stops `what` (split, export).

    That is: an open blocking finding, or a blocking check that never looked. A version that a split
    made has the texts of the one it was made from, so that one's scans and findings count; with its
    own, if it was scanned itself. `anew`: the rows are divided anew, so leaks between the parts they are in
    stop nothing, and are not in what is returned. Raises GateError.
    """
    tables = reviews(workspace, dataset)
    if allow:
        both = pl.concat(tables) if tables else review(workspace, dataset)
        return both.filter(~LEAKS) if anew else both
    if not tables:
        raise GateError(
            f"cannot {what}: this version was never scanned, so nothing is known about it",
            hint="seatrial scan first; --allow-blocking goes on without",
        )
    missing = never_looked(workspace, dataset)
    if missing:
        raise GateError(
            f"cannot {what}: never looked for: "
            + ", ".join(f"{check} ({why})" for check, why in missing.items()),
            hint="seatrial scan, without --check, looks for all (give --protect again where it was given); "
            "--allow-blocking goes on without",
        )
    table = pl.concat(tables).unique("finding_id", keep="first", maintain_order=True)
    counts = table.filter(~LEAKS) if anew else table
    blocking = open_blocking(counts)
    if blocking.height:
        kinds = blocking.group_by("check").len().sort("check").iter_rows()
        differ = int(blocking["differ"].sum())
        people = f"; on {differ:,} of them people differ: seatrial journal differences" if differ else ""
        raise GateError(
            f"cannot {what}: {blocking.height:,} blocking findings are open "
            f"({', '.join(f'{check} {count:,}' for check, count in kinds)}){people}",
            hint="seatrial review --open; seatrial review --accept-safe, then seatrial apply; "
            "--allow-blocking goes on with them",
        )
    unapplied = counts.filter(pl.col("blocking") & UNAPPLIED)
    if unapplied.height:
        raise GateError(
            f"cannot {what}: {unapplied.height:,} blocking findings are decided, and the decisions not applied",
            hint="seatrial apply, then scan the clean version; --allow-blocking goes on with the raw texts",
        )
    return counts


def reviews(workspace: Workspace, dataset: str) -> list[pl.DataFrame]:
    """Reviews of a version and of those that it was split from, as far as they were scanned.

    Of the latter without leaks between their parts: the rows were divided anew since.
    """
    return [
        table if each == dataset else table.filter(~LEAKS)
        for each in scanned_versions(workspace, dataset)
        for table in (review(workspace, each),)
    ]


def open_leaks(workspace: Workspace, dataset: str) -> int:
    """Findings between the parts of a version that block; 0 where it was never scanned."""
    return open_blocking(review(workspace, dataset).filter(LEAKS)).height if workspace.scans(dataset) else 0


def never_looked(workspace: Workspace, dataset: str) -> dict[str, str]:
    """The blocking checks that looked at neither a version nor the one it was split from, and why not.

    `leak` is among them where the version has splits to compare and it did not look at these, or
    where a scan was given protected rows that it did not see.
    """
    scanned = scanned_versions(workspace, dataset)
    said = [looked(workspace, d) for d in scanned]
    missing = {
        check: said[0][check] if said else "never scanned"
        for check in (Structure.name, PII)
        if all(each[check] != RUN for each in said)
    }
    here = looked(workspace, dataset)[Leak.name]
    splits = workspace.scan_examples(dataset).select("split").collect()
    runs = [scan for d in scanned for scan in workspace.scans(d)]
    given = {digest for scan in runs for digest in scan.protected}
    seen = {digest for scan in runs if Leak.name in scan.asked() for digest in scan.protected}
    if here != RUN and not Leak().obstacle(splits):
        missing[Leak.name] = here
    elif given - seen:
        missing[Leak.name] = "protected rows were given to a scan without it"
    return missing


def looked_in(workspace: Workspace, dataset: str) -> dict[str, str]:
    """For each check that looked at a version or the one it was split from, the newest run that did.

    It goes into the record of what passed the gate, so that the settings in force can be looked up.
    """
    runs: dict[str, str] = {}
    for version in scanned_versions(workspace, dataset):
        for stands in workspace.standing(version):
            for check in sorted(stands.checks):
                runs.setdefault(check, stands.scan.run_id)
    return runs


def scanned_versions(workspace: Workspace, dataset: str) -> list[str]:
    """The version itself and, where a split made it, the ones it was made from; those that were scanned.

    Of one that was purged nothing can be read any more; a split carried its findings over.
    """
    chain = [dataset]
    query = """select i.digest from run join run_artifact o using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.role = 'dataset'
               join run_end on run_end.run_id = run.run_id and error is null
               where kind = 'split' and o.direction = 'out' and o.role = 'dataset' and o.digest = ?
               order by run.run_id desc limit 1"""
    for row in (row for d in chain for row in workspace.ledger.rows(query, d)):
        if row["digest"] not in chain:
            chain.append(row["digest"])
    return [d for d in chain if workspace.store.holds(d) and workspace.scans(d)]


def split_version(
    workspace: Workspace,
    dataset: str,
    wish: Wish | None = None,
    *,
    allow_blocking: bool = False,
    away_from: str | None = None,
    engine: Engine = SERIAL,
) -> tuple[Made, dict[str, Any]]:
    """Divide a version and name the result; returns the report too. Raises GateError, ConfigError.

    `away_from` is the digest of another version: rows that its test holds, and all that hang together
    with them, get no split, so that a model trained on the rest knows nothing of that test. `engine` is
    where the leak check that proves the division runs; it changes no result.
    """
    wish = wish or Wish()
    table = gate(workspace, dataset, "split", allow=allow_blocking, anew=not wish.keep_existing)
    inputs = {"dataset": dataset, **findings_of(workspace, dataset)}
    if away_from:
        inputs["away_from"] = away_from
    chosen = meaning(workspace, dataset, wish)
    params = {
        **wish.as_json(),
        "encoder": chosen.encoder.told if chosen.encoder else chosen.reason,
        "scans": looked_in(workspace, dataset),
    }

    def division(leaks: pl.DataFrame | None, known: Mapping[str, str]) -> Made:
        """The version divided, with these leaks as ties too, and scanned for leaks."""
        done = done_before(workspace, "split", params, known)
        if done is None:
            with workspace.run("split", params, known) as run:
                examples, report = divided(workspace, dataset, table, wish, away_from, leaks)
                run.outputs["dataset"] = workspace.put_dataset(examples)
                run.outputs["split-report"] = workspace.put_json("split-report", report)
            done = Made(run.run_id, run.outputs, recorded=False)
        if workspace.scans(dataset):
            carry_over(workspace, dataset, done.outputs["dataset"], engine)
        return done

    done = division(None, inputs)
    if not (wish.random or wish.keep_existing):
        done = _without_leaks(workspace, done, inputs, division)
    name_it = name_aside if wish.random else move_name
    name_it(workspace, dataset, done.outputs["dataset"])
    told = workspace.json(done.outputs["split-report"])
    if not isinstance(told, dict):
        raise AccountError(f"artifact {done.outputs['split-report']} is no split report")
    return done, told


def _without_leaks(
    workspace: Workspace,
    done: Made,
    inputs: Mapping[str, str],
    division: Callable[[pl.DataFrame | None, Mapping[str, str]], Made],
) -> Made:
    """The division, done again with the leaks that its own proof found as ties, while fewer are left.

    Groups that are cut in two on request are no such leaks. A division that falls short where the one before did not is not
    taken.
    """
    crossing = LEAKS & pl.col("blocking") & pl.col("other_id").is_not_null()
    crossing &= ~pl.col("label").str.ends_with("-group")
    leaks: pl.DataFrame | None = None
    for _ in range(ROUNDS):
        made = done.outputs["dataset"]
        scans = workspace.scans(made)
        if not scans:
            return done
        found = review(workspace, made).filter(crossing)
        if found.is_empty():
            return done
        leaks = (
            found if leaks is None else pl.concat([leaks, found]).unique("finding_id", maintain_order=True)
        )
        other = division(leaks, {**inputs, "leaks": scans[0].findings})
        left = review(workspace, other.outputs["dataset"]).filter(crossing).height
        if left >= found.height or (_short(workspace, other) and not _short(workspace, done)):
            return done
        done = other
    return done


def _short(workspace: Workspace, made: Made) -> bool:
    """Whether a part of a division is not what was asked for."""
    told = workspace.json(made.outputs["split-report"])
    return isinstance(told, dict) and bool(told.get("short"))


def name_aside(workspace: Workspace, dataset: str, made: str) -> None:
    """Name a version for comparison `NAME-random`; the name itself keeps its meaning, and stays the newest."""
    name = workspace.name_of(dataset)
    if name is not None:
        means = workspace.ledger.resolve(name)
        workspace.ledger.set_name(f"{name.removesuffix('-random')}-random", made)
        workspace.ledger.set_name(name, means)


def carry_over(workspace: Workspace, parent: str, made: str, engine: Engine = SERIAL) -> Made:
    """Record a scan of a version that a split made: the leak check anew, the other findings as they were.

    A split changes no text, so what the other checks found still stands, under the same ids and with
    the same decisions. Only the leak check reads splits: it proves the division.
    """
    from curate.scanning.scan import make_checks, obstacles, scan, settings_of, with_encoders

    def vectors(encoder: Encoder) -> Vectors:
        """What was encoded before in this workspace is not encoded again."""
        return Vectors(encoder, workspace.vectors / encoder.fingerprint)

    before = list(reversed(workspace.scans(parent)))
    settings = {check: values for each in before for check, values in each.settings.items()}
    settings |= {
        check: stands.scan.settings[check]
        for stands in workspace.standing(parent)
        for check in stands.checks & stands.scan.settings.keys()
    }
    own = dict(settings.get(Leak.name, {}))
    own["encoder"] = found_again(str(own.get("encoder", NONE)))
    asked = make_checks([Leak.name], {Leak.name: own})
    checks, _ = with_encoders(asked)
    given = dict.fromkeys(digest for each in before for digest in each.protected)
    inputs = {"dataset": made, **{f"protected_{n}": digest for n, digest in enumerate(given)}}
    examples = workspace.examples(made)
    protected = pl.concat([workspace.examples(digest) for digest in given]) if given else None
    said = looked(workspace, parent)
    not_run = {check: why for check, why in said.items() if check in settings and why != RUN}
    not_run.pop(Leak.name, None)
    not_run |= dict(obstacles(examples, checks, protected))
    params = {**settings, **settings_of(checks), "not_run": not_run, "carried_from": parent}
    done = done_before(workspace, "scan", params, inputs)
    if done is None:
        with workspace.run("scan", params, inputs) as run:
            found = scan(examples, asked, protected=protected, engine=engine, vectors=vectors)
            stay = workspace.findings(parent)
            parts = [] if stay is None else [stay.filter(pl.col("check") != Leak.name)]
            both = pl.concat([*parts, found.findings]).sort(*ORDER, "finding_id", nulls_last=False)
            run.outputs["findings"] = workspace.put_table("findings", both)
        done = Made(run.run_id, run.outputs, recorded=False)
    return done


def found_again(told: str) -> str:
    """What names the encoder that a scan recorded; `none` where it is not at hand, which the scan then says."""
    if told == NONE:  # nothing to find again: loading an encoder to see that takes seconds
        return NONE
    name = told.partition("@")[0]
    for candidate in (AUTO, name) if name.count("/") == 1 else (AUTO,):
        found = find_encoder(candidate)
        if found is not None and found.told == told:
            return candidate
    return NONE
