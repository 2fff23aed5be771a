"""What a purge blanks in the ledger: free words of people on raw rows, and errors that may quote them.

That something was said, by whom and when stays; what it said does not.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import polars as pl

from curate.deciding.notes import PREFIX as NOTE
from curate.errors import ResourceError
from curate.labelling.answers import is_raw, shown_hashes
from curate.labelling.tasks import SHOWN, Task
from curate.workspace import Workspace
from curate.workspace.differences import MACHINES

ERASED = "[erased by a purge]"
LABEL = "label:"
ANSWER = json.dumps({"answer": ERASED, "raw": True})  # what stands in place of a free-text answer


class Rows(NamedTuple):
    """The rows that a purge is about: `behind` the clean version, and those of versions that it leaves alone."""

    behind: frozenset[str]
    elsewhere: frozenset[str]

    def has(self, example_id: str) -> bool:
        """Whether a row is meant. One that no version has any more is: its version was purged before."""
        return example_id in self.behind or example_id not in self.elsewhere


class Words(NamedTuple):
    """What is to be blanked: the ledger's rows, each with what it says then."""

    answers: list[tuple[str, int]]  # (new value, annotation_id)
    notes: list[tuple[str, int]]  # (new note, decision_id)
    errors: list[tuple[str, str]]  # (new error, run_id)

    def __bool__(self) -> bool:
        return bool(self.answers or self.notes or self.errors)


def ids_of(workspace: Workspace, datasets: Collection[str]) -> frozenset[str]:
    """The ids of the rows of those versions that are there."""
    found: set[str] = set()
    for digest in datasets:
        if (workspace.store.root / digest).is_dir():
            found |= set(workspace.scan_examples(digest).select("example_id").collect()["example_id"])
    return frozenset(found)


def words_on(workspace: Workspace, rows: Rows, raw: Collection[str], kept: Collection[str]) -> Words:
    """What people typed freely about rows as they were before they were cleaned, and errors of the runs on them.

    What was said of a text that a kept version has just so stays. A failed import has no rows: the errors
    of all of them go.
    """
    there = [digest for digest in kept if (workspace.store.root / digest).is_dir()]
    tables = [table for table in map(workspace.findings, there) if table is not None]
    known = {i for table in tables for i in table["finding_id"]}
    said = workspace.ledger.rows("select * from decision where note not in ('', ?)", ERASED)
    notes = [
        (ERASED, row["decision_id"])
        for row in said
        if not row["reviewer"].startswith(MACHINES)  # a rule's note is of the program's making
        and rows.has(row["example_id"])
        and row["finding_id"] not in known
    ]
    return Words(list(_answers(workspace, rows, there, known)), notes, _errors(workspace, raw))


def _answers(
    workspace: Workspace, rows: Rows, kept: Collection[str], known: Collection[str]
) -> Iterator[tuple[str, int]]:
    """The notes and free-text answers that go; `known` are the findings on kept versions."""
    query = "select * from annotation where value is not null and value not in (?, ?) order by annotation_id"
    found = [
        row for row in workspace.ledger.rows(query, ERASED, ANSWER) if row["key"].startswith((NOTE, LABEL))
    ]
    typed = _typed(workspace, found)
    found = [
        row
        for row in found
        if (row["key"] in typed or is_raw(row["key"], row["value"])) and rows.has(row["example_id"])
    ]
    judged = _judged(workspace, kept, {r["example_id"] for r in found if r["key"].startswith(LABEL)})
    for row in found:
        if row["key"].startswith(NOTE):
            if row["key"].removeprefix(NOTE) not in known:
                yield ERASED, row["annotation_id"]
        elif row["content_hash"] not in judged:
            yield ANSWER, row["annotation_id"]


def _typed(workspace: Workspace, rows: Collection[sqlite3.Row]) -> set[str]:
    """The keys whose answers are typed: some are marked so, or a run that made labels of them says it."""
    typed = {row["key"] for row in rows if is_raw(row["key"], row["value"])}
    for run in workspace.ledger.rows("select params from run where kind = 'label'"):
        params: Mapping[str, object] = json.loads(run["params"])
        if params.get("kind") == "text":
            typed.add(f"{LABEL}{params.get('task')}")
    return typed


def _judged(workspace: Workspace, kept: Collection[str], ids: Collection[str]) -> set[str]:
    """The hashes of what a task shows of these rows as kept versions have them, whatever it shows."""
    found: set[str] = set()
    for digest in kept if ids else ():
        table = workspace.scan_examples(digest).filter(pl.col("example_id").is_in(sorted(ids))).collect()
        for show in SHOWN:
            found |= set(shown_hashes(Task("any", show=show), table))
    return found


def _errors(workspace: Workspace, raw: Collection[str]) -> list[tuple[str, str]]:
    """The errors of imports, and of runs that read one of these versions; their kind stays."""
    query = """select distinct run_end.run_id, error from run_end join run using (run_id)
               left join run_artifact i on i.run_id = run.run_id and i.direction = 'in'
               where error is not null and (kind = 'import' or i.digest in (select value from json_each(?)))"""
    found = []
    for row in workspace.ledger.rows(query, json.dumps(sorted(raw))):
        new = f"{row['error'].partition(':')[0][:100]}: {ERASED}"
        if new != row["error"]:
            found.append((new, str(row["run_id"])))
    return found


def blank(workspace: Workspace, words: Words) -> None:
    """Let these rows of the ledger say nothing any more, in its file and in what SQLite keeps beside it.

    Raises ResourceError where another process holds the ledger; doing it again takes it up.
    """
    ledger = workspace.ledger

    def write() -> None:
        ledger.db.executemany("update annotation set value = ? where annotation_id = ?", words.answers)
        ledger.db.executemany("update decision set note = ? where decision_id = ?", words.notes)
        ledger.db.executemany("update run_end set error = ? where run_id = ?", words.errors)

    ledger.together(write)
    with ledger.alone:
        try:
            # pages keep what stood in them until they are written anew; so does the log beside the file
            ledger.db.execute("vacuum")
            busy = ledger.db.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
        except sqlite3.OperationalError as error:
            raise ResourceError(
                f"{ledger.path}: {error}", hint="end the other process or free the disk, then purge again"
            ) from error
    if busy:
        raise ResourceError(
            f"{ledger.path} is in use, so its log still has what was erased",
            hint="end the other process, then purge again",
        )
