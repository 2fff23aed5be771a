"""Another label chosen on a card; and an edit that a check proposes, told, shown and built upon."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static, TextArea

from curate.changing.apply import apply
from curate.deciding.review import edits_of, review
from curate.example import frame, with_ids
from curate.finding import stamp
from curate.workspace import Workspace
from tests.tui.test_screens_deciding import decided
from tests.tui.walking import settle, to_card
from tui.screens.card import CardScreen
from tui.screens.choosing import Choose
from tui.workbench import workbench

SIGNED = "Dear Anna, it is late.\nSent from my iPhone"


def said(role: str, content: str) -> dict[str, str | None]:
    return {"role": role, "content": content, "name": None, "tool_calls": None, "tool_call_id": None}


@pytest.fixture
def workspace(home: Path) -> Workspace:
    """Tickets whose answers are their labels, one of them wrong; and one row with a signature."""
    home.mkdir(parents=True, exist_ok=True)
    labels = ["cancel", "refund", "refund", "cancel", "delivery", "cancel"]
    rows = [
        {"messages": [said("user", SIGNED if n == 5 else f"ticket {n}: my money back"), said("assistant", label)], "label": label, "source": "t.jsonl", "source_row": n + 1}
        for n, label in enumerate(labels)
    ]  # fmt: skip
    made = Workspace(home)
    with made.run("import", {"source": "t.jsonl"}, {}) as run:
        dataset = made.put_dataset(with_ids(frame(rows), [json.dumps(row) for row in rows]))
        run.outputs["dataset"] = dataset
    made.ledger.set_name("tickets", dataset)
    examples = made.examples(dataset)
    ids = examples.sort("source_row")["example_id"].to_list()
    hashes = dict(examples.select("example_id", "content_hash").iter_rows())
    wrong = {"label": "wrong", "example_id": ids[0], "score": 0.9, "action": "review", "evidence": json.dumps({"looks_like": ids[1], "neighbours": 10})}  # fmt: skip
    at = SIGNED.index("\nSent")
    cut = {
        "label": "mail-signature", "example_id": ids[5], "message": 0, "field": "content", "start": at, "end": len(SIGNED),
        "score": 0.9, "action": "edit", "evidence": json.dumps({"edit": {"cut": [[at, len(SIGNED)]]}}),
    }  # fmt: skip
    tables = [("wrong-label", wrong), ("quality", cut)]
    with made.run("scan", {}, {"dataset": dataset}) as run:
        found = pl.concat(stamp(pl.DataFrame([row]), hashes, check=c, version=1) for c, row in tables)
        run.outputs["findings"] = made.put_table("findings", found)
    return made


def clean(workspace: Workspace) -> list[tuple[str, str, str]]:
    """(question, answer, label) of each row as it is after the decisions."""
    dataset = workspace.dataset()
    table = review(workspace, dataset)
    rows = apply(workspace.examples(dataset), table, edits_of(workspace, table)).clean.sort("source_row")
    return [(m[0]["content"], m[1]["content"], label) for m, label in rows.select("messages", "label").iter_rows()]  # fmt: skip


async def to_labels(pilot: Pilot[int]) -> tuple[CardScreen, Choose]:
    card = await to_card(pilot, 'check == "wrong-label"')
    await pilot.press("e")
    await settle(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, Choose)
    return card, screen


@pytest.mark.parametrize(
    ("keys", "label"),
    [
        (["enter"], "refund"),
        (["2"], "delivery"),
        (["down", "enter"], "delivery"),
        ([*"deli", "enter"], "delivery"),
    ],
)
async def test_a_wrong_label_is_put_right_with_a_key(
    workspace: Workspace, keys: list[str], label: str
) -> None:
    """The likeliest is first and selected; answer and label both change; u takes both back."""
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        card, choice = await to_labels(pilot)
        assert choice.names == ["refund", "delivery"]
        assert choice.now == "cancel"
        await pilot.press(*keys)
        await settle(pilot)
        assert pilot.app.screen is card
        assert set(decided(workspace).values()) == {"edit"}
        assert clean(workspace)[0] == ("ticket 0: my money back", label, label)
        assert [row[2] for row in clean(workspace)[1:]] == [
            "refund",
            "refund",
            "cancel",
            "delivery",
            "cancel",
        ]
        await pilot.press("u")
        assert decided(workspace) == {}
        await pilot.press("U")
        assert clean(workspace)[0][1:] == (label, label)


async def test_a_label_of_no_row_is_asked_for_twice(workspace: Workspace) -> None:
    """A typo decides nothing at the first enter; other letters ask anew; escape leaves."""
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        _, choice = await to_labels(pilot)
        await pilot.press(*"refnud", "enter")
        assert pilot.app.screen is choice
        assert "not a label of this version" in str(choice.query_one("#ask-hint", Static).render())
        await pilot.press("x", "enter")
        assert pilot.app.screen is choice
        await pilot.press("escape")
        await settle(pilot)
        assert decided(workspace) == {}
        await pilot.press("e")
        await settle(pilot)
        await pilot.press(*"claim 2", "enter", "enter")
        await settle(pilot)
        assert clean(workspace)[0][1:] == ("claim 2", "claim 2")


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
async def test_the_text_stays_in_sight(workspace: Workspace, size: tuple[int, int]) -> None:
    """The choice leaves lines of the card above it."""
    async with workbench(workspace).run_test(size=size) as pilot:
        card, choice = await to_labels(pilot)
        assert choice.query_one("#ask").region.y > card.page.region.y + 2
        assert choice.query_one(Input).region.bottom < size[1]


async def test_what_a_would_do_is_said_in_words(workspace: Workspace) -> None:
    """The card quotes what is cut, d shows before and after, and a does it."""
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        card = await to_card(pilot, 'check == "quality"')
        assert card.card is not None
        assert 'cut "Sent from my iPhone"' in card.card.facts.plain
        assert "[[" not in card.card.facts.plain
        for shown in ("after\n\nDear Anna, it is late.", None):
            await pilot.press("d")
            right = card.card.right
            assert (right and right.plain) == shown
        await pilot.press("a")
        assert clean(workspace)[5][0] == "Dear Anna, it is late."


async def test_an_edit_starts_from_what_is_proposed(workspace: Workspace) -> None:
    """Changing only a name leaves the signature out; saving nothing decides nothing."""
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        card = await to_card(pilot, 'check == "quality"')
        await pilot.press("e", "ctrl+s")
        assert decided(workspace) == {}
        await pilot.press("e")
        area = card.query_one(TextArea)
        assert area.text == "Dear Anna, it is late."
        area.load_text(area.text.replace("Anna", "Ben"))
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert clean(workspace)[5][0] == "Dear Ben, it is late."
        assert card.card is not None and card.card.right is not None
        assert "Sent from my iPhone" in card.card.left.plain
