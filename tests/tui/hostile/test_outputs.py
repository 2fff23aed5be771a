"""What leaves as text and files: exports hold what came in, pages are inert, commands print no sequence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.hostile import control, surroundings
from benchmarks.hostile_outputs import READ, files, reports
from benchmarks.hostile_rows import TEXTS, half
from benchmarks.hostile_terminal import acts
from curate.workspace import Workspace
from tui.cli import main

pytestmark = pytest.mark.slow


def test_the_judge_sees_what_it_is_there_for(tmp_path: Path) -> None:
    """Each raw sequence is found on a screen, in a command's output and in a pseudo-terminal."""
    control(tmp_path, surroundings(tmp_path))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plain rows imported."""
    made = tmp_path_factory.mktemp("outputs")
    files(made)
    return made


@pytest.mark.parametrize("form", READ)
def test_exports_hold_what_came_in(folder: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each format, read back: the same texts; in CSV no formula and no row that a carriage return made."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SEATRIAL_HOME", str(folder / ".seatrial"))
    if not (folder / ".seatrial").exists():
        assert main(["import", "plain.jsonl", "--label", "queue", "--as", "raw", "--allow-rejects"]) == 0
    assert main(["export", "raw", "--to", form, "--format", form, "--allow-blocking"]) == 0
    wanted = [json.loads(line) for line in (folder / "plain.jsonl").read_text("ascii").splitlines()]
    assert READ[form](folder / form, wanted) == []
    assert acts(next((folder / form).rglob("*.card.md")).read_text("utf-8")) == []


def test_reports_are_inert(rows: Workspace, tmp_path: Path) -> None:
    """HTML, Markdown and JSON of a comparison in which every answer is hostile."""
    from evalharness.report import write_report
    from evalharness.report.comparing import read_comparison

    write_report(read_comparison(rows, None), tmp_path)
    for place in reports(tmp_path):
        assert (place.acted, place.crashed) == ([], []), place.line()


@pytest.mark.parametrize(
    "words",
    [
        ["log", "--limit", "300"], ["log", "--limit", "300", "--json"], ["review", "hostile", "--limit", "200"],
        ["rows", "hostile", "--limit", "200"], ["journal", "differences"], ["agree"], ["verify"], ["verdict"],
        ["rate", "status"], ["label", "status", "hostile"], ["edits", "hostile"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_commands_print_no_sequence(
    rows: Workspace, words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    """What they print of rows, labels, notes, people and runs acts nowhere."""
    assert main(words) in (0, 1, 2)
    said = capfd.readouterr()
    assert said.out or said.err
    assert acts(said.out) == [] and acts(said.err) == []


@pytest.mark.parametrize("number", range(0, 120, 7))
def test_hostile_words_are_told_as_words(
    rows: Workspace, number: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """An unknown command, version, check, file, column or filter is named in the error, and acts nowhere."""
    text = [text for text in TEXTS.values() if text and not half(text) and "\0" not in text][number % 100][
        :300
    ]
    for words in ([text], ["scan", text], ["scan", "--check", text], ["import", text], ["why", text],
                  ["rows", "hostile", "--where", text, "--limit", "1"], ["review", "hostile", "--accept", text]):  # fmt: skip
        assert main(words) in (0, 1, 2), words
        said = capfd.readouterr()
        assert acts(said.out) == [] and acts(said.err) == [], words
