"""Many findings decided with one key: all that the list shows, and one text wherever it stands."""

from __future__ import annotations

import time

import polars as pl
import pytest
from textual.widgets import Input, Static, TextArea

from curate.deciding.review import review
from curate.deciding.together import together
from curate.finding import stamp
from curate.workspace import Decision, Workspace
from tests.tui.conftest import tickets
from tests.tui.test_screens_deciding import decided
from tests.tui.walking import settle, to_card
from tui.desk.desk import Desk
from tui.desk.together import decide_all, of_its_value, shown
from tui.screens.queue import QueueScreen
from tui.screens.together import TogetherScreen
from tui.workbench import workbench


@pytest.mark.parametrize("key", ["a", "x"])
async def test_all_that_is_shown_is_one_act(workspace: Workspace, key: str) -> None:
    """The question names count and kinds; one key decides all that fit, and one `u` takes all back."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("colon")
        app.screen.query_one(Input).value = 'check == "pii"'
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("B")
        await settle(pilot)
        assert isinstance(app.screen, TogetherScreen)
        said = str(app.screen.query_one("#together", Static).content)
        assert "Decide on 12 open findings that fit" in said
        assert "12  pii/EMAIL_ADDRESS  becomes a placeholder" in said
        assert not decided(workspace)
        await pilot.press(key)
        await settle(pilot)
        assert isinstance(app.screen, QueueScreen)
        assert list(decided(workspace).values()) == ["redact" if key == "a" else "keep"] * 12
        await pilot.press("u")
        await settle(pilot)
        assert not decided(workspace)


async def test_how_many_were_left_is_told(workspace: Workspace) -> None:
    """Somebody speaks while the question is asked: the answer counts what was decided, and what was left."""
    table = review(workspace, workspace.dataset()).filter(check="pii")
    app = workbench(workspace)
    async with app.run_test(size=(120, 36)) as pilot:
        await to_card(pilot, 'check == "pii"')
        await pilot.press("q", "B")
        await settle(pilot)
        finding, example = table.row(0, named=True)["finding_id"], table.row(0, named=True)["example_id"]
        workspace.ledger.decide([Decision(finding, example, "drop", "ben")])
        await pilot.press("x")
        await settle(pilot)
        (told,) = [note.message for note in app._notifications if "rejected" in note.message]
    assert told == "11 rejected; u takes them back; 1 left as they are: somebody has decided on them since"


async def test_nothing_is_decided_by_leaving(workspace: Workspace) -> None:
    """Escape leaves all open."""
    app = workbench(workspace)
    async with app.run_test(size=(40, 12)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("B")
        await settle(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert isinstance(app.screen, QueueScreen) and not decided(workspace)


def test_what_people_differ_on_is_left_alone(workspace: Workspace) -> None:
    """So is what was decided; what only says `look at it` is rejected with the rest, and never accepted."""
    table = review(workspace, workspace.dataset())
    first, second = table.filter(check="pii").head(2).iter_rows(named=True)
    for who, said in (("ben", "drop"), ("carl", "keep")):
        workspace.ledger.decide([Decision(first["finding_id"], first["example_id"], said, who)])
    workspace.ledger.decide([Decision(second["finding_id"], second["example_id"], "keep", "ben")])
    found = together(review(workspace, workspace.dataset()))
    assert found.differ == 1
    assert not {first["finding_id"], second["finding_id"]} & set(found.open["finding_id"])
    assert set(found.open["check"]) - set(found.acceptable["check"]) == {"contradiction"}
    assert "keep" not in set(found.open["action"])
    desk = Desk(workspace, workspace.dataset(), "tickets", "anna")
    assert decide_all(desk, found.acceptable, None) == found.acceptable.height
    assert desk.rows[[desk.where(first["finding_id"])]]["decided"].to_list() == [None]  # type: ignore[list-item]


def test_what_was_said_since_they_were_counted_stands(workspace: Workspace) -> None:
    """By another person or by oneself in a second window: the act decides on the rest, and undo leaves it too."""
    dataset = workspace.dataset()
    desk = Desk(workspace, dataset, "tickets", "anna")
    many = shown(desk)
    mine, bens, *_ = many.found.acceptable["finding_id"]
    for finding, who in ((mine, "anna"), (bens, "ben")):
        elsewhere = Desk(workspace, dataset, "tickets", who)
        elsewhere.decide([elsewhere.where(finding)], "keep")  # type: ignore[list-item]
    assert decide_all(desk, many.found.acceptable, None) == many.found.acceptable.height - 2
    table = review(workspace, dataset)
    said = {row["finding_id"]: row["decided"] for row in table.iter_rows(named=True)}
    assert said[mine] == said[bens] == "keep" and not table["differ"].any()
    assert desk.finding(desk.where(bens))["reviewer"] == "ben"  # type: ignore[arg-type]
    desk.undo()
    assert sorted(decided(workspace)) == sorted([mine, bens])


async def test_one_text_wherever_it_stands(workspace: Workspace) -> None:
    """On a span's card the key decides on the findings of its kind at the same text, and on no other."""
    dataset = workspace.dataset()
    rows = workspace.examples(dataset)
    hashes = dict(rows.select("example_id", "content_hash").iter_rows())
    texts = [messages[1]["content"] for messages in rows["messages"].to_list()]
    said = [
        {"label": label, "example_id": rows["example_id"][n], "message": 1, "field": "content", "start": 0, "end": 5 if n < 4 else 12, "score": 0.5, "action": "redact"}
        for n, label in ((0, "PERSON"), (1, "PERSON"), (2, "PERSON"), (3, "CITY"), (5, "PERSON"))
    ]  # fmt: skip
    assert texts[0][:5] == texts[1][:5] == "Hello"
    table = stamp(pl.DataFrame(said), hashes, check="pii", version=1)
    with workspace.run("scan", {"pii": {}}, {"dataset": dataset}) as run:
        run.outputs["findings"] = workspace.put_table("findings", table)
    app = workbench(workspace)
    async with app.run_test(size=(100, 30)) as pilot:
        card = await to_card(pilot, 'label == "PERSON"')
        assert of_its_value(card.desk, card.place).found.open.height == 3
        await pilot.press("B")
        await settle(pilot)
        words = str(app.screen.query_one("#together", Static).content)
        assert "3 open findings pii/PERSON of the text «Hello»" in words
        await pilot.press("x")
        await settle(pilot)
        assert sorted(decided(workspace).values()) == ["keep"] * 3
        await pilot.press("u")
        await settle(pilot)
        assert not decided(workspace)


