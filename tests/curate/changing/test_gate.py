"""The gate: what was found stays found, and a check that never looked is not a clean one."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from curate.commands import main as cli
from curate.deciding.review import RUN, accept_safe, looked, record, review
from curate.errors import GateError
from curate.runs.release import carry_over, gate, looked_in, never_looked, scanned_versions, split_version
from curate.runs.steps import Reading, apply_decisions, import_files, scan_version
from curate.workspace import Workspace

MAIL = "jane.roe@example.com"
WORDS = ["amber", "birch", "coral", "delta", "ember", "fjord", "grove", "heron", "inlet", "joker", "karst"]


def write(path: Path, texts: list[str], **more: object) -> Path:
    rows = [
        {
            "messages": [
                {"role": "user", "content": text},
                {"role": "assistant", "content": f"we see {text}"},
            ],
            **more,
        }
        for text in texts
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def asked(number: int) -> str:
    return " ".join(WORDS[(number * step + step) % len(WORDS)] for step in (1, 2, 3, 5, 7)) + f" {number}"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    return Workspace.open(create=True)


def version(workspace: Workspace, path: Path) -> str:
    return import_files(workspace, [str(path)], Reading()).made.outputs["dataset"]


@pytest.fixture
def personal(workspace: Workspace, tmp_path: Path) -> str:
    return version(workspace, write(tmp_path / "rows.jsonl", [f"write to {MAIL}", asked(1), asked(2)]))


@pytest.fixture
def plain(workspace: Workspace, tmp_path: Path) -> str:
    return version(workspace, write(tmp_path / "plain.jsonl", [asked(n) for n in range(20)]))


def test_a_narrower_scan_takes_nothing_back(workspace: Workspace, personal: str, tmp_path: Path):
    scan_version(workspace, personal)
    before = review(workspace, personal)
    assert before.filter(check="pii").height > 0
    scan_version(workspace, personal, names=["structure"])
    assert review(workspace, personal).equals(before)
    for allowed in (cli.split, lambda: cli.export(to=tmp_path / "out")):
        with pytest.raises(GateError, match="blocking findings are open"):
            allowed()
    assert not (tmp_path / "out").exists()


def test_the_newest_scan_of_a_check_counts_with_its_settings(workspace: Workspace, personal: str):
    first = scan_version(workspace, personal).made.run_id
    weak = scan_version(workspace, personal, names=["pii"], settings={"pii": {"threshold": 1.0}}).made.run_id
    assert MAIL not in str(review(workspace, personal).to_dicts())
    runs = looked_in(workspace, personal)
    assert runs["pii"] == weak and runs["structure"] == first


def test_applying_carries_out_what_several_scans_found(workspace: Workspace, personal: str):
    for check in ("pii", "structure"):
        scan_version(workspace, personal, names=[check])
    record(workspace, accept_safe(review(workspace, personal)))
    done = apply_decisions(workspace, personal)
    assert MAIL not in str(workspace.examples(done.made.outputs["dataset"]).to_dicts())
    assert (
        len([role for role in workspace.ledger.run_artifacts(done.made.run_id, "in") if "findings" in role])
        == 2
    )


@pytest.mark.parametrize("names", [["structure"], ["pii"], ["leak"]])
def test_a_blocking_check_that_never_looked_stops_what_would_go_out(
    workspace: Workspace, plain: str, names: list[str], tmp_path: Path
):
    scan_version(workspace, plain, names=names)
    missing = sorted({"structure", "pii"} - set(names))
    assert sorted(never_looked(workspace, plain)) == missing
    for what in (cli.split, lambda: cli.export(to=tmp_path / "out")):
        with pytest.raises(GateError, match=r"never looked for: .*no scan asked for it") as caught:
            what()
        assert "seatrial scan" in caught.value.hint
    gate(workspace, plain, "split", allow=True)
    scan_version(workspace, plain, names=missing)
    gate(workspace, plain, "split")


def test_a_check_that_could_not_look_has_not_looked(
    workspace: Workspace, plain: str, monkeypatch: pytest.MonkeyPatch
):
    from curate.checks.pii import Pii

    monkeypatch.setattr(Pii, "obstacle", lambda *_: "not installed: presidio_analyzer")
    scan_version(workspace, plain)
    said = looked(workspace, plain)
    assert said["pii"] == "not installed: presidio_analyzer" and said["structure"] == RUN
    assert "no two splits" in said["leak"]
    with pytest.raises(GateError, match=r"pii \(not installed"):
        gate(workspace, plain, "split")
    monkeypatch.undo()
    scan_version(workspace, plain, names=["pii"])
    assert looked(workspace, plain)["pii"] == RUN
    monkeypatch.setattr(Pii, "obstacle", lambda *_: "not installed: presidio_analyzer")
    scan_version(workspace, plain, again=True)
    assert looked(workspace, plain)["pii"] == RUN  # what an earlier scan saw, it saw


def test_protected_rows_once_given_must_be_looked_for(workspace: Workspace, plain: str, tmp_path: Path):
    bench = str(write(tmp_path / "bench.jsonl", [asked(3)]))
    scan_version(workspace, plain, names=["structure", "pii"], protect=[bench])
    with pytest.raises(GateError, match="never looked for: leak"):
        gate(workspace, plain, "split")
    scan_version(workspace, plain, names=["leak"], protect=[bench])
    with pytest.raises(GateError, match="leak 1"):
        gate(workspace, plain, "split")
    other = str(write(tmp_path / "other.jsonl", ["quite another question altogether here"]))
    scan_version(workspace, plain, protect=[other])
    assert (
        review(workspace, plain).filter(check="leak").height == 1
    )  # the first file's rows are not forgotten
    scan_version(workspace, plain, protect=[bench, other], settings={"leak": {"threshold": 1.0}})
    assert review(workspace, plain).filter(check="leak").height == 1


def test_a_split_proves_itself_and_its_record_names_the_scans(
    workspace: Workspace, plain: str, tmp_path: Path
):
    """The parent's scan left the leak check out; over the parts it looks all the same."""
    run = scan_version(workspace, plain, names=["structure", "pii"]).made.run_id
    made, _ = split_version(workspace, plain)
    split = made.outputs["dataset"]
    assert looked(workspace, split)["leak"] == RUN and never_looked(workspace, split) == {}
    params = json.loads(workspace.ledger.rows("select params from run where kind = 'split'")[0]["params"])
    assert params["scans"] == {"pii": run, "structure": run}
    cli.export(to=tmp_path / "out")
    params = json.loads(workspace.ledger.rows("select params from run where kind = 'export'")[0]["params"])
    assert set(params["scans"]) == {"pii", "structure", "leak"}
    assert "leak" in (tmp_path / "out" / "plain.card.md").read_text()


