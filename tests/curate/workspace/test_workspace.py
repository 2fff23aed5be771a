"""The workspace: whole or absent, found again, never rewritten, damaged only if it says so."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from curate.errors import NotFoundError, ResourceError, WorkspaceError
from curate.example import frame, with_ids
from curate.runs.history import verify
from curate.workspace import Decision, Workspace
from curate.workspace.store import dataset_digest, table_digest


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    return Workspace.open(create=True)


def rows(*texts: str) -> pl.DataFrame:
    made = [
        {"messages": [{"role": "user", "content": t}], "source": "a.jsonl", "source_row": n, "meta": "{}"}
        for n, t in enumerate(texts, start=1)
    ]
    return with_ids(frame(made), texts)


def test_what_is_put_is_found_by_name_digest_and_prefix(workspace: Workspace):
    digest = workspace.put_dataset(rows("one", "two"))
    workspace.ledger.set_name("mine", digest)
    assert workspace.dataset() == workspace.dataset("mine") == workspace.dataset(digest[:6]) == digest
    assert workspace.examples(digest).equals(rows("one", "two"))
    assert workspace.name_of(digest) == "mine"


def test_a_digest_is_of_the_rows_and_not_of_the_bytes_of_the_file(workspace: Workspace):
    one = rows("one", "two")
    digest = workspace.put_dataset(one)
    path = workspace.store.path(digest) / "examples.parquet"
    one.write_parquet(path, row_group_size=1, compression="uncompressed")
    assert verify(workspace).damage == []
    assert dataset_digest(one) != dataset_digest(one.reverse())
    assert table_digest("findings", pl.DataFrame({"a": [1]})) != table_digest(
        "scores", pl.DataFrame({"a": [1]})
    )


def test_a_name_moves_on_and_its_history_stays(workspace: Workspace):
    old, new = workspace.put_dataset(rows("one")), workspace.put_dataset(rows("two"))
    workspace.ledger.set_name("mine", old)
    workspace.ledger.set_name("mine", new)
    assert workspace.dataset("mine") == new
    assert workspace.dataset(old) == old and workspace.name_of(old) == "mine"


def test_what_is_not_there_is_said_with_a_hint(workspace: Workspace):
    for ask in (
        lambda: workspace.dataset(),
        lambda: workspace.dataset("nobody"),
        lambda: workspace.table("00"),
    ):
        with pytest.raises(NotFoundError) as caught:
            ask()
        assert caught.value.hint
    table = workspace.put_table("findings", pl.DataFrame({"a": [1]}))
    with pytest.raises(NotFoundError, match=r"is a findings, not a dataset|nothing is called"):
        workspace.dataset(table)


def test_no_workspace_is_an_error_unless_one_may_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "none"))
    with pytest.raises(WorkspaceError, match="no workspace"):
        Workspace.open()
    assert not (tmp_path / "none").exists()


def test_a_workspace_is_found_from_a_folder_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SEATRIAL_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    Workspace.open(create=True).close()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    assert Workspace.open().root == tmp_path / ".seatrial"


def test_a_newer_ledger_and_a_file_that_is_none_are_refused(workspace: Workspace):
    workspace.close()
    path = workspace.root / "ledger.db"
    with sqlite3.connect(path) as db:
        db.execute("pragma user_version = 999")
    db.close()
    with pytest.raises(WorkspaceError, match="newer Seatrial"):
        Workspace.open()
    path.write_bytes(b"this is no database, whatever its name says" * 50)
    with pytest.raises(WorkspaceError):
        Workspace.open()


def test_a_run_is_recorded_with_its_error_and_a_good_one_is_found_again(workspace: Workspace):
    data = workspace.put_dataset(rows("one"))
    with pytest.raises(ResourceError), workspace.run("scan", {"x": 1}, {"dataset": data}):
        raise ResourceError("disk full")
    assert workspace.recorded("scan", {"x": 1}, {"dataset": data}) is None
    with workspace.run("scan", {"x": 1}, {"dataset": data}) as run:
        run.outputs["findings"] = workspace.put_table("findings", pl.DataFrame({"a": [1]}))
    assert workspace.recorded("scan", {"x": 1}, {"dataset": data}) == (run.run_id, run.outputs)
    assert workspace.recorded("scan", {"x": 2}, {"dataset": data}) is None
    assert workspace.recorded("scan", {"x": 1}, {}) is None
    assert workspace.made_from(data, kind="scan", role="findings") == run.outputs["findings"]
    errors = [r["error"] for r in workspace.ledger.rows("select error from run_end order by ended_at")]
    assert errors == ["ResourceError: disk full", None]


def test_the_last_word_counts_and_every_word_stays(workspace: Workspace):
    for action in ("drop", "keep", None):
        workspace.ledger.decide([Decision("f", "e", action, "ana")])
    assert workspace.ledger.latest_decisions()["decided"].to_list() == [None]
    assert len(workspace.ledger.rows("select * from decision")) == 3


def test_decisions_are_recorded_all_or_none(workspace: Workspace):
    bad = Decision("g", "e", "edit", "ana", edit="no such artifact")
    with pytest.raises(NotFoundError):
        workspace.ledger.decide([Decision("f", "e", "drop", "ana"), bad])
    torn = Decision("g", "e", "drop", None)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        workspace.ledger.decide([Decision("f", "e", "drop", "ana"), torn])
    assert workspace.ledger.latest_decisions().is_empty()


def test_verify_names_what_is_missing_damaged_and_left_over(workspace: Workspace):
    digests = [workspace.put_dataset(rows(t)) for t in ("one", "two", "three")]
    table = workspace.put_json("report", {"a": 1})
    (workspace.store.path(digests[0]) / "examples.parquet").write_bytes(b"PAR1 nothing")
    rows("other").write_parquet(workspace.store.path(digests[1]) / "examples.parquet")
    (workspace.store.path(digests[2]) / "examples.parquet").unlink()
    (workspace.files(table) / "value.json").write_text('{"a": 2}')
    (workspace.store.root / ".draft.1").mkdir()
    found = verify(workspace)
    assert {d.digest for d in found.damage} == {*digests, table}
    assert found.artifacts == 4 and found.strays == [".draft.1"]


DECIDE_FOR_EVER = """
import sys
from curate.workspace import Decision, Workspace
workspace = Workspace.open()
n = 0
while True:
    workspace.ledger.decide([Decision(f"f{n}", "e", "drop", "ana")])
    print(n, flush=True)
    n += 1
