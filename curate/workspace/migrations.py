"""The ledger's schema, as numbered steps that are run once each, in order.

Rows are added and never changed: the end of a run is a row of its own, and a moved name is a new
row. Add a step at the end; never edit one that has been released.
"""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
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
)
