"""Journals: what people said, as JSON lines that go from workspace to workspace and merge in any order.

A journal is a set of words, each with a uid; merging is the union of sets. So it does not matter how
often or in which order journals are merged, nor whether one is cut from another: equal sets are equal
states, differences between people included. Nothing is merged of a journal that has a bad line.

The first line says what the file is; then come the words in the order of (time, uid):

    {"kind": "journal", "version": 1}
    {"kind": "decision", "uid": ..., "finding_id": ..., "action": "drop", "reviewer": "anna", ...}
    {"kind": "annotation", "uid": ..., "example_id": ..., "key": "label:queue", "value": ..., ...}
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from sqlite3 import Row
from typing import NamedTuple

import polars as pl

from curate.changing.apply import Edit
from curate.changing.erasing import ANSWER, ERASED
from curate.changing.purge import purged
from curate.deciding import byhand
from curate.deciding.edit_texts import keep_edits
from curate.deciding.notes import LEFT_OUT, is_typed
from curate.errors import ResourceError, SourceError
from curate.labelling.answers import is_raw
from curate.people.journal_lines import (
    ANNOTATION,
    DECISION,
    JOURNAL,
    MARK,
    RAW,
    STEP,
    VERSION,
    Known,
    checked,
    future,
    parsed,
)
from curate.workspace import Workspace
from curate.workspace.store import TABLE

Line = dict[str, object]
BLANK = (ERASED, LEFT_OUT)  # notes that say nothing any more, or not here
_TABLES = {DECISION: "decision", ANNOTATION: "annotation"}
_AT = {DECISION: "decided_at", ANNOTATION: "annotated_at"}


@dataclass(frozen=True)
class Journal:
    """A journal as read: its words by uid, the new texts of edits by digest, and whether it was cut off."""

    path: Path
    words: Mapping[str, Line]
    edits: Mapping[str, Edit] = field(default_factory=dict)
    marks: Mapping[str, byhand.Mark] = field(default_factory=dict)  # what people found, by finding id
    steps: Sequence[tuple[int, Line]] = ()  # of a session: how many words stand before each, and the step
    torn: bool = False


class Merged(NamedTuple):
    """What a merge came to."""

    decisions: int  # new ones
    annotations: int
    known: int  # words that were here already
    strangers: int  # new decisions about findings that no scan here found
    edits: int  # new texts taken over
    missing: int  # new decisions to edit whose text came with no journal
    torn: tuple[str, ...]  # files whose last line was cut off
    people: tuple[str, ...]  # whose words came
    marks: int  # findings that people made, which stand here now


# out


def export(workspace: Workspace, *, by: str | None = None, with_edits: bool = False) -> Iterator[str]:
    """The lines of a journal: of everybody's words, or one reviewer's.

    With `with_edits` the new text of each edit goes along, and so do notes and answers that were typed
    freely: they are raw. Without it a decision says only that there was a note. The same words make the
    same bytes.
    """
    yield dumped({"kind": JOURNAL, "version": VERSION})
    rows: list[tuple[str, str, str, Row]] = []
    for kind, table in _TABLES.items():
        found = [row for row in _by(workspace, table, by) if with_edits or not _typed(kind, row)]
        rows += [(row[_AT[kind]], row["uid"], kind, row) for row in found]
    marks = byhand.marks(workspace)
    for _, _, kind, row in sorted(rows, key=lambda each: each[:2]):
        line = line_of(workspace, kind, row, with_edits=with_edits)
        if not with_edits and _noted(kind, row):
            line["note"] = LEFT_OUT
        if kind == DECISION and row["finding_id"] in marks:
            line[MARK] = marks[row["finding_id"]]
        yield dumped(line)


def left_out(workspace: Workspace, *, by: str | None = None) -> int:
    """How many notes and free answers an export without `with_edits` leaves out, for they may hold anything."""
    every = ((kind, row) for kind, table in _TABLES.items() for row in _by(workspace, table, by))
    return sum(_typed(kind, row) or _noted(kind, row) for kind, row in every)


def _by(workspace: Workspace, table: str, by: str | None) -> list[Row]:
    return workspace.ledger.rows(f"select * from {table} where ? is null or reviewer = ?", by, by)


def _typed(kind: str, row: Row) -> bool:
    """Whether a word is a note or an answer in free text."""
    return kind == ANNOTATION and is_raw(row["key"], row["value"])


def _noted(kind: str, row: Row) -> bool:
    """Whether a word is a decision with a note in free text."""
    return kind == DECISION and row["note"] not in BLANK and is_typed(row["note"], row["reviewer"])


def line_of(workspace: Workspace, kind: str, row: Row, *, with_edits: bool) -> Line:
    """One word as a journal has it; what is null is left out."""
    line: Line = {"kind": kind}
    for name in Known.columns(kind):
        value = row[name]
        if name == "settles" and value:
            value = json.loads(value)
        if value is not None and (name, value) != ("note", ""):
            line[name] = value
    if with_edits and kind == DECISION and row["edit"] and (workspace.store.root / row["edit"]).is_dir():
        line[RAW] = workspace.json(row["edit"])
    return line


def dumped(line: Line) -> str:
    """A line as JSON, with its end. ASCII, so that no text in it acts on a terminal."""
    return json.dumps(line, sort_keys=False) + "\n"


# in


def read(path: Path) -> Journal:
    """The journal in a file. Raises SourceError with the line and what is wrong with it.

    A last line without an end that is no whole object was being written when something stopped: it is
    left out, and told.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}", hint="seatrial journal export --to FILE") from error
    lines = data.split(b"\n")
    ended = lines[-1] == b""
    words: dict[str, Line] = {}
    edits: dict[str, Edit] = {}
    marks: dict[str, byhand.Mark] = {}
    steps: list[tuple[int, Line]] = []
    torn = False
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            line = parsed(text)
        except ValueError as error:
            if number == len(lines) and not ended and number > 1:
                torn = True
                break
            raise refused(path, number, str(error)) from error
        try:
            line = checked(line)
            if isinstance(mark := line.pop(MARK, None), dict):
                marks[str(line["finding_id"])] = mark
            _put(line, words, edits, steps)
        except ValueError as error:
            raise refused(path, number, str(error)) from error
        if number == 1 and line["kind"] != JOURNAL:
            raise refused(path, 1, "no journal starts so", 'its first line is {"kind": "journal", ...}')
    if not any(text.strip() for text in lines):
        raise refused(path, 1, "the file is empty")
    return Journal(path, words, edits, marks, tuple(steps), torn)


