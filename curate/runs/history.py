"""Looking back: the runs, and whether everything is still what it was. One row's life: `biography`."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import polars as pl

from curate.changing.purge import purged
from curate.progress import Progress
from curate.workspace import Workspace


class RunLine(NamedTuple):
    """One run, as `log` tells it."""

    run_id: str
    kind: str
    started_at: str
    seconds: float | None  # None while it runs, or when it was killed
    command: str
    inputs: dict[str, str]  # role to name or digest
    outputs: dict[str, str]
    rows: dict[str, int]  # rows of the outputs that have rows, by role
    error: str | None


def run_lines(workspace: Workspace, limit: int) -> tuple[list[RunLine], int]:
    """(the newest runs, newest first, how many there are in all)."""
    query = """select run.*, run_end.ended_at, run_end.error from run left join run_end using (run_id)
               order by started_at desc, run_id desc limit ?"""
    lines = []
    for row in workspace.ledger.rows(query, limit):
        outputs = workspace.ledger.run_artifacts(row["run_id"], "out")
        spent = None
        if row["ended_at"]:
            ended = datetime.fromisoformat(row["ended_at"])
            spent = (ended - datetime.fromisoformat(row["started_at"])).total_seconds()
        inputs = workspace.ledger.run_artifacts(row["run_id"], "in")
        rows = {role: count for role, digest in outputs.items() if (count := _rows(workspace, digest))}
        lines.append(
            RunLine(
                row["run_id"], row["kind"], row["started_at"], spent, row["command"],
                {role: called(workspace, digest) for role, digest in inputs.items()},
                {role: called(workspace, digest) for role, digest in outputs.items()},
                rows, row["error"],
            )
        )  # fmt: skip
    total = workspace.ledger.rows("select count(*) as n from run")[0]["n"]
    return lines, int(total)


def called(workspace: Workspace, digest: str) -> str:
    """How a person knows an artifact: name and 8 digits of the digest."""
    name = workspace.name_of(digest)
    return f"{name}@{digest[:8]}" if name else digest[:8]


def _rows(workspace: Workspace, digest: str) -> int:
    found = workspace.ledger.rows("select rows from artifact where digest = ?", digest)
    return int(found[0]["rows"]) if found else 0


# whether everything is still what it was


class Damage(NamedTuple):
    """An artifact that is not what its name says, or is not there."""

    digest: str
    kind: str
    what: str


class Verified(NamedTuple):
    """What was looked at, what is wrong with it, and what lies about without being wrong."""

    artifacts: int
    damage: list[Damage]
    strays: list[str]  # folders that no run knows: left by a killed run, they may be deleted
    purged: list[str]  # digests of what a purge erased


def verify(workspace: Workspace) -> Verified:
    """Derive every digest again, and look at the ledger's own integrity."""
    damage = [
        Damage("ledger.db", "ledger", str(row[0]))
        for row in workspace.ledger.rows("pragma integrity_check")
        if row[0] != "ok"
    ]
    gone = purged(workspace)
    artifacts = workspace.ledger.rows("select digest, kind from artifact order by added_at, digest")
    with Progress("verify", total=len(artifacts)) as progress:
        for digest, kind in artifacts:
            what = "" if digest in gone else _wrong(workspace, digest, kind)
            if what:
                damage.append(Damage(digest, kind, what))
            progress.step()
    # an artifact is on the disk a moment before the ledger knows it: a kill in between leaves a stray
    known = {row["digest"] for row in artifacts}
    strays = sorted(p.name for p in workspace.store.root.iterdir() if p.name not in known)
    return Verified(len(artifacts) - len(gone), damage, strays, sorted(gone))


def _wrong(workspace: Workspace, digest: str, kind: str) -> str:
    """What is wrong with an artifact; empty if nothing is."""
    folder = workspace.store.root / digest
    if not folder.is_dir():
        return "missing"
    try:
        derived = workspace.store.derive(digest, kind)
    except (OSError, pl.exceptions.PolarsError, ValueError) as error:
        return f"cannot be read: {type(error).__name__}"
    return "" if derived == digest else f"its content has the digest {derived}"
