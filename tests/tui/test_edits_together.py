"""Several edits of one text in the screens, notes beside others' words, and rows mended while one waits."""

from __future__ import annotations

import threading
import time

import pytest
from textual.widgets import Input, TextArea

from curate.changing.apply import Edit, apply
from curate.deciding.pending import differences_in
from curate.deciding.review import decide_edit, edits_of, record, review
from curate.errors import ConfigError
from curate.workspace import Workspace
from curate.workspace.differences import said_alone
from tests.tui.walking import settle
from tui.desk.desk import Desk
from tui.desk.mending import mend, offer
from tui.reading.card_text import CHANGED, TOO_LONG, differences, marked
from tui.screens import alike
from tui.screens.alike import AlikeScreen
from tui.screens.card import CardScreen
from tui.screens.editing import own_note, place_to_edit
from tui.workbench import workbench


def desk_of(workspace: Workspace, who: str) -> Desk:
    """The desk of a person at the one version."""
    return Desk(workspace, workspace.dataset(), "tickets", who)


def spans(desk: Desk) -> list[int]:
    """The places of the findings that mark an address, in the order of the rows."""
    return [place for place in range(desk.total) if desk.finding(place)["check"] == "pii"]


def edit(desk: Desk, place: int, old: str, new: str) -> tuple[Edit, str]:
    """Change words of the text that a finding gives out; the edit, and the text before."""
    there, before = place_to_edit(desk, place)
    assert old in before
    made = Edit(desk.finding(place)["example_id"], *there, before.replace(old, new))
    desk.edit(place, made)
    return made, before


def texts(workspace: Workspace) -> list[str]:
    """What the users say in the clean version."""
    table = review(workspace, workspace.dataset())
    clean = apply(workspace.examples(workspace.dataset()), table, edits_of(workspace, table)).clean
    return [messages[1]["content"] for messages in clean["messages"].to_list()]


def test_two_changes_proposed_for_the_same_rows_are_both_made(workspace: Workspace) -> None:
    """The second begins from what the first made of each row; one undo takes the second back alone."""
    desk = desk_of(workspace, "anna")
    one, two, *_ = spans(desk)
    made, before = edit(desk, one, "arrived broken", "came late")
    first = offer(desk, made, before)
    assert mend(desk, first.proposals, like=desk.finding(one)["finding_id"]) == 19
    made, before = edit(desk, two, "please", "kindly")
    assert "came late" in before
    second = offer(desk, made, before)
    assert all("came late" in proposal.before for proposal in second.proposals)
    assert mend(desk, second.proposals, like=desk.finding(two)["finding_id"]) == 19
    assert all("came late" in text and "kindly" in text for text in texts(workspace))
    desk.undo()
    said = texts(workspace)
    assert all("came late" in text for text in said) and sum("kindly" in text for text in said) == 1


def apart(workspace: Workspace) -> tuple[Desk, int, int]:
    """A desk on which two people's edits of one text, on two findings, were made apart."""
    desk = desk_of(workspace, "anna")
    other = next(place for place in range(desk.total) if desk.finding(place)["check"] == "structure")
    example = desk.finding(other)["example_id"]
    one = next(place for place in spans(desk) if desk.finding(place)["example_id"] == example)
    for place, who, new in ((one, "anna", "nobody"), (other, "ben", "somebody")):
        text = desk.examples.get([example])[example]["messages"][1]["content"].replace("Hello", new)
        word = decide_edit(workspace, desk.finding(place), Edit(example, 1, "content", text), by=who)
        record(workspace, [word])
    return desk_of(workspace, "anna"), one, other


def test_edits_made_apart_are_shown_and_settled_by_a_key(workspace: Workspace) -> None:
    """Neither can be edited on; keep on the one lets the other stand, at once and in what is applied."""
    desk, one, other = apart(workspace)
    assert all(desk.finding(place)["differ"] for place in (one, other))
    with pytest.raises(ConfigError, match="made apart"):
        place_to_edit(desk, one)
    waiting = desk.open
    desk.decide([other], "keep")
    assert desk.open == waiting - 2
    assert [desk.finding(place)["decided"] for place in (one, other)] == ["edit", "keep"]
    assert sum(text.startswith("nobody") for text in texts(workspace)) == 1
    assert differences_in(workspace, review(workspace, workspace.dataset())) == {}
    desk.undo()
    assert all(desk.finding(place)["differ"] for place in (one, other)) and desk.open == waiting


