"""Journals merge in any order to the same state, and a hostile line is refused whole."""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate.changing.apply import Edit
from curate.deciding.edit_texts import edit_digest
from curate.deciding.lastword import NAMES, last_words
from curate.deciding.notes import LEFT_OUT, note
from curate.deciding.review import EDIT_KIND
from curate.errors import NotFoundError, SourceError
from curate.people.journal import Journal, export, left_out, merge, read
from curate.people.journal_lines import checked
from curate.workspace import Annotation, Decision, Workspace
from curate.workspace.differences import differing, settling, tell
from curate.workspace.migrations import MIGRATIONS

Make = Callable[[str], Workspace]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """An empty workspace of a name."""
    opened = []

    def new(name: str) -> Workspace:
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        opened.append(Workspace(tmp_path / name))
        return opened[-1]

    return new


def journal(workspace: Workspace, by: str | None = None, *, with_edits: bool = False) -> Journal:
    """What a workspace exports, as read again."""
    path = workspace.root / f"{by or 'all'}.jsonl"
    path.write_text("".join(export(workspace, by=by, with_edits=with_edits)))
    return read(path)


def state(workspace: Workspace) -> object:
    """All that a person could see of who said what: words, last words, differences."""
    ledger = workspace.ledger
    return (
        list(export(workspace)),
        sorted(map(tuple, ledger.rows("select finding_id, uid from latest_decision"))),
        sorted(map(tuple, ledger.rows("select uid from latest_annotation"))),
        last_words(workspace).sort("finding_id").select(sorted(NAMES)).rows(),
        tell(workspace),
    )


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["anna", "ben", "carl"]),
        st.sampled_from(
            ["keep", "drop", "redact", None, "settle", "undo", "label", "export", "safe", "note"]
        ),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=14,
)


def said(workspace: Workspace, who: str, act: str | None, number: int, uid: dict[str, str]) -> None:
    """One act of a person in their own workspace."""
    finding = f"f{number}"
    if act == "label":
        workspace.ledger.annotate([Annotation(f"e{number}", "h", "label:queue", f'"{who}"', who)])
        return
    if act == "note":
        note(workspace, {"finding_id": finding, "example_id": "e", "content_hash": "h"}, f"by {who}", who)
        return
    if act == "safe":
        workspace.ledger.decide([Decision(finding, "e", "drop", "seatrial:safe")])
        return
    word = Decision(finding, "e", act if act in ("keep", "drop", "redact") else None, who)
    if act == "settle":
        decided = Decision(finding, "e", "drop", who)
        word = settling([decided], differing(workspace.ledger))[0]
    if act == "undo":
        query = (
            "select uid from decision where finding_id = ? and reviewer = ? order by decided_at desc limit 1"
        )
        mine = workspace.ledger.rows(query, finding, who)
        if not mine:
            return
        word = Decision(finding, "e", None, who, turns=f"undo {mine[0]['uid']}")
    workspace.ledger.decide([word])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACTS)
def test_any_order_and_any_repetition_is_the_same_state(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, str | None, int]]
) -> None:
    """Three people in three workspaces, exchanging now and then; then all orders of merging, some twice."""
    root = tmp_path_factory.mktemp("people")
    people = {}
    for name in ("anna", "ben", "carl"):
        (root / name).mkdir()
        people[name] = Workspace(root / name)
    for who, act, number in acts:
        if act == "export":  # the others' words so far are read before going on
            others = [other for other in people.values() if other is not people[who]]
            merge(people[who], [journal(other, with_edits=True) for other in others])
        else:
            said(people[who], who, act, number, {})
    journals = [journal(each, with_edits=True) for each in people.values()]
    states = []
    for turn, order in enumerate(itertools.permutations(journals)):
        (root / f"m{turn}").mkdir()
        into = Workspace(root / f"m{turn}")
        for each in order:
            merge(into, [each])
        before = state(into)
        merge(into, [order[0], order[0]])
        assert state(into) == before
        states.append(before)
        into.close()
    for own in people.values():  # and into one that has words of its own
        merge(own, journals)
        states.append(state(own))
    assert all(each == states[0] for each in states)
    for own in people.values():
        own.close()


