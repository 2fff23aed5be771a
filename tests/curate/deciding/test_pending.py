"""Several edits of one text: each on top of the one before; those made apart wait, and nothing comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from curate.changing.rewriting import Edit, Place
from curate.commands import journal as cli_journal
from curate.deciding.edited_pairs import edited_pairs
from curate.deciding.pending import Pending, told
from curate.deciding.review import (
    as_decided,
    as_decided_on,
    by_ids,
    decide,
    decide_edit,
    open_blocking,
    record,
    review,
)
from curate.people.journal import export, merge, read, write
from curate.people.session import write_session
from curate.runs.steps import Reading, apply_decisions, import_files, scan_version
from curate.workspace import Workspace

MAIL, PHONE = "anna.smith@example.org", "212-555-0187"
TEXT = f"Call {PHONE} or mail {MAIL}. I beleive the the port opens."


class Table:
    """A scanned version of one row, with a finding on an address and one on a number."""

    def __init__(self, folder: Path, text: str = TEXT) -> None:
        folder.mkdir(exist_ok=True)
        rows = [{"prompt": "Write to me", "completion": text}]
        (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.workspace = Workspace(folder)
        made = import_files(self.workspace, [str(folder / "rows.jsonl")], Reading())
        self.dataset = made.made.outputs["dataset"]
        scan_version(self.workspace, self.dataset, names=["pii"], settings={"pii": {"names": "none"}})
        found = review(self.workspace, self.dataset)
        self.ids = dict(found.select("label", "finding_id").iter_rows())
        self.place = Place(found["example_id"][0], 1, "content")
        self.original = text

    def draft(self) -> tuple[str, tuple[str, ...]]:
        """The text as it is decided by now, as the screens give it out."""
        table = as_decided_on(self.workspace, self.dataset, [self.place.example_id])
        draft = Pending.of(self.workspace, table).draft(self.place, self.original)
        assert draft is not None
        return draft

    def edit(self, label: str, old: str, new: str, by: str, *, raw: bool = False) -> None:
        """Edit on a finding: from the text as it is by now, or from the `raw` one."""
        text, over = (self.original, ()) if raw else self.draft()
        edit = Edit(*self.place, text.replace(old, new), over)
        row = self.row(label)
        record(self.workspace, [decide_edit(self.workspace, row, edit, by=by)])

    def row(self, label: str) -> dict[str, object]:
        """A row of the review."""
        table = review(self.workspace, self.dataset)
        return table.filter(finding_id=self.ids[label]).row(0, named=True)

    def decide(self, label: str, action: str, by: str) -> None:
        """Decide on a finding, in sight of what is said of it."""
        from curate.deciding.pending import differences_in
        from curate.workspace.differences import settling

        table = review(self.workspace, self.dataset)
        words = decide(by_ids(table, [self.ids[label]]), action, by=by)
        record(self.workspace, settling(words, differences_in(self.workspace, table)))

    def applied(self) -> str:
        """What the answer says in the clean version."""
        made = apply_decisions(self.workspace, self.dataset).made.outputs["dataset"]
        return str(self.workspace.examples(made)["messages"][0][1]["content"])


def test_each_edit_is_made_on_top_of_the_others(tmp_path: Path) -> None:
    """Two findings of one text, edited by two people one after the other: both changes are there."""
    table = Table(tmp_path / "one")
    table.edit("EMAIL_ADDRESS", MAIL, "the office", "anna")
    assert table.draft()[0] == TEXT.replace(MAIL, "the office")
    table.edit("PHONE_NUMBER", PHONE, "us", "ben")
    said = table.applied()
    assert said == "Call us or mail the office. I beleive the the port opens."
    pairs = edited_pairs(table.workspace, table.dataset).rows
    steps = {(pair["rejected"][0]["content"], pair["chosen"][0]["content"]) for pair in pairs}
    assert steps == {(TEXT, TEXT.replace(MAIL, "the office")), (TEXT.replace(MAIL, "the office"), said)}


def test_an_edit_below_that_is_taken_back_is_no_second_opinion(tmp_path: Path) -> None:
    """The later one has what it was made on top of; edited again, the first is the last."""
    table = Table(tmp_path / "one")
    table.edit("EMAIL_ADDRESS", MAIL, "the office", "anna")
    table.edit("PHONE_NUMBER", PHONE, "us", "anna")
    table.edit("EMAIL_ADDRESS", "beleive", "believe", "anna")
    assert table.applied() == "Call us or mail the office. I believe the the port opens."
    table.decide("EMAIL_ADDRESS", "keep", "anna")
    assert table.applied() == "Call us or mail the office. I beleive the the port opens."


def test_edits_that_were_made_apart_wait_and_nothing_that_one_took_out_comes_back(tmp_path: Path) -> None:
    """Both are open and block, whoever made them; to say keep on one of the two findings settles it."""
    table = Table(tmp_path / "one")
    table.edit("EMAIL_ADDRESS", MAIL, "the office", "anna", raw=True)
    table.edit("PHONE_NUMBER", PHONE, "us", "ben", raw=True)
    found = review(table.workspace, table.dataset)
    assert found["differ"].all() and found["decided"].null_count() == 2
    assert set(found["people"]) == {
        "anna: edit, made apart from ben's edit of the same text",
        "ben: edit, made apart from anna's edit of the same text",
    }
    assert open_blocking(found).height == 2 and len(told(table.workspace)) == 2
    assert apply_decisions(table.workspace, table.dataset).changes.is_empty()
    pending = Pending.of(table.workspace, as_decided(table.workspace, table.dataset))
    assert pending.draft(table.place, TEXT) is None
    table.workspace.ledger.set_name("rows", table.dataset)
    table.decide("PHONE_NUMBER", "redact", "anna")
    assert review(table.workspace, table.dataset)["differ"].any() is False and told(table.workspace) == []
    said = table.applied()
    assert said == "Call [PHONE_NUMBER] or mail the office. I beleive the the port opens."


def test_the_order_of_merging_changes_nothing(tmp_path: Path) -> None:
    """Two people edit in their own workspaces; either takes in the other's journal."""
    one, two = Table(tmp_path / "one"), Table(tmp_path / "two")
    one.edit("EMAIL_ADDRESS", MAIL, "the office", "anna")
    two.edit("PHONE_NUMBER", PHONE, "us", "ben")
    for table in (one, two):
        write(tmp_path / f"{table.workspace.root.name}.jsonl", export(table.workspace, with_edits=True))
    for table, other in ((one, "two"), (two, "one")):
        merge(table.workspace, [read(tmp_path / f"{other}.jsonl")])
    states = [review(table.workspace, table.dataset).drop("decided_at").rows() for table in (one, two)]
    assert states[0] == states[1]
    assert one.applied() == two.applied() == TEXT


