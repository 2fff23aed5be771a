"""What a finding is about, as a reader of the review sees it."""

from __future__ import annotations

import json

import pytest

from curate.commands import main as cli
from curate.scanning.excerpts import evidence_words
from curate.workspace import Workspace


@pytest.fixture
def rows(tmp_path, monkeypatch):
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    long = "word " * 100
    texts = [f"{long}write to ana.silva{n}@firm{n}.com\nor call {long}" for n in range(3)]
    rows = [{"prompt": text, "completion": f"It is done {n}"} for n, text in enumerate(texts)]
    rows += [rows[0], {"prompt": "What of box 17, which came late?", "completion": ""}]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    cli.import_([str(path)])
    cli.scan(check=["structure", "pii", "exact-duplicate"])
    return tmp_path


def test_a_place_is_shown_in_marks_with_what_stands_around_it(rows):
    lines = cli.review(check="pii").lines
    at = next(n for n, line in enumerate(lines) if "rows.jsonl:2 message 0 content" in line)
    assert "word write to «ana.silva1@firm1.com» or call word" in lines[at + 1]
    assert lines[at + 1].strip().startswith("...") and len(lines[at + 1]) < 200


def test_a_pair_is_shown_with_both_sides_and_findings_are_counted_not_lines(rows):
    answer = cli.review(check="exact-duplicate")
    at = next(n for n, line in enumerate(answer.lines) if "rows.jsonl:4 with rows.jsonl:1" in line)
    assert answer.lines[at + 1].strip().startswith("user: word word")
    assert answer.lines[at + 2].strip().startswith("with: user: word word")
    assert f"{answer.data['shown']} of {answer.data['fitting']} findings shown" in answer.lines[-2]
    assert all("text" not in finding for finding in answer.data["findings"])


def test_the_export_has_the_texts(rows):
    place = rows / "out.jsonl"
    cli.review(check="pii", export=place)
    first = json.loads(place.read_text().splitlines()[0])
    assert first["text"][first["start"] : first["end"]].startswith("ana.silva")


def test_the_export_holds_what_a_tools_own_json_calls_itself(tmp_path, monkeypatch):
    """Half of a surrogate pair in it is no text, and JSON can say it."""
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    call = r'[{"function": {"name": "a \ud800", "arguments": "{}"}}]'
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "tool_calls": call}]
    path, place = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    path.write_text(json.dumps({"messages": turns, "tools": [{"function": {"name": "f"}}]}) + "\n")
    cli.import_([str(path)])
    cli.scan(check=["structure"])
    cli.review(export=place)
    (found,) = map(json.loads, place.read_text(encoding="utf-8").splitlines())
    assert found["label"] == "undeclared-tool" and found["evidence"]["tool"] == "a \ud800"


def test_evidence_is_told_in_words():
    told = evidence_words(
        '{"why": "two answers in a row", "limit": 20000, "p": 0.12345, "of_other": [1, 2], "ok": true}'
    )
    assert told == "why two answers in a row, limit 20,000, p 0.123, of other 1, 2, ok"
    assert evidence_words("{}") == evidence_words(None) == ""


def test_why_names_the_message(rows):
    assert any("at message 0 content" in line for line in cli.why("rows.jsonl:2").lines)
    assert Workspace.open().dataset("rows")
