"""What is still open is said when a version is applied and when it leaves."""

from __future__ import annotations

import json

import pytest

from curate.commands import main as cli
from curate.commands.waiting import open_lines
from curate.workspace import Workspace

NAMES = ("Maria Gonzalez", "Peter Schmidt", "John Miller", "Susan Baker")


@pytest.fixture
def people(tmp_path, monkeypatch):
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    rows = [
        {
            "prompt": f"Hello, my name is {NAMES[n % 4]} and parcel {n * 7919} did not come for {n} days",
            "completion": f"We look into {n}; write to help{n}@firm{n % 7}.com",
        }
        for n in range(20)
    ]
    path = tmp_path / "people.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    cli.import_([str(path)])
    cli.scan(check=["structure", "pii"])
    return tmp_path


def test_apply_and_export_say_which_names_are_left(people):
    answer = cli.apply(safe=True)
    words = "\n".join(answer.lines)
    assert "20 names (pii/PERSON) are still in the rows: seatrial scan people, then" in words
    assert "seatrial apply people --safe --also pii/PERSON" in words
    raw = answer.data["from"][:8]
    assert f"20 findings stay open, on the version before: seatrial review {raw} --open" in words
    cli.scan(check=["structure", "pii"])
    left = cli.export(to=people / "out", allow_blocking=True)
    assert left.data["still_open"][0]["open"] == 20
    assert any("20 names (pii/PERSON) are still in the rows" in line for line in left.lines)
    again = "\n".join(cli.apply().lines)
    assert "on the clean version: seatrial review people --open" in again
    cli.apply(safe=True, also=["pii/PERSON"])
    cli.scan(check=["structure", "pii"])
    assert not cli.export(to=people / "clean", allow_blocking=True).data["still_open"]
    assert Workspace.open().dataset("people")


def test_what_stood_in_a_turn_that_was_taken_off_is_not_told_as_left(tmp_path, monkeypatch):
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    said = ("How deep is a well?", "That goes by the water table.", "Thanks, says Maria Gonzalez")
    turns = [
        {"role": role, "content": text}
        for role, text in zip(("user", "assistant", "user"), said, strict=True)
    ]
    (tmp_path / "wells.jsonl").write_text(json.dumps({"messages": turns}) + "\n")
    cli.import_([str(tmp_path / "wells.jsonl")])
    found = cli.scan(check=["structure", "pii"])
    assert any("pii/PERSON" in line for line in found.lines)
    answer = cli.apply(safe=True)
    assert not answer.data["still_open"]
    assert "  0 findings stay open" in answer.lines


def test_all_but_personal_data_is_one_line():
    rows = [
        {"check": "quality", "label": "x", "open": 3},
        {"check": "pii", "label": "PERSON", "open": 1},
        {"check": "wrong-label", "label": "wrong", "open": 12},
        {"check": "quality", "label": "y", "open": 0},
    ]
    assert open_lines(rows, "do {kind}") == [
        "  1 name (pii/PERSON) is still in the rows: do pii/PERSON, or seatrial review",
        "  still open: wrong-label/wrong 12, quality/x 3",
    ]
    assert open_lines([]) == []
