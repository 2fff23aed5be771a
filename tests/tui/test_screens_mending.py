"""Fix one and propose for all alike; spans with other ends; thresholds tried; similar rows first."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from textual.pilot import Pilot
from textual.widgets import Static, TextArea

from curate.changing.apply import apply
from curate.deciding.byhand import NAME
from curate.deciding.edited_pairs import edited_pairs
from curate.deciding.review import edits_of, review
from curate.deciding.thresholds import effects
from curate.errors import ConfigError
from curate.workspace import Annotation, Workspace
from tests.tui.walking import settle, to_card
from tui.cli import dispatch, main
from tui.desk.desk import Desk
from tui.screens.alike import AlikeScreen
from tui.screens.card import CardScreen
from tui.screens.queue import QueueScreen
from tui.workbench import workbench


async def edit(pilot: Pilot[int], card: CardScreen, old: str, new: str) -> None:
    """Replace words of the text that the card lets one edit."""
    await pilot.press("e")
    area = card.query_one("#text", TextArea)
    area.load_text(area.text.replace(old, new))
    await pilot.press("ctrl+s")
    await settle(pilot)


async def test_one_edit_is_proposed_for_all_alike(workspace: Workspace) -> None:
    """Two of the proposals are accepted: both texts change as the first did, as one act, and undo takes it back."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        card = await to_card(pilot, 'check == "pii"')
        await edit(pilot, card, "arrived broken", "came late")
        assert card.offer is not None
        assert len(card.offer[0].proposals) == 19
        await pilot.press("p")
        screen = app.screen
        assert isinstance(screen, AlikeScreen)
        with_at = [p.after for p in screen.offer.proposals]
        assert all("came late" in text and "broken" not in text for text in with_at)
        await pilot.press("a", "x", "a", "enter")
        await settle(pilot)
        assert app.screen is card
        dataset = workspace.dataset()
        table = review(workspace, dataset)
        mended = table.filter((table["check"] == NAME) & (table["decided"] == "edit"))
        assert mended.height == 2
        clean = apply(workspace.examples(dataset), table, edits_of(workspace, table)).clean
        said = [messages[1]["content"] for messages in clean["messages"].to_list()]
        assert sum("came late" in text for text in said) == 3
        await pilot.press("u")
        table = review(workspace, dataset)
        assert table.filter((table["check"] == NAME) & table["decided"].is_not_null()).is_empty()
        assert table.filter(decided="edit").height == 1


async def test_a_span_is_redacted_where_its_ends_were_moved_to(workspace: Workspace) -> None:
    """The finding's own place stays; other characters go; one undo brings both back."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        card = await to_card(pilot, 'check == "pii"')
        finding = card.desk.finding(card.place)
        await pilot.press("greater_than_sign", "greater_than_sign", "right_curly_bracket")
        assert card.span == (finding["start"] + 1, finding["end"] + 2)
        await pilot.press("a")
        await settle(pilot)
        table = review(workspace, workspace.dataset())
        said = {row["check"]: row for row in table.drop_nulls("decided").iter_rows(named=True)}
        assert said["pii"]["decided"] == "keep"
        assert said[NAME]["decided"] == "redact"
        assert (said[NAME]["start"], said[NAME]["end"]) == (finding["start"] + 1, finding["end"] + 2)
        assert said[NAME]["blocking"]
        await pilot.press("u")
        assert review(workspace, workspace.dataset())["decided"].drop_nulls().is_empty()


async def test_a_place_marked_by_hand_is_in_the_queue_at_once(workspace: Workspace) -> None:
    """Back in the list it stands beside the others, with what was decided; u takes it away, U brings it back."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        card = await to_card(pilot, 'check == "pii" or check == "by-hand"')
        before = card.desk.total
        await pilot.press("less_than_sign", "a", "q")
        await settle(pilot)
        queue = app.screen
        assert isinstance(queue, QueueScreen) and queue.desk is not None
        assert queue.desk.total == before + 1
        await pilot.press("o")
        await settle(pilot)
        shown = [queue.desk.finding(int(place)) for place in queue.desk.ids]
        assert [each["decided"] for each in shown if each["check"] == NAME] == ["redact"]
        await pilot.press("u")
        await settle(pilot)
        assert NAME not in {queue.desk.finding(int(place))["check"] for place in queue.desk.ids}
        assert queue.desk.total == before
        await pilot.press("U")
        await settle(pilot)
        assert NAME in {queue.desk.finding(int(place))["check"] for place in queue.desk.ids}
        assert queue.desk.total == before + 1