def test_an_edit_made_on_top_of_another_goes_with_a_journal_and_a_session(tmp_path: Path) -> None:
    """What it was made on top of is part of it; a session of edits made apart is written and read."""
    one, two = Table(tmp_path / "one"), Table(tmp_path / "two")
    one.edit("EMAIL_ADDRESS", MAIL, "the office", "anna")
    one.edit("PHONE_NUMBER", PHONE, "us", "anna")
    write(tmp_path / "one.jsonl", export(one.workspace, with_edits=True))
    merge(two.workspace, [read(tmp_path / "one.jsonl")])
    assert two.applied() == one.applied() == "Call us or mail the office. I beleive the the port opens."
    three = Table(tmp_path / "three", "Please write to p1@example.org or to p2@example.org today, or else.")
    ids = review(three.workspace, three.dataset)["finding_id"].to_list()
    three.ids = {str(at): finding for at, finding in enumerate(ids)}
    for at in "01":
        three.edit(at, f"p{int(at) + 1}@example.org", "us", "anna", raw=True)
    made = apply_decisions(three.workspace, three.dataset).made.outputs["dataset"]
    scan_version(three.workspace, made, names=["pii"], settings={"pii": {"names": "none"}})
    done = write_session(three.workspace, made, tmp_path / "session", [tmp_path / "three" / "rows.jsonl"])
    assert done.words == 2


def test_what_was_redacted_stays_out_of_an_edited_text(tmp_path: Path) -> None:
    """Wherever the edit put it, and whoever decided first."""
    table = Table(tmp_path / "one")
    table.decide("PHONE_NUMBER", "redact", "anna")
    table.edit("EMAIL_ADDRESS", f"mail {MAIL}", f"write, or call {PHONE} again", "ben")
    said = table.applied()
    assert PHONE not in said and said.startswith("Call [PHONE_NUMBER] or write, or call [PHONE_NUMBER] again")


def test_the_shell_names_edits_that_were_made_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`journal differences` lists both, and says by its exit code that there is something."""
    table = Table(tmp_path / "one")
    monkeypatch.setenv("SEATRIAL_HOME", str(table.workspace.root))
    assert cli_journal.journal("differences").exit_code == 0
    table.edit("EMAIL_ADDRESS", MAIL, "the office", "anna", raw=True)
    table.edit("PHONE_NUMBER", PHONE, "us", "ben", raw=True)
    told = cli_journal.journal("differences")
    assert told.exit_code == 1 and told.data["total"] == 2
    assert any("made apart from ben's edit" in line for line in told.lines)
