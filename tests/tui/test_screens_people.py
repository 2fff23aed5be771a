"""What people differ on, in the screens: found by the filter, shown on the card, settled by a key, undone."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.widgets import Input, Static

from curate.deciding.review import review
from curate.workspace import Decision, Workspace
from curate.workspace.differences import differing
from tests.tui.walking import settle
from tui.desk.desk import Desk
from tui.screens.card import CardScreen
from tui.workbench import workbench


def two_words(workspace: Workspace) -> str:
    """A finding on which anna and ben differ; ben also decides on one alone."""
    rows = (
        review(workspace, workspace.dataset()).filter(shape="span").select("finding_id", "example_id").rows()
    )
    (finding, example), (other, its_example) = rows[:2]
    workspace.ledger.decide([Decision(finding, example, "drop", "anna")])
    workspace.ledger.decide([Decision(finding, example, "keep", "ben", "it is his own name")])
    workspace.ledger.decide([Decision(other, its_example, "keep", "ben")])
    return str(finding)


async def test_a_difference_is_found_shown_settled_and_undone(workspace: Workspace) -> None:
    """The filter `differ` has the one; the card names both; a settles it, u opens it again, U settles it."""
    finding = two_words(workspace)
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("colon")
        pilot.app.screen.query_one(Input).value = 'differ and "ben: keep" in people'
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        card = pilot.app.screen
        assert isinstance(card, CardScreen)
        assert card.desk.finding(card.place)["finding_id"] == finding and len(card.desk.ids) == 1
        shown = "\n".join(str(each.render()) for each in card.query(Static))
        assert "people differ" in shown and "anna: drop; ben: keep" in shown
        assert card.desk.open == 19
        await pilot.press("a")
        assert differing(workspace.ledger) == {} and card.desk.open == 18
        await pilot.press("u")
        assert list(differing(workspace.ledger)) == [finding] and card.desk.open == 19
        await pilot.press("U")
        assert differing(workspace.ledger) == {}
    table = review(workspace, workspace.dataset()).filter(finding_id=finding)
    assert table["decided"].to_list() == ["redact"]


def test_a_word_that_was_not_seen_is_not_overruled(workspace: Workspace) -> None:
    """What arrives between the reading of the desk and a key differs from it, and is shown so."""
    finding = two_words(workspace)
    desk = Desk(workspace, workspace.dataset(), "tickets", "anna")
    place = desk.where(finding)
    assert place is not None
    example = desk.finding(place)["example_id"]
    workspace.ledger.decide([Decision(finding, example, "keep", "carl")])
    desk.decide([place], "redact")
    assert desk.finding(place)["people"] == "anna: redact; carl: keep"
    assert desk.choose(filter="differ", search="", order="check", only_open=True).tolist() == [place]
    desk.decide([place], "redact")
    assert desk.finding(place)["differ"] is False and desk.finding(place)["decided"] == "redact"


def test_a_note_settles_nothing(workspace: Workspace) -> None:
    """It stands with one's own word, which stays what it was."""
    finding = two_words(workspace)
    desk = Desk(workspace, workspace.dataset(), "tickets", "anna")
    place = desk.where(finding)
    assert place is not None
    desk.annotate(place, "look again")
    assert desk.finding(place)["people"] == "anna: drop; ben: keep"


ACTS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["keep", "drop", "undo", "redo", "carl"])), max_size=12
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACTS)
def test_undoing_all_brings_differences_back(workspace: Workspace, acts: list[tuple[int, str]]) -> None:
    """What one reviewer did among others' words, undone: the words of the others alone are left."""
    reviewer = f"r{len(workspace.ledger.rows('select 1 from decision'))}"  # new in each example
    others = Desk(workspace, workspace.dataset(), "tickets", "ben")
    others.decide([0, 1], "drop")
    before = differing(workspace.ledger)
    desk = Desk(workspace, workspace.dataset(), "tickets", reviewer)
    for place, act in acts:
        if act in ("undo", "redo"):
            getattr(desk, act)()
        elif act != "carl":
            desk.decide([place], act)
    while desk.undo()[0] is not None:
        pass
    assert differing(workspace.ledger) == before
    fresh = Desk(workspace, workspace.dataset(), "tickets", reviewer)
    assert fresh.open == desk.open


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
async def test_the_card_holds_long_names(workspace: Workspace, size: tuple[int, int]) -> None:
    """Hostile and long names of people are text, and break nothing."""
    row = review(workspace, workspace.dataset()).filter(shape="span").row(0, named=True)
    for who in ("[/foo]\x1b]52;c;aGk=\x07" + "x" * 200, "\u202eben"):
        word = Decision(row["finding_id"], row["example_id"], "drop" if "foo" in who else "keep", who)
        workspace.ledger.decide([word])
    app = workbench(workspace)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("colon")
        pilot.app.screen.query_one(Input).value = "differ"
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(pilot.app.screen, CardScreen)
