"""A leak into a protected file is shown with that file's row, on the card and in the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from curate.commands.review import review
from curate.deciding.protected import protected_rows
from curate.runs.steps import Reading, import_files, scan_version
from curate.workspace import Workspace
from tui.desk.desk import Desk
from tui.reading.card_view import card

SHEEP = "a farmer has seventeen sheep and all but nine of them run away how many sheep are left"


@pytest.fixture
def leaked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "home"))
    (tmp_path / "rows.jsonl").write_text(
        json.dumps({"prompt": "Now then " + SHEEP, "completion": "nine", "topic": "riddle"}) + "\n"
        + json.dumps({"prompt": "when do you open on sundays", "completion": "at ten", "topic": "hours"}) + "\n"
    )  # fmt: skip
    (tmp_path / "bench.jsonl").write_text(
        json.dumps({"question": "what is the highest mountain of the whole continent", "answer": "b"}) + "\n"
        + json.dumps({"question": SHEEP, "answer": "exactly 9 sheep"}) + "\n"
    )  # fmt: skip
    workspace = Workspace.open(create=True)
    import_files(workspace, [str(tmp_path / "rows.jsonl")], Reading(label="topic"))
    scan_version(
        workspace, workspace.dataset(None), names=["leak"], protect=[str(tmp_path / "bench.jsonl")],
        encoder="none",
    )  # fmt: skip
    return workspace


def test_the_shell_names_the_files_row_and_says_its_text(leaked: Workspace) -> None:
    lines = review(check="leak").lines
    assert any("rows.jsonl:1 with bench.jsonl:2: proposes drop" in line for line in lines)
    assert any(line.strip().startswith("with: ") and "exactly 9 sheep" in line for line in lines)


def test_the_card_shows_both_sides(leaked: Workspace) -> None:
    desk = Desk(leaked, leaked.dataset(None), "rows", "me")
    shown = card(desk, 0, desk.finding(0))
    assert shown.right is not None and "exactly 9 sheep" in shown.right.plain
    assert "Now then" in shown.left.plain


def test_a_version_without_a_protected_file_has_no_such_rows(leaked: Workspace, tmp_path: Path) -> None:
    assert len(protected_rows(leaked, leaked.dataset(None))) == 1
    (tmp_path / "more.jsonl").write_text(json.dumps({"prompt": "x", "completion": "y"}) + "\n")
    other = import_files(leaked, [str(tmp_path / "more.jsonl")], Reading())
    assert protected_rows(leaked, other.made.outputs["dataset"]) == []
