"""The ledger's schema, as numbered steps that are run once each, in order.

Rows are added and never changed: the end of a run is a row of its own, and a moved name is a new
row. Add a step at the end; never edit one that has been released.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from hashlib import blake2b

TURN = re.compile(r"(undo|redo) of (\d+)(?:: |$)")  # how schema 1 marked a turn: in the note


def later(moment: str) -> str:
    """The time one microsecond after `moment`, in the same form."""
    return (datetime.fromisoformat(moment) + timedelta(microseconds=1)).isoformat(timespec="microseconds")


def _in_order(rows: list[sqlite3.Row], at: str) -> Iterator[tuple[str, str]]:
    """(uid, time) for rows of schema 1 in the order in which they were written.

    There the number of a row decided which was the last word. Times that a clock set back had put out
    of that order are moved up, so that time decides the same. A uid is the number and a digest of what
    the row says: two copies of one workspace, each migrated by itself, agree on it.
    """
    told, given = "", ""  # of the row before: its time as recorded, and as it is now
    for row in rows:
        number, *said = tuple(row)
        if row[at] != told:
            told, given = row[at], max(row[at], later(given)) if given else row[at]
        content = json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass")
        yield f"{number:08x}{blake2b(content, digest_size=12).hexdigest()}", given


def people(db: sqlite3.Connection) -> None:
    """2: words that journals can carry from one workspace to another, and merge in any order.

    Each word has a `uid`; the last word is the one with the greatest (time, uid). `settles` is a JSON
    list of the uids of other people's words that were seen and overruled on purpose. `turns` is
    `undo UID`, `redo UID` or `back UID`: which earlier word on the same thing this one takes back or
    says again. The text of an edit may be in another workspace, so `edit` references nothing.
    """
    for statement in _PEOPLE.split(";"):
        if statement.strip():
            db.execute(statement)
    old = db.execute("select * from decision_1 order by decision_id").fetchall()
    acts: dict[int, tuple[str, str]] = {}
    uids: dict[tuple[str, str, str], str] = {}
    for row, (uid, at) in zip(old, _in_order(old, "decided_at"), strict=True):
        number, *said = tuple(row)
        acts[number] = row["reviewer"], at
        uids[(row["finding_id"], *acts[number])] = uid
        turn = TURN.match(row["note"])
        turned = uids.get((row["finding_id"], *acts.get(int(turn[2]), ("", "")))) if turn else None
        values = (number, *said[:-1], at, uid, None, f"{turn[1]} {turned}" if turn and turned else None)
        db.execute(f"insert into decision values ({', '.join('?' * len(values))})", values)
    old = db.execute("select * from annotation_1 order by annotation_id").fetchall()
    for row, (uid, at) in zip(old, _in_order(old, "annotated_at"), strict=True):
        values = (*tuple(row)[:-1], at, uid, None, None)
        db.execute(f"insert into annotation values ({', '.join('?' * len(values))})", values)
    db.execute("drop table decision_1")
    db.execute("drop table annotation_1")


_PEOPLE = """
    drop view latest_decision;
    drop index decision_finding;
    drop index decision_example;
    drop index annotation_example;
    alter table decision rename to decision_1;
    alter table annotation rename to annotation_1;
    create table decision (
        decision_id integer primary key, finding_id text not null, example_id text not null,
        action text, edit text, reviewer text not null, note text not null, decided_at text not null,
        uid text not null unique, settles text, turns text
    ) strict;
    create index decision_finding on decision (finding_id, decided_at, uid);
    create index decision_example on decision (example_id);
    create index decision_reviewer on decision (reviewer, decided_at, uid);
    create index decision_time on decision (decided_at);
    create table annotation (
        annotation_id integer primary key, example_id text not null, content_hash text not null,
        key text not null, value text, reviewer text not null, annotated_at text not null,
        uid text not null unique, settles text, turns text
    ) strict;
    create index annotation_example on annotation (example_id, key, reviewer, annotated_at, uid);
    create index annotation_reviewer on annotation (reviewer, key, annotated_at, uid);
    create index annotation_time on annotation (annotated_at);
    create view latest_decision as
        select * from decision as word where uid = (
            select uid from decision where finding_id = word.finding_id
            order by decided_at desc, uid desc limit 1
        );
    create view latest_annotation as
        select * from annotation as word where uid = (
            select uid from annotation
            where example_id = word.example_id and key = word.key and reviewer = word.reviewer
            order by annotated_at desc, uid desc limit 1
        );
"""

MIGRATIONS: tuple[str | Callable[[sqlite3.Connection], None], ...] = (
    # 1: runs, artifacts, lineage, names, decisions, annotations
    """
    create table run (
        run_id text primary key, kind text not null, params text not null, code text not null,
        command text not null, started_at text not null
    ) strict;
    create table run_end (
        run_id text primary key references run, ended_at text not null, error text
    ) strict;
    create table artifact (
        digest text primary key, kind text not null, rows integer not null, added_at text not null
    ) strict;
    create table run_artifact (
        run_id text not null references run, direction text not null check (direction in ('in', 'out')),
        role text not null, digest text not null references artifact,
        primary key (run_id, direction, role)
    ) strict;
    create index run_artifact_digest on run_artifact (digest, direction);
    create table name (
        name_id integer primary key, name text not null, digest text not null references artifact,
        named_at text not null
    ) strict;
    create table decision (
        decision_id integer primary key, finding_id text not null, example_id text not null,
        action text, edit text references artifact, reviewer text not null, note text not null,
        decided_at text not null
    ) strict;
    create index decision_finding on decision (finding_id);
    create index decision_example on decision (example_id);
    create table annotation (
        annotation_id integer primary key, example_id text not null, content_hash text not null,
        key text not null, value text, reviewer text not null, annotated_at text not null
    ) strict;
    create index annotation_example on annotation (example_id);
    create view latest_decision as
        select * from decision where decision_id in (select max(decision_id) from decision group by finding_id);
    create view latest_name as
        select * from name where name_id in (select max(name_id) from name group by name);
    """,
    people,
)