def test_a_text_that_another_changed_while_one_edited_is_not_written_over(workspace: Workspace) -> None:
    """What was given out is what it is made on top of: the other's edit, saved in between, is none of that."""
    anna, ben = desk_of(workspace, "anna"), desk_of(workspace, "ben")
    one = spans(anna)[3]
    example = anna.finding(one)["example_id"]
    other = next(p for p in range(ben.total) if ben.finding(p)["example_id"] == example and p != one)
    there, text = place_to_edit(anna, one)
    ben.edit(other, Edit(example, *there, text.replace("Hello", "Dear us")))
    anna.edit(one, Edit(example, *there, text.replace("please", "now")))
    assert anna.finding(one)["differ"]
    assert not any("now" in said or "Dear us" in said for said in texts(workspace))


def test_a_note_repeats_nobodys_word(workspace: Workspace) -> None:
    """Ben notes beside what anna decided: it is still hers, and the two have not agreed on anything."""
    anna = desk_of(workspace, "anna")
    anna.decide([0, 1], "keep")
    ben = desk_of(workspace, "ben")
    for place in (0, 1, 2):
        ben.annotate(place, "looked at it, not sure")
    assert said_alone(workspace.ledger) == {"decisions": [{"anna": "keep"}, {"anna": "keep"}]}
    said = [(ben.finding(p)["decided"], ben.finding(p)["reviewer"], ben.finding(p)["note"]) for p in (0, 2)]
    assert said == [
        ("keep", "anna", "ben: looked at it, not sure"),
        (None, None, "ben: looked at it, not sure"),
    ]
    assert ben.undo()[0] is None
    again = desk_of(workspace, "ben")
    assert again.finding(2)["note"] == "ben: looked at it, not sure"
    assert own_note(again, 2) == "looked at it, not sure" and own_note(anna, 2) == ""
    again.annotate(2, "")
    assert again.finding(2)["note"] == ""


async def test_back_rests_while_rows_are_written(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The screen stays until they are on the disk; then it closes by itself and tells how many."""
    go_on = threading.Event()

    def slowly(*args: object, **more: object) -> int:
        assert go_on.wait(10)
        return mend(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(alike, "mend", slowly)
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("colon")
        app.screen.query_one(Input).value = 'check == "pii"'
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        card = app.screen
        assert isinstance(card, CardScreen)
        await pilot.press("e")
        area = card.query_one("#text", TextArea)
        area.load_text(area.text.replace("arrived broken", "came late"))
        await pilot.press("ctrl+s")
        await settle(pilot)
        await pilot.press("p", "A", "enter", "q", "escape", "X")
        screen = app.screen
        assert isinstance(screen, AlikeScreen) and screen.mending and len(screen.taken) == 19
        go_on.set()
        for _ in range(250):
            await pilot.pause(0.02)
            if app.screen is card:
                break
        assert app.screen is card
    assert sum("came late" in text for text in texts(workspace)) == 20


@pytest.mark.parametrize("count", [900, 2_900, 30_000])
def test_differences_are_marked_at_once(count: int) -> None:
    """Also of two texts that were made to be hard to compare: the screen waits for it."""
    words = [f"w{i * 7919 % 500}" for i in range(count)]
    left, right = " ".join(words), " ".join(word if i % 10 else f"{word}x" for i, word in enumerate(words))
    began = time.process_time()
    ours, theirs = differences(left, right)
    assert time.process_time() - began < 0.3
    assert all(mark.style == CHANGED for mark in [*ours, *theirs]) and theirs
    if count == 900:
        assert [right[mark.start : mark.end] for mark in theirs[:2]] == ["w0x", "w190x"]
    else:
        assert (TOO_LONG in marked(right, theirs).plain) is (count == 30_000)
