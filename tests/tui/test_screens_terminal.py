"""Journeys in a real terminal: the bytes that it gets, and what is on the disk after each key."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tui.states import answered
from tests.tui.terminals import PATIENCE, TMUX, Pty, Tmux, until

Start = Callable[..., Pty | Tmux]
DRIVERS = [
    "pty",
    pytest.param("tmux", marks=pytest.mark.skipif(TMUX is None, reason="tmux is not installed")),
]
SCAN = "scan tickets --check near-duplicate --check structure"
LABELS = '[tasks.tone]\nretrain = 0\ncolumn = "meta:tone"\noptions = ["calm", "cross"]\n'
WORDS = "the parcel that I had ordered at your shop in the old town came late on the third day"
LOST = ["lamp", "glass", "brush", "kite", "drum", "bell"]


@pytest.fixture(params=DRIVERS)
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """Start the program in a folder, in a terminal of some size; all are ended with the test."""
    opened: list[Pty | Tmux] = []

    def begin(columns: int = 100, lines: int = 30, **more: str) -> Pty | Tmux:
        # each start has a folder for its terminal; the workspace is the test's one
        environment = {
            "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "SEATRIAL_REVIEWER": "anna",
            "SEATRIAL_HOME": str(tmp_path / ".seatrial"), "XDG_CONFIG_HOME": str(tmp_path / "config"), **more,
        }  # fmt: skip
        folder = tmp_path / f"terminal-{len(opened)}"
        folder.mkdir()
        opened.append((Pty if request.param == "pty" else Tmux)(folder, columns, lines, environment))
        return opened[-1]

    yield begin
    for terminal in opened:
        terminal.close()


def ledger(folder: Path, query: str) -> list[tuple[object, ...]]:
    """What the ledger holds, read as another program would."""
    database = sqlite3.connect(f"file:{folder / '.seatrial' / 'ledger.db'}?mode=ro", uri=True)
    try:
        return [tuple(row) for row in database.execute(query)]
    finally:
        database.close()


def actions(folder: Path) -> list[object]:
    """The actions decided, in the order of time; None where one was taken back."""
    return [row[0] for row in ledger(folder, "select action from decision order by decided_at, uid")]


def wait(condition: Callable[[], bool]) -> None:
    """Until something is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came to be so"
        time.sleep(0.02)


def tickets(folder: Path) -> Path:
    """Six pairs of tickets that are nearly the same."""
    rows = []
    for number in range(12):
        said = [
            WORDS,
            *(f"thing{number // 2}x{n}" for n in range(20)),
            f"and the {LOST[number // 2]}{'s' * (number % 2)} is gone",
        ]
        rows.append({"prompt": " ".join(said), "response": "We are sorry.", "queue": "oak"})
    path = folder / "tickets.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_journey(tmp_path: Path, start: Start) -> None:
    """Import, scan, decide, skip, undo, redo, edit, diff, label; leave; all is there, and undo goes on."""
    here = start()
    until(here, "There is no dataset here yet")
    here.press("i")
    until(here, "enter runs it")
    here.press(f"{tickets(tmp_path)} --label queue", "enter")
    until(here, "not scanned yet")
    here.press("!")
    until(here, "enter runs it")
    here.press(SCAN, "enter")
    until(here, "near-duplicate  6 100 %")
    here.press("enter")
    until(here, "Filter", "near-duplicate", "6 open")
    here.press("enter")
    until(here, "a drop · x keep", "of 6 shown")
    for key, said, then in [
        ("a", ["drop"], "5 open"),
        ("x", ["drop", "keep"], "4 open"),
        ("space", ["drop", "keep"], "4 of 6 shown"),
        ("u", ["drop", "keep", None], "2 of 6 shown"),
        ("U", ["drop", "keep", None, "keep"], "keep by anna"),
    ]:
        here.press(key)
        until(here, then)
        assert actions(tmp_path) == said
    here.press("]")
    until(here, "3 of 6 shown")
    here.press("e")
    until(here, "ctrl+s saves")
    here.press("ax ")
    until(here, "ax ")
    assert len(actions(tmp_path)) == 4, "keys that decide rest while one writes"
    here.press("ctrl+s")
    lines = until(here, "before", "after", "edit by anna")
    assert any("before" in line and "after" in line for line in lines), "side by side"
    here.press("d")
    wait(lambda: not any("before " in line and "after" in line for line in here.lines()))
    until(here, "before", "after")
    assert actions(tmp_path)[-1] == "edit"
    here.press("q")
    until(here, "Filter")
    here.press("q")
    until(here, "versions")
    (tmp_path / ".seatrial" / "labels.toml").write_text(LABELS)
    here.press("L")
    until(here, "calm", "12 open")
    here.press("1")
    until(here, "11 open")
    here.press("2")
    until(here, "10 open")
    answers = ledger(tmp_path, "select value from annotation where key = 'label:tone' order by annotated_at")
    assert [json.loads(str(row[0]))["answer"] for row in answers] == ["calm", "cross"]
    here.press("ctrl+q")
    assert here.ended() == 0

    again = start(80, 24)
    until(again, "tickets", "versions")
    again.press("enter")
    until(again, "Filter", "near-duplicate")
    again.press("enter")
    until(again, "a drop · x keep")
    again.press("u")
    until(again, "undone")
    assert actions(tmp_path)[-2:] == ["edit", None]
    again.press("u")
    wait(lambda: actions(tmp_path)[-1] is None and len(actions(tmp_path)) == 7)
    again.press("ctrl+q")
    assert again.ended() == 0


