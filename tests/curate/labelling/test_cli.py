"""`seatrial label`, as a person or a script calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from curate.labelling.tasks import FILE, label_set
from curate.labelling.work import Work
from curate.workspace import Workspace
from tui.cli import main


def answer(workspace: Workspace, said: dict[int, str], who: str = "anna") -> None:
    """Answers to the task queue."""
    work = Work(workspace, workspace.dataset(), "tickets", label_set(workspace)["queue"], who)
    examples = workspace.examples(work.dataset)
    for place, value in said.items():
        work.answer(place, examples.row(place, named=True), value, 1.5)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object]]:
    """Exit code and data of a command."""
    code = main([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_from_a_label_set_to_a_version(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    answer(workspace, {0: "oak", 1: "viola", 2: "oak", 3: "viola"})
    code, told = run(capsys, "label", "status", "--task", "queue")
    assert code == 0 and told["tasks"][0]["answered"] == 4  # type: ignore[index]
    code, told = run(capsys, "label", "suggest", "--task", "queue", "--encoder", "none")
    assert code == 0 and told["trained_on"] == 4
    code, told = run(capsys, "label", "export", "--task", "queue", "--to", str(tmp_path / "out.jsonl"))
    assert code == 0 and told["answers"] == 4
    lines = (tmp_path / "out.jsonl").read_text("utf-8").splitlines()
    assert json.loads(lines[1])["answer"] == "viola" and json.loads(lines[1])["row"] == 2
    code, told = run(capsys, "label", "apply", "tickets", "--task", "queue")
    assert code == 0 and told["changed"] == 2 and workspace.dataset("tickets") == told["dataset"]


def test_differences_stop_apply_with_exit_code_1(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(workspace, {0: "oak"})
    answer(workspace, {0: "rest"}, "ben")
    code, told = run(capsys, "label", "apply", "--task", "queue")
    assert code == 1 and "people differ on 1 row" in str(told["error"])
    assert run(capsys, "label", "apply", "--task", "queue", "--by", "ben")[0] == 0


def test_init_writes_the_versions_labels_or_what_is_named(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace.root / FILE).unlink()
    assert run(capsys, "label", "init", "--task", "one")[0] == 2  # all rows have one label
    code, told = run(capsys, "label", "init", "--task", "one", "--options", "oak, viola")
    assert code == 0 and told["options"] == ["oak", "viola"]
    assert run(capsys, "label", "init", "--task", "much", "--kind", "scale", "--high", "7")[0] == 0
    made = label_set(workspace)
    assert made["one"].show == "prompt" and (made["much"].high, made["much"].column) == (7, "meta:much")


def test_init_offers_one_spelling_and_no_rare_label_unless_all_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "other"))
    labels = ["praise"] * 5 + [" praise", "PRAISE"] + ["refund"] * 4 + ["refnd"]
    (tmp_path / "t.csv").write_text("text,label\n" + "".join(f"q{n},{x}\n" for n, x in enumerate(labels)))
    assert run(capsys, "import", str(tmp_path / "t.csv"))[0] == 0
    assert run(capsys, "label", "init", "--task", "a")[1]["options"] == ["praise", "refund"]
    code, told = run(capsys, "label", "init", "--task", "b", "--all")
    assert code == 0 and told["options"][:2] == ["praise", "refund"] and "refnd" in told["options"]
    assert run(capsys, "label", "init", "--task", "c", "--all", "--options", "a,b")[0] == 2
    assert run(capsys, "label", "status", "--all")[0] == 2


@pytest.mark.parametrize(
    "words",
    [
        ("label", "lnit"),
        ("label", "status", "--policy", "one"),
        ("label", "init"),
        ("label", "apply", "--task", "qeue"),
        ("label", "apply"),
        ("label", "init", "--task", "x y", "--options", "a,b"),
        ("label", "init", "--task", "x", "--kind", "sclae"),
        ("label", "apply", "--task", "queue", "--to", "split"),
        ("label", "suggest", "--task", "queue", "--set", "/nowhere/labels.toml"),
    ],
)
def test_what_is_wrong_ends_in_words(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert main(words) in (1, 2)
    said = capsys.readouterr().err
    assert said.startswith("error: ") and "Traceback" not in said
