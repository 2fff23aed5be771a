"""A division that gives rows away is told at once, stops what would use it, and another one undoes it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from curate.commands.release import split
from curate.errors import GateError
from curate.runs.outgoing import export_version
from curate.runs.steps import Reading, import_files, scan_version
from curate.runs.trainable import objections, refuse
from curate.workspace import Workspace
from evalharness.deciding import evidence

WORDS = [
    "apple",
    "river",
    "stone",
    "cloud",
    "lamp",
    "garden",
    "window",
    "bridge",
    "candle",
    "forest",
    "mirror",
    "button",
]


@pytest.fixture
def scanned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """120 unlike questions of 12 customers, scanned."""
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "home"))
    place = tmp_path / "rows.jsonl"
    rows = [
        {"prompt": f"{one} {two} number {i * 7919} of {WORDS[i % 5]}?", "completion": f"{two} {i}", "who": f"c{i % 12}"}
        for i, (one, two) in enumerate((a, b) for a in WORDS for b in WORDS[:10])
    ]  # fmt: skip
    place.write_text("".join(json.dumps(each) + "\n" for each in rows))
    workspace = Workspace.open(create=True)
    import_files(workspace, [str(place)], Reading(group="who"))
    scan_version(workspace, workspace.dataset(None), names=["structure", "pii", "leak"], encoder="none")
    return workspace


def test_groups_cut_in_two_are_an_exit_code_and_the_next_split_is_not_held_up_by_them(scanned, tmp_path):
    cut = split(group=False, encoder="none")
    assert cut.exit_code == 1 and cut.data["leaks"] > 0
    assert cut.lines[-1] == "next: seatrial split without --no-group"
    assert "leaks between the parts: train and export refuse this split" in cut.lines[-2]
    digest = cut.data["dataset"]
    with pytest.raises(GateError) as said:
        refuse(objections(scanned, digest, scanned.examples(digest)), "rows")
    assert said.value.hint.startswith("seatrial split without --no-group")
    with pytest.raises(GateError, match="blocking findings are open"):
        export_version(scanned, digest, str(tmp_path / "out"), ["openai"])
    again = split(encoder="none")  # of the version that was cut
    assert again.exit_code == 0 and again.data["leaks"] == 0
    whole = again.data["dataset"]
    assert objections(scanned, whole, scanned.examples(whole)) == []
    assert evidence.check_clean(scanned, whole)["state"] == "pass"
    assert export_version(scanned, whole, str(tmp_path / "out"), ["openai"]).written
    kept = pytest.raises(GateError, match="cannot split")
    scanned.ledger.set_name("rows", digest)
    with kept:
        split(keep_existing=True, encoder="none")
