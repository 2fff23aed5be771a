"""The labels that findings propose, taken in one; and numbers that add up to what is listed."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from curate.commands.main import apply, import_, review, scan
from curate.errors import ConfigError
from curate.workspace import Workspace

WORDS = {
    "billing": "invoice {} charged the card twice",
    "login": "password reset {} locks the account",
    "delivery": "parcel {} has no courier yet",
}
ENDS = ("please help", "since monday", "thanks", "it is urgent", "as before", "once more")
WRONG = {3: "delivery", 9: "login", 17: "billing"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 tickets whose answer is their label, three of them labelled wrong; one stands there twice, one has an address."""
    home = tmp_path_factory.mktemp("suggested")
    rows = []
    for n in range(60):
        label = list(WORDS)[n % 3]
        given = WRONG.get(n, label)
        text = f"{WORDS[label].format(n * 7919)} {ENDS[n % 6]}"
        text += " mail anna.keller@firma-beispiel.de" if n == 5 else ""
        rows.append({"prompt": text, "completion": given, "queue": given})
    rows.append(rows[4])
    (home / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEATRIAL_HOME", str(home / "ws"))
        import_([str(home / "t.jsonl")], label="queue")
        scan(check=["structure", "pii", "exact-duplicate", "wrong-label"], encoder="none")
    return home


@pytest.fixture
def tickets(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    shutil.copytree(made / "ws", tmp_path / "ws")
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "ws"))
    monkeypatch.setenv("SEATRIAL_REVIEWER", "gina")
    return Workspace.open()


def labels() -> dict[int, tuple[str | None, str]]:
    here = Workspace.open()
    rows = here.examples(here.dataset("t")).select("source_row", "label", "messages").iter_rows()
    return {row: (label, messages[-1]["content"]) for row, label, messages in rows}


def test_what_it_would_do_is_said_first_and_decides_nothing(tickets: Workspace) -> None:
    told = review(check="wrong-label", open=True, label_to_suggested=True)
    words = "\n".join(told.lines)
    assert "rows would get the label of the row that the finding says they look like" in words
    assert re.search(r"1 +delivery -> billing\n", words) and "login -> billing" in words
    assert told.data["decided"] == 0 and not tickets.ledger.rows("select * from decision")
    assert "--label-to-suggested says which labels they propose" in told.lines[-2]


def test_all_are_taken_in_one_and_in_one_taken_back(tickets: Workspace) -> None:
    review(check="wrong-label", open=True, label_to_suggested=True, accept_all=True)
    assert review(check="wrong-label", undo_all=True).data["decided"]
    asked = review(check="wrong-label", open=True).data
    assert asked["fitting"] >= 3
    review(check="wrong-label", open=True, label_to_suggested=True, accept_all=True)
    told = apply()
    found = labels()
    for n in WRONG:
        right = list(WORDS)[n % 3]
        assert found[n + 1] == (right, right)  # the answer that was the label goes with it
    count = sum(len(set(pair)) == 1 for pair in found.values())
    assert count == len(found)
    assert any(re.fullmatch(r"  (\d+) rows relabelled, \1 of them in the answer too", x) for x in told.lines)
    assert not any("edited" in line for line in told.lines)


def test_one_finding_takes_its_label_and_what_does_not_fit_is_refused(tickets: Workspace) -> None:
    found = review(check="wrong-label", limit=99).data["findings"]
    name = next(each["finding_id"] for each in found if each["source_row"] == 4)  # type: ignore[attr-defined]
    for wrong in ({"label_to": "billing"}, {"action": "drop"}, {"reject": [name]}):
        with pytest.raises(ConfigError, match="--label-to-suggested"):
            review(accept=[name], label_to_suggested=True, **wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="need a filter"):
        review(undo_all=True)
    review(accept=[name], label_to_suggested=True)
    apply()
    assert labels()[4] == ("billing", "billing")
    assert labels()[10][0] == "login"
    nothing = review(tickets.dataset("t")[:8]) if tickets.scans(tickets.dataset("t")) else None
    assert nothing is None


def test_findings_without_a_label_to_propose_are_left(tickets: Workspace) -> None:
    told = review(check="pii", label_to_suggested=True)
    assert "  no finding here proposes a label" in told.lines and told.data["decided"] == 0
    review(check="exact-duplicate", accept_all=True, label_to_suggested=True)
    assert not tickets.ledger.rows("select * from decision")


def test_the_table_and_the_line_under_it_add_up_and_what_is_done_is_not_offered_again(
    tickets: Workspace,
) -> None:
    before = tickets.dataset("t")
    listed = review(limit=0)
    table = [int(m[1].replace(",", "")) for line in listed.lines if (m := re.match(r" +([\d,]+)  \S", line))]
    assert sum(table) == listed.data["total"]
    assert any("propose to keep a row" in line for line in listed.lines)
    told = apply(safe=True)
    stay = next(line for line in told.lines if "findings stay open" in line)
    number = int(re.match(r"  (\d+) ", stay)[1])  # type: ignore[index]
    more = re.search(r"it lists (\d+) more", stay)
    old = review(before[:8], open=True, limit=0)
    assert old.data["fitting"] == number + (int(more[1]) if more else 0)
    assert "was carried out" in old.lines[-2] and "carries out" not in "\n".join(old.lines)
    assert old.lines[-1] == "next: seatrial scan t"
    name = review(before[:8], check="wrong-label", open=True).data["findings"][0]["finding_id"]  # type: ignore[index]
    again = review(before[:8], accept=[name], label_to_suggested=True)
    assert "carries out" in again.lines[-1]  # a word came since