def test_what_is_carried_over_is_all_that_stands(workspace: Workspace, personal: str):
    scan_version(workspace, personal)
    found = review(workspace, personal).filter(pl.col("check") != "leak")["finding_id"]
    scan_version(workspace, personal, names=["structure"])
    divided = workspace.examples(personal).with_columns(split=pl.Series(["train", "test", "test"]))
    made = workspace.put_dataset(divided)
    carry_over(workspace, personal, made)
    assert review(workspace, made)["finding_id"].to_list() == found.to_list()
    assert scanned_versions(workspace, made) == [made]


def test_a_split_version_that_no_leak_check_saw_is_stopped(workspace: Workspace, tmp_path: Path):
    path = tmp_path / "parts.jsonl"
    lines = [
        write(tmp_path / f"{part}.jsonl", [asked(n)], part=part).read_text()
        for n, part in enumerate(("train", "test"))
    ]
    path.write_text("".join(lines))
    made = import_files(workspace, [str(path)], Reading(split="part")).made.outputs["dataset"]
    scan_version(workspace, made, names=["structure", "pii"])
    with pytest.raises(GateError, match="never looked for: leak"):
        gate(workspace, made, "export")
    scan_version(workspace, made, names=["leak"])
    gate(workspace, made, "export")


def test_no_encoder_is_loaded_to_find_none_again(monkeypatch):
    from curate.runs import release

    monkeypatch.setattr(release, "find_encoder", lambda name: pytest.fail("an encoder was looked for"))
    assert release.found_again("none") == "none"
