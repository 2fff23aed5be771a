"""What the screens show of versions and runs: plain rows, read from the ledger."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

from curate.workspace import Workspace

SHOWN = 8  # bars in a chart


@dataclass(frozen=True)
class Version:
    """A dataset version and where it came from."""

    digest: str
    name: str
    newest: bool  # whether the name means this version now
    rows: int
    made_by: str  # the kind of the run
    added_at: str


@dataclass(frozen=True)
class RunRow:
    """A run as the log tells it."""

    run_id: str
    kind: str
    command: str
    params: dict[str, Any]
    started_at: str
    ended_at: str | None
    error: str | None


@dataclass(frozen=True)
class Chart:
    """Counts to be drawn as bars; `more` says what was left out, or is empty."""

    title: str
    bars: list[tuple[str, int]]
    more: str = ""
    total: int = 0  # of which the bars are shares; 0: of their own sum


@dataclass(frozen=True)
class Portrait:
    """What one version looks like."""

    digest: str
    charts: list[Chart] = field(default_factory=list)
    findings: int | None = None  # None: never scanned
    open: int = 0
    blocking: int = 0
    rejected: str = ""  # how many rows its import could not read, and why the first; empty for none


def versions(workspace: Workspace) -> list[Version]:
    """All dataset versions that are there, newest first; those that were purged are in the log alone."""
    query = """
        select a.digest, a.rows, a.added_at,
            coalesce((select run.kind from run_artifact o join run using (run_id)
                      where o.digest = a.digest and o.direction = 'out' order by run_id limit 1),
                     (select 'protected' from run_artifact i where i.digest = a.digest
                      and i.direction = 'in' and i.role like 'protected%' limit 1)) as made_by,
            (select name from name where name.digest = a.digest order by name_id desc limit 1) as name,
            exists (select 1 from latest_name l where l.digest = a.digest) as newest
        from artifact a where a.kind = 'dataset' order by a.added_at desc, a.rowid desc"""
    return [
        Version(
            row["digest"], row["name"] or row["digest"][:8], bool(row["newest"]), row["rows"],
            row["made_by"] or "", row["added_at"],
        )
        for row in workspace.ledger.rows(query)
        if workspace.store.holds(row["digest"])
    ]  # fmt: skip


def runs(workspace: Workspace, limit: int = 10_000) -> list[RunRow]:
    """The newest runs, newest first."""
    query = """select run.*, run_end.ended_at, run_end.error from run left join run_end using (run_id)
               order by started_at desc limit ?"""
    return [
        RunRow(
            row["run_id"], row["kind"], row["command"], json.loads(row["params"]), row["started_at"],
            row["ended_at"], row["error"],
        )
        for row in workspace.ledger.rows(query, limit)
    ]  # fmt: skip


def portrait(workspace: Workspace, digest: str) -> Portrait:
    """The distributions of a version: labels, splits, lengths, and findings by check."""
    rows = workspace.scan_examples(digest)
    charts = [
        counted("labels", rows.select("label").collect()["label"], absent="(no label)"),
        counted("splits", rows.select("split").collect()["split"], absent="(not split)"),
        lengths(rows),
    ]
    if workspace.made_from(digest, kind="scan", role="findings") is None:
        return Portrait(digest, charts, rejected=rejected(workspace, digest))
    from curate.deciding.review import open_findings, review

    table = review(workspace, digest)
    found, left = table.filter(pl.col("action") != "keep"), open_findings(table)
    charts.insert(0, counted("findings", found["check"], of="findings"))
    blocking = int(left["blocking"].sum())
    return Portrait(digest, charts, found.height, left.height, blocking, rejected(workspace, digest))


def rejected(workspace: Workspace, digest: str) -> str:
    """How many rows could not be read when a version was imported, and why the first of them."""
    query = """select r.digest from run join run_artifact o on o.run_id = run.run_id and o.digest = ?
                   and o.role = 'dataset' and o.direction = 'out'
               join run_artifact r on r.run_id = run.run_id and r.role = 'rejects' and r.direction = 'out'
               where run.kind = 'import' order by run.started_at desc limit 1"""
    for made in workspace.ledger.rows(query, digest):
        if not workspace.store.holds(made["digest"]):
            return ""
        rows = workspace.table(made["digest"])
        for row in rows.head(1).iter_rows(named=True):
            were = "row was" if rows.height == 1 else "rows were"
            return f"{rows.height:,} {were} rejected; {row['source']}:{row['row']}: {row['reason']}"
    return ""


def counted(title: str, values: pl.Series, absent: str = "(none)", *, of: str = "rows") -> Chart:
    """How often each value occurs, most frequent first, at most SHOWN of them."""
    counts = values.fill_null(absent).value_counts(sort=True, name="n")
    rows = counts.sort(pl.col("n"), counts.columns[0], descending=[True, False])
    bars = [(str(value), int(n)) for value, n in rows.head(SHOWN).iter_rows()]
    left = rows.height - len(bars)
    more = f"and {left:,} more with {int(rows['n'][SHOWN:].sum()):,} {of}" if left else ""
    return Chart(title, bars, more, len(values))


def lengths(rows: pl.LazyFrame) -> Chart:
    """How long the conversations are, in characters, in bins of round widths."""
    text = pl.col("messages").list.eval(pl.element().struct.field("content").str.len_chars().fill_null(0))
    sizes = rows.select(text.list.sum().fill_null(0).alias("size")).collect()["size"]
    if sizes.is_empty():
        return Chart("length in characters", [])
    top = max(float(sizes.quantile(0.98) or 0), 1.0)
    width = _round_up(top / (SHOWN - 1))
    bins = (sizes // width).clip(upper_bound=SHOWN - 1).cast(pl.Int64).value_counts(name="n")
    count = dict(bins.iter_rows())
    first, last = min(count), max(count)
    names = [f"{i * width:,}-{(i + 1) * width - 1:,}" for i in range(SHOWN - 1)]
    names.append(f"{(SHOWN - 1) * width:,} and up")
    return Chart("length in characters", [(names[i], int(count.get(i, 0))) for i in range(first, last + 1)])


def _round_up(width: float) -> int:
    """The next of 10, 20, 50, 100, 200, 500 ..."""
    step = 10
    while True:
        for factor in (1, 2, 5):
            if step * factor >= width:
                return step * factor
        step *= 10


def ago(moment: str, *, at: datetime | None = None) -> str:
    """When something was, for a list: `just now`, `12 min ago`, `3 h ago`, else the date."""
    then = datetime.fromisoformat(moment)
    seconds = ((at or datetime.now(UTC)) - then).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{int(seconds // 60)} min ago"
    if seconds < 86400:
        return f"{int(seconds // 3600)} h ago"
    return then.astimezone().strftime("%Y-%m-%d")