def test_rating_in_a_terminal(tmp_path: Path, start: Start, home: Path) -> None:
    """From the comparison to the blind rating: a key is on the disk, u takes it back."""
    from tests.tui.conftest import build

    workspace = build(tmp_path / ".seatrial")
    answered(workspace)
    workspace.close()
    query = "select value from annotation where key like 'rating:%' order by annotated_at, uid"
    here = start()
    until(here, "divided")
    here.press("m")
    until(here, "lost")
    here.press("p")
    until(here, "0 of 20 rated")
    here.press("1")
    until(here, "1 of 20 rated")
    assert len(ledger(tmp_path, query)) == 1
    here.press("u")
    until(here, "0 of 20 rated")
    assert ledger(tmp_path, query)[-1][0] is None
    here.press("ctrl+q")
    assert here.ended() == 0


def test_resized_and_killed(tmp_path: Path, start: Start, home: Path) -> None:
    """Each size has the whole card; after kill -9 what was acknowledged is there and can be undone."""
    from tests.tui.conftest import build

    build(tmp_path / ".seatrial").close()
    here = start(120, 36)
    until(here, "tickets", "versions")
    here.press("enter")
    until(here, "Filter", "contradiction")
    here.press("s")
    until(here, "open  by check")
    here.press("enter")
    until(here, "this row", "1 keep · 2 drop")
    for columns, lines, wanted in [
        (80, 24, ["this row", "other row", "1 keep · 2 drop · 4 drop other · e label", "? Help"]),
        (40, 12, ["contradiction label", "this row", "1 keep 2 drop 4 drop other e label"]),
        (120, 36, ["tickets › findings › card", "other row"]),
    ]:
        here.resize(columns, lines)
        until(here, *wanted)
    here.press("1")
    until(here, "19 open")
    here.press("2")
    wait(lambda: len(actions(tmp_path)) == 2)
    here.kill()
    assert ledger(tmp_path, "pragma integrity_check") == [("ok",)]
    assert actions(tmp_path) == ["keep", "drop"]
    again = start()
    until(again, "tickets", "versions")
    again.press("enter")
    until(again, "18 of 21 shown")  # the queue: the versions tell the open ones too
    again.press("u")
    until(again, "19 open")
    assert actions(tmp_path) == ["keep", "drop", None]


def test_without_colour(tmp_path: Path, start: Start, home: Path) -> None:
    """With NO_COLOR no colour is sent, not even a grey, and the card says all that it says; the cursor is reverse."""
    from tests.tui.conftest import build

    build(tmp_path / ".seatrial").close()
    here = start(80, 24, NO_COLOR="1")
    until(here, "tickets", "versions")
    here.press("enter")
    until(here, "Filter", "contradiction")
    here.press("s")
    until(here, "open  by check")
    here.press("enter")
    until(here, "this row", "1 keep · 2 drop")
    here.press("ctrl+q")
    assert here.ended() == 0
    sent = here.written.read_bytes()
    codes = {int(code) for told in re.findall(rb"\x1b\[([\d;]+)m", sent) for code in told.split(b";")}
    assert 7 in codes and codes <= {0, 1, 2, 3, 4, 7, 9}


def test_nothing_in_a_row_acts(tmp_path: Path, start: Start, home: Path) -> None:
    """List and card of rows with OSC 52, OSC 0, C1 and SGR: the sequences arrive as glyphs only."""
    from tests.tui.conftest import build

    build(tmp_path / ".seatrial", evil=True).close()
    here = start(160, 40)
    until(here, "blocking")
    here.press("enter")
    until(here, "Filter", "contradiction")
    here.press("s")
    until(here, "open  by check")
    here.press("enter")
    until(here, "␛]52;c;aGk=␇")
    here.press("ctrl+q")
    assert here.ended() == 0
    out = here.written.read_bytes()
    assert b"\x1b]52" not in out
    assert b"\x1b]0;" not in out
    assert b"aGk=\x07" not in out
    assert "\u202e".encode() not in out and "\x9b".encode() not in out
