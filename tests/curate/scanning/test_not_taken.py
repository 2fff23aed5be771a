"""What an earlier scan found is not taken where it must not be: other code, damage, a scan that was killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest

import curate.workspace
from curate.runs.steps import Reading, import_files, scan_version
from curate.scanning import looking, remembered
from curate.workspace import Workspace

CHECKS = ["structure", "exact-duplicate", "near-duplicate"]
# a scan in a process of its own, which kills itself where it comes to a place for the nth time
KILLED = """
import os, signal, sys
from pathlib import Path
from curate.runs.steps import scan_version
from curate.workspace import Workspace
from curate.workspace.ledger import Ledger

place, times, dataset, *checks = sys.argv[1:]
owner, name = {"kept": (Path, "replace"), "recorded": (Ledger, "end")}[place]
real, left = getattr(owner, name), [int(times)]

def dying(*given):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*given)

setattr(owner, name, dying)
scan_version(Workspace.open(), dataset, names=checks)
"""


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "home"))
    return Workspace.open(create=True)


def version(workspace, tmp_path, count: int) -> str:
    """Rows of which each third says what the one before says, and each fifth nearly so."""
    lines = []
    for number in range(count):
        said = number - (number % 3 == 2)
        words = " ".join(f"w{said}x{at}" for at in range(30)) + (" more" if number % 5 == 4 else "")
        answer = "" if number % 7 == 0 else f"It is {words}."
        turns = f'[{{"role": "user", "content": "{words}?"}}, {{"role": "assistant", "content": "{answer}"}}]'
        lines.append(f'{{"messages": {turns}}}')
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(lines))
    return import_files(workspace, [str(file)], Reading(), name="rows").made.outputs["dataset"]


def found(workspace, dataset, **how) -> pl.DataFrame:
    return workspace.table(scan_version(workspace, dataset, names=CHECKS, **how).made.outputs["findings"])


def equal_to_a_whole_scan(workspace, dataset) -> bool:
    """Whether a scan with what was kept finds what one from nothing finds; and anything."""
    taken = found(workspace, dataset)
    return taken.height > 10 and taken.equals(found(workspace, dataset, again=True))


def looked_at(monkeypatch) -> dict[str, int]:
    """Rows looked at, by check, from here on."""
    seen: dict[str, int] = {}
    look = looking._Work._look

    def counting(work, batch):
        seen[work.check.name] = seen.get(work.check.name, 0) + batch.height
        return look(work, batch)

    monkeypatch.setattr(looking._Work, "_look", counting)
    return seen


def test_other_code_takes_nothing(workspace, tmp_path, monkeypatch):
    found(workspace, version(workspace, tmp_path, 60))
    for module in (curate.workspace, remembered):
        monkeypatch.setattr(module, "code_version", lambda: "another")
    grown = version(workspace, tmp_path, 63)
    seen = looked_at(monkeypatch)
    found(workspace, grown)
    assert seen == dict.fromkeys(CHECKS, 63)


@pytest.mark.parametrize("library", ["polars", "spacy", "tldextract"])
def test_another_release_of_what_decides_a_finding_is_other_code(monkeypatch, library):
    known = curate.workspace._version
    before = curate.workspace.code_version.__wrapped__()
    monkeypatch.setattr(curate.workspace, "_version", lambda name: known(name) + "x" * (name == library))
    assert curate.workspace.code_version.__wrapped__() != before


@pytest.mark.parametrize("harm", ["fewer", "unreadable"])
def test_findings_that_are_damaged_are_not_taken(workspace, tmp_path, monkeypatch, capsys, harm):
    made = scan_version(workspace, version(workspace, tmp_path, 60), names=CHECKS).made
    file = workspace.store.path(made.outputs["findings"]) / "table.parquet"
    if harm == "fewer":
        pl.read_parquet(file).slice(5).write_parquet(file)
    else:
        file.write_bytes(file.read_bytes()[:100])
    grown = version(workspace, tmp_path, 63)
    seen = looked_at(monkeypatch)
    taken = found(workspace, grown)
    assert seen["structure"] == 63
    assert "are damaged: its rows are looked at anew" in capsys.readouterr().err
    assert taken.equals(found(workspace, grown, again=True))


@pytest.mark.parametrize(("place", "times"), [("kept", 2), ("recorded", 1)])
def test_a_scan_that_was_killed_leaves_nothing_that_misleads_the_next(workspace, tmp_path, place, times):
    found(workspace, version(workspace, tmp_path, 60))
    grown = version(workspace, tmp_path, 66)
    words = [sys.executable, "-P", "-c", KILLED, place, str(times), grown, *CHECKS]
    assert subprocess.run(words, capture_output=True).returncode == -signal.SIGKILL
    assert equal_to_a_whole_scan(workspace, grown)
    assert equal_to_a_whole_scan(workspace, version(workspace, tmp_path, 69))


def test_two_scans_at_once_find_what_each_finds_alone(workspace, tmp_path):
    found(workspace, version(workspace, tmp_path, 60))
    versions = [version(workspace, tmp_path, count) for count in (64, 68)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda dataset: found(Workspace.open(), dataset), versions))
    for dataset in versions:
        (scan,) = workspace.scans(dataset)
        assert workspace.table(scan.findings).equals(found(workspace, dataset, again=True))
    assert equal_to_a_whole_scan(workspace, version(workspace, tmp_path, 72))
