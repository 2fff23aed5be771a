"""Erasing raw values while the history stays: the ledger keeps each digest, with the run that erased it.

Raw are the versions from which a clean one was made, what was predicted on them, the rows that could
not be read, the texts of edits, free words that people said of them, and what caches remember of any row.
"""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import polars as pl

from curate.changing.erasing import Rows, Words, blank, ids_of, words_on
from curate.deciding.pending import held
from curate.deciding.review import EDIT_KIND
from curate.errors import ConfigError, ResourceError
from curate.workspace import Workspace

KIND = "purge"
# kinds that quote the rows, or name their labels
SAYING = frozenset(("predictions", "judgements", "prediction-notes", "notes", "split-report", "traps"))
COMPARED = "coverage"
STRAY_AFTER = 3600.0  # seconds after which what a killed command left behind is nobody's
CACHES = (
    "sketches",
    "vectors",
    "suggestions",
    "judge-cache",
    "replies",
)  # folders of the workspace that may be made again


class Raw(NamedTuple):
    """One artifact that holds raw values, and why it does."""

    digest: str
    kind: str
    why: str


class Plan(NamedTuple):
    """What a purge would erase, what it would leave though it may remember raw values."""

    dataset: str
    erase: list[Raw]
    left: list[Raw]
    words: Words = Words([], [], [])  # what people typed about the rows, and errors that may quote them


class Purged(NamedTuple):
    """What was erased."""

    run_id: str
    erased: list[str]
    caches: list[str]


def plan(workspace: Workspace, dataset: str) -> Plan:
    """What is raw behind a clean version. Raises ConfigError where the version itself is raw."""
    made = _made(workspace)
    ancestors = _reached(dataset, {new: [old for old, _, to in made if to == new] for _, _, new in made})
    if not any(kind == "apply" and new in {dataset, *ancestors} for _, kind, new in made):
        raise ConfigError(
            "this version is raw itself: nothing clean would be left", hint="seatrial apply makes a clean one"
        )
    kept = {dataset, *_reached(dataset, _children(made))}
    roots = {each for each in ancestors if not any(new == each for _, _, new in made)} or ancestors
    # what came of the imports without being cleaned on the way is as raw as they are
    unclean = _children([each for each in made if each[1] != "apply"])
    raw = (ancestors | roots | {each for root in roots for each in _reached(root, unclean)}) - kept
    raw |= _restored(workspace, kept | raw)
    erase = [Raw(digest, "dataset", "a version before the clean one") for digest in sorted(raw)]
    left: list[Raw] = []
    for digest in sorted(raw):
        for one in _of(workspace, digest):
            (erase if one.kind in SAYING or one.kind in ("rejects", COMPARED) else left).append(one)
    # of whatever version: its words are those of the inputs, which nobody has cleaned
    compared = [one for digest in sorted(kept) for one in _of(workspace, digest) if one.kind == COMPARED]
    erase += [one._replace(why="words of inputs that were compared") for one in compared]
    rows = _rows(workspace, raw, kept)
    erase += _edits(workspace, rows)
    there = [each for each in dict.fromkeys(erase) if _says_something(workspace, each)]
    words = words_on(workspace, rows, {*raw, dataset}, kept)
    return Plan(dataset, there, list(dict.fromkeys(left)), words)


def _rows(workspace: Workspace, raw: Collection[str], kept: Collection[str]) -> Rows:
    """The rows of the raw versions and of what came of them, and those of all other versions."""
    query = "select digest from artifact where kind = 'dataset'"
    others = {str(row["digest"]) for row in workspace.ledger.rows(query)} - {*raw, *kept}
    return Rows(ids_of(workspace, {*raw, *kept}), ids_of(workspace, others))


def _says_something(workspace: Workspace, raw: Raw) -> bool:
    """Whether it is there; of rejects, whether some row's text is."""
    if not (workspace.store.root / raw.digest).is_dir():
        return False
    return raw.kind != "rejects" or workspace.table(raw.digest)["text"].count() > 0


def purge(workspace: Workspace, planned: Plan) -> Purged:
    """Erase what was planned. The list is in the ledger before the first folder goes.

    Rejects are replaced by what a card needs of them: source, row and reason without what it quotes.
    """
    tables = {each.digest: workspace.table(each.digest) for each in planned.erase if each.kind == "rejects"}
    instead = {
        digest: workspace.put_table(
            "rejects",
            table.with_columns(
                text=pl.lit(None, dtype=table.schema["text"]),
                reason=pl.col("reason").str.replace_all("`[^`]*`", "…"),
            ),
        )
        for digest, table in tables.items()
    }
    erase = [each.digest for each in planned.erase]
    caches = [name for name in CACHES if (workspace.root / name).is_dir()]
    words = {name: len(rows) for name, rows in planned.words._asdict().items()}
    params = {"erased": erase, "instead": instead, "caches": caches, "blanked": words}
    with workspace.run(KIND, params, {"dataset": planned.dataset}) as run:
        for digest in erase:
            _remove(workspace, digest)
        for name in caches:
            shutil.rmtree(workspace.root / name)
        blank(workspace, planned.words)
        _sweep(workspace)
        run.outputs.update({f"rejects_{n}": new for n, new in enumerate(dict.fromkeys(instead.values()))})
    return Purged(run.run_id, erase, caches)


