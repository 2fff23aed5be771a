"""`seatrial edits`: what was accepted or written anew, as pairs, also when it was carried out since."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from curate.changing.apply import Edit
from curate.commands.edits import edits
from curate.deciding.edit_texts import decide_edits
from curate.deciding.review import decide, record, review
from curate.errors import ConfigError, ResourceError
from curate.runs.steps import Reading, apply_decisions, import_files, scan_version
from curate.workspace import Workspace

TEXT = "The cafÃ© in the old town opens at nine, and the naÃ¯ve guest waits.<br>Bring a friend along."
MENDED = "The café in the old town opens at nine, and the naïve guest waits.\nBring a friend along."


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A scanned version: an answer with two proposals, a question with one, a row without."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "home"))
    said = [
        ("When does it open?", TEXT),
        (f"Is this so? {TEXT}", "Yes, it is so."),
        ("And then?", "Nothing."),
    ]
    rows = [
        {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}]} for q, a in said
    ]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    workspace = Workspace.open(create=True)
    dataset = import_files(workspace, ["rows.jsonl"], Reading()).made.outputs["dataset"]
    scan_version(workspace, dataset, names=["quality"])
    return workspace


def proposed(workspace: Workspace) -> pl.DataFrame:
    """The proposals of new texts."""
    return review(workspace, workspace.dataset()).filter(pl.col("action") == "edit")


def pairs(*words: object, **options: object) -> list[dict[str, object]]:
    """What the command writes."""
    to = Path("pairs.jsonl")
    told = edits(*words, to=to, overwrite=True, **options)
    made = [json.loads(line) for line in to.read_text(encoding="utf-8").splitlines()]
    assert told.data["pairs"] == len(made)
    return made


def test_an_accepted_proposal_is_a_pair_before_and_after_it_is_applied(here: Workspace) -> None:
    table = proposed(here)
    answers = table.filter(message=1)
    assert answers.height == 2, "two proposals for one text"
    assert pairs() == []
    record(here, decide(answers, "edit", by="anna"))
    [pair] = pairs()
    assert pair["rejected"] == [{"role": "assistant", "content": TEXT}]
    assert pair["chosen"] == [{"role": "assistant", "content": MENDED}]
    assert pair["prompt"] == [{"role": "user", "content": "When does it open?"}]
    apply_decisions(here, here.dataset())
    assert pairs() == [pair]
    [row] = here.examples(here.dataset()).filter(example_id=pair["example_id"]).iter_rows(named=True)
    assert row["messages"][1]["content"] == MENDED
    # what came of it can be read again
    assert import_files(here, ["pairs.jsonl"], Reading()).rows == 1


def test_of_a_question_or_a_refused_proposal_there_is_no_pair(here: Workspace) -> None:
    table = proposed(here)
    record(here, decide(table.filter(message=0), "edit", by="anna"))
    record(here, decide(table.filter(message=1), "keep", by="anna"))
    assert pairs() == []
    assert edits().data["others"] == 1


def test_what_a_person_wrote_on_top_of_a_proposal_is_the_pair(here: Workspace) -> None:
    table = proposed(here).filter(message=1)
    record(here, decide(table, "edit", by="anna"))
    row = table.row(0, named=True)
    record(here, decide_edits(here, [(row, Edit(row["example_id"], 1, "content", "At nine."))], by="anna"))
    [pair] = pairs()
    assert pair["rejected"] == [{"role": "assistant", "content": TEXT}]
    assert pair["chosen"] == [{"role": "assistant", "content": "At nine."}]


def test_a_file_that_is_there_or_cannot_be_written_is_told(here: Workspace, tmp_path: Path) -> None:
    (tmp_path / "there.jsonl").write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        edits(to=tmp_path / "there.jsonl")
    assert (tmp_path / "there.jsonl").read_text() == "mine"
    with pytest.raises(ResourceError):
        edits(to=tmp_path / "no folder" / "pairs.jsonl")
