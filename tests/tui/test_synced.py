"""An act is in the ledger's file before its key is painted, and on the disk before the next one is."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from curate.workspace import Annotation, Workspace
from tui.synced import Synced


def say(workspace: Workspace, word: str) -> None:
    """An act."""
    workspace.ledger.annotate([Annotation("a", "b", "flag", word, "anna")])


@pytest.fixture
def told() -> list[Exception]:
    """What was told from another thread."""
    return []


def test_the_next_act_waits_for_the_disk(
    workspace: Workspace, told: list[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One act is done while the disk works; a second one is not before it has done."""
    synced = Synced(workspace.ledger, told.append)
    free, synced_files = threading.Event(), []
    fsync = os.fsync

    def slow(handle: int) -> None:
        assert free.wait(30)
        synced_files.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", slow)
    say(workspace, "one")
    assert not synced_files, "nobody waited"
    other = Workspace(workspace.root)
    assert other.ledger.rows("select value from annotation"), "a killed process loses nothing"
    other.close()
    second = threading.Thread(target=say, args=(workspace, "two"))
    second.start()
    second.join(0.2)
    assert second.is_alive(), "at most one act is on its way to the disk"
    free.set()
    second.join(30)
    assert synced.pending is not None
    synced.pending.result(30)
    assert synced_files == [str(workspace.ledger.path.resolve()) + "-wal"] * 2
    assert not told


def test_a_ledger_that_is_gone_is_told(workspace: Workspace, told: list[Exception], tmp_path: Path) -> None:
    """SQLite would go on writing into a file that nobody will ever find."""
    synced = Synced(workspace.ledger, told.append)
    shutil.move(workspace.root, tmp_path / "elsewhere")
    say(workspace, "one")
    assert synced.pending is not None
    synced.pending.result(30)
    assert [type(error) for error in told] == [FileNotFoundError]
