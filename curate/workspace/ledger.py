"""The ledger: who ran and decided what, when, from what, in one SQLite file. Rows are only added."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from curate.errors import NotFoundError, ResourceError, WorkspaceError
from curate.workspace import readonly
from curate.workspace.limits import LONGEST, NAME, must_fit
from curate.workspace.migrations import MIGRATIONS, later

WAIT = 30  # seconds for another process to end its writing

DECISIONS = pl.Schema(
    {
        "finding_id": pl.String,
        "decided": pl.String,  # the action decided; null where a decision was taken back
        "edit": pl.String,  # digest of the artifact that holds the new text, for `edit`
        "reviewer": pl.String,
        "note": pl.String,
        "decided_at": pl.String,
    }
)


def now() -> str:
    """The time in UTC, ISO 8601, to the microsecond: sorts as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


@dataclass(frozen=True)
class Decision:
    """One person's word on one finding. `action` None takes an earlier word back.

    `settles` are the uids of other people's words that this one was said in sight of and overrules.
    `turns` is `undo UID`, `redo UID` or `back UID`, of an earlier word on the same finding.
    """

    finding_id: str
    example_id: str
    action: str | None
    reviewer: str
    note: str = ""
    edit: str | None = None
    settles: tuple[str, ...] = ()
    turns: str | None = None


@dataclass(frozen=True)
class Annotation:
    """One person's word on one example under a key (`flag`, `label:TASK`); `value` None takes it back.

    `content_hash` is of the example as it was then. `settles` and `turns` are as in `Decision`.
    """

    example_id: str
    content_hash: str
    key: str
    value: str | None
    reviewer: str
    settles: tuple[str, ...] = ()
    turns: str | None = None


