"""What counts on a finding: people before machines, whoever spoke last; undo of one's own words; notes."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from curate.commands import review as cli_review
from curate.deciding.lastword import last_words, undo
from curate.deciding.notes import note
from curate.deciding.review import accept_safe, decide, record, review
from curate.errors import ConfigError
from curate.people.journal import Journal, export, merge, read, write
from curate.runs.job import run_recipe
from curate.runs.recipe import read_recipe
from curate.runs.steps import Reading, import_files, scan_version
from curate.workspace import Decision, Workspace
from curate.workspace.differences import differing, said_alone

ANNA, BEN, SAFE = "anna", "ben", "seatrial:safe"
FINDING = {"finding_id": "f", "example_id": "e", "content_hash": "h"}


@pytest.fixture
def here(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    (tmp_path / "here").mkdir()
    return Workspace(tmp_path / "here")


def say(workspace: Workspace, action: str | None, by: str, finding: str = "f") -> None:
    """One word."""
    workspace.ledger.decide([Decision(finding, "e", action, by)])


def stands(workspace: Workspace) -> list[tuple[str | None, str | None]]:
    """(action, by whom) of what counts on `f`, both when all is read and when that one is."""
    found = [
        table.filter(finding_id="f").select("decided", "reviewer").rows()
        for table in (last_words(workspace), last_words(workspace, ["f"]))
    ]
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize("order", list(itertools.permutations([(ANNA, "keep"), (SAFE, "drop"), ("recipe:ci", "redact")])))  # fmt: skip
def test_a_persons_word_counts_whatever_a_machine_says_and_when(
    here: Workspace, order: list[tuple[str, str]]
) -> None:
    """The time of a machine's word is the time at which somebody ran it: it overrules nobody."""
    for by, action in order:
        say(here, action, by)
    assert stands(here) == [("keep", ANNA)]
    record(here, undo(here, ["f"], by=ANNA))
    last = next(by for by, _ in reversed(order) if by != ANNA)
    assert stands(here) == [(dict(order)[last], last)]


def test_where_people_differ_a_machine_decides_nothing(here: Workspace) -> None:
    """Its word is no way out."""
    for by, action in ((ANNA, "keep"), (BEN, "drop"), (SAFE, "drop")):
        say(here, action, by)
    assert stands(here) == [(None, None)] and list(differing(here.ledger)) == ["f"]


def rows_to_clean(folder: Path) -> None:
    """A file with three addresses, and recipes that redact what is safe, with and without a journal."""
    texts = [{"prompt": f"write number {n}", "completion": f"My mail is p{n}@example.org, thanks"} for n in range(3)]  # fmt: skip
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in texts))
    head = '[import]\nfiles = ["rows.jsonl"]\n[scan]\nchecks = ["pii"]\n[checks.pii]\nnames = "none"\n'
    (folder / "plain.toml").write_text(head)
    (folder / "people.toml").write_text(head + '[review]\njournal = ["anna.jsonl"]\n')


def workspace_of(folder: Path, name: str) -> Workspace:
    """A new workspace beside the file."""
    (folder / name).mkdir()
    return Workspace(folder / name)


def test_a_recipe_with_a_journal_gives_the_same_in_a_fresh_and_in_a_used_workspace(tmp_path: Path) -> None:
    """A machine had decided where the workspace was used; the person's earlier word counts there too."""
    rows_to_clean(tmp_path)
    own = workspace_of(tmp_path, "anna")
    dataset = import_files(own, [str(tmp_path / "rows.jsonl")], Reading()).made.outputs["dataset"]
    scan_version(own, dataset, names=["pii"], settings={"pii": {"names": "none"}})
    record(own, decide(review(own, dataset).head(1), "keep", by=ANNA))
    write(tmp_path / "anna.jsonl", export(own))
    fresh, used = workspace_of(tmp_path, "fresh"), workspace_of(tmp_path, "used")
    first = run_recipe(fresh, read_recipe(tmp_path / "people.toml"))
    before = run_recipe(used, read_recipe(tmp_path / "plain.toml"))
    again = run_recipe(used, read_recipe(tmp_path / "people.toml"))
    assert (before.redacted, first.redacted, again.redacted) == (3, 2, 2)
    assert first.dataset == again.dataset != before.dataset


def journal_of(workspace: Workspace) -> Journal:
    """All that was said in a workspace, notes too."""
    path = workspace.root / "words.jsonl"
    write(path, export(workspace, with_edits=True))
    return read(path)