async def test_flagged_rows_without_a_finding_are_brought_in(workspace: Workspace) -> None:
    """The list says how many there are; F makes a finding of each, which is decided like any other."""
    rows = workspace.examples(workspace.dataset())
    some = rows.filter(
        ~pl.col("example_id").is_in(review(workspace, workspace.dataset())["example_id"].implode())
    )
    ids = some["example_id"].to_list()[:2]
    words = some.filter(pl.col("example_id").is_in(ids)).select("example_id", "content_hash").iter_rows()
    workspace.ledger.annotate([Annotation(i, h, "flag", "yes", "anna") for i, h in words])
    app = workbench(workspace)
    async with app.run_test(size=(120, 30)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        queue = app.screen
        assert isinstance(queue, QueueScreen) and queue.desk is not None
        assert "brings in 2 flagged" in str(queue.query_one("#choice", Static).render())
        await pilot.press("F")
        await settle(pilot)
        places = [int(place) for place in queue.desk.ids]
        found = [queue.desk.finding(place) for place in places]
        assert sorted(each["example_id"] for each in found if each["check"] == NAME) == sorted(ids)
        assert "brings in" not in str(queue.query_one("#choice", Static).render())
        await pilot.press("F")
        assert queue.desk.total == len(queue.desk.rows) == 23
        queue.desk.decide([place for place in places if queue.desk.finding(place)["check"] == NAME], "drop")
    table = review(workspace, workspace.dataset())
    assert sorted(table.filter(check=NAME, decided="drop")["example_id"]) == sorted(ids)


async def test_only_a_span_has_ends(workspace: Workspace) -> None:
    """On another shape the key says so and does nothing."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        card = await to_card(pilot, 'shape == "pair"')
        await pilot.press("greater_than_sign")
        assert card.span is None
        assert app._notifications


def test_similar_rows_come_first(workspace: Workspace) -> None:
    """The row itself, then those of its kind; and the doubtful by their distance from the threshold."""
    desk = Desk(workspace, workspace.dataset(), "tickets", "anna")
    asked = desk.finding(0)["example_id"]
    desk.near = desk.like(0)
    assert desk.near.by == "words"
    ids = desk.choose(filter="", search="", order="similar", only_open=False)
    assert desk.finding(int(ids[0]))["example_id"] == asked
    scores = dict(desk.near.rows.iter_rows())
    shown = [scores[desk.finding(int(place))["example_id"]] for place in ids]
    assert shown == sorted(shown, reverse=True)
    ids = desk.choose(filter="", search="", order="doubt", only_open=False)
    far = [abs(desk.finding(int(place))["score"] - 0.5) for place in ids]
    assert far == sorted(far)


def test_a_filter_may_name_what_the_row_says(workspace: Workspace) -> None:
    """Columns of the example, and those made of its texts."""
    desk = Desk(workspace, workspace.dataset(), "tickets", "anna")
    ids = desk.choose(
        filter='"order 1003" in text and chars > 10 and turns == 3 and row_label == "oak"',
        search="", order="check", only_open=False,
    )  # fmt: skip
    assert {desk.finding(int(place))["check"] for place in ids} == {"pii", "structure"}


async def test_like_key_in_the_queue(workspace: Workspace) -> None:
    """The key orders by similarity and says by what it was measured."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("m")
        await settle(pilot)
        assert isinstance(app.screen, QueueScreen)
        assert app.screen.desk is not None
        assert app.screen.desk.order == "similar"


def rows_with_copies(path: Path) -> None:
    """40 rows in pairs of which the second lacks more words from pair to pair."""
    lines = []
    for number in range(20):
        words = ["".join(chr(97 + int(d)) for d in str(1000 + number * 40 + k)) for k in range(40)]
        for turn in range(2):
            said = words[: 40 - 3 * (number % 4) * turn]
            lines.append({"messages": [{"role": "user", "content": " ".join(said)}, {"role": "assistant", "content": "yes " + " ".join(words[:10])}], "label": "ab"[number % 2]})  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_threshold_is_tried_before_it_is_used(home: Path, tmp_path: Path) -> None:
    """Higher thresholds propose what a scan with them would; other checks say that they have none."""
    rows_with_copies(tmp_path / "rows.jsonl")
    assert main(["import", str(tmp_path / "rows.jsonl")]) == 0
    assert main(["scan", "--check", "near-duplicate", "--check", "structure"]) == 0
    workspace = Workspace.open()
    dataset = workspace.dataset()
    now, tried = effects(workspace, dataset, "near-duplicate")
    assert now == 0.7
    dropped = [effect.dropped for effect in tried]
    assert dropped == sorted(dropped, reverse=True) and dropped[0] > dropped[-1]
    middle = next(effect for effect in tried if effect.threshold == 0.9)
    assert sum(middle.labels.values()) == middle.dropped
    with pytest.raises(ConfigError, match="no threshold"):
        effects(workspace, dataset, "structure")
    assert main(["scan", "--check", "near-duplicate", "--set", "near-duplicate.threshold=0.9"]) == 0
    table = review(workspace, dataset).filter(check="near-duplicate", action="drop")
    assert table["example_id"].n_unique() == middle.dropped
    workspace.close()


async def test_edited_answers_are_preference_pairs(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What stood there is rejected and what was written is chosen; the file can be imported."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        card = await to_card(pilot, 'check == "structure"')
        await edit(pilot, card, "sorry", "we are sorry and send another")
        card = app.screen  # type: ignore[assignment]
    found = edited_pairs(workspace, workspace.dataset())
    assert [row["chosen"][0]["content"] for row in found.rows] == ["oak: we are sorry and send another."]
    assert found.rows[0]["rejected"][0]["content"] == "oak: sorry."
    assert [m["role"] for m in found.rows[0]["prompt"]] == ["system", "user"]
    to = tmp_path / "pairs.jsonl"
    assert main(["edits", "--to", str(to)]) == 0
    with pytest.raises(ConfigError, match="already"):
        dispatch(["edits", "--to", str(to)])
    assert main(["import", str(to)]) == 0
    capsys.readouterr()
    read = workspace.examples(workspace.dataset("pairs"))
    assert read["chosen"].to_list() == ["oak: we are sorry and send another."]
