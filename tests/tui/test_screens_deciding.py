"""Decisions made with keys: each shape, taken back, done again, kept across restarts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.widgets import TextArea

from curate.deciding.review import review
from curate.workspace import Decision, Workspace
from tests.tui.walking import settle, to_card
from tui.desk.desk import Desk
from tui.desk.history import History
from tui.screens.queue import QueueScreen
from tui.workbench import workbench


def decided(workspace: Workspace) -> dict[str, str]:
    """Finding to the action last decided, read from the disk."""
    table = review(workspace, workspace.dataset())
    return dict(table.drop_nulls("decided").select("finding_id", "decided").iter_rows())


@pytest.mark.parametrize(
    ("shape", "key", "action"),
    [
        ("span", "a", "redact"),
        ("span", "x", "keep"),
        ("span", "2", "drop"),
        ("example", "a", "drop"),
        ("example", "x", "keep"),
        ("cluster", "1", "keep"),
        ("pair", "x", "keep"),
        ("pair", "2", "drop"),
        ("pair", "4", "drop"),
    ],
)
async def test_each_shape_is_decided_and_undone(
    workspace: Workspace, shape: str, key: str, action: str
) -> None:
    """A key decides on the finding shown, u takes it back, U decides it again."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        card = await to_card(pilot, f'shape == "{shape}"')
        finding = card.desk.finding(card.place)
        await pilot.press(key)
        assert decided(workspace) == {finding["finding_id"]: action}
        await pilot.press("u")
        assert decided(workspace) == {}
        assert card.desk.finding(card.place)["finding_id"] == finding["finding_id"]
        await pilot.press("U")
        assert decided(workspace) == {finding["finding_id"]: action}


async def test_the_other_side_of_a_pair(workspace: Workspace) -> None:
    """4 drops the other row, not this one."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        card = await to_card(pilot, 'shape == "pair"')
        finding = card.desk.finding(card.place)
        await pilot.press("4")
    row = review(workspace, workspace.dataset()).drop_nulls("decided").row(0, named=True)
    assert (row["target"], row["decided"]) == (finding["other_id"], "drop")


async def test_a_cluster_is_one_act(workspace: Workspace) -> None:
    """The key b decides on each member by its own proposal, and one u takes all of it back."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_card(pilot, 'shape == "cluster"')
        await pilot.press("b")
        assert sorted(decided(workspace).values()) == ["drop", "drop", "drop", "keep"]
        await pilot.press("u")
        assert decided(workspace) == {}
        await pilot.press("U", "u")
        assert decided(workspace) == {}


async def test_what_proposes_nothing_is_not_accepted(workspace: Workspace) -> None:
    """Accepting a contradiction decides nothing and says which keys do."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await to_card(pilot, 'shape == "pair"')
        await pilot.press("a", "b")
        await pilot.pause()
        assert decided(workspace) == {}
        assert any("1 keep" in str(note.message) for note in app._notifications)


async def test_skip_backspace_and_delete_decide_nothing(workspace: Workspace) -> None:
    """Keys that look destructive are not."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        card = await to_card(pilot, 'shape == "span"')
        place = card.place
        await pilot.press("backspace", "delete", "space")
        assert decided(workspace) == {}
        assert card.place != place


async def test_decisions_outlive_a_restart(workspace: Workspace, home: Path) -> None:
    """A new process sees what was decided, and can take it back."""
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        await to_card(pilot, 'shape == "span"')
        await pilot.press("a", "a", "x")
    before = decided(workspace)
    assert sorted(before.values()) == ["keep", "redact", "redact"]
    again = Workspace(home)
    async with workbench(again).run_test(size=(80, 24)) as pilot:
        await to_card(pilot, 'shape == "span"')
        await pilot.press("u", "u", "u", "u", "u")
        assert decided(again) == {}
        await pilot.press("U", "U", "U", "U")
        assert decided(again) == before
    again.close()


async def test_a_burst_of_keys_loses_and_doubles_nothing(workspace: Workspace) -> None:
    """As many keys as findings, without a pause between them: each finding decided once."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_card(pilot, 'shape == "span"')
        await pilot.press(*["a"] * 12)
        assert len(decided(workspace)) == 12
    count = workspace.ledger.rows("select count(*) as n from decision")[0]["n"]
    assert count == 12


async def test_edit_in_place(workspace: Workspace) -> None:
    """The key e changes the text; while it is changed, the keys that decide are letters."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        card = await to_card(pilot, 'shape == "span"')
        place = card.place
        await pilot.press("e", "a", "x", "u", "q", "space")
        assert app.screen is card
        assert card.query_one(TextArea).text.startswith("axuq Hello")
        assert decided(workspace) == {}
        await pilot.press("ctrl+s")
        assert list(decided(workspace).values()) == ["edit"]
        said = card.desk.edited(card.desk.finding(place))
        assert said is not None and said.text.startswith("axuq Hello") and said.field == "content"
        await pilot.press("u")
        assert decided(workspace) == {}


