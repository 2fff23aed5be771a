"""What people found by hand: in a session that is replayed, and in journals that are merged."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from curate.changing.apply import Edit
from curate.changing.purge import plan, purge
from curate.deciding import byhand
from curate.deciding.flags import flag, flagged
from curate.deciding.lastword import undo
from curate.deciding.review import accept_safe, decide, decide_edit, record, review
from curate.dividing.splitting import Wish
from curate.errors import ConfigError, NotFoundError, SourceError
from curate.labelling.applying import apply_answers
from curate.labelling.tasks import Option, Task
from curate.labelling.work import Work
from curate.people.journal import export, merge, read
from curate.people.session import write_session
from curate.runs.job import run_recipe
from curate.runs.recipe import read_recipe
from curate.runs.release import split_version
from curate.runs.steps import Reading, apply_decisions, import_files, scan_version
from curate.workspace import Workspace

CHECKS = ["structure", "exact-duplicate", "near-duplicate", "pii"]
SETTINGS = {"pii": {"names": "none"}}
QUEUE = Task("queue", show="prompt", options=(Option("a", "1"), Option("b", "2")), retrain=0)
WORDS = "mug plate lamp chair table rug vase clock shelf bowl fork knife sofa desk bed".split()  # noqa: SIM905


def make(path: Path) -> Workspace:
    """An empty workspace."""
    path.mkdir(parents=True)
    return Workspace(path)


def mark(workspace: Workspace, dataset: str, rows: range, start: int, action: str, by: str) -> pl.DataFrame:
    """Findings by hand on the first message of some rows, from a character on; decided but for edits."""
    ids = workspace.examples(dataset)["example_id"].to_list()
    found = byhand.add(
        workspace,
        dataset,
        pl.DataFrame(
            {
                "example_id": [ids[n] for n in rows],
                "message": [0] * len(rows),
                "field": ["content"] * len(rows),
                "start": [start] * len(rows),
                "end": [start + 5] * len(rows),
                "label": ["alike"] * len(rows),
                "action": [action] * len(rows),
            }
        ),
    ).findings
    own = review(workspace, dataset).filter(pl.col("finding_id").is_in(found["finding_id"].implode()))
    if action != "edit":
        record(workspace, decide(own, action, by=by))
    return own


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Workspace, str]:
    """Rows of which some are twice and some hold an address, scanned."""
    monkeypatch.chdir(tmp_path)
    rows = []
    for n in range(40):
        text = f"hello {' '.join(WORDS[(n + k * (n % 7 + 1)) % 15] for k in range(6))} number {n * 7919}"
        row = {
            "messages": [
                {"role": "user", "content": text + (f" to p{n}@example.org" if n % 4 == 0 else "")},
                {"role": "assistant", "content": f"sorry about {n}"},
            ],
            "queue": "ab"[n % 2],
        }
        rows += [row, row] if n % 10 == 1 else [row]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr("sys.argv", ["seatrial", "import", "rows.jsonl"])
    here = make(tmp_path / "here")
    dataset = import_files(here, ["rows.jsonl"], Reading(label="queue")).made.outputs["dataset"]
    scan_version(here, dataset, names=CHECKS, settings=SETTINGS)
    return here, dataset


def work(here: Workspace, dataset: str) -> str:
    """Marks before, between and after two applies, labels by two people, a threshold moved, an undo, a split."""
    for row in mark(here, dataset, range(6), 0, "edit", "anna").iter_rows(named=True):
        new = Edit(row["example_id"], 0, "content", f"please help with {row['example_id'][:8]}, it came late")
        record(here, [decide_edit(here, row, new, by="anna", note="like 1234abcd")])
    taken = mark(here, dataset, range(10, 14), 6, "redact", "ben")
    record(here, undo(here, taken[:2]["finding_id"], by="anna"))
    record(here, accept_safe(review(here, dataset)))
    dataset = apply_decisions(here, dataset).made.outputs["dataset"]
    scan_version(here, dataset, names=CHECKS, settings=SETTINGS)
    mark(here, dataset, range(20, 22), 1, "redact", "ben")
    scan_version(here, dataset, names=["near-duplicate"], settings={"near-duplicate": {"threshold": 0.5}})
    mark(here, dataset, range(22, 24), 2, "drop", "anna")
    dataset = apply_decisions(here, dataset).made.outputs["dataset"]
    for who in ("anna", "ben"):
        desk = Work(here, dataset, "rows", QUEUE, who)
        examples = here.examples(dataset)
        for place in range(8):
            desk.answer(place, examples.row(place, named=True), "b", 1.0)
        desk.undo()
    dataset = apply_answers(here, dataset, QUEUE, policy="majority").made.outputs["dataset"]
    scan_version(here, dataset, names=CHECKS, settings=SETTINGS)
    mark(here, dataset, range(2), 3, "keep", "ben")
    made, _ = split_version(here, dataset, Wish(seed=5, encoder="none"), allow_blocking=True)
    dataset = made.outputs["dataset"]
    mark(here, dataset, range(3, 5), 3, "keep", "ben")
    flag(here, dataset, here.examples(dataset)["example_id"].to_list()[:3], "anna")
    return dataset


def test_marks_are_replayed_to_the_same_bytes(start: tuple[Workspace, str], tmp_path: Path) -> None:
    """Versions, reviews, words and flags are equal; a session of the replay is the same file."""
    here, _ = start
    dataset = work(*start)
    written = write_session(here, dataset, tmp_path / "session")
    assert (written.edits, written.missing) == (6, 0) and written.marks > 14
    there = make(tmp_path / "there")
    recipe = read_recipe(tmp_path / "session" / "recipe.toml")
    assert run_recipe(there, recipe).dataset == dataset
    assert there.examples(dataset).equals(here.examples(dataset))
    assert review(there, dataset).equals(review(here, dataset))
    assert flagged(there) == flagged(here) != set()
    assert set(export(there, with_edits=True)) == set(export(here, with_edits=True))
    runs = len(there.ledger.rows("select * from run"))
    assert run_recipe(there, recipe).dataset == dataset
    assert len(there.ledger.rows("select * from run")) == runs
    write_session(there, dataset, tmp_path / "again")
    one, two = (tmp_path / each / "journal.jsonl" for each in ("session", "again"))
    assert one.read_bytes() == two.read_bytes()


def test_a_purge_in_between_leaves_a_session_that_says_what_it_lacks(
    start: tuple[Workspace, str], tmp_path: Path
) -> None:
    """Marks and words stay; texts of edits are gone, are told, and come back with a journal that has them."""
    here, _ = start
    (tmp_path / "texts.jsonl").write_text("")
    dataset = work(*start)
    (tmp_path / "texts.jsonl").write_text("".join(export(here, with_edits=True)))
    purge(here, plan(here, dataset))
    written = write_session(here, dataset, tmp_path / "session")
    assert (written.edits, written.missing) == (0, 6)
    recipe = tmp_path / "session" / "recipe.toml"
    with pytest.raises(NotFoundError, match="edited a text"):
        run_recipe(make(tmp_path / "there"), read_recipe(recipe))
    recipe.write_text(recipe.read_text().replace('["journal.jsonl"]', '["journal.jsonl", "../texts.jsonl"]'))
    assert run_recipe(make(tmp_path / "third"), read_recipe(recipe)).dataset == dataset


def test_marks_go_from_person_to_person(start: tuple[Workspace, str], tmp_path: Path) -> None:
    """Merged where the version was scanned they stand and count; twice is once; elsewhere nothing is marked."""
    here, dataset = start
    mark(here, dataset, range(10, 14), 6, "redact", "ben")
    (tmp_path / "ben.jsonl").write_text("".join(export(here, by="ben")))
    there = make(tmp_path / "there")
    import_files(there, ["rows.jsonl"], Reading(label="queue"))
    journal = read(tmp_path / "ben.jsonl")
    unscanned = merge(there, [journal])
    assert (unscanned.decisions, unscanned.marks, unscanned.strangers) == (4, 0, 4)
    assert there.findings(dataset) is None
    scan_version(there, dataset, names=CHECKS, settings=SETTINGS)
    for _ in range(2):
        assert merge(there, [journal]).marks == 4
        assert review(there, dataset).equals(review(here, dataset))
    want = apply_decisions(here, dataset).made.outputs["dataset"]
    assert apply_decisions(there, dataset).made.outputs["dataset"] == want != dataset
    assert merge(there, [journal]).marks == 0  # the rows say something else now


def test_marks_count_in_a_recipe_of_an_empty_workspace(start: tuple[Workspace, str], tmp_path: Path) -> None:
    """A journal without steps: what it marks stands once the version was scanned."""
    here, dataset = start
    mark(here, dataset, range(10, 14), 6, "redact", "ben")
    (tmp_path / "ben.jsonl").write_text("".join(export(here, by="ben")))
    (tmp_path / "job.toml").write_text(
        '[import]\nfiles = "rows.jsonl"\nlabel = "queue"\n[scan]\nchecks = ["structure", "pii"]\n'
        '[checks.pii]\nnames = "none"\n[review]\njournal = "ben.jsonl"\n'
    )
    outcome = run_recipe(make(tmp_path / "there"), read_recipe(tmp_path / "job.toml"))
    assert outcome.redacted == 10 + 4


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"action": "rm"}, "out of range"),
        ({"start": 9, "end": 3}, "in this order"),
        ({"start": None}, "wrong kind"),
        ({"message": True}, "wrong kind"),
        ({"score": 3}, "out of range"),
        ({"evidence": "[]"}, "no JSON object"),
        ({"evidence": "{"}, "Expecting"),
        ({"label": "x" * 2000}, "more than"),
        ({"shell": "rm"}, "a mark by hand has"),
    ],
)
def test_a_bad_mark_is_refused_with_its_line(tmp_path: Path, change: dict[str, object], why: str) -> None:
    """A journal comes from somebody else."""
    good = {"example_id": "e1", "label": "alike", "action": "redact", "start": 1, "end": 2, "message": 0}
    said = {"kind": "decision", "uid": "0" * 32, "finding_id": "f1", "example_id": "e1", "reviewer": "b",
            "decided_at": "2026-01-31T09:30:00.000000+00:00", "by_hand": {**good, **change}}  # fmt: skip
    path = tmp_path / "j.jsonl"
    path.write_text('{"kind": "journal", "version": 1}\n' + json.dumps(said) + "\n")
    with pytest.raises(SourceError, match=why):
        read(path)
    step = {"kind": "step", "step": "mark", "settings": {}, "made": "0" * 32, "marks": [said["by_hand"]]}
    path.write_text('{"kind": "journal", "version": 1}\n' + json.dumps(step) + "\n")
    with pytest.raises(SourceError, match=why):
        read(path)


def test_a_mark_on_a_row_of_another_version_is_refused(start: tuple[Workspace, str]) -> None:
    """And nothing is added."""
    here, dataset = start
    table = byhand.as_table([{"example_id": "nobody", "label": "alike", "action": "drop"}])
    with pytest.raises(ConfigError, match="no row of"):
        byhand.add(here, dataset, table)
    assert review(here, dataset).filter(check=byhand.NAME).is_empty()