def purged(workspace: Workspace) -> dict[str, str]:
    """Digest to the time of the purge that erased it, of what is not there now."""
    query = "select params, started_at from run where kind = ? order by started_at"
    found: dict[str, str] = {}
    for row in workspace.ledger.rows(query, KIND):
        found |= dict.fromkeys(json.loads(row["params"])["erased"], row["started_at"])
    return {digest: at for digest, at in found.items() if not (workspace.store.root / digest).is_dir()}


def instead_of(workspace: Workspace) -> dict[str, str]:
    """Digest of an erased table to that of the one without raw values which a purge put in its place."""
    found: dict[str, str] = {}
    for row in workspace.ledger.rows("select params from run where kind = ? order by started_at", KIND):
        found |= json.loads(row["params"])["instead"]
    return found


def _sweep(workspace: Workspace) -> None:
    """Take away what killed commands left among the artifacts: it may hold rows, and the ledger has no word of it."""
    known = {str(row["digest"]) for row in workspace.ledger.rows("select digest from artifact")}
    for folder in workspace.store.root.iterdir():
        left = ".purged." in folder.name or time.time() - folder.stat().st_mtime > STRAY_AFTER
        if folder.is_dir() and folder.name not in known and left:
            shutil.rmtree(folder)


def _remove(workspace: Workspace, digest: str) -> None:
    """Take a folder away: first its name, so that nobody reads half of it."""
    folder = workspace.store.root / digest
    if not folder.is_dir():
        return
    try:
        away = folder.with_name(f".{digest}.purged.{secrets.token_hex(4)}")
        folder.rename(away)
        shutil.rmtree(away)
    except OSError as error:
        raise ResourceError(f"{folder}: {error}", hint="mend it and run the same purge again") from error


def _made(workspace: Workspace) -> list[tuple[str, str, str]]:
    """(old version, kind of run, new version) of each run that made a version out of another."""
    query = """select i.digest as old, run.kind as kind, o.digest as new from run
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.role = 'dataset'
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'dataset'
               where i.digest <> o.digest and run.kind <> 'restore'"""
    return [(str(row["old"]), str(row["kind"]), str(row["new"])) for row in workspace.ledger.rows(query)]


def _restored(workspace: Workspace, versions: set[str]) -> set[str]:
    """The versions that got their originals back from a vault."""
    query = """select i.digest as old, o.digest as new from run
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.role = 'dataset'
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'dataset'
               where run.kind = 'restore' and i.digest <> o.digest"""
    return {str(row["new"]) for row in workspace.ledger.rows(query) if row["old"] in versions}


def _children(made: Iterable[tuple[str, str, str]]) -> dict[str, list[str]]:
    children: dict[str, list[str]] = {}
    for old, _, new in made:
        children.setdefault(old, []).append(new)
    return children


def _reached(start: str, ways: Mapping[str, Iterable[str]]) -> set[str]:
    """All that can be reached from a digest, without itself."""
    reached: set[str] = set()
    waiting = list(ways.get(start, ()))
    while waiting:
        each = waiting.pop()
        if each not in reached:
            reached.add(each)
            waiting += ways.get(each, ())
    return reached - {start}


def _of(workspace: Workspace, dataset: str) -> list[Raw]:
    """What runs made of or together with a raw version, besides versions, findings and changes."""
    query = """select distinct o.digest, artifact.kind, run.kind as run from run_artifact d
               join run using (run_id)
               join run_artifact o on o.run_id = d.run_id and o.direction = 'out'
               join artifact on artifact.digest = o.digest
               where d.digest = ? and d.role = 'dataset' and artifact.kind not in ('dataset', 'findings', 'changes')"""
    known = SAYING | {"rejects", "adapter", COMPARED}
    rows = workspace.ledger.rows(query, dataset)
    return [
        Raw(str(row["digest"]), str(row["kind"]), f"made by {row['run']} of a raw version")
        for row in rows
        if row["kind"] in known
    ]


def _edits(workspace: Workspace, rows: Rows) -> list[Raw]:
    """The new texts of these rows, whether a decision names them or not: a merge may have been refused."""
    query = "select digest from artifact where kind = ? order by digest"
    there = held(workspace, [str(row["digest"]) for row in workspace.ledger.rows(query, EDIT_KIND)])
    return [
        Raw(d, EDIT_KIND, "the text of an edit") for d, edit in there.items() if rows.has(edit.example_id)
    ]