class Ledger:
    """The connection to `ledger.db`. Two processes may use it at once, and all threads of one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # a connection has one transaction: without this a second thread's words would fall into the first's
        self.alone = threading.RLock()
        self.committed: Callable[[], object] = lambda: None  # is called after each transaction
        self.only_read = readonly.only_read(path)
        orphans = path.parent / "artifacts"
        if (not path.is_file() or path.stat().st_size == 0) and orphans.is_dir() and any(orphans.iterdir()):
            raise WorkspaceError(
                f"{path} is empty or gone, but artifacts are there",
                hint="restore ledger.db from a copy and delete nothing; the decisions stand only there",
            )
        try:
            if self.only_read:
                self.db = readonly.connect(path)
            else:
                self.db = sqlite3.connect(path, timeout=WAIT, isolation_level=None, check_same_thread=False)
                self._write_ahead()
                # full: a decision that was acknowledged is on the disk
                self.db.execute("pragma synchronous = full")
                self.db.execute("pragma foreign_keys = on")
            self.db.row_factory = sqlite3.Row
            self._migrate()
        except sqlite3.OperationalError as error:
            raise ResourceError(
                f"{path}: {error}", hint="is the disk full, or the folder not yours to write in?"
            ) from error
        except sqlite3.DatabaseError as error:
            raise WorkspaceError(
                f"{path}: {error}", hint="is this a Seatrial workspace? copy it before you try anything on it"
            ) from error

    def _write_ahead(self) -> None:
        """Set the journal's mode; SQLite does not wait for another process that does the same just now."""
        until = time.monotonic() + WAIT
        while True:
            try:
                self.db.execute("pragma journal_mode = wal")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.02)
            else:
                return

    def _migrate(self) -> None:
        version = self.db.execute("pragma user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise WorkspaceError(
                f"{self.path}: made by a newer Seatrial (schema {version}, this one knows {len(MIGRATIONS)})",
                hint="install the newer Seatrial, or choose another workspace with --workspace",
            )
        if version == len(MIGRATIONS):
            return
        if self.only_read:
            raise WorkspaceError(
                f"{self.path}: made by an older Seatrial, and cannot be brought up to date where it stands",
                hint="copy the whole folder to a place of your own and open that",
            )
        # immediate: of two processes that open a new workspace at once, one waits for the other
        self.db.execute("begin immediate")
        try:
            version = self.db.execute("pragma user_version").fetchone()[0]
            for number, step in enumerate(MIGRATIONS[version:], start=version + 1):
                if callable(step):
                    step(self.db)
                else:
                    for statement in step.split(";"):
                        if statement.strip():
                            self.db.execute(statement)
                self.db.execute(f"pragma user_version = {number}")
            self.db.execute("commit")
        except BaseException:
            self._take_back()
            raise

    def _take_back(self) -> None:
        """Roll back what was begun; an interrupt may come before anything was, or after it ended."""
        if self.db.in_transaction:
            self.db.execute("rollback")

    def close(self) -> None:
        """Release the file."""
        with self.alone:
            self.db.close()

    def write(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Add rows in one transaction; on return they are on the disk."""
        self.together(lambda: self.db.executemany(statement, rows))

    def together(self, work: Callable[[], object]) -> None:
        """Do `work` in one transaction that nobody else writes in; on return it is on the disk, or none of it.

        Asked for within such a `work`, it is a part of that one's transaction.
        """
        with self.alone:
            if self.db.in_transaction:
                work()
                return
            if self.only_read:
                raise ResourceError(
                    f"{self.path}: this workspace can only be read here, so nothing was kept",
                    hint="make it one that you may write in, or copy the whole folder to a place of your own",
                )
            try:
                self.db.execute("begin immediate")
                try:
                    work()
                    self.db.execute("commit")
                except BaseException:
                    self._take_back()
                    raise
                self.committed()
            except sqlite3.OperationalError as error:
                what = "end the other process" if "locked" in str(error) else "free the disk"
                raise ResourceError(f"{self.path}: {error}", hint=f"{what}, then try again") from error

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """The rows of a query."""
        with self.alone:
            self.db = readonly.again(self.db, self.path)
            return self.db.execute(query, values).fetchall()

    # runs and artifacts

    def start(
        self,
        kind: str,
        params: Mapping[str, object],
        code: str,
        inputs: Mapping[str, str],
        began: str | None = None,
    ) -> str:
        """Record that a run began, with what it reads; returns its id, which sorts by time."""
        at = self._moment_of_runs()
        # to the microsecond: the newest of two runs within a second is told by the id
        run_id = f"{datetime.fromisoformat(at):%Y%m%d-%H%M%S-%f}-{secrets.token_hex(1)}"
        command = shlex.join(["seatrial", *sys.argv[1:]])
        row = (run_id, kind, json.dumps(params, sort_keys=True), code, command, began or at)
        self.write("insert into run values (?, ?, ?, ?, ?, ?)", [row])
        self.write(
            "insert into run_artifact values (?, 'in', ?, ?)",
            [(run_id, role, d) for role, d in inputs.items()],
        )
        return run_id

    def end(self, run_id: str, outputs: Mapping[str, str], error: str | None) -> None:
        """Record how a run ended. A failed run stays, with its error."""
        self.write(
            "insert into run_artifact values (?, 'out', ?, ?)",
            [(run_id, role, d) for role, d in outputs.items()],
        )
        self.write("insert into run_end values (?, ?, ?)", [(run_id, self._moment_of_runs(), error)])

    def _moment_of_runs(self) -> str:
        """Now, or just after the newest run where the clock was set back: what is newest is told by time."""
        query = "select max(started_at) as t from run union all select max(ended_at) from run_end"
        told = [row["t"] for row in self.rows(query) if row["t"]]
        return max([now(), *map(later, told)])

    def recorded(
        self, kind: str, params: Mapping[str, object], code: str, inputs: Mapping[str, str]
    ) -> tuple[str, dict[str, str]] | None:
        """The newest successful run of the same kind, settings, code and inputs, and its outputs."""
        query = """select run_id from run join run_end using (run_id)
                   where kind = ? and params = ? and code = ? and error is null order by run_id desc"""
        for row in self.rows(query, kind, json.dumps(params, sort_keys=True), code):
            if self.run_artifacts(row["run_id"], "in") == dict(inputs):
                return row["run_id"], self.run_artifacts(row["run_id"], "out")
        return None

    def run_artifacts(self, run_id: str, direction: str) -> dict[str, str]:
        """Role to digest, of what a run read (`in`) or made (`out`)."""
        query = "select role, digest from run_artifact where run_id = ? and direction = ?"
        return {row["role"]: row["digest"] for row in self.rows(query, run_id, direction)}

    def add_artifact(self, digest: str, kind: str, rows: int) -> None:
        """Record that an artifact is whole on the disk."""
        self.write("insert or ignore into artifact values (?, ?, ?, ?)", [(digest, kind, rows, now())])

    # names

    def set_name(self, name: str, digest: str) -> None:
        """Let `name` mean `digest` from now on; what it meant before stays recorded."""
        self.write("insert into name (name, digest, named_at) values (?, ?, ?)", [(name, digest, now())])

    def resolve(self, reference: str, kind: str | None = None) -> str:
        """The digest that a name, a digest or its first 4 or more characters stand for."""
        for row in self.rows("select digest from latest_name where name = ?", reference):
            return str(row["digest"])
        query = "select digest from artifact where digest like ? || '%' and (? is null or kind = ?)"
        found = (
            [str(row["digest"]) for row in self.rows(query, reference, kind, kind)]
            if len(reference) >= 4
            else []
        )
        if len(found) == 1:
            return found[0]
        names = [
            row["name"] for row in self.rows("select name from latest_name order by name_id desc limit 5")
        ]
        many = (
            f"{len(found)} artifacts start with `{reference}`"
            if found
            else f"nothing is called `{reference}`"
        )
        raise NotFoundError(
            many,
            hint=f"known names: {', '.join(names)}"
            if names
            else "import something first: seatrial import FILE",
        )

    # decisions

    def decide(self, decisions: Iterable[Decision]) -> None:
        """Record decisions; on return they are on the disk, all or none.

        All of a call have one time, later than every word's in the ledger: what was decided in one act
        can be taken back in one, and a clock that was set back puts no word before another. Raises
        NotFoundError for an edit whose text is not here.
        """
        said = list(decisions)
        must_fit(
            word
            for d in said
            for word in (("a note", d.note, LONGEST), ("a person's name", d.reviewer, NAME))
        )
        for edit in dict.fromkeys(d.edit for d in said if d.edit is not None and d.turns is None):
            if not self.rows("select 1 from artifact where digest = ?", edit):
                raise NotFoundError(f"the text {edit} of an edit is not in this workspace")

        def insert() -> None:
            at = self.next_moment()
            words = zip(said, uids(len(said)), strict=True)
            self.db.executemany(
                "insert into decision (finding_id, example_id, action, edit, reviewer, note, decided_at, uid, settles, turns) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (d.finding_id, d.example_id, d.action, d.edit, d.reviewer, d.note, at, uid, listed(d.settles), d.turns)
                    for d, uid in words
                ],
            )  # fmt: skip

        self.together(insert)

    def annotate(self, annotations: Iterable[Annotation]) -> None:
        """Record annotations; time, order and promise as in `decide`."""
        said = list(annotations)
        must_fit(
            word
            for a in said
            for word in (
                ("an answer or note", a.value, LONGEST),
                ("a name", a.reviewer, NAME),
                ("a key", a.key, NAME),
            )
        )

        def insert() -> None:
            at = self.next_moment()
            words = zip(said, uids(len(said)), strict=True)
            self.db.executemany(
                "insert into annotation (example_id, content_hash, key, value, reviewer, annotated_at, uid, settles, turns) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (a.example_id, a.content_hash, a.key, a.value, a.reviewer, at, uid, listed(a.settles), a.turns)
                    for a, uid in words
                ],
            )  # fmt: skip

        self.together(insert)

    def next_moment(self) -> str:
        """Now, or just after the newest word where the clock is behind it. Ask within a transaction."""
        query = "select max(t) as newest from (select max(decided_at) as t from decision union all select max(annotated_at) from annotation)"
        newest = self.rows(query)[0]["newest"]
        return max(now(), later(newest)) if newest else now()

    def latest_decisions(self) -> pl.DataFrame:
        """The newest word on each finding, whoever said it; what counts is `curate.deciding.lastword`. Columns of DECISIONS."""
        query = "select finding_id, action, edit, reviewer, note, decided_at from latest_decision"
        return pl.DataFrame([tuple(row) for row in self.rows(query)], schema=DECISIONS, orient="row")

    def ancestry(self, digest: str) -> list[sqlite3.Row]:
        """The runs that led to an artifact, nearest first: run_id, kind, params, command, started_at."""
        query = """
            with recursive made(run_id, depth) as (
                select run_id, 0 from run_artifact where digest = ? and direction = 'out'
                union
                select o.run_id, made.depth + 1
                from made join run_artifact i on i.run_id = made.run_id and i.direction = 'in'
                join run_artifact o on o.digest = i.digest and o.direction = 'out'
                where made.depth < 1000
            )
            select run.*, min(depth) as depth from made join run using (run_id) group by run_id order by depth, run_id desc
        """
        return self.rows(query, digest)


def uids(count: int) -> list[str]:
    """Names for words that are said at one time: 128 random bits each, in the order of the words."""
    return sorted(secrets.token_hex(16) for _ in range(count))


def listed(settles: tuple[str, ...]) -> str | None:
    """Uids as the ledger holds them."""
    return json.dumps(sorted(settles)) if settles else None


def reviewer() -> str:
    """Who decides: SEATRIAL_REVIEWER, else the login name, else the name of the process's own account."""
    for variable in ("SEATRIAL_REVIEWER", "USER", "LOGNAME"):
        if name := os.environ.get(variable):
            return name
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):  # another kind of system, or a number without an account
        return "unknown"