def test_a_difference_is_open_until_somebody_who_saw_it_settles_it(make: Make) -> None:
    """Later words of people who had not seen it settle nothing; one who had does, and undo opens it again."""
    anna, ben = make("anna"), make("ben")
    anna.ledger.decide([Decision("f", "e", "drop", "anna")])
    ben.ledger.decide([Decision("f", "e", "keep", "ben"), Decision("g", "e", "keep", "ben")])
    merge(anna, [journal(ben)])
    seen = differing(anna.ledger)
    assert [each.told for each in seen.values()] == ["anna: drop; ben: keep"]
    late = make("carl")
    late.ledger.decide([Decision("f", "e", "redact", "carl")])
    anna.ledger.decide(settling([Decision("f", "e", "keep", "anna")], seen))
    assert differing(anna.ledger) == {}
    (word,) = anna.ledger.rows("select uid from latest_decision where finding_id = 'f'")
    merge(anna, [journal(late)])
    assert [each.told for each in differing(anna.ledger).values()] == ["anna: keep; carl: redact"]
    anna.ledger.decide([Decision("f", "e", "drop", "anna", turns=f"undo {word['uid']}")])
    told = [each.told for each in differing(anna.ledger).values()]
    assert told == ["anna: drop; ben: keep; carl: redact"]


def test_rules_are_no_people(make: Make) -> None:
    """Overruling what was accepted as safe is no difference between two people."""
    here = make("anna")
    here.ledger.decide([Decision("f", "e", "drop", "seatrial:safe"), Decision("g", "e", "drop", "recipe:ci")])
    here.ledger.decide([Decision("f", "e", "keep", "anna"), Decision("g", "e", "keep", "ben")])
    assert differing(here.ledger) == {}


