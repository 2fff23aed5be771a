"""What may break under the screens: the terminal, the editor, the disk, the workspace. Nothing decided is lost."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tui.conftest import build
from tests.tui.terminals import PATIENCE, PROGRAM, Pty, until

Start = Callable[..., Pty]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """The program on a small workspace, in a pseudo-terminal; `first` is a shell line that goes before it."""
    opened: list[Pty] = []
    build(tmp_path / ".seatrial").close()

    def begin(first: str = "", **more: str) -> Pty:
        environment = {
            "TERM": "xterm-256color", "LANG": "C.UTF-8", "SEATRIAL_REVIEWER": "anna",
            "SEATRIAL_HOME": str(tmp_path / ".seatrial"), "XDG_CONFIG_HOME": str(tmp_path / "config"), **more,
        }  # fmt: skip
        folder = tmp_path / f"terminal-{len(opened)}"
        folder.mkdir()
        words = ("/bin/sh", "-c", f'{first}; exec "$@"', "sh", *PROGRAM) if first else PROGRAM
        opened.append(Pty(folder, 100, 30, environment, words))
        return opened[-1]

    yield begin
    for terminal in opened:
        terminal.close()


def card(here: Pty) -> None:
    """To the first card."""
    until(here, "tickets", "versions", "open findings")
    here.press("enter")
    until(here, "Filter", "contradiction")
    here.press("s")
    until(here, "open  by check")
    here.press("enter")
    until(here, "this row", "1 keep · 2 drop")


def until_any(here: Pty, *wanted: str) -> list[str]:
    """Wait until one of some words stands on the screen; the lines."""
    end = time.monotonic() + PATIENCE
    while not any(words in "\n".join(here.lines()) for words in wanted):
        assert time.monotonic() < end, f"none of {wanted} came:\n" + "\n".join(here.lines())
        time.sleep(0.02)
    return here.lines()


def said(folder: Path) -> list[str]:
    """The actions on the disk, in order."""
    database = sqlite3.connect(f"file:{folder / '.seatrial' / 'ledger.db'}?mode=ro", uri=True)
    try:
        return [row[0] for row in database.execute("select action from decision order by decided_at, uid")]
    finally:
        database.close()


def test_a_terminal_that_is_gone_ends_the_screens(tmp_path: Path, start: Start) -> None:
    """Where the hang-up signal is ignored they end by themselves, at once; what was decided is there."""
    here = start("trap '' HUP")
    card(here)
    here.press("1")
    until(here, "before")
    assert said(tmp_path) == ["keep"]
    os.close(here.handle)
    end = time.monotonic() + 10
    done, status = 0, 0
    while not done and time.monotonic() < end:
        done, status = os.waitpid(here.child, os.WNOHANG)
        time.sleep(0.05)
    here.handle = os.open("/dev/null", os.O_RDONLY)  # close() closes it
    assert done, "it goes on without a terminal"
    here.child = 0
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP
    assert said(tmp_path) == ["keep"]


@pytest.mark.parametrize("request_", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_screens_and_leaves_the_terminal_as_it_was(
    tmp_path: Path, start: Start, request_: signal.Signals
) -> None:
    """The exit code names the signal; the last bytes leave the other screen and show the cursor."""
    here = start()
    card(here)
    here.press("1")
    until(here, "before")
    os.kill(here.child, request_)
    assert here.ended() == 128 + request_
    assert said(tmp_path) == ["keep"]
    last = here.written.read_bytes()
    assert b"\x1b[?1049l" in last and last.rindex(b"\x1b[?25h") > last.rindex(b"\x1b[?25l")
    assert b"Traceback" not in last


@pytest.mark.parametrize(
    ("editor", "words"),
    [
        ("/nowhere/editor", "No such file"),
        ("false", "exit code 1"),
        ('vi "', "EDITOR cannot be read"),
        ("sh -c 'kill -INT 0; sleep 60'", "was ended by signal 2"),
        ("sh -c 'kill -9 $$'", "was ended by signal 9"),
    ],
)
def test_an_editor_that_fails(tmp_path: Path, start: Start, editor: str, words: str) -> None:
    """It is said; the text stays, and the screens go on."""
    here = start(EDITOR=editor, VISUAL="")
    card(here)
    here.press("E")
    until(here, words)
    here.press("1")
    until(here, "before")
    here.press("ctrl+q")
    assert here.ended() == 0
    assert said(tmp_path) == ["keep"]
    assert b"Traceback" not in here.written.read_bytes()


def test_asked_to_end_while_the_editor_is_open(tmp_path: Path, start: Start) -> None:
    """The edit is taken, then the screens end."""
    script = tmp_path / "editor.sh"
    script.write_text('kill -TERM $PPID; sleep 0.2; echo "new words" > "$1"\n')
    here = start(EDITOR=f"sh {script}", VISUAL="")
    card(here)
    here.press("E")
    assert here.ended() == 128 + signal.SIGTERM
    assert said(tmp_path) == ["edit"]


def test_a_workspace_that_is_deleted(tmp_path: Path, start: Start) -> None:
    """What cannot be done is said, on the card, in the list and at a command; leaving works."""
    here = start()
    card(here)
    shutil.rmtree(tmp_path / ".seatrial")
    for key in ("1", "]", "q", "v"):
        here.press(key)
        time.sleep(0.2)
        here.lines()
    here.press("ctrl+q")
    assert here.ended() == 0
    sent = here.written.read_bytes()
    assert b"Traceback" not in sent and b"the screens failed" not in sent


def test_a_disk_that_is_full(tmp_path: Path, start: Start) -> None:
    """A decision that cannot be kept is told and is not shown as one: what is shown is what is kept."""
    here = start(
        "trap '' XFSZ; ulimit -f 68"
    )  # no file beyond 34 KB: that of the ledger's shared memory fits
    card(here)
    for number in range(1, 12):
        here.press("2")
        lines = until_any(here, "free the disk", f"{20 - number:,} open")
        if "free the disk" in "\n".join(lines):
            break
    kept = len(said(tmp_path))
    assert kept < number <= 11, "it never became full"
    assert f"{20 - kept:,} open" in "\n".join(here.lines())
    here.press("ctrl+q")
    assert here.ended() == 0
    assert b"Traceback" not in here.written.read_bytes()


def test_keys_while_it_opens_and_a_storm_of_sizes(tmp_path: Path, start: Start) -> None:
    """Keys that come too early end nothing; while the window is drawn smaller and larger each decision counts."""
    here = start()
    here.press(
        "j", "k", "]", "x", "c", "enter", "escape", "k"
    )  # an escape that is the last may hold up what follows
    until(here, "tickets", "findings", "20 of 21 shown")  # the Enter counts
    here.press("q")
    until(here, "tickets", "versions", "open findings")
    here.press("enter")
    until(here, "Filter", "contradiction")
    here.press("s")
    until(here, "open  by check")
    here.press("enter")
    until(here, "this row", "1 keep · 2 drop")
    sizes = [(1, 1), (40, 12), (3, 30), (200, 60), (80, 2), (120, 36), (20, 5), (80, 24)]
    for number in range(3):
        for columns, lines in sizes:
            here.resize(columns, lines)
        here.press("1")
        until(here, f"{19 - number:,} open")
    assert said(tmp_path) == ["keep"] * 3
    here.press("ctrl+q")
    assert here.ended() == 0
    assert b"Traceback" not in here.written.read_bytes()


def test_bytes_that_are_no_text(tmp_path: Path, start: Start) -> None:
    """Half characters, a paste in another encoding, and the old way to tell of the mouse end nothing."""
    here = start()
    card(here)
    os.write(here.handle, b"\xff\xfe\xc3\x1b[M\xff\xff\xff\x1b[<;;M\x1b[200~M\xfcller\x1b[201~")
    here.press("1")
    until(here, "19 open")
    os.write(here.handle, b"\x11" + b"2" * 40)  # whoever leaves decides nothing any more
    assert here.ended() == 0
    assert said(tmp_path) == ["keep"]
    assert b"Traceback" not in here.written.read_bytes()


def test_thousands_of_keys_before_the_one_that_leaves(tmp_path: Path, start: Start) -> None:
    """A paste that comes as keys does not keep anybody: the first of them count, the rest is told."""
    here = start()
    card(here)
    for _ in range(50):
        os.write(here.handle, b"1u" * 50)
        here.lines()
    here.press("ctrl+q")
    assert here.ended() == 0
    here.lines()
    assert 0 < len(said(tmp_path)) < 2_500
    assert b"keys were still waiting, and did nothing" in here.written.read_bytes()


def test_a_ledger_that_another_process_holds(tmp_path: Path, start: Start) -> None:
    """The key is told to have done nothing; done again, it counts."""
    here = start()
    card(here)
    other = sqlite3.connect(tmp_path / ".seatrial" / "ledger.db", isolation_level=None)
    other.execute("begin immediate")
    here.press("1")
    until(here, "database is locked", "20 open")
    other.execute("rollback")
    other.close()
    here.press("1")
    until(here, "19 open")
    assert said(tmp_path) == ["keep"]


def test_a_journal_that_is_damaged(tmp_path: Path, start: Start) -> None:
    """A merge of it is told with its line, in a panel; nothing is taken, and the screens go on."""
    (tmp_path / "bert.jsonl").write_text(
        '{"kind": "journal", "version": 1}\n{"kind": "decision", "uid": 7\x07\n'
    )
    here = start()
    until(here, "tickets", "versions", "open findings")
    here.press("!")
    until(here, "enter runs it")
    here.press("journal merge ../bert.jsonl", "enter")  # a long path would be broken in two, anywhere
    until(here, "bert.jsonl:2", "nothing was merged")
    here.press("escape")
    assert said(tmp_path) == []
    here.press("ctrl+q")
    assert here.ended() == 0
