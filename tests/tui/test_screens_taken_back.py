"""What undo takes back stands no longer; what the list, its boxes and its toasts show meanwhile."""

from __future__ import annotations

import polars as pl
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from curate.deciding import byhand
from curate.deciding.alike import Proposal
from curate.deciding.byhand import NAME
from curate.deciding.review import as_decided_on, open_blocking, open_findings, review
from curate.workspace import Workspace
from tests.tui.walking import settle
from tui.desk.desk import Desk
from tui.desk.mending import mend, redact_instead
from tui.reading.queue_text import row_words
from tui.screens.card import CardScreen
from tui.screens.dialogs import Ask
from tui.screens.queue import QueueScreen
from tui.widgets.lines import KeyLine
from tui.widgets.rows import Rows
from tui.workbench import workbench


async def to_queue(pilot: Pilot[int]) -> QueueScreen:
    """From the versions to the findings."""
    await settle(pilot)
    await pilot.press("enter")
    await settle(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, QueueScreen)
    return screen


def by_hand(workspace: Workspace) -> int:
    """How many findings by hand stand, by both ways of reading them."""
    dataset = workspace.dataset()
    table = review(workspace, dataset)
    some = as_decided_on(workspace, dataset, table["example_id"].unique().to_list())
    found = table.filter(check=NAME).height
    assert some.filter(check=NAME).height == found
    return found


def desk_of(workspace: Workspace) -> Desk:
    return Desk(workspace, workspace.dataset(), "tickets", "me")


def mended(desk: Desk, count: int = 3) -> None:
    """The same word changed in some rows, as one act."""
    rows = desk.examples.rows.collect().head(count).iter_rows(named=True)
    chosen = [
        Proposal(row["example_id"], at, "content", message["content"], message["content"] + " Now.", ())
        for row in rows
        for at, message in enumerate(row["messages"])
        if message["role"] == "user"
    ]
    assert mend(desk, chosen, like=desk.rows.item(0, "finding_id")) == count


def test_rows_mended_alike_stand_only_while_their_maker_stands_by_them(workspace: Workspace) -> None:
    """Undo leaves neither open nor blocking findings; redo brings all back; a newly read desk agrees."""
    desk = desk_of(workspace)
    before = review(workspace, desk.dataset)
    total, waiting = desk.total, desk.open
    mended(desk)
    assert (by_hand(workspace), desk.total, desk.open) == (3, total + 3, waiting)
    desk.undo()
    after = review(workspace, desk.dataset)
    assert (by_hand(workspace), desk.total, desk.open) == (0, total, waiting)
    assert open_findings(after).height == open_findings(before).height
    assert open_blocking(after).height == open_blocking(before).height
    ids = desk.choose(filter='check == "by-hand"', search="", order="check", only_open=False)
    assert not len(ids)
    again = desk_of(workspace)
    assert (again.total, again.open) == (total, waiting)
    turned, places = again.redo()  # read when they did not stand: it has no place for them
    assert turned is not None and not places
    assert by_hand(workspace) == 3
    desk.redo()
    assert desk.where(turned.written[0].finding_id) is not None


def test_anothers_word_keeps_what_was_made_by_hand(workspace: Workspace) -> None:
    """Who made it takes their word back, and another's, merged from a journal, still stands."""
    desk = desk_of(workspace)
    mended(desk)
    other = Desk(workspace, desk.dataset, "tickets", "her")
    place = next(at for at in range(other.rows.height) if other.finding(at)["check"] == NAME)
    other.decide([place], "drop")
    desk.undo()
    assert by_hand(workspace) == 1
    other.undo()
    assert by_hand(workspace) == 0


def test_what_was_brought_in_to_be_decided_waits_again_after_undo(workspace: Workspace) -> None:
    """A flagged row was not made by deciding: undo opens it."""
    desk = desk_of(workspace)
    rows = desk.examples.rows.select("example_id").head(1).collect()
    new = rows.with_columns(label=pl.lit("flagged"), action=pl.lit("review"), score=pl.lit(1.0))
    desk.take_in(byhand.add(workspace, desk.dataset, new).findings)
    desk.decide([desk.rows.height - 1], "keep")
    desk.undo()
    assert by_hand(workspace) == 1
    assert open_findings(review(workspace, desk.dataset)).filter(check=NAME).height == 1


def test_a_moved_span_is_gone_from_the_row_after_undo(workspace: Workspace) -> None:
    """The card of the row counts the spans that stand."""
    desk = desk_of(workspace)
    place = next(at for at in range(desk.rows.height) if desk.finding(at)["start"] is not None)
    finding = desk.finding(place)
    spans = desk.spans(finding)
    redact_instead(desk, place, finding["start"], finding["end"] + 1)
    assert len(desk.spans(finding)) == len(spans) + 1
    desk.undo()
    assert desk.spans(finding) == spans
    desk.redo()
    assert len(desk.spans(finding)) == len(spans) + 1