def test_ten_thousand_are_quick(home: object, tmp_path: object) -> None:
    """In a second or two of the processor, and taken back in as much."""
    from pathlib import Path

    workspace = Workspace(Path(str(tmp_path)))
    examples = tickets(200, evil=False)
    with workspace.run("import", {"source": "t.jsonl"}, {}) as run:
        run.outputs["dataset"] = dataset = workspace.put_dataset(examples)
    ids = examples["example_id"].to_list()
    many = [
        {"label": "PERSON", "example_id": ids[n % 200], "message": 1, "field": "content", "start": n // 200, "end": n // 200 + 2, "score": 0.5, "action": "redact"}
        for n in range(10_000)
    ]  # fmt: skip
    hashes = dict(examples.select("example_id", "content_hash").iter_rows())
    with workspace.run("scan", {"pii": {}}, {"dataset": dataset}) as run:
        table = stamp(pl.DataFrame(many), hashes, check="pii", version=1)
        run.outputs["findings"] = workspace.put_table("findings", table)
    desk = Desk(workspace, dataset, "t", "anna")
    began = time.process_time()
    assert decide_all(desk, shown(desk).found.open, "keep") == desk.total == 10_000
    took = time.process_time() - began
    began = time.process_time()
    turned, _ = desk.undo()
    back = time.process_time() - began
    assert turned is not None and len(turned.written) == 10_000 and desk.open == 10_000
    assert took < 4 and back < 4
    workspace.close()


async def test_another_turn_is_edited_from_a_span(workspace: Workspace) -> None:
    """The edit is a finding by hand; the span's own stays open, and `u` takes the edit back."""
    app = workbench(workspace)
    async with app.run_test(size=(100, 30)) as pilot:
        card = await to_card(pilot, 'check == "pii"')
        span = card.desk.finding(card.place)
        await pilot.press("m")
        await settle(pilot)
        await pilot.press("2")  # the system's turn, then the answer: the user's is the finding's own
        await settle(pilot)
        area = card.query_one("#text", TextArea)
        assert area.text.endswith(": sorry.")
        area.load_text("We are sorry.")
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert list(decided(workspace).values()) == ["edit"]
        table = review(workspace, workspace.dataset())
        made = table.filter(check="by-hand").row(0, named=True)
        assert (made["message"], made["label"], made["decided"]) == (2, "edited", "edit")
        assert card.desk.finding(card.place)["finding_id"] == span["finding_id"]
        assert card.desk.finding(card.place)["decided"] is None
        await pilot.press("u")
        await settle(pilot)
        assert not decided(workspace)
        assert review(workspace, workspace.dataset()).filter(check="by-hand").is_empty()
