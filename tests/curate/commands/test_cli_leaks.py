"""`seatrial leaks`: a table of what crosses, and what could not be looked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from curate.commands.leaks import leaks
from curate.errors import ConfigError
from curate.runs.steps import Reading, import_files
from curate.workspace import Workspace

SHEEP = "a farmer has seventeen sheep and all but nine of them run away how many sheep are left"


def row(question: str, split: str | None, user: str | None = None) -> dict[str, object]:
    return {"prompt": question, "completion": "an answer", "part": split, "user": user}


@pytest.fixture(name="taken")
def _taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Imports rows into a new workspace."""
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "home"))

    def taken(rows: Sequence[dict[str, object]], group: str = "user") -> None:
        place = tmp_path / "rows.jsonl"
        place.write_text("".join(json.dumps(each) + "\n" for each in rows))
        import_files(Workspace.open(create=True), [str(place)], Reading(split="part", group=group))

    return taken


def test_the_table_joins_the_kinds_and_a_blocking_leak_is_exit_code_1(taken):
    taken(
        [
            row(SHEEP, "test", "u1"),
            row(SHEEP.upper(), "train", "u2"),
            row("now then " + SHEEP, "train", "u3"),
            row("what else", "train", "u1"),
        ]
    )
    answer = leaks(encoder="none")
    assert answer.exit_code == 1
    told = {(each["sides"], each["kind"]): each["rows"] for each in answer.data["leaks"]}
    assert told == {("train/test", "equal"): 1, ("train/test", "near"): 1, ("train/test", "group"): 1}
    assert answer.data["leaks"][0]["worst"][0]["place"] == "rows.jsonl:2"
    assert {each["kind"] for each in answer.data["not_looked"]} == {"rephrased", "protected"}
    assert any("not looked: rephrased: switched off" in line for line in answer.lines)


def test_a_benchmark_alone_is_asked_for(taken, tmp_path: Path):
    taken([row(SHEEP, "train", "u1"), row(SHEEP, "test", "u2")])
    bench = tmp_path / "bench.jsonl"
    bench.write_text(json.dumps({"question": SHEEP + "?", "answer": "9"}) + "\n")
    answer = leaks(protect=[str(bench)], between="train,protected", encoder="none")
    assert [(each["sides"], each["rows"]) for each in answer.data["leaks"]] == [("protected", 2)]
    assert answer.exit_code == 1
    assert not any(each["kind"] == "protected" for each in answer.data["not_looked"])


def test_what_was_looked_at_once_is_read_and_clean_is_exit_code_0(taken):
    taken([row("what is a sheep", "train", "u1"), row("where do rivers end", "test", "u2")])
    assert leaks(encoder="none").exit_code == 0
    again = leaks()
    assert again.data["leaks"] == [] and "none found of what was looked for" in "\n".join(again.lines)
    assert len(Workspace.open().scans(Workspace.open().dataset(None))) == 1


def test_rows_without_splits_are_not_called_clean(taken):
    taken([row(SHEEP, None, "u1"), row(SHEEP, None, "u2")])
    with pytest.raises(ConfigError, match="nothing to compare"):
        leaks(encoder="none")
    assert not Workspace.open().scans(Workspace.open().dataset(None))


def test_two_splits_that_are_none(taken):
    taken([row(SHEEP, "train", "u1"), row(SHEEP, "test", "u2")])
    with pytest.raises(ConfigError, match="--between train,tset") as raised:
        leaks(between="train,tset")
    assert "train,test" in (raised.value.hint or "")
