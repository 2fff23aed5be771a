"""Tab in a line for a command: a command's name, then the names of files, quoted where they must be."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, Static

from tui.completing import completed, last_word
from tui.workbench import workbench


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files with blanks and a quote in their names, a hidden one, one that no line can show, and a folder."""
    for name in ("a row.csv", "a row too.csv", "it's.jsonl", ".hidden", "z\x1b[0m"):
        (tmp_path / name).touch()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "one.parquet").touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("line", "then", "names"),
    [
        ("im", "import ", []),
        ("sc", "sc", ["scan", "score"]),
        ("import a", "import 'a row", ["a row too.csv", "a row.csv"]),
        ("import 'a row t", "import 'a row too.csv' ", []),
        ("import a\\ row.", "import 'a row.csv' ", []),
        ("import it", "import 'it'\"'\"'s.jsonl' ", []),
        ("import da", "import data/", []),
        ("import data/o", "import data/one.parquet ", []),
        ("import .h", "import .hidden ", []),
        ("import z", "import z", []),
        ("import nowhere/x", "import nowhere/x", []),
        ("import \0", "import \0", []),
    ],
)
def test_completed(line: str, then: str, names: list[str]) -> None:
    """What is sure is written; what is not is told."""
    assert completed(line) == (then, names)


def test_a_line_of_quotes_takes_no_time() -> None:
    """Each letter is looked at once."""
    assert last_word("'\"" * 50_000 + " x")[1].endswith(" x")


async def test_tab_in_the_line() -> None:
    """On the screen: what it may be is told above the line, and what it is stands in it."""
    app = workbench(None)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("i", "a", "tab")
        line, hint = app.screen.query_one(Input), app.screen.query_one("#ask-hint", Static)
        assert line.value == "import 'a row"
        assert "a row too.csv" in str(hint.render())
        await pilot.press("full_stop", "tab")
        assert line.value == "import 'a row.csv' "