def test_merging_either_way_leaves_the_persons_word(tmp_path: Path) -> None:
    """Anna keeps; elsewhere the same finding is accepted as safe, later; each takes in the other's words."""
    one, two = workspace_of(tmp_path, "one"), workspace_of(tmp_path, "two")
    say(one, "keep", ANNA)
    say(two, "redact", SAFE)
    merge(one, [journal_of(two)])
    merge(two, [journal_of(one)])
    assert stands(one) == stands(two) == [("keep", ANNA)]


# undo from the shell


def test_undo_takes_back_ones_own_word_alone(here: Workspace) -> None:
    """Of two who differ the one takes theirs back, and the other's stands under the other's name."""
    say(here, "drop", ANNA)
    say(here, "keep", BEN)
    record(here, undo(here, ["f"], by=ANNA))
    assert stands(here) == [("keep", BEN)] and differing(here.ledger) == {}
    record(here, undo(here, ["f"], by=ANNA))  # and a second one takes the first back
    assert [one.told for one in differing(here.ledger).values()] == ["anna: drop; ben: keep"]
    actions = here.ledger.rows("select action from decision where reviewer = ? order by decision_id", ANNA)
    assert [row["action"] for row in actions] == ["drop", None, "drop"]


def test_undo_of_the_last_of_ones_own_words_brings_the_one_before(here: Workspace) -> None:
    """What somebody else said in between is not what comes back."""
    for action, by in (("drop", ANNA), ("keep", BEN), ("redact", ANNA)):
        say(here, action, by)
    record(here, undo(here, ["f"], by=ANNA))
    assert [one.told for one in differing(here.ledger).values()] == ["anna: drop; ben: keep"]


def test_undo_of_what_a_machine_decided_opens_it_and_again_decides_it(here: Workspace) -> None:
    """Whoever ran --accept-safe may take it back; nobody's own word is made of it."""
    say(here, "redact", SAFE)
    record(here, undo(here, ["f"], by=ANNA))
    assert stands(here) == []
    assert said_alone(here.ledger) == {}
    record(here, undo(here, ["f"], by=ANNA))
    assert stands(here) == [("redact", SAFE)]


def test_the_shell_says_where_there_is_nothing_of_ones_own_to_undo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another's word stays, and the command says why."""
    rows_to_clean(tmp_path)
    home = workspace_of(tmp_path, "home")
    monkeypatch.setenv("SEATRIAL_HOME", str(home.root))
    monkeypatch.setenv("SEATRIAL_REVIEWER", ANNA)
    dataset = import_files(home, [str(tmp_path / "rows.jsonl")], Reading()).made.outputs["dataset"]
    scan_version(home, dataset, names=["pii"], settings={"pii": {"names": "none"}})
    finding = review(home, dataset)["finding_id"][0]
    record(home, decide(review(home, dataset).head(1), "drop", by=BEN))
    with pytest.raises(ConfigError, match="anna has said nothing of finding"):
        cli_review.review(undo=[finding])
    cli_review.review(accept_safe=True)
    cli_review.review(reject=[finding])
    cli_review.review(undo=[finding])
    told = review(home, dataset).filter(finding_id=finding).select("decided", "reviewer").rows()
    assert told == [("drop", BEN)]
    assert accept_safe(review(home, dataset)) == []


# notes


def test_a_note_is_nobodys_opinion(here: Workspace) -> None:
    """It stands beside another's word, on an open finding too, and never counts in agreement."""
    say(here, "drop", ANNA)
    note(here, FINDING, "not sure", BEN)
    note(here, {**FINDING, "finding_id": "g"}, "look again", BEN)
    words = last_words(here).sort("finding_id").select("finding_id", "decided", "reviewer", "note").rows()
    assert words == [("f", "drop", ANNA, "ben: not sure"), ("g", None, None, "ben: look again")]
    assert said_alone(here.ledger) == {"decisions": [{ANNA: "drop"}]}
    note(here, FINDING, "", BEN)
    assert last_words(here, ["f"])["note"].to_list() == [""]


def test_notes_go_with_a_journal(tmp_path: Path) -> None:
    """As all that people say."""
    one, two = workspace_of(tmp_path, "one"), workspace_of(tmp_path, "two")
    note(one, FINDING, "not sure", BEN)
    merge(two, [journal_of(one)])
    assert last_words(two)["note"].to_list() == ["ben: not sure"]
