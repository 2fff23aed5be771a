"""Many findings decided at once by a process that is killed in the middle of it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from curate.workspace import Workspace
from tests.tui.conftest import build

BULK = """
import os, signal, sys
from pathlib import Path
from curate.workspace import Workspace
from tui.desk.desk import Desk
from tui.desk.together import decide_all, shown
from tui.synced import Synced
workspace = Workspace(Path(sys.argv[1]))
Synced(workspace.ledger, print)  # as on the screens
desk = Desk(workspace, workspace.dataset("tickets"), "tickets", "anna")
wanted = {"filter": 'check == "pii"', "search": "", "order": "check", "only_open": True}
desk.take(desk.choose(**wanted), **wanted)
left = int(sys.argv[3])
def told(statement):
    global left
    if statement.lower().startswith(sys.argv[2]):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
workspace.ledger.db.set_trace_callback(told)
decide_all(desk, shown(desk).found.open, None)
print("decided", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    ("statement", "number", "decided"),
    [("insert into decision", 1, 0), ("insert into decision", 12, 0), ("commit", 1, 0), ("never", 1, 12)],
)
def test_killed_in_the_middle_nothing_is_half_done(
    tmp_path: Path, statement: str, number: int, decided: int
) -> None:
    """Before the end of the one transaction none of the twelve is decided, after it all are; the file opens."""
    build(tmp_path / "ws").close()
    words = [sys.executable, "-c", BULK, str(tmp_path / "ws"), statement, str(number)]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    assert ("decided" in ran.stdout) == bool(decided)
    workspace = Workspace(tmp_path / "ws")
    found = workspace.ledger.rows("select count(*) as n, count(distinct decided_at) as times from decision")[
        0
    ]
    workspace.close()
    assert (found["n"], found["times"]) == (decided, int(decided > 0))