def _put(line: Line, words: dict[str, Line], edits: dict[str, Edit], steps: list[tuple[int, Line]]) -> None:
    """Take a checked line in. Raises ValueError where it says other than an earlier one of its uid."""
    if line["kind"] == STEP:
        steps.append((len(words), line))
    if line["kind"] not in _TABLES:
        return
    raw = line.pop(RAW, None)
    if isinstance(raw, dict):
        edits[str(line["edit"])] = Edit.of(raw)
    uid = str(line["uid"])
    if words.setdefault(uid, line) != line:
        raise ValueError(f"a word of the uid {uid} stands above, and says something else")


def refused(path: Path, number: int, why: str, hint: str = "") -> SourceError:
    """The error for a line that cannot be merged."""
    return SourceError(
        f"{path}:{number}: {why}", hint=hint or "nothing was merged; ask for the journal again"
    )


def merge(workspace: Workspace, journals: Sequence[Journal], *, any_time: bool = False) -> Merged:
    """Take the words of journals into the ledger, all or none; those that are here already stay.

    Raises SourceError where a word here has the same uid and says something else, or where one is said
    more than a day from now (unless `any_time`): all later words here would have to be later still.
    """
    ahead = [] if any_time else [(j, w) for j in journals for w in j.words.values() if future(_time(w))]
    if ahead:
        who = ahead[0][1]["reviewer"]
        raise SourceError(
            f"{ahead[0][0].path}: {who} said {len(ahead):,} words in the future, one at {_time(ahead[0][1])}",
            hint="set that machine's clock right; --any-time merges them, and all later words here come after",
        )
    _new(workspace, journals)  # what is refused leaves no text behind
    texts = {digest: edit for journal in journals for digest, edit in journal.edits.items()}
    gone = purged(workspace)
    new = {d: edit for d, edit in texts.items() if d not in gone and not workspace.store.holds(d)}
    if keep_edits(workspace, list(new.values())) != list(new):
        raise ResourceError("the texts of edits were kept under other digests than their decisions name")
    taken: list[Line] = []

    def insert() -> None:
        taken.extend(_new(workspace, journals))
        for kind, table in _TABLES.items():
            names = Known.columns(kind)
            marks = ", ".join("?" * len(names))
            rows = [_row(word, names) for word in taken if word["kind"] == kind]
            workspace.ledger.db.executemany(
                f"insert into {table} ({', '.join(names)}) values ({marks})", rows
            )
        # of a note that an earlier journal had left out
        notes = [(w["note"], w["uid"], LEFT_OUT) for w in _all(journals).values() if "note" in w]
        workspace.ledger.db.executemany("update decision set note = ? where uid = ? and note = ?", notes)

    workspace.ledger.together(insert)
    # of words that were here already too: whoever merged them may have been stopped before this
    marks = {i: mark for journal in journals for i, mark in journal.marks.items()}
    placed = byhand.place(workspace, byhand.heads(workspace), marks)
    return _told(workspace, journals, taken, len(new))._replace(marks=len(placed))


