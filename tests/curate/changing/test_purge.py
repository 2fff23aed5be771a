"""What a purge erases beside the rows: texts that no decision names, words in free text, errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from curate.changing.apply import Edit
from curate.changing.erasing import ANSWER, ERASED
from curate.changing.purge import plan, purge
from curate.deciding.edit_texts import keep_edits
from curate.deciding.notes import note, noted
from curate.deciding.review import accept_safe, decide, record, review
from curate.errors import SourceError
from curate.labelling.tasks import Option, Task
from curate.labelling.work import Work
from curate.people.journal import dumped, export, left_out, merge, read
from curate.runs.steps import Reading, apply_decisions, import_files, scan_version
from curate.workspace import Workspace

TOLD = "hildegard.knef@acme-works.com"  # stands in no row: only people said it
BETTER = Task("better", kind="text", column="meta:better")
QUEUE = Task("queue", options=(Option("a", "1"), Option("b", "2")), retrain=0)


def start(folder: Path) -> tuple[Workspace, str]:
    """Four scanned rows, the first three with an address."""
    folder.mkdir()
    rows = [{"prompt": f"number {n}?", "completion": f"to jane.roe{n}@acme-works.com"} for n in range(3)]
    rows.append({"prompt": "and you?", "completion": "nothing of the kind"})
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    here = Workspace(folder)
    dataset = import_files(here, [str(path)], Reading()).made.outputs["dataset"]
    scan_version(here, dataset, names=["pii"], settings={"pii": {"names": "none"}})
    return here, dataset


def clean(here: Workspace, dataset: str) -> str:
    """The version without the addresses, scanned."""
    record(here, accept_safe(review(here, dataset)))
    made = apply_decisions(here, dataset).made.outputs["dataset"]
    scan_version(here, made, names=["pii"], settings={"pii": {"names": "none"}})
    return made


def answer(here: Workspace, dataset: str, task: Task, place: int, value: str) -> None:
    """One person's answer."""
    work = Work(here, dataset, "rows", task, "ben")
    work.answer(place, here.examples(dataset).row(place, named=True), value)


def left_on_disk(folder: Path, but: str = "rows.jsonl") -> list[str]:
    """The files that hold what was told."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != but]
    return [path.name for path in files if TOLD.encode() in path.read_bytes()]


def test_a_refused_merge_leaves_no_text(tmp_path: Path) -> None:
    """A journal of which one word is refused brings no edit's text with it."""
    here, dataset = start(tmp_path / "here")
    there, _ = start(tmp_path / "there")
    row = review(here, dataset).row(0, named=True)
    from curate.deciding.review import decide_edit

    record(here, [decide_edit(here, row, Edit(row["example_id"], 1, "content", TOLD), by="anna")])
    lines = list(export(here, with_edits=True))
    record(there, decide(review(there, dataset)[1:2], "keep", by="ben"))
    bad = {**json.loads(list(export(there))[1]), "reviewer": "mallory"}
    path = tmp_path / "journal.jsonl"
    path.write_text("".join([*lines, dumped(bad)]))
    with pytest.raises(SourceError, match="says something else"):
        merge(there, [read(path)])
    assert not there.ledger.rows("select 1 from artifact where kind = 'raw-edit'")
    assert left_on_disk(tmp_path / "there") == []


def test_texts_that_no_decision_names_are_erased(tmp_path: Path) -> None:
    """What was left by something that was stopped goes too; the text on another import's row stays."""
    here, dataset = start(tmp_path / "here")
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps({"prompt": "something else", "completion": "entirely"}) + "\n")
    apart = import_files(here, [str(other)], Reading()).made.outputs["dataset"]
    mine, others = (here.examples(each)["example_id"][0] for each in (dataset, apart))
    stray, spared, nobody = keep_edits(
        here,
        [
            Edit(mine, 1, "content", TOLD),
            Edit(others, 1, "content", "stays"),
            Edit("gone", 1, "content", TOLD),
        ],
    )
    made = clean(here, dataset)
    purge(here, plan(here, made))
    assert not (here.store.root / stray).exists() and not (here.store.root / nobody).exists()
    assert (here.store.root / spared).is_dir()
    assert left_on_disk(tmp_path / "here") == []


