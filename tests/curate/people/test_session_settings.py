"""What a session carries of how its rows came: every setting of the import, and no open gate."""

from __future__ import annotations

import json
import time
from dataclasses import fields
from pathlib import Path

import polars as pl
import pytest

from curate.deciding import until
from curate.deciding.review import OPEN, accept_safe, decide, record, review
from curate.deciding.until import Words, decisions_digest
from curate.errors import GateError
from curate.people.journal import export, merge, read
from curate.people.session import write_session
from curate.runs.job import run_recipe
from curate.runs.recipe import Import, read_recipe
from curate.runs.steps import Reading, apply_decisions, import_files, scan_version
from curate.workspace import Workspace

# none of them is what it is by default; `hub` is not here, for what a hub gives cannot be read again
READ = {
    "format": "prompt-completion",
    "label": "queue",
    "group": "who",
    "split": "part",
    "columns": {"prompt": "frage", "completion": "antwort"},
    "roles": {"kunde": "user"},
    "encoding": "cp1252",
}


def make(path: Path) -> Workspace:
    """An empty workspace."""
    path.mkdir(parents=True)
    return Workspace(path)


def imported(here: Workspace) -> dict[str, object]:
    """What the one import recorded."""
    rows = here.ledger.rows("select params from run where kind = 'import'")
    return dict(json.loads(rows[0]["params"]))


def write_rows(path: Path, count: int = 5) -> None:
    """Rows in an old encoding, with columns of their own names, one row twice."""
    rows = [
        {
            "frage": f"Wie heißt Straße {n}",
            "antwort": f"Große Brücke {n}, grüße an anna{n}@firma-post.de",
            "queue": "ab"[n % 2],
            "who": f"kunde {n}",
            "part": "train",
        }
        for n in range(count)
    ]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in [*rows, rows[0]])
    path.write_bytes(text.encode("cp1252"))


def test_every_setting_of_an_import_is_carried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The replay's import records what the first one did; a setting that is new must be set in this test."""
    assert {each.name for each in fields(Reading)} == {*READ, "hub"}
    assert {each.name for each in fields(Reading)} - {"hub"} <= {each.name for each in fields(Import)}
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "rows.jsonl")
    here = make(tmp_path / "here")
    done = import_files(here, ["rows.jsonl"], Reading(**READ))  # type: ignore[arg-type]
    dataset = done.made.outputs["dataset"]
    settings = {"pii": {"names": "none"}}
    scan_version(here, dataset, names=["pii", "exact-duplicate"], settings=settings)
    record(here, accept_safe(review(here, dataset)))
    clean = apply_decisions(here, dataset).made.outputs["dataset"]
    write_session(here, clean, tmp_path / "session", [tmp_path / "rows.jsonl"])
    there = make(tmp_path / "there")
    assert run_recipe(there, read_recipe(tmp_path / "session" / "recipe.toml")).dataset == clean
    recorded = imported(here)
    assert recorded["encoding"] == "cp1252" and imported(there) == recorded