def _time(word: Line) -> str:
    return str(word[_AT[str(word["kind"])]])


def _row(word: Line, names: Iterable[str]) -> tuple[object, ...]:
    """A word as the ledger's row of these columns."""
    empty = {"note": ""}
    values = [word.get(name, empty.get(name)) for name in names]
    return tuple(json.dumps(value) if isinstance(value, list) else value for value in values)


def _new(workspace: Workspace, journals: Sequence[Journal]) -> list[Line]:
    """The words that are not here yet, in the order of (time, uid)."""
    words = _all(journals)
    for kind, table in _TABLES.items():
        query = f"select * from {table} where uid in (select value from json_each(?))"
        for row in workspace.ledger.rows(query, json.dumps(list(words))):
            here = line_of(workspace, kind, row, with_edits=False)
            said = words.pop(row["uid"])
            if not _same(said, here):
                raise SourceError(
                    f"the word {row['uid']} of {row['reviewer']} is here, and says something else",
                    hint="one of the two was changed by hand; nothing was merged",
                )
    return sorted(words.values(), key=lambda word: (_time(word), str(word["uid"])))


def _all(journals: Sequence[Journal]) -> dict[str, Line]:
    """The words of all journals by uid, each as the one has it that says most of it."""
    words: dict[str, Line] = {}
    for journal in journals:
        for uid, word in journal.words.items():
            other = words.setdefault(uid, word)
            if not _same(other, word):
                raise SourceError(f"{journal.path}: the word {uid} says something else in another journal")
            if _blanked(word) < _blanked(other):
                words[uid] = word
    return words


def _blanked(word: Line) -> int:
    """Whether a purge took what it said (1), or its note was left out of a journal (2)."""
    if word.get("note") in BLANK:
        return BLANK.index(str(word["note"])) + 1
    return int(word.get("value") in (ERASED, ANSWER))


def _same(one: Line, other: Line) -> bool:
    """Whether two lines are one word, of which a purge may have taken what it said, or a journal left it out."""
    if one == other:
        return True
    free = ("value", "note") if _blanked(one) or _blanked(other) else ()
    names = {*one, *other} - set(free)
    return bool(free) and all(one.get(name) == other.get(name) for name in names)


def _told(workspace: Workspace, journals: Sequence[Journal], taken: Sequence[Line], new_texts: int) -> Merged:
    decisions = [word for word in taken if word["kind"] == DECISION]
    asked = len({uid for journal in journals for uid in journal.words})
    known = known_findings(workspace)
    store = workspace.store.root
    return Merged(
        decisions=len(decisions),
        annotations=len(taken) - len(decisions),
        known=asked - len(taken),
        strangers=sum(word["finding_id"] not in known for word in decisions),
        edits=new_texts,
        missing=sum("edit" in word and not (store / str(word["edit"])).is_dir() for word in decisions),
        torn=tuple(str(journal.path) for journal in journals if journal.torn),
        people=tuple(sorted({str(word["reviewer"]) for word in taken})),
        marks=0,
    )


def known_findings(workspace: Workspace) -> set[str]:
    """The ids of all findings that any scan here made."""
    found: set[str] = set()
    for row in workspace.ledger.rows("select digest from artifact where kind = 'findings'"):
        path = workspace.store.root / row["digest"] / TABLE
        if path.is_file():
            found |= set(pl.scan_parquet(path).select("finding_id").collect()["finding_id"])
    return found


def write(path: Path, lines: Iterable[str]) -> int:
    """Write lines to a file, whole or not at all; returns how many. What was there is replaced.

    On return it is on the disk. Two that write one file at once do not mix their lines.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.draft")
    count = 0
    try:
        with draft.open("w", encoding="ascii") as file:
            for line in lines:
                file.write(line)
                count += 1
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise ResourceError(f"{path}: {error.strerror}", hint="name a place that you can write to") from error
    finally:
        draft.unlink(missing_ok=True)
    return count