async def test_leaving_an_edit_asks_once(workspace: Workspace) -> None:
    """Escape does not throw a changed text away at the first press."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        card = await to_card(pilot, 'shape == "example"')
        await pilot.press("e", "z", "escape")
        assert card.editing is not None
        await pilot.press("escape")
        assert card.editing is None
        assert decided(workspace) == {}


async def test_editor(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """E hands the text to $EDITOR and takes what it leaves."""
    script = tmp_path / "editor.sh"
    script.write_text('#!/bin/sh\nprintf "changed\\n" > "$1"\n')
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        card = await to_card(pilot, 'shape == "span"')
        place = card.place
        await pilot.press("E")
        await pilot.pause()
        said = card.desk.edited(card.desk.finding(place))
        # a headless driver cannot be suspended: then it is told, and nothing is decided
        assert said is None or said.text == "changed"


async def test_note_and_flag(workspace: Workspace) -> None:
    """A note stays beside the word, through undo and redo; a flag is set and taken off."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        card = await to_card(pilot, 'shape == "span"')
        place = card.place
        await pilot.press("a", "left_square_bracket", "n")
        await pilot.press("w", "h", "y", "enter")
        assert card.desk.finding(place)["note"] == "why"
        assert card.desk.finding(place)["decided"] == "redact"
        await pilot.press("u", "U")
        assert card.desk.finding(place)["note"] == "why"
        await pilot.press("f")
        example = card.desk.examples.get([card.desk.finding(place)["example_id"]])
        (row,) = example.values()
        assert card.desk.flagged(row)
        await pilot.press("f")
        assert not card.desk.flagged(row)


async def test_queue_follows_the_card(workspace: Workspace) -> None:
    """Back in the list, what was decided is marked and the counts are right."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        card = await to_card(pilot, 'shape == "span"')
        await pilot.press("a", "q")
        await settle(pilot)
        assert isinstance(app.screen, QueueScreen)
        assert card.desk.open == 19
        for shown in (12, 11):
            await pilot.press("o")
            await settle(pilot)
            assert len(card.desk.ids) == shown


def test_undo_takes_back_ones_own_word_and_leaves_anothers(workspace: Workspace) -> None:
    """Of two who differ one takes theirs back: the other's stands, and is nobody else's word."""
    desk = Desk(workspace, workspace.dataset(), "tickets", "anna")
    desk.decide([0, 1], "keep")
    first = desk.finding(0)
    workspace.ledger.decide([Decision(first["finding_id"], first["example_id"], "drop", "ben")])
    turned, places = desk.undo()
    assert turned is not None and turned.held_by_others == 1
    assert places == [0, 1]
    stands = review(workspace, workspace.dataset()).filter(finding_id=first["finding_id"])
    assert stands.select("decided", "reviewer", "differ").rows() == [("drop", "ben", False)]
    assert (desk.finding(0)["decided"], desk.finding(0)["reviewer"]) == ("drop", "ben")
    assert desk.finding(1)["decided"] is None
    mine = workspace.ledger.rows("select action from decision where reviewer = 'anna' order by decision_id")
    assert [row["action"] for row in mine] == ["keep", "keep", None, None]
    again, _ = desk.redo()
    assert again is not None and again.held_by_others == 1
    assert desk.finding(0)["people"] == "anna: keep; ben: drop"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["keep", "drop", "undo", "redo"])), max_size=15))
def test_undoing_all_is_the_start(workspace: Workspace, acts: list[tuple[int, str]]) -> None:
    """After any acts, undo until there is none is where one began; a restart in between changes nothing."""
    before = decided(workspace)
    desk = Desk(workspace, workspace.dataset(), "tickets", "anna")
    desk.history.catch_up()
    known = len(desk.history.done)
    for place, act in acts:
        if act in ("undo", "redo"):
            if act == "redo" or len(desk.history.done) > known:
                getattr(desk, act)()
        else:
            desk.decide([place], act)
        desk.history.catch_up()
    states = [len(desk.history.done), len(desk.history.undone)]
    desk.history = History(workspace, "anna")
    desk.history.catch_up()
    assert [len(desk.history.done), len(desk.history.undone)] == states
    while len(desk.history.done) > known:
        desk.undo()
    assert decided(workspace) == before


async def test_escape_leaves_the_card_and_first_the_text(workspace: Workspace) -> None:
    """As on all other screens; a text that is edited is left before the card is."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        card = await to_card(pilot, 'shape == "span"')
        await pilot.press("e")
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is card
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is not card