def test_a_session_opens_no_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is replayed with what is open in it; with an export added, that stops as it would without it."""
    monkeypatch.chdir(tmp_path)
    rows = [{"prompt": f"number {n}", "completion": f"my mail is anna{n}@corp-mail.org"} for n in range(4)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    here = make(tmp_path / "here")
    dataset = import_files(here, ["rows.jsonl"], Reading()).made.outputs["dataset"]
    settings = {"pii": {"names": "none"}}
    scan_version(here, dataset, names=["pii"], settings=settings)
    record(here, decide(review(here, dataset).head(1), "redact", by="anna"))
    made = apply_decisions(here, dataset).made.outputs["dataset"]
    scan_version(here, made, names=["pii"], settings=settings)
    assert review(here, made).filter(OPEN & pl.col("blocking")).height == 3
    write_session(here, made, tmp_path / "session", [tmp_path / "rows.jsonl"])
    path = tmp_path / "session" / "recipe.toml"
    assert "allow_blocking" not in path.read_text()
    assert run_recipe(make(tmp_path / "there"), read_recipe(path)).dataset == made
    path.write_text(path.read_text() + '\n[export]\nto = "out"\nformats = ["openai"]\n')
    with pytest.raises(GateError):
        run_recipe(make(tmp_path / "third"), read_recipe(path))
    assert not (tmp_path / "session" / "out").exists()


# which words an applying had read


def words(here: Workspace, name: str, count: int, hour: int) -> None:
    """Words of one person, one a second, as they stand in the ledger."""
    said = [
        (f"{name}{n}", "e", "drop", name, f"2026-01-01T{hour:02d}:{n // 60:02d}:{n % 60:02d}.000000+00:00",
         f"{ord(name):02x}{n:030x}")
        for n in range(count)
    ]  # fmt: skip
    here.ledger.write(
        "insert into decision (finding_id, example_id, action, reviewer, note, decided_at, uid)"
        " values (?, ?, ?, ?, '', ?, ?)",
        said,
    )


def test_words_merged_late_cost_no_more_than_a_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of the last word tells the cut at once, however many came after it with earlier times."""
    here = make(tmp_path / "here")
    words(here, "a", 300, 10)
    words(here, "b", 300, 9)
    rows = here.ledger.rows("select * from decision order by decision_id")
    known = {row["finding_id"] for row in rows}
    wanted = decisions_digest(until._decided(rows[:300], {}))
    read_rows: list[int] = []
    decided = until._decided
    monkeypatch.setattr(
        until, "_decided", lambda some, *rest: read_rows.append(len(some)) or decided(some, *rest)
    )
    began = "2026-01-01T11:00:00.000000+00:00"
    upto = Words.of(rows, {}).cut(0, known, wanted=wanted, began=began, last=rows[299]["decision_id"])
    assert upto == 300 and sum(read_rows) < 400
    few = [row for row in rows if int(row["uid"][2:], 16) < 20]
    wanted = decisions_digest(decided(few[:20], {}))
    assert Words.of(few, {}).cut(0, known, wanted=wanted, began=began, last=None) == 20, (
        "of an older Seatrial"
    )
    assert Words.of(few, {}).cut(0, known, wanted="0" * 32, began=began, last=None) is None


def test_words_that_change_nothing_are_trimmed_one_by_one(tmp_path: Path) -> None:
    """Thousands of words behind the cut, said again or of other findings, take no square of their number."""
    here = make(tmp_path / "here")
    words(here, "a", 2_000, 10)
    words(here, "z", 2_000, 11)
    rows = here.ledger.rows("select * from decision order by decision_id")
    known = {row["finding_id"] for row in rows if row["reviewer"] == "a"}
    wanted = decisions_digest(until._decided([row for row in rows[:2_000] if row["finding_id"] in known], {}))
    began = time.process_time()
    upto = Words.of(rows, {}).cut(0, known, wanted=wanted, began="2027", last=rows[-1]["decision_id"])
    assert upto == 2_000 and time.process_time() - began < 5


def test_a_journal_merged_late_is_told_apart_in_a_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words with earlier times that came after an applying stand behind it in the session."""
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "rows.jsonl")
    here, there = make(tmp_path / "here"), make(tmp_path / "there")
    settings = {"pii": {"names": "none"}}
    reading = Reading(**READ)  # type: ignore[arg-type]
    for each in (there, here):
        dataset = import_files(each, ["rows.jsonl"], reading).made.outputs["dataset"]
        scan_version(each, dataset, names=["pii"], settings=settings)
    record(there, decide(review(there, dataset).head(3), "keep", by="ben"))
    record(here, decide(review(here, dataset)[3:5], "redact", by="anna"))
    made = apply_decisions(here, dataset).made.outputs["dataset"]
    (tmp_path / "ben.jsonl").write_text("".join(export(there)))
    merge(here, [read(tmp_path / "ben.jsonl")])
    write_session(here, made, tmp_path / "session", [tmp_path / "rows.jsonl"])
    lines = [json.loads(line) for line in (tmp_path / "session" / "journal.jsonl").read_text().splitlines()]
    at = [line.get("step") for line in lines].index("apply")
    assert {line["reviewer"] for line in lines[:at] if line["kind"] == "decision"} == {"anna"}
    assert {line["reviewer"] for line in lines[at:] if line["kind"] == "decision"} == {"ben"}
    again = make(tmp_path / "again")
    assert run_recipe(again, read_recipe(tmp_path / "session" / "recipe.toml")).dataset == made