def test_a_clock_that_jumps_back_changes_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last word is the last one said, whatever the clock says then."""
    here = make("anna")
    for moment, action in (("2030", "drop"), ("2020", "keep"), ("2025", "redact")):
        clock = f"{moment}-01-01T00:00:00.000000+00:00"
        monkeypatch.setattr("curate.workspace.ledger.now", lambda clock=clock: clock)
        here.ledger.decide([Decision("f", "e", action, "anna")])
        here.ledger.annotate([Annotation("e", "h", "flag", action, "anna")])
    assert here.ledger.latest_decisions()["decided"].to_list() == ["redact"]
    assert here.ledger.rows("select value from latest_annotation")[0]["value"] == "redact"
    times = [row[0] for row in here.ledger.rows("select decided_at from decision order by decision_id")]
    assert times == sorted(times) and len(set(times)) == 3


def test_within_one_act_the_later_of_two_words_counts(make: Make) -> None:
    """Two words on one finding at one moment: the order in which they were given stands."""
    here = make("anna")
    for turn in range(20):
        here.ledger.decide(
            [Decision(f"f{turn}", "e", "drop", "anna"), Decision(f"f{turn}", "e", "keep", "anna")]
        )
    assert set(here.ledger.latest_decisions()["decided"]) == {"keep"}


def test_edits_travel_only_when_asked(make: Make) -> None:
    """Without the text the decision is there and says what is missing; with it the text is, byte for byte."""
    from curate.deciding.review import edits_of

    here, there = make("anna"), make("ben")
    edit = Edit("e", 0, "content", "a new text")
    digest = here.put_json(EDIT_KIND, edit.said())
    assert edit_digest(edit) == digest
    here.ledger.decide([Decision("f", "e", "edit", "anna", edit=digest)])
    assert "a new text" not in "".join(export(here))
    assert merge(there, [journal(here)]).missing == 1
    table = there.ledger.latest_decisions()
    with pytest.raises(NotFoundError, match="anna edited a text"):
        edits_of(there, table)
    done = merge(there, [journal(here, with_edits=True)])
    assert (done.decisions, done.known, done.edits, done.missing) == (0, 1, 1, 0)
    assert edits_of(there, table) == {digest: edit}
    assert merge(there, [journal(here, with_edits=True)]).edits == 0


def test_notes_in_free_text_stay_here_unless_asked_for(make: Make) -> None:
    """They may quote a row. What the program itself says stays; a later journal brings what was left out."""
    here = make("anna")
    here.ledger.decide([Decision("f", "e", "drop", "anna", "ask eve@example.org first")])
    here.ledger.decide([Decision("g", "e", "keep", "anna", "undo")])
    here.ledger.decide([Decision("h", "e", "keep", "anna", "undo of 01234567: ask eve@example.org first")])
    here.ledger.decide([Decision("i", "e", "drop", "seatrial:safe", "safe proposal")])
    here.ledger.decide([Decision("j", "e", "drop", "anna")])
    plain, full = journal(here), journal(here, with_edits=True)
    assert "eve@" not in "".join(export(here)) and left_out(here) == 2
    notes = [word.get("note") for word in plain.words.values()]
    assert notes == [LEFT_OUT, "undo", LEFT_OUT, "safe proposal", None]
    orders = {
        "late": ([plain], [full]),
        "early": ([full], [plain]),
        "both": ([plain, full],),
        "turned": ([full, plain],),
    }
    for name, order in orders.items():
        there = make(name)
        for journals in order:
            merge(there, journals)
        assert state(there) == state(here)
        assert list(export(there, with_edits=True)) == list(export(here, with_edits=True))
    only = make("only")
    merge(only, [plain])
    assert list(export(only)) == list(export(here)) and left_out(only) == 0
    forged = replace(
        plain, words={u: {**w, "note": "forged"} for u, w in plain.words.items() if "note" not in w}
    )
    with pytest.raises(SourceError, match="says something else"):
        merge(only, [forged])


def test_a_torn_last_line_is_told_and_the_rest_is_merged(make: Make) -> None:
    """Cut anywhere in the last line: the words before it come over."""
    here = make("anna")
    for number in range(3):
        here.ledger.decide([Decision(f"f{number}", "e", "drop", "anna")])
    whole = "".join(export(here))
    start = whole[:-1].rindex("\n") + 1
    path = here.root / "torn.jsonl"
    for cut in range(start + 1, len(whole) - 1, 7):
        path.write_text(whole[:cut])
        found = read(path)
        assert found.torn and len(found.words) == 2
    path.write_text(whole[:-1])  # only its end is missing: the line is whole
    assert not read(path).torn and len(read(path).words) == 3
    done = merge(make("ben"), [read(path)])
    assert (done.decisions, done.strangers, done.people) == (3, 3, ("anna",))


GOOD = {
    "kind": "decision", "uid": "0" * 32, "finding_id": "f", "example_id": "e", "action": "drop",
    "reviewer": "eve", "decided_at": "2026-01-01T00:00:00.000000+00:00",
}  # fmt: skip
HOSTILE = [
    ("{", "no JSON"),
    ("[]", "no JSON object"),
    ('{"kind": "decision", "kind": "decision"}', "twice"),
    ("[" * 100_000, "no JSON|nested"),
    ({"kind": "DROP TABLE decision"}, "`kind`"),
    ({**GOOD, "uid": "1"}, "32 digits"),
    ({**GOOD, "finding": "f"}, "did you mean `finding_id`"),
    ({**GOOD, "action": "delete"}, "one of keep"),
    ({**GOOD, "decided_at": "2026-13-01T00:00:00.000000+00:00"}, "no time"),
    ({**GOOD, "decided_at": "9999-12-31T23:59:59.999999+00:00"}, "no time before"),
    ({**GOOD, "decided_at": "2026-01-01"}, "a time in UTC"),
    ({**GOOD, "reviewer": ""}, "a name"),
    ({**GOOD, "reviewer": 7}, "must be text"),
    ({**GOOD, "reviewer": None}, "must be text"),
    ({**GOOD, "note": "\ud800"}, "lone surrogate"),
    ({**GOOD, "note": "x" * 1_000_001}, "more than"),
    ({**GOOD, "settles": []}, "settles"),
    ({**GOOD, "settles": ["b" * 32, "a" * 32]}, "settles"),
    ({**GOOD, "turns": "undo everything"}, "undo, redo or back"),
    ({**GOOD, "edit": "0" * 32}, "goes with the action edit"),
    ({**GOOD, "action": "edit", "edit": "0" * 32, "raw_edit": {"text": "x"}}, "must have"),
    (
        {
            **GOOD, "action": "edit", "edit": "0" * 32,
            "raw_edit": {"example_id": "e", "message": 0, "field": "content", "text": "x"},
        },
        "not the text",
    ),
    ({k: v for k, v in GOOD.items() if k != "reviewer"}, "needs `reviewer`"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "why"), HOSTILE)
def test_a_hostile_line_is_refused_with_its_number(
    make: Make, tmp_path: Path, line: object, why: str
) -> None:
    """Nothing is merged of a file that has one, wherever it stands."""
    text = line if isinstance(line, str) else json.dumps(line)
    good = json.dumps({**GOOD, "uid": "a" * 32})
    path = tmp_path / "evil.jsonl"
    path.write_text(f'{{"kind": "journal", "version": 1}}\n{good}\n{text}\n{good}\n')
    with pytest.raises(SourceError, match=why) as caught:
        merge(make("w"), [read(path)])
    assert ":3:" in caught.value.message


def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    """A file of rows, an empty file, bytes, a newer journal."""
    path = tmp_path / "rows.jsonl"
    for data in (b"", b"\n\n", b'{"messages": []}\n', b"\xff\xfe\n", json.dumps(GOOD).encode() + b"\n"):
        path.write_bytes(data)
        with pytest.raises(SourceError):
            read(path)
    path.write_text('{"kind": "journal", "version": 2}\n')
    with pytest.raises(SourceError, match="version 2"):
        read(path)


def test_one_uid_cannot_say_two_things(make: Make, tmp_path: Path) -> None:
    """Neither in one file, nor in two, nor against what is here; and nothing of the file is merged."""
    head = '{"kind": "journal", "version": 1}\n'
    one, two = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    one.write_text(head + json.dumps(GOOD) + "\n")
    other = json.dumps({**GOOD, "action": "keep"}) + "\n"
    fresh = json.dumps({**GOOD, "uid": "b" * 32}) + "\n"
    two.write_text(head + json.dumps(GOOD) + "\n" + other)
    with pytest.raises(SourceError, match="says something else"):
        read(two)
    two.write_text(head + fresh + other)
    here = make("w")
    with pytest.raises(SourceError, match="says something else"):
        merge(here, [read(one), read(two)])
    assert merge(here, [read(one)]).decisions == 1
    with pytest.raises(SourceError, match="says something else"):
        merge(here, [read(two)])
    assert len(here.ledger.rows("select * from decision")) == 1


def test_words_from_the_future_are_merged_only_when_asked(make: Make, tmp_path: Path) -> None:
    """And then the words here come after them."""
    path = tmp_path / "ahead.jsonl"
    late = {**GOOD, "decided_at": "2999-01-01T00:00:00.000000+00:00"}
    path.write_text('{"kind": "journal", "version": 1}\n' + json.dumps(late) + "\n")
    here = make("w")
    with pytest.raises(SourceError, match="in the future"):
        merge(here, [read(path)])
    assert merge(here, [read(path)], any_time=True).decisions == 1
    here.ledger.decide([Decision("f", "e", "keep", "anna")])
    assert here.ledger.latest_decisions()["decided"].to_list() == ["keep"]


def test_every_field_of_a_word_survives_the_journey(make: Make) -> None:
    """What is exported is what was said: notes with control characters, empty values, turns, settlements."""
    here, there = make("anna"), make("ben")
    here.ledger.decide([Decision("f", "e", None, "an\x1bna\u202e", "no\nte\x00", settles=("0" * 32,))])
    here.ledger.annotate(
        [Annotation("e", "h", "label:x", "", "anna"), Annotation("e", "h", "flag", None, "a")]
    )
    merge(there, [journal(here, with_edits=True)])
    assert state(there) == state(here)
    assert "".join(export(here)).isascii()
    assert checked(dict(GOOD)) == GOOD


# workspaces of before


OLD = """
    insert into decision values
        (1, 'f', 'e', 'drop', null, 'anna', '', '2026-01-02T00:00:00.000000+00:00'),
        (2, 'f', 'e', 'keep', null, 'ben', '', '2026-01-01T00:00:00.000000+00:00'),
        (3, 'g', 'e', 'drop', null, 'anna', '', '2026-01-03T00:00:00.000000+00:00'),
        (4, 'h', 'e', 'drop', null, 'anna', '', '2026-01-03T00:00:00.000000+00:00'),
        (5, 'g', 'e', null, null, 'anna', 'undo of 3', '2026-01-04T00:00:00.000000+00:00'),
        (6, 'h', 'e', null, null, 'anna', 'undo of 3', '2026-01-04T00:00:00.000000+00:00');
    insert into annotation values
        (1, 'e', 'h', 'flag', 'yes', 'anna', '2026-01-02T00:00:00.000000+00:00'),
        (2, 'e', 'h', 'flag', null, 'anna', '2026-01-01T00:00:00.000000+00:00');
