"""A recipe carried out: import, scan, apply what is safe, scan again, split, export; with an account.

Each step is a recorded run. A job that was killed and is started again takes up the recorded runs, and
ends in the same bytes.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from curate.answer import counted
from curate.changing.apply import dropped_by
from curate.changing.keys import KEY_PLACES, Ways, opened
from curate.checks.leak import Leak
from curate.deciding import byhand
from curate.deciding.review import (
    RUN,
    accept_safe,
    looked,
    open_findings,
    record,
    review,
    safe,
    summary,
)
from curate.engine import engine_of
from curate.errors import AccountError, GateError
from curate.people.journal import merge
from curate.people.journal import read as read_journal
from curate.people.replay import replay
from curate.runs.outgoing import export_version, must_be_of, shown_place
from curate.runs.recipe import Recipe
from curate.runs.release import gate, split_version
from curate.runs.steps import Imported, Reading, apply_decisions, import_files, scan_version
from curate.workspace import Workspace

REJECTS_SHOWN = 5
ALARM_FROM = 10  # rows a source or label must have: losing one of two is no disaster


@dataclass
class Account:
    """What became of every row."""

    read: int = 0
    rejected: int = 0
    dropped: dict[str, int] = field(default_factory=dict)  # by check/label
    out: int = 0

    def close(self) -> None:
        """Raise AccountError unless rows read = out + dropped + rejected."""
        total = self.out + sum(self.dropped.values()) + self.rejected
        if total != self.read:
            raise AccountError(f"{self.read} rows read, but {total} are accounted for: {asdict(self)}")

    def lines(self) -> list[str]:
        """The account as a block whose figures add up."""
        rows = [("rows read", self.read), ("rejected", -self.rejected)]
        rows += [(f"dropped: {reason}", -count) for reason, count in sorted(self.dropped.items())]
        rows.append(("rows out", self.out))
        width = max(len(name) for name, _ in rows)
        return [f"  {name:<{width}}  {count:>10,}" for name, count in rows]


@dataclass
class Outcome:
    """What a recipe made."""

    name: str
    dataset: str
    account: Account
    rounds: int
    redacted: int
    open: int
    summary: list[dict[str, Any]]
    not_run: list[str]
    split: dict[str, Any] | None = None
    written: list[str] = field(default_factory=list)
    refused: str = ""  # why nothing was written, where an export was asked for


def run_recipe(workspace: Workspace, recipe: Recipe, *, again: bool = False) -> Outcome:
    """Carry out a recipe. Raises GateError where the data says no: rejects, an alarm, open findings.

    An export that the data refuses is told by the outcome, with all that was done before it.
    """
    source = recipe.source
    reading = Reading(
        source.format, source.label, source.group, source.split, dict(source.columns), dict(source.roles),
        encoding=source.encoding,
    )  # fmt: skip
    files = [recipe.place(name) for name in source.files]
    imported = import_files(workspace, files, reading, name=source.name, again=again)
    if imported.rejected and not source.allow_rejects:
        raise GateError(
            f"{counted(imported.rejected, 'row')} could not be read: {_first_rejects(workspace, imported)}",
            hint="seatrial import --rejects-to FILE writes them; allow_rejects = true goes on without them",
        )
    account = Account(read=imported.rows + imported.rejected, rejected=imported.rejected)
    if recipe.export is not None and not recipe.export.overwrite:
        must_be_of(account.read, imported.name, recipe.place(recipe.export.to))
    dataset, rounds, redacted, not_run = _clean(
        workspace, recipe, imported.made.outputs["dataset"], account, again=again
    )
    account.out = workspace.scan_examples(dataset).select(pl.len()).collect().item()
    account.close()
    table = review(workspace, dataset)
    left = open_findings(table)
    doubtful = left.filter(~pl.col("blocking"))
    if recipe.split or recipe.export:
        anew = recipe.split is not None and not recipe.split.keep_existing
        gate(workspace, dataset, "go on", allow=recipe.gate.allow_blocking, anew=anew)
    if doubtful.height and recipe.gate.on_open == "stop":
        raise GateError(
            f"{counted(doubtful.height, 'finding')} wait{'s' if doubtful.height == 1 else ''} for a person",
            hint='seatrial review --open lists them; on_open = "continue" leaves them in the queue',
        )
    outcome = Outcome(
        imported.name, dataset, account, rounds, redacted, left.height, summary(table).to_dicts(), not_run
    )
    _release(workspace, recipe, outcome)
    return outcome


def _first_rejects(workspace: Workspace, imported: Imported) -> str:
    """Where and why the first of the rows could not be read."""
    rejects = workspace.table(imported.made.outputs["rejects"])
    shown = rejects.head(REJECTS_SHOWN).iter_rows(named=True)
    told = "; ".join(f"{row['source']}:{row['row']}: {row['reason']}" for row in shown)
    rest = rejects.height - REJECTS_SHOWN
    return told + (f"; and {rest:,} more" if rest > 0 else "")


def _clean(
    workspace: Workspace, recipe: Recipe, dataset: str, account: Account, *, again: bool
) -> tuple[str, int, int, list[str]]:
    """(clean and scanned version, rounds of applying, redactions, checks that did not run).

    Redaction makes new duplicates, so what was applied is scanned again, until nothing safe is left.
    """
    dropped: Counter[str] = Counter()
    redacted = 0
    ways = ways_of(recipe)  # before the first scan: a key that is not there is known at once
    journals = [read_journal(Path(recipe.place(name))) for name in recipe.review.journal]
    if any(journal.steps for journal in journals):
        done_again = replay(workspace, journals, dataset, ways, recipe)
        account.dropped = done_again.dropped
        return done_again.dataset, done_again.rounds, done_again.redacted, done_again.not_run
    merge(workspace, journals)
    marks = {i: mark for journal in journals for i, mark in journal.marks.items()}
    for done in range(recipe.apply.rounds + 1):
        scanned = scan_version(
            workspace,
            dataset,
            names=recipe.scan.checks or None,
            settings=recipe.checks,
            protect=[recipe.place(name) for name in recipe.scan.protect],
            encoder=recipe.scan.encoder,
            engine=recipe.scan.engine,
            workers=recipe.scan.workers,
            again=again,
        )
        byhand.place(workspace, [dataset], marks)
        table = review(workspace, dataset)
        as_if = _as_if(table, recipe.apply.also)
        limits = recipe.gate.largest_cluster, recipe.gate.largest_loss
        alarms = alarms_of(workspace.examples(dataset), as_if, *limits)
        if alarms and done == 0:
            raise GateError(
                f"this would do too much at once: {'; '.join(alarms)}",
                hint="look with seatrial review; raise largest_cluster or largest_loss in [gate] if it is right",
            )
        if done == recipe.apply.rounds:
            break
        if record(workspace, accept_safe(table, also=recipe.apply.also, by=recipe.reviewer)):
            table = review(workspace, dataset)
        if table.filter(pl.col("decided").is_in(["drop", "redact", "edit"])).is_empty():
            break
        applied = apply_decisions(workspace, dataset, **ways)
        for change in applied.changes.filter(pl.col("change") == "drop").iter_rows(named=True):
            dropped[f"{change['check']}/{change['label']}"] += 1
        redacted += applied.changes.filter(pl.col("change") == "redact").height
        if applied.made.outputs["dataset"] == dataset:
            break
        dataset = applied.made.outputs["dataset"]
    account.dropped = dict(dropped)
    return dataset, done, redacted, [f"{name}: {reason}" for name, reason in scanned.not_run]


def ways_of(recipe: Recipe) -> Ways:
    """How the recipe wants values replaced, with the key and the vault that it names opened."""
    said = recipe.apply
    place = {name: recipe.place(getattr(said, name)) if getattr(said, name) else "" for name in KEY_PLACES}
    return opened(
        style=said.style,
        numbered=said.numbered,
        scope=said.scope,
        key_env=said.key_env,
        vault_env=said.vault_env,
        **place,
    )


def _as_if(table: pl.DataFrame, also: Collection[str]) -> pl.DataFrame:
    """The review as it would be with the safe proposals accepted."""
    taken = pl.col("finding_id").is_in(safe(table, also)["finding_id"].implode())
    return table.with_columns(decided=pl.when(taken).then("action").otherwise("decided"))


def alarms_of(
    examples: pl.DataFrame, table: pl.DataFrame, largest_cluster: float, largest_loss: float
) -> list[str]:
    """What is suspicious about a review's decisions, in words; nothing where all is in proportion.

    A cluster of more than `largest_cluster` of all rows, and a source or a label of at least
    ALARM_FROM rows that would lose more than `largest_loss` of its own.
    """
    rows = examples.height
    alarms: list[str] = []
    clusters = table.filter(pl.col("cluster_id").is_not_null()).group_by("check", "cluster_id").len()
    for check, _, size in clusters.sort("len", "check", descending=True).iter_rows():
        if rows >= ALARM_FROM and size > largest_cluster * rows:
            alarms.append(f"a {check} cluster holds {size:,} of {rows:,} rows ({size / rows:.0%})")
    gone = pl.col("example_id").is_in(sorted(dropped_by(examples, table)))
    for column in ("source", "label"):
        losses = examples.group_by(column).agg(rows=pl.len(), lost=gone.sum()).drop_nulls(column).sort(column)
        for name, total, lost in losses.iter_rows():
            if total >= ALARM_FROM and lost > largest_loss * total:
                alarms.append(
                    f"{column} `{name}` would lose {lost:,} of its {total:,} rows ({lost / total:.0%})"
                )
    return alarms


def _release(workspace: Workspace, recipe: Recipe, outcome: Outcome) -> None:
    """Split and export, as far as the recipe asks."""
    allow = recipe.gate.allow_blocking
    if recipe.split is not None:
        engine = engine_of(recipe.scan.engine, recipe.scan.workers)
        try:
            made, outcome.split = split_version(
                workspace, outcome.dataset, recipe.split.wish(), allow_blocking=allow, engine=engine
            )
        finally:
            engine.close()
        outcome.dataset = made.outputs["dataset"]
        if looked(workspace, outcome.dataset)[Leak.name] == RUN:  # between the parts that were made now
            outcome.not_run = [each for each in outcome.not_run if not each.startswith(f"{Leak.name}: ")]
    if recipe.export is not None:
        try:
            exported = export_version(
                workspace,
                outcome.dataset,
                recipe.place(recipe.export.to),
                recipe.export.formats,
                allow_blocking=allow,
                overwrite=recipe.export.overwrite,
                command=shlex.join(["seatrial", "curate", shown_place(recipe.path)]),
            )
        except GateError as error:  # told with the account of what was done up to here
            outcome.refused = f"{error.message}; {error.hint}"
        else:
            outcome.written = [str(path) for path, _ in exported.written]