def test_free_words_on_raw_rows_are_blanked(tmp_path: Path) -> None:
    """Notes, notes of decisions and typed answers say nothing any more; that they were said stays."""
    here, dataset = start(tmp_path / "here")
    table = review(here, dataset)
    answer(here, dataset, BETTER, 0, f"ask {TOLD}")
    answer(here, dataset, BETTER, 3, "of a row that nobody changes")
    answer(here, dataset, QUEUE, 1, "a")
    note(here, table.row(0, named=True), f"this is {TOLD}", "anna")
    record(here, decide(table[:1], "redact", by="anna", note=f"it is {TOLD}"))
    made = clean(here, dataset)
    answer(here, made, BETTER, 1, "of the clean text")
    assert left_on_disk(tmp_path / "here")
    planned = plan(here, made)
    assert {name: len(rows) for name, rows in planned.words._asdict().items()} == {
        "answers": 2, "notes": 1, "errors": 0
    }  # fmt: skip
    purge(here, planned)
    assert left_on_disk(tmp_path / "here") == []
    said = [(row["key"][:5], row["value"]) for row in here.ledger.rows("select * from annotation")]
    assert ("label", ANSWER) in said and ("note:", ERASED) in said
    kept = " ".join(str(value) for _, value in said)
    assert "of a row that nobody changes" in kept and "of the clean text" in kept and '"a"' in kept
    assert noted(here.ledger)[table["finding_id"][0]] == {"anna": ERASED}
    assert not plan(here, made).words, "a second time there is nothing"
    assert here.ledger.rows("pragma integrity_check")[0][0] == "ok"


def test_typed_answers_from_before_they_were_marked_are_blanked(tmp_path: Path) -> None:
    """Of a task that a run says is typed, or of which other answers are marked."""
    here, dataset = start(tmp_path / "here")
    answer(here, dataset, BETTER, 0, f"ask {TOLD}")
    answer(here, dataset, BETTER, 1, "marked")
    row = here.ledger.rows("select * from annotation order by annotation_id")[0]
    plain = json.dumps({k: v for k, v in json.loads(row["value"]).items() if k != "raw"})
    here.ledger.write("update annotation set value = ? where uid = ?", [(plain, row["uid"])])
    made = clean(here, dataset)
    purge(here, plan(here, made))
    assert left_on_disk(tmp_path / "here") == []


def test_free_words_are_raw_in_journals(tmp_path: Path) -> None:
    """Left out and counted unless asked for; a blanked word and the full one are the same word."""
    here, dataset = start(tmp_path / "here")
    answer(here, dataset, BETTER, 0, f"ask {TOLD}")
    note(here, review(here, dataset).row(0, named=True), f"this is {TOLD}", "anna")
    answer(here, dataset, QUEUE, 1, "a")
    assert TOLD not in "".join(export(here)) and left_out(here) == 2 and left_out(here, by="ben") == 1
    path = tmp_path / "journal.jsonl"
    path.write_text("".join(export(here, with_edits=True)))
    assert path.read_text().count(TOLD) == 2
    there, _ = start(tmp_path / "there")
    assert merge(there, [read(path)]).annotations == 3
    purge(here, plan(here, clean(here, dataset)))
    assert merge(here, [read(path)]).known == 3 and left_on_disk(tmp_path / "here") == []
    blank = tmp_path / "blank.jsonl"
    blank.write_text("".join(export(here, with_edits=True)))
    merge(there, [read(blank)])
    assert sum(TOLD in str(row["value"]) for row in there.ledger.rows("select value from annotation")) == 2
    third, _ = start(tmp_path / "third")
    merge(third, [read(blank), read(path)])
    assert sum(TOLD in str(row["value"]) for row in third.ledger.rows("select value from annotation")) == 2
    bad = path.read_text().replace('"reviewer": "ben"', '"reviewer": "eve"')
    path.write_text(bad)
    with pytest.raises(SourceError, match="says something else"):
        merge(here, [read(path)])


def test_errors_that_quote_rows_are_blanked(tmp_path: Path) -> None:
    """What an import could not read stood in its error; its kind stays, and the suggestions go."""
    here, dataset = start(tmp_path / "here")
    message = {"messages": [{"role": TOLD, "content": "hi"}, {"role": "assistant", "content": "x"}]}
    path = tmp_path / "bad.jsonl"
    path.write_text(json.dumps(message) + "\n")
    with pytest.raises(SourceError):
        import_files(here, [str(path)], Reading())
    with pytest.raises(ValueError), here.run("scan", {}, {"dataset": dataset}):
        raise ValueError(f"odd: {TOLD}")
    with here.run("apart", {}, {}):
        pass
    assert left_on_disk(tmp_path / "here")
    (tmp_path / "here" / "suggestions").mkdir()
    (tmp_path / "here" / "suggestions" / "one.json").write_text(TOLD)
    made = clean(here, dataset)
    done = purge(here, plan(here, made))
    assert done.caches == ["sketches", "suggestions"] or done.caches == ["suggestions"]
    assert left_on_disk(tmp_path / "here") == []
    errors = [row["error"] for row in here.ledger.rows("select error from run_end where error is not null")]
    assert errors == [f"SourceError: {ERASED}", f"ValueError: {ERASED}"]