"""


def of_before(home: Path) -> Path:
    """A workspace of schema 1, in which a clock was set back twice."""
    home.mkdir(parents=True)
    db = sqlite3.connect(home / "ledger.db")
    first = MIGRATIONS[0]
    assert isinstance(first, str)
    db.executescript(first + OLD + "pragma user_version = 1;")
    db.close()
    return home


def test_a_workspace_of_before_opens_with_the_same_last_words(tmp_path: Path) -> None:
    """The number of a row decided then; the times say the same now, and undo knows its acts."""
    here = Workspace(of_before(tmp_path / "old"))
    rows = here.ledger.rows("select finding_id, action, reviewer from latest_decision order by finding_id")
    assert [tuple(row) for row in rows] == [("f", "keep", "ben"), ("g", None, "anna"), ("h", None, "anna")]
    assert here.ledger.rows("select value from latest_annotation")[0]["value"] is None
    words = here.ledger.rows("select * from decision order by decision_id")
    assert words[2]["decided_at"] == words[3]["decided_at"]
    assert [row["turns"] for row in words[4:]] == [f"undo {words[2]['uid']}", f"undo {words[3]['uid']}"]
    here.ledger.decide([Decision("f", "e", "redact", "anna")])
    assert here.ledger.latest_decisions().filter(finding_id="f")["decided"].to_list() == ["redact"]
    here.close()
    assert Workspace(tmp_path / "old").ledger.rows("pragma user_version")[0][0] == len(MIGRATIONS)


def test_two_copies_of_one_workspace_agree_on_their_old_words(tmp_path: Path) -> None:
    """Each migrated by itself: merging them doubles nothing."""
    one, two = Workspace(of_before(tmp_path / "1")), Workspace(of_before(tmp_path / "2"))
    assert list(export(one)) == list(export(two))
    done = merge(one, [journal(two)])
    assert (done.decisions, done.annotations, done.known) == (0, 0, 8)


def test_a_migration_that_is_broken_off_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old file is as it was, and the next opening migrates it."""
    home = of_before(tmp_path / "old")

    def broken(db: sqlite3.Connection) -> None:
        MIGRATIONS[1](db)  # type: ignore[operator]
        raise KeyboardInterrupt

    monkeypatch.setattr("curate.workspace.ledger.MIGRATIONS", (MIGRATIONS[0], broken))
    with pytest.raises(KeyboardInterrupt):
        Workspace(home)
    monkeypatch.undo()
    db = sqlite3.connect(home / "ledger.db")
    assert db.execute("pragma user_version").fetchone()[0] == 1
    assert db.execute("select count(*) from decision where note = 'undo of 3'").fetchone()[0] == 2
    db.close()
    assert len(Workspace(home).ledger.rows("select uid from decision")) == 6


def test_a_merge_that_is_killed_leaves_all_or_nothing(make: Make) -> None:
    """A child is killed by a signal within the transaction; the ledger opens and holds none of it."""
    here, there = make("anna"), make("ben")
    here.ledger.decide([Decision(f"f{n}", "e", "drop", "anna") for n in range(500)])
    found = journal(here)
    there.close()
    child = os.fork()
    if child == 0:
        into = Workspace(there.root)
        into.ledger.db.set_progress_handler(lambda: os.kill(os.getpid(), 9), 3_000)
        merge(into, [found])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 9
    again = Workspace(there.root)
    assert len(again.ledger.rows("select * from decision")) in (0, 500)
    assert merge(again, [found]).decisions + merge(again, [found]).known >= 500
    assert len(again.ledger.rows("select * from decision")) == 500