async def test_undo_of_rows_mended_alike_stays_on_the_card(workspace: Workspace) -> None:
    """The card does not jump to one of the rows mended; nor on redo."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await to_queue(pilot)
        await pilot.press("colon", *"check==", "quotation_mark", *"pii", "quotation_mark", "enter")
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
        await pilot.press("p", "a", "enter")
        await settle(pilot)
        assert card.is_current
        assert any("alike" in note.message for note in app._notifications)
        at: int = card.place
        for key, count in (("u", 0), ("U", 1)):
            await pilot.press(key)
            await settle(pilot)
            assert card.place == at
            assert (by_hand(workspace) > 0) == bool(count)
            assert not any("another version" in note.message for note in app._notifications)


@pytest.mark.parametrize(("key", "old"), [("colon", 'check == "pii"'), ("slash", "package")])
async def test_what_is_typed_replaces_the_old_filter(workspace: Workspace, key: str, old: str) -> None:
    """The box opens with the old text selected; a cursor key keeps it."""
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        queue = await to_queue(pilot)
        assert queue.desk is not None
        if key == "colon":
            queue.choose(filter=old)
        else:
            queue.choose(search=old)
        await settle(pilot)
        await pilot.press(key)
        assert isinstance(pilot.app.screen, Ask)
        await pilot.press("x", "y")
        assert pilot.app.screen.query_one(Input).value == "xy"
        await pilot.press("escape", key, "end", "z")
        assert pilot.app.screen.query_one(Input).value == old + "z"


async def test_a_label_that_no_finding_has_is_told_apart_from_the_rows(workspace: Workspace) -> None:
    """Whoever filters by `label` and gets nothing learns of `row_label`; others do not."""
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        queue = await to_queue(pilot)
        for filter, told in (('label == "login"', True), ('check == "login"', False)):
            queue.choose(filter=filter)
            await settle(pilot)
            assert ("the row's label is `row_label`" in queue.query_one(Rows).empty) == told


def test_the_list_shows_the_place_found(workspace: Workspace) -> None:
    """The text begins shortly before the place, which is in marks; also where it lies deep in a long text."""
    desk = desk_of(workspace)
    place = next(at for at in range(desk.rows.height) if desk.finding(at)["start"] is not None)
    finding = desk.finding(place)
    example = dict(desk.examples.get([finding["example_id"]])[finding["example_id"]])
    text = example["messages"][finding["message"]]["content"]
    found = text[finding["start"] : finding["end"]]
    assert 0 <= row_words(finding, {finding["example_id"]: example}).index(f"«{found}»") <= 13
    long = {"messages": [{"role": "user", "content": "word " * 9_000 + "me@x.org\x1b[2J" + " end" * 99}]}
    deep = finding | {"message": 0, "field": "content", "start": 45_000, "end": 45_008}
    shown = row_words(deep, {finding["example_id"]: example | long})
    assert shown.startswith("…") and "«me@x.org»␛[2J end" in shown
    assert shown.index("«") <= 13
    assert row_words(finding, {}) == "(the row is gone)"
    beyond = deep | {"start": 10**6, "end": 10**6 + 3}  # the row says something else by now
    assert "«" not in row_words(beyond, {finding["example_id"]: example})


def test_a_doubted_label_is_named_with_the_one_it_looks_like(workspace: Workspace) -> None:
    """`cancel → refund` stands before the text."""
    desk = desk_of(workspace)
    finding = desk.finding(0) | {"start": None, "end": None, "evidence": '{"looks_like": "other"}'}
    example = desk.examples.get([finding["example_id"]])[finding["example_id"]] | {"label": "cancel"}
    examples = {finding["example_id"]: example, "other": example | {"label": "refund"}}
    assert row_words(finding, examples).startswith("cancel → refund  ")
    del examples["other"]
    assert "→" not in row_words(finding, examples)


@pytest.mark.parametrize("size", [(40, 12), (80, 24)])
async def test_toasts_lie_at_the_foot_and_follow_nobody(workspace: Workspace, size: tuple[int, int]) -> None:
    """They end above the key line, take one line where there is little room, and go with the screen."""
    app = workbench(workspace)
    async with app.run_test(size=size, notifications=True) as pilot:
        queue = await to_queue(pilot)
        for number in range(2):
            app.say(f"a long sentence {number} that says more than forty cells can hold at once\nand a hint")
        await settle(pilot)
        strips = [strip.text for strip in queue._compositor.render_strips()]
        drawn = [at for at, line in enumerate(strips) if "▌" in line]
        above = (
            1 if size[1] < 24 else 2
        )  # where there is room the line that tells of the last word stays in sight
        assert drawn[-1] == queue.query_one(KeyLine).region.y - above
        assert drawn[0] > size[1] // 2
        assert "a long sentence 1" in "".join(strips)  # the newest is seen
        if size == (40, 12):
            assert len(drawn) == 1
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, CardScreen) and not len(app._notifications)
        app.say("said here")
        await pilot.press("1")
        await settle(pilot)
        assert not len(app._notifications)
        app.say("said here too")
        await pilot.press("q")
        await settle(pilot)
        assert queue.is_current
        assert not len(app._notifications)
