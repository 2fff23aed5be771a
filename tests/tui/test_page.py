"""The page on which a card's texts stand: only what changed is drawn, and nothing is laid out anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.screen import Screen
from textual.selection import Selection
from textual.strip import Strip

from curate.example import frame, with_ids
from curate.finding import stamp
from curate.workspace import Workspace
from tests.tui.states import card, keys, labels
from tests.tui.walking import settle
from tui.screens.card import CardScreen
from tui.widgets.page import Page, reach
from tui.workbench import workbench

PLAIN, MARKED = Style(color="red"), Style(reverse=True)


def strip(*parts: tuple[str, Style]) -> Strip:
    """A line of parts."""
    return Strip([Segment(text, style) for text, style in parts])


@pytest.mark.parametrize(
    ("before", "after", "cells"),
    [
        (None, strip(("abc  ", PLAIN)), 5),
        (strip(("abc  ", PLAIN)), strip(("abc  ", PLAIN)), 0),
        (strip(("abc  ", PLAIN)), strip(("a    ", PLAIN)), 3),
        (strip(("     ", PLAIN)), strip(("a    ", PLAIN)), 1),
        (strip(("a", PLAIN), ("    ", MARKED)), strip(("b    ", PLAIN)), 5),
        (strip(("a    ", PLAIN)), strip(("日本 ", PLAIN)), 4),
        # drawn one by one it takes three cells more, of which the bracket covers one
        (strip(("         ", PLAIN)), strip(("(🤷🏿\u200d♀\ufe0f)     ", PLAIN)), 4 + 2),
    ],
)
def test_no_more_of_a_line_is_sent_than_differs(before: Strip | None, after: Strip, cells: int) -> None:
    """Up to the last cell that is written on in either; a marked blank is written on."""
    assert reach(before, after) == cells


def layouts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The screens that are laid out from here on."""
    seen: list[str] = []
    laid_out = Screen._refresh_layout

    def counted(screen: Screen[Any], *words: Any, **more: Any) -> None:
        seen.append(type(screen).__name__)
        laid_out(screen, *words, **more)

    monkeypatch.setattr(Screen, "_refresh_layout", counted)
    return seen


@pytest.mark.parametrize("evil", [False, True])
async def test_a_decision_lays_nothing_out(home: Path, monkeypatch: pytest.MonkeyPatch, evil: bool) -> None:
    """Whatever height the next text has: lines change, the frame does not."""
    from tests.tui.conftest import build

    workspace = build(home, evil=evil)
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        await card('check == "pii"')(pilot)
        seen = layouts(monkeypatch)
        before = pilot.app.screen.query_one(Page).text
        await keys("a", "x", "space", "a")(pilot)
        assert pilot.app.screen.query_one(Page).text != before
        assert seen == []
    workspace.close()


async def test_an_answer_lays_nothing_out(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for labels."""
    labels("choice")(workspace)
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        await keys("L", "1")(pilot)
        seen = layouts(monkeypatch)
        await keys("2", "1", "3")(pilot)
        assert seen == []


async def test_a_card_made_ahead_is_what_would_be_made_now(workspace: Workspace) -> None:
    """The next card stands ready; where what it is about has changed meanwhile, it is made again."""
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        await card('check == "near-duplicate"')(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, CardScreen) and screen.ahead is not None
        following = screen.ahead.place
        await keys("a")(pilot)
        assert screen.place == following
        assert "✓ drop" in screen.page.text, "the member that was just decided on is shown so"
        assert screen.ahead is not None
        other = screen.ahead.place
        screen.desk.decide([other], "keep")
        screen.show(other)
        assert "✓ keep" in screen.page.text


def long_row(home: Path) -> Workspace:
    """One row of 200 lines with a span on the 150th."""
    text = "\n".join(f"line {number}" for number in range(200))
    message = {"role": "user", "content": text, "name": None, "tool_calls": None, "tool_call_id": None}
    rows = [
        {"messages": [message], "label": "oak", "group": None, "source": "a", "source_row": 1, "meta": "{}"}
    ]
    examples = with_ids(frame(rows), [json.dumps(row) for row in rows])
    at = text.index("line 150")
    found = [{"label": "X", "example_id": examples["example_id"][0], "message": 0, "field": "content", "start": at, "end": at + 8, "score": 1.0, "action": "redact"}]  # fmt: skip
    home.mkdir(parents=True)
    workspace = Workspace(home)
    with workspace.run("import", {"source": "a"}, {}) as run:
        run.outputs["dataset"] = dataset = workspace.put_dataset(examples)
    workspace.ledger.set_name("long", dataset)
    hashes = dict(examples.select("example_id", "content_hash").iter_rows())
    with workspace.run("scan", {"pii": {}}, {"dataset": dataset}) as run:
        run.outputs["findings"] = workspace.put_table("findings", stamp(pl.DataFrame(found), hashes, check="pii", version=1))  # fmt: skip
    return workspace


def seen(pilot: Pilot[Any]) -> str:
    """The lines of the page that are on the screen."""
    return "\n".join(line.text for line in pilot.app.screen.query_one(Page).lines.painted)


async def test_a_long_text_is_scrolled_and_the_mark_brought_to_sight(home: Path) -> None:
    """Keys, wheel and a click beside the text move it; what was found stays at the top."""
    workspace = long_row(home)
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        await keys("enter", "enter")(pilot)
        page = pilot.app.screen.query_one(Page)
        assert "»line 150«" in seen(pilot) and "pii X" in seen(pilot)
        assert len(page.bar.thumb) == 1
        before = page.top
        await keys("j")(pilot)
        assert page.top == before + 2
        await keys("pageup")(pilot)
        assert page.top == before - 8
        page.post_message(_wheel(page))
        await settle(pilot)
        assert page.top == before - 5
        await pilot.click(page.bar, offset=(0, 0))
        assert "line 0" in seen(pilot) and "pii X" in seen(pilot)
        await pilot.click(page.bar, offset=(0, page.bar.size.height - 1))
        assert "line 199" in seen(pilot) and page.top == page.last_top
        await keys(*["pagedown"] * 3)(pilot)
        assert page.top == page.last_top
        await pilot.resize_terminal(40, 12)
        await settle(pilot)
        assert "»line 150«" in seen(pilot)
    workspace.close()


def _wheel(page: Page) -> Any:
    from textual.events import MouseScrollDown

    return MouseScrollDown(page, 1, 1, 0, 0, 0, False, False, False)


async def test_what_the_mouse_marks_can_be_copied(workspace: Workspace) -> None:
    """Without the margin; what is marked is drawn so, and no longer when it is not."""
    async with workbench(workspace).run_test(size=(80, 24)) as pilot:
        await card('check == "pii"')(pilot)
        lines = pilot.app.screen.query_one(Page).lines
        y = next(y for y, line in enumerate(lines.painted) if "Hello, order" in line.text)
        plain = lines.render_line(y)
        pilot.app.screen.selections = {lines: Selection.from_offsets(Offset(0, y - 1), Offset(7, y))}
        await settle(pilot)
        assert lines.get_selection(lines.text_selection)[0] == "user\nHello"  # type: ignore[arg-type, index]
        assert lines.render_line(y) != plain
        pilot.app.screen.clear_selection()
        await settle(pilot)
        assert lines.render_line(y) == plain
