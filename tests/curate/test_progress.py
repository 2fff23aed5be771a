"""Progress as a parent reads it, and without anyone who reads."""

from __future__ import annotations

import json
import os

import pytest

from curate.progress import Progress


def test_a_parent_reads_one_json_object_a_line(monkeypatch: pytest.MonkeyPatch):
    reader, writer = os.pipe()
    monkeypatch.setenv("SEATRIAL_PROGRESS_FD", str(writer))
    with Progress("scan pii", total=2) as progress:
        progress.step(2)
    os.close(writer)
    with os.fdopen(reader) as lines:
        events = [json.loads(line) for line in lines]
    assert [(event["stage"], event["done"], event["total"]) for event in events] == [
        ("scan pii", 0, 2),
        ("scan pii", 2, 2),
    ]


def test_a_parent_that_has_gone_does_not_end_the_work(monkeypatch: pytest.MonkeyPatch, capsys):
    """The screens were closed: the command that they started goes on, and falls silent."""
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setenv("SEATRIAL_PROGRESS_FD", str(writer))
    with Progress("scan", total=3) as progress:
        done = list(progress.over([1, 2, 3]))
    os.close(writer)
    assert done == [1, 2, 3] and progress.done == 3
    assert capsys.readouterr().err == ""


def test_an_import_of_one_plain_file_tells_the_time_left(tmp_path, monkeypatch, capsys):
    import json

    from curate import progress
    from curate.intake import sources

    file = tmp_path / "rows.jsonl"
    row = json.dumps({"prompt": "What is it, and where?", "completion": "A box on the shelf."})
    file.write_text(f"{row}\n" * 3_000)
    monkeypatch.setattr(sources, "TOLD_EVERY", 500)
    monkeypatch.setattr(progress, "LOG_EVERY", 0.0)
    sources.read_source(file)
    said = capsys.readouterr().err.splitlines()
    assert any("import  2,500 of 3,0" in line and "left" in line for line in said)


def test_short_stages_of_long_work_are_told_in_a_log(monkeypatch, capsys):
    """Each takes less than the time between two lines; all of them take more."""
    from curate import progress

    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    with progress.stages():
        for number in range(6):
            with Progress(f"stage {number}", total=1):
                pass
    told = [line.split("  ")[0] for line in capsys.readouterr().err.splitlines()]
    assert 3 <= len(told) <= 6 and told[0] == "stage 0"
    with Progress("alone", total=1):  # what is no part of longer work is told by its own time
        pass
    assert capsys.readouterr().err == ""
