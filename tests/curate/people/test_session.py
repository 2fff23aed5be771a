"""What was done in a workspace, written down and done again in another: the same bytes."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from curate.changing.apply import Edit
from curate.deciding.lastword import undo
from curate.deciding.review import accept_safe, decide, decide_edit, record, review
from curate.dividing.splitting import Wish
from curate.errors import ConfigError, GateError, NotFoundError, SourceError
from curate.people.journal import export, merge, read
from curate.people.session import write_session
from curate.runs.job import run_recipe
from curate.runs.recipe import read_recipe
from curate.runs.release import split_version
from curate.runs.steps import Reading, apply_decisions, import_files, scan_version
from curate.workspace import Workspace
from curate.workspace.differences import differing, settling

CHECKS = ["structure", "exact-duplicate", "near-duplicate", "pii", "quality", "leak"]
SETTINGS = {"pii": {"names": "none"}}


def write_rows(path: Path, count: int = 60) -> None:
    """Tickets: some twice, some with an address, some with wrongly encoded text."""
    draw = random.Random(4)
    words = [
        "mug",
        "plate",
        "lamp",
        "chair",
        "table",
        "rug",
        "vase",
        "clock",
        "shelf",
        "bowl",
        "fork",
        "knife",
        "sofa",
        "desk",
        "bed",
        "mirror",
    ]
    rows = []
    for n in range(count):
        text = f"hello my {' '.join(draw.sample(words, 7))} number {draw.randrange(10**6)} did not arrive"
        if n % 6 == 0:
            text += f" write to person{n}@example.org"
        answer = [{"role": "assistant", "content": f"we are sorry about number {n}"}]
        row = {
            "messages": [{"role": "user", "content": text}, *answer],
            "queue": "ab"[n % 2],
            "customer": n // 3,
        }
        rows += [row, row] if n % 10 == 1 else [row]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def worked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Workspace, str]:
    """A workspace in which two people worked: an edit, an undo, a settled difference, two applies, a split."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    write_rows(tmp_path / "data" / "rows.jsonl")
    monkeypatch.setattr("sys.argv", ["seatrial", "import", "data/rows.jsonl"])
    here = Workspace(make(tmp_path / "here"))
    reading = Reading(label="queue", group="customer")
    dataset = import_files(here, ["data/rows.jsonl"], reading).made.outputs["dataset"]
    scan_version(here, dataset, names=CHECKS, settings=SETTINGS)
    table = review(here, dataset)
    spans = table.filter(check="pii")
    record(here, decide(spans[:2], "keep", by="anna"))
    record(here, undo(here, spans[:1]["finding_id"], by="anna"))
    record(here, decide(spans[1:2], "redact", by="ben"))
    record(here, settling(decide(spans[1:2], "redact", by="anna"), differing(here.ledger)))
    row = spans.row(2, named=True)
    edit = Edit(
        row["example_id"], 0, "content", "hello, my lamp number 77 did not arrive, please help me now"
    )
    record(here, [decide_edit(here, row, edit, by="ben")])
    record(here, accept_safe(review(here, dataset)))
    dataset = apply_decisions(here, dataset, style="mask").made.outputs["dataset"]
    scan_version(here, dataset, names=CHECKS, settings=SETTINGS)
    scan_version(here, dataset, names=["near-duplicate"], settings={"near-duplicate": {"threshold": 0.5}})
    first = review(here, dataset).filter(check="near-duplicate", action="drop")[:1]
    assert first.height == 0 or record(here, decide(first, by="anna"))
    example = here.examples(dataset)["example_id"][0]
    drop = review(here, dataset)
    if drop.height:
        record(here, accept_safe(drop))
    changed = apply_decisions(here, dataset).made.outputs["dataset"]
    assert example
    scan_version(here, changed, names=CHECKS, settings=SETTINGS)
    made, _ = split_version(here, changed, Wish(sizes=(60.0, 20.0, 20.0), seed=5, encoder="none"))
    return here, made.outputs["dataset"]


def make(path: Path) -> Path:
    """A folder, made."""
    path.mkdir(parents=True)
    return path


def test_a_replay_comes_to_the_same_bytes(worked: tuple[Workspace, str], tmp_path: Path) -> None:
    """In an empty workspace: digests equal, row for row, the words too; a second replay computes nothing."""
    here, dataset = worked
    written = write_session(here, dataset, tmp_path / "session")
    assert written.edits == 1 and written.files == ["../data/rows.jsonl"]
    there = Workspace(make(tmp_path / "there"))
    recipe = read_recipe(tmp_path / "session" / "recipe.toml")
    outcome = run_recipe(there, recipe)
    assert outcome.dataset == dataset
    assert there.examples(dataset).equals(here.examples(dataset))
    assert review(there, dataset).equals(review(here, dataset))
    assert list(export(there, with_edits=True)) == list(export(here, with_edits=True))
    runs = len(there.ledger.rows("select * from run"))
    assert run_recipe(Workspace(make(tmp_path / "third")), recipe).dataset == dataset
    assert len(there.ledger.rows("select * from run")) == runs
    # what was written of the replay says the same again
    write_session(there, dataset, tmp_path / "again")
    one, two = (tmp_path / each / "journal.jsonl" for each in ("session", "again"))
    assert one.read_bytes() == two.read_bytes()


