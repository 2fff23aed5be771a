"""A demo that was killed goes on where it stopped: what was done is not done again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from curate.answer import Answer
from curate.errors import ConfigError
from tui.commands.demo_walk import DONE, Walk, begun
from tui.terminal import render


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run, in an empty folder."""
    commands: list[list[str]] = []

    def run(name: str, words: list[str]) -> Answer:
        commands.append([name, *words])
        return Answer(["done"], {"rows": 7, "folder": tmp_path})

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tui.cli.run", run)
    monkeypatch.setattr(render, "answers", sys.stdout)  # this test's, as at the start of a command
    return commands


def started(to: Path | None, base: str) -> Walk:
    """A walk whose first command made its workspace."""
    walk = begun(to, base)
    (walk.folder / ".seatrial").mkdir(exist_ok=True)
    return walk


@pytest.mark.parametrize("to", [None, Path("here")])
def test_it_goes_on_where_it_stopped(ran: list[list[str]], to: Path | None) -> None:
    """In the same folder, with the answers of before; from the first command that differs all is run."""
    first = started(to, "tiny")
    said = first.run("scan", "tickets")
    first.run("split", "tickets")
    first.kept.file.write('{"words": ["tra')  # killed while it wrote
    first.kept.file.close()
    again = started(to, "tiny")
    assert again.folder == first.folder
    assert again.run("scan", "tickets") == said
    again.run("split", "tickets", "--random")
    again.run("train", "tickets")
    assert ran[2:] == [["split", "tickets", "--random"], ["train", "tickets"]]
    again.kept.file.close()
    third = started(to, "tiny")
    for words in ran:
        third.run(*words)
    third.finish()
    assert third.folder == first.folder


def test_another_demo_has_a_folder_of_its_own(ran: list[list[str]]) -> None:
    """While one goes on, when it is finished, and for another base model."""
    first = started(None, "tiny")
    first.run("scan")
    beside = started(None, "tiny")
    assert beside.folder.name == "seatrial-demo-2"
    first.kept.file.close()
    assert started(None, "other").folder.name == "seatrial-demo-3"
    again = started(None, "tiny")
    assert again.folder == first.folder
    again.finish()
    beside.finish()
    assert started(None, "tiny").folder.name == "seatrial-demo-4"


def test_what_is_no_demo_of_ours_is_passed_by(ran: list[list[str]]) -> None:
    """A file of that name, a damaged record, and a record whose workspace is gone."""
    Path("seatrial-demo").touch()
    assert begun(None, "tiny").folder.name == "seatrial-demo-2"
    record = Path("seatrial-demo-2") / DONE
    record.write_text(record.read_text() + "{broken\n")
    third = begun(None, "tiny")
    assert third.folder.name == "seatrial-demo-3"
    third.kept.add({"words": ["import"], "seconds": 1.0, "data": {}})
    third.kept.file.close()
    assert begun(None, "tiny").folder.name == "seatrial-demo-4"
    again = begun(third.folder, "tiny")  # asked for by name it begins anew
    assert again.kept.done == [] and len((third.folder / DONE).read_text().splitlines()) == 1


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, ran: list[list[str]]) -> None:
    """A workspace that no demo made is never written to."""
    (tmp_path / "mine" / ".seatrial").mkdir(parents=True)
    with pytest.raises(ConfigError, match="holds a workspace already"):
        begun(tmp_path / "mine", "tiny")
    assert not (tmp_path / "mine" / DONE).exists()
    (tmp_path / "seatrial-demo").mkdir()
    assert begun(None, "tiny").folder.name == "seatrial-demo-2"