"""


def test_a_killed_process_loses_no_decision_that_it_acknowledged(workspace: Workspace):
    workspace.close()
    with subprocess.Popen(
        [sys.executable, "-c", DECIDE_FOR_EVER], stdout=subprocess.PIPE, env=dict(os.environ)
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.3)
        child.send_signal(signal.SIGKILL)
        said = [0, *(int(line) for line in child.stdout.read().split() if line.strip().isdigit())]
    again = Workspace.open()
    known = {row["finding_id"] for row in again.ledger.rows("select finding_id from decision")}
    # the last line may be cut off in the pipe; the one in flight may be on the disk already
    assert {f"f{n}" for n in range(len(said) - 1)} <= known
    assert len(known) <= len(said) + 1
    assert verify(again).damage == []


def test_two_processes_can_open_a_new_workspace_at_once(tmp_path: Path):
    code = "from curate.workspace import Workspace; w = Workspace.open(create=True); print(w.ledger.path)"
    env = {**os.environ, "SEATRIAL_HOME": str(tmp_path / "ws")}
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    assert [child.communicate()[1].decode()[-300:] for child in children] == ["", ""]
    assert [child.returncode for child in children] == [0, 0]


def test_a_damaged_artifact_is_named_in_words(tmp_path, monkeypatch) -> None:
    """Bytes overwritten on the disk end in an error that says which artifact and what to do."""
    import pytest

    from curate.errors import WorkspaceError
    from curate.example import frame, with_ids
    from curate.workspace import Workspace

    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "w"))
    workspace = Workspace.open(create=True)
    digest = workspace.put_dataset(
        with_ids(
            frame(
                [
                    {"source": "a", "source_row": n, "messages": [], "meta": "{}", "layout": "{}"}
                    for n in range(50)
                ]
            ),
            map(str, range(50)),
        )
    )
    path = workspace.store.path(digest) / "examples.parquet"
    data = bytearray(path.read_bytes())
    data[4:200] = bytes(196)
    data[-60:-20] = bytes(40)
    path.write_bytes(bytes(data))
    with pytest.raises(WorkspaceError, match="damaged"):
        workspace.examples(digest)


def test_a_clock_that_was_set_back_brings_no_older_run_back(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    """What is newest (a scan, a comparison, a declaration) is told by when it began and ended, and by its id."""
    made = []
    for hour in ("12", "11", "09"):
        monkeypatch.setattr(
            "curate.workspace.ledger.now", lambda h=hour: f"2026-01-01T{h}:00:00.000000+00:00"
        )
        with workspace.run("scan", {"hour": hour}, {}) as run:
            made.append(run.run_id)
    query = "select started_at, ended_at from run join run_end using (run_id) order by run.rowid"
    rows = [tuple(row) for row in workspace.ledger.rows(query)]
    assert made == sorted(made) and made[-1].startswith("20260101-120000-")
    assert rows == sorted(rows) and all(began < ended for began, ended in rows)