def test_words_said_since_change_no_session(worked: tuple[Workspace, str], tmp_path: Path) -> None:
    """Each step is done with what was said before it, and not with what came later."""
    here, dataset = worked
    first = here.ledger.rows("select * from decision order by decision_id limit 1")[0]
    here.ledger.decide([])
    from curate.workspace import Decision

    here.ledger.decide([Decision(first["finding_id"], first["example_id"], "drop", "anna")])
    write_session(here, dataset, tmp_path / "session")
    there = Workspace(make(tmp_path / "there"))
    assert run_recipe(there, read_recipe(tmp_path / "session" / "recipe.toml")).dataset == dataset
    assert list(export(there)) == list(export(here))


def test_other_rows_or_other_words_are_told(worked: tuple[Workspace, str], tmp_path: Path) -> None:
    """A changed source file is refused; a decision taken out of the journal stops the replay."""
    here, dataset = worked
    write_session(here, dataset, tmp_path / "session")
    path = tmp_path / "session" / "journal.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    redacted = next(n for n, line in enumerate(lines) if '"redact"' in line and "seatrial:safe" in line)
    path.write_text("".join(lines[:redacted] + lines[redacted + 1 :]))
    with pytest.raises(GateError, match="in the session"):
        run_recipe(Workspace(make(tmp_path / "there")), read_recipe(tmp_path / "session" / "recipe.toml"))
    write_rows(tmp_path / "data" / "rows.jsonl", 59)
    with pytest.raises(NotFoundError, match="has changed"):
        write_session(here, dataset, tmp_path / "session")
    (tmp_path / "data").rename(tmp_path / "moved")
    write_rows(tmp_path / "moved" / "rows.jsonl")
    given = [tmp_path / "moved" / "rows.jsonl"]
    assert write_session(here, dataset, tmp_path / "session", given).files == ["../moved/rows.jsonl"]


def test_what_cannot_be_replayed_is_refused(worked: tuple[Workspace, str], tmp_path: Path) -> None:
    """A version that another command made, and a source that nobody can read again."""
    here, dataset = worked
    with here.run("relabel", {}, {"dataset": dataset}) as run:
        run.outputs["dataset"] = made = here.put_dataset(here.examples(dataset)[:5])
    with pytest.raises(ConfigError, match="cannot replay"):
        write_session(here, made, tmp_path / "session")


def test_a_journal_without_steps_counts_in_a_recipe(worked: tuple[Workspace, str], tmp_path: Path) -> None:
    """People's words in a CI job: `[review] journal` names them, and safe proposals are taken beside them."""
    here, _ = worked
    (tmp_path / "people.jsonl").write_text("".join(export(here, by="anna", with_edits=True)))
    assert read(tmp_path / "people.jsonl").steps == ()
    recipe = tmp_path / "job.toml"
    recipe.write_text(
        '[import]\nfiles = ["data/rows.jsonl"]\nlabel = "queue"\ngroup = "customer"\n'
        '[scan]\nchecks = ["structure", "pii", "exact-duplicate"]\nencoder = "none"\n'
        '[checks.pii]\nnames = "none"\n[review]\njournal = "people.jsonl"\n'
    )
    there = Workspace(make(tmp_path / "there"))
    outcome = run_recipe(there, read_recipe(recipe))
    assert outcome.redacted > 0
    assert {row[0] for row in there.ledger.rows("select reviewer from decision")} == {"anna", "recipe:job"}
    assert merge(there, [read(tmp_path / "people.jsonl")]).decisions == 0


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ({"step": "rm", "settings": {}, "made": "0" * 32}, "`step` must be"),
        ({"step": "scan", "settings": [], "made": "0" * 32}, "`settings` must be"),
        ({"step": "scan", "settings": {}, "made": "../x"}, "`made` must be"),
        ({"step": "scan", "settings": {}, "made": "0" * 32, "protect": [1]}, "`protect` must be"),
    ],
)
def test_a_bad_step_is_refused(tmp_path: Path, step: dict[str, object], why: str) -> None:
    """With its line."""
    path = tmp_path / "s.jsonl"
    path.write_text('{"kind": "journal", "version": 1}\n' + json.dumps({"kind": "step", **step}) + "\n")
    with pytest.raises(SourceError, match=why):
        read(path)
