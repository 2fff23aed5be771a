"""Labels worked in the shell: what a doubted one looks like, another label, missing and rare ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from curate.commands.journal import journal
from curate.commands.main import apply, import_, review, scan
from curate.errors import ConfigError
from curate.workspace import Workspace

WORDS = {
    "billing": "invoice {} charged the card twice",
    "login": "password reset {} locks the account",
    "delivery": "parcel {} has no courier yet",
}
ENDS = ("please help", "since monday", "thanks", "it is urgent", "as before", "once more")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 tickets scanned: one labelled wrong, one whose answer is its wrong label, two without a label, one misspelt."""
    home = tmp_path_factory.mktemp("labels")
    rows = []
    for n in range(60):
        label = list(WORDS)[n % 3]
        text = f"{WORDS[label].format(n * 7919)} {ENDS[n % 6]}"
        given = {3: "delivery", 9: "login", 10: "", 13: "", 16: "log-in"}.get(n, label)
        rows.append({"prompt": text, "completion": "login" if n == 9 else "we look into it", "queue": given})
    (home / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEATRIAL_HOME", str(home / "ws"))
        imported = import_([str(home / "t.jsonl")], label="queue")
        assert "  look twice: 2 of 60 rows have no label" in imported.lines
        told = scan(check=["structure", "label-spelling", "wrong-label"], encoder="none")
    assert any("label-spelling/no-label" in line and "2 open" in line for line in told.lines)
    assert "  look twice: 1 label is too rare to be judged: 'log-in' 1 (is it 'login'?)" in told.lines
    assert any('not looked: wrong-label (meaning): switched off by encoder "none"' in x for x in told.lines)
    return home


@pytest.fixture
def tickets(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A copy of them to decide on."""
    shutil.copytree(made / "ws", tmp_path / "ws")
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    monkeypatch.setenv("SEATRIAL_REVIEWER", "gina")
    return Workspace.open()


def doubted(row: int) -> str:
    """The finding of wrong-label on a line of the file."""
    found = review(check="wrong-label", limit=99).data["findings"]
    return str(next(each["finding_id"] for each in found if each["source_row"] == row))  # type: ignore[attr-defined]


def labels() -> dict[int, tuple[str | None, str]]:
    """(label, answer) by line, of the version that the name means."""
    here = Workspace.open()
    rows = here.examples(here.dataset("t")).select("source_row", "label", "messages").iter_rows()
    return {row: (label, messages[-1]["content"]) for row, label, messages in rows}


def test_a_doubted_label_is_named_with_the_other_one_and_the_surest_are_first(tickets: Workspace) -> None:
    answer = review(check="wrong-label", limit=99)
    assert any("(labelled `delivery`, looks like `billing`; " in line for line in answer.lines)
    kinds = [each["label"] for each in answer.data["findings"]]  # type: ignore[attr-defined]
    assert kinds == sorted(kinds, key=["wrong", "doubtful", "rare-label"].index)
    for kind in set(kinds):
        scores = [each["score"] for each in answer.data["findings"] if each["label"] == kind]  # type: ignore[attr-defined]
        assert scores == sorted(scores, reverse=True)
    assert not any("label-spelling" in line for line in answer.lines)  # the counts are of what was asked for
    assert "--label-to LABEL" in answer.lines[-1]
    spelt = review(check="label-spelling", label="marks-differ")
    assert any("(labelled `log-in`, looks like `login`; " in line for line in spelt.lines)


def test_another_label_is_decided_and_applied(tickets: Workspace) -> None:
    """For one finding, for an answer that is the label, and for a selection, which is then shown."""
    review(accept=[doubted(4)], label_to="billing")
    told = review(accept=[doubted(10)], label_to="billing")
    assert told.data["decided"] == 2  # the answer, and the label beside it
    bulk = review(check="label-spelling", label="no-label", open=True, accept_all=True, label_to="login")
    assert "2 of 2 findings shown" in bulk.lines[-2] and bulk.data["decided"] == 2
    apply()
    found = labels()
    assert (found[4], found[10]) == (("billing", "we look into it"), ("billing", "billing"))
    assert (found[11][0], found[14][0]) == ("login", "login")


def test_a_label_that_does_not_fit_is_refused_and_decides_nothing(tickets: Workspace) -> None:
    name = doubted(4)
    for wrong, told in (
        ({"accept": [name], "label_to": "biling"}, "no row is labelled"),
        ({"accept": [name], "label_to": "delivery"}, "labelled so already"),
        ({"accept": [name], "label_to": "  ", "new_label": True}, "a letter at least"),
        ({"label_to": "billing"}, "for which findings"),
        ({"accept": [name], "label_to": "billing", "action": "drop"}, "exclude each other"),
        ({"accept": [name], "new_label": True}, "--label-to"),
    ):
        with pytest.raises(ConfigError, match=told):
            review(**wrong)  # type: ignore[arg-type]
    assert review(check="wrong-label", limit=0).data["decided"] == 0
    assert not tickets.ledger.rows("select * from decision")
    review(accept=[name], label_to="claims", new_label=True)
    apply()
    assert labels()[4][0] == "claims"


def test_what_is_told_to_type_names_the_version_that_was_given(tickets: Workspace, tmp_path: Path) -> None:
    """An old version is called by its digest, a name that moves on says what it meant, and differences can be reached."""
    name = doubted(4)
    raw = tickets.dataset("t")
    review(accept=[name, doubted(10)], label_to="billing")
    tickets.ledger.write(  # a word that was said elsewhere, apart from gina's
        "insert into decision (finding_id, example_id, action, reviewer, note, decided_at, uid) values (?, ?, ?, ?, ?, ?, ?)",
        [(name, doubted_row(tickets, name), "keep", "ben", "", "2026-01-01T00:00:00", "b" * 32)],
    )
    applied = apply()
    assert any(f"seatrial review {raw[:8]} --differ" in line for line in applied.lines)
    with pytest.raises(ConfigError, match="never scanned") as caught:
        review("t", differ=True)
    assert f"seatrial review {raw[:8]} --differ" in caught.value.hint
    assert f"seatrial review {raw[:8]} --differ" in journal("differences").lines[-1]
    assert "was carried out" in review(raw[:8], limit=0).lines[-2]
    (tmp_path / "u.jsonl").write_text(json.dumps({"prompt": ["a?", "b?"], "completion": None}) + "\n")
    over = import_([str(tmp_path / "u.jsonl")], name="t")
    assert any("the name t meant" in line and "60 rows from t.jsonl" in line for line in over.lines)
    assert any("became a turn of its own: u.jsonl:1" in line for line in over.lines)


def doubted_row(here: Workspace, finding_id: str) -> str:
    """The row of a finding."""
    found = here.findings(here.dataset("t"))
    assert found is not None
    return str(found.filter(finding_id=finding_id)["example_id"][0])


def test_a_setting_without_its_value_is_told_with_an_example_of_one(tickets: Workspace) -> None:
    with pytest.raises(ConfigError) as caught:
        scan(setting=["pii"])
    assert "--set structure.max_characters=4000" in caught.value.hint


@pytest.mark.parametrize("back", ["undo", "reject"])
def test_a_label_and_the_answer_that_says_it_are_taken_back_together(tickets, back):
    """Row 10's answer is its label: two edits, of which none must be left standing alone."""
    name = doubted(10)
    review(accept=[name], label_to="billing")
    table = review(label="label", limit=99).data["findings"]
    assert [each["decided"] for each in table if each["check"] == "by-hand"] == ["edit"]
    review(**{back: [name]})
    left = [each for each in review(limit=999).data["findings"] if each["decided"] == "edit"]
    assert left == []
