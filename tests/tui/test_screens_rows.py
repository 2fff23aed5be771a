"""The rows of a version: any number, filtered, searched, sorted, read; and what a version is made of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from curate.errors import ConfigError
from curate.example import frame, with_ids
from curate.workspace import Workspace
from curate.workspace.store import DATASET
from tests.tui.conftest import build
from tests.tui.walking import settle
from tui.cli import dispatch, main
from tui.desk.rowfile import Choice, Pages, RowFile
from tui.reading.distributions import distributions, histogram
from tui.screens.distributions import DistributionsScreen
from tui.screens.row_view import RowScreen
from tui.screens.rows_view import RowsScreen
from tui.screens.versions import VersionsScreen
from tui.widgets.histogram import Histogram, columns
from tui.widgets.lines import Heading
from tui.widgets.rows import Rows
from tui.workbench import workbench


async def to_rows(pilot: Pilot[int]) -> RowsScreen:
    """From the versions to the rows of the first."""
    await settle(pilot)
    await pilot.press("v")
    await settle(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, RowsScreen)
    return screen


def texts(screen: RowsScreen) -> list[str]:
    """The numbers that the list shows, and its labels."""
    rows = screen.query_one(Rows)
    return [f"{rows.row(at)[0].text} {rows.row(at)[1].text}" for at in range(min(rows.total, 5))]


async def type_in(pilot: Pilot[int], key: str, text: str) -> None:
    """Type a line that a key asks for."""
    await pilot.press(key)
    pilot.app.screen.query_one(Input).value = text
    await pilot.press("enter")
    await settle(pilot)


async def test_rows_are_filtered_searched_sorted_and_read(hostile: Workspace) -> None:
    """Each way of choosing says how many of how many; one row is read whole; back is where one was."""
    app = workbench(hostile)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await to_rows(pilot)
        assert texts(screen)[:3] == ["1 oak", "2 sierra", "3 viola"]
        await type_in(pilot, "colon", 'label == "viola" and chars > 10')
        assert texts(screen)[:3] == ["3 viola", "6 viola", "9 viola"]
        assert screen.query_one(Heading).count == "6 of 20 shown"
        await type_in(pilot, "slash", "order 1008")
        assert texts(screen) == ["9 viola"]
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, RowScreen)
        assert "order 1008" in app.screen.text
        await pilot.press("q", "w")
        await settle(pilot)
        assert screen.query_one(Heading).count == "20 of 20 shown"
        assert screen.query_one(Rows).cursor == 8
        await pilot.press("s")
        await settle(pilot)
        assert texts(screen)[0].endswith("oak")  # the hostile rows are the longest
        await type_in(pilot, "number_sign", "2")
        assert screen.query_one(Rows).row(screen.query_one(Rows).cursor)[0].text == "2"


async def test_a_wrong_filter_is_told_and_changes_nothing(workspace: Workspace) -> None:
    """The line stays open with what is wrong."""
    app = workbench(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await to_rows(pilot)
        await type_in(pilot, "colon", "labl == 'oak'")
        assert "label" in str(app.screen.query_one("#ask-hint", Static).content)
        await pilot.press("escape")
        assert screen.query_one(Heading).count == "20 of 20 shown"


def test_pages_are_the_rows_of_the_file(home: Path) -> None:
    """In order, filtered or sorted, each page has what the file has; and no page more than is asked."""
    workspace = build(home, count=5_000)
    file = RowFile(workspace, workspace.dataset())
    whole = workspace.examples(workspace.dataset())
    for choice in (Choice(), Choice(filter='label == "oak"'), Choice(order="-chars"), Choice(words="10")):
        ids = file.choose(choice)
        pages = Pages(file, ids, choice)
        for start in (0, pages.size, (pages.total - 1) // pages.size * pages.size):
            stop = min(start + 7, pages.total)
            pages.read(pages.unit(start))
            rows = pages.rows(start, stop)
            assert rows is not None
            numbers = [pages.number(at) for at in range(start, stop)]
            assert [row["source_row"] for row in rows] == whole["source_row"][numbers].to_list()
    workspace.close()


def test_orders_are_whole_and_stable() -> None:
    """An unknown order is an error before anything is read."""
    file = RowFile.__new__(RowFile)
    with pytest.raises(ConfigError, match="no order"):
        file.choose(Choice(order="size"))


def test_a_version_is_written_in_small_groups(home: Path) -> None:
    """Some rows of a million are read without decoding a tenth of them; the digest is the same."""
    workspace = build(home, count=20_000)
    digest = workspace.dataset()
    path = workspace.store.path(digest) / DATASET
    groups = pl.read_parquet_metadata(path)
    assert groups is not None
    assert workspace.store.derive(digest, "dataset") == digest
    assert RowFile(workspace, digest).at(np.array([19_999, 3], dtype=np.uint32))["source_row"].to_list() == [
        20_000,
        4,
    ]
    workspace.close()


def test_rows_in_the_shell(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """The same choice printed, as lines and as data; without a terminal it says how."""
    assert main(["rows", "--where", 'label == "oak"', "--limit", "2"]) == 0
    out = capsys.readouterr().out
    assert "2 of 7 shown, 20 in all" in out
    assert main(["rows", "--words", "order 1003", "--limit", "9", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [row["row"] for row in said["rows"]] == [4]
    with pytest.raises(ConfigError, match="terminal"):
        dispatch(["rows"])
    with pytest.raises(ConfigError, match="no column"):
        dispatch(["rows", "--where", "nothing > 3", "--limit", "1"])


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 12)])
async def test_distributions_at_every_size(hostile: Workspace, size: tuple[int, int]) -> None:
    """Charts and lineage are there, hostile names act in none of them."""
    app = workbench(hostile)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("D")
        await settle(pilot)
        assert isinstance(app.screen, DistributionsScreen)
        assert app.screen.query_one("#charts").children
        shown = "".join(s.text for strip in app.screen._compositor.render_strips() for s in strip)
        assert "\x1b" not in shown and "\u202e" not in shown
        await pilot.press("q")
        assert isinstance(app.screen, VersionsScreen)


def test_distributions_count_every_row(workspace: Workspace) -> None:
    """Bars and histograms of one version add up."""
    seen = distributions(workspace, workspace.dataset())
    charts = {chart.title: chart for chart in seen.charts}
    assert dict(charts["labels"].bars) == {"oak": 7, "sierra": 7, "viola": 6}  # type: ignore[union-attr]
    assert sum(charts["whole row, in characters"].counts) == seen.rows == 20  # type: ignore[union-attr]
    assert dict(charts["findings by check"].bars)["pii"] == 12  # type: ignore[union-attr]
    assert len(seen.lineage) == 1


def test_columns_show_whatever_is_there() -> None:
    """One of a million is seen; more bins than cells are joined."""
    drawn = columns([1_000_000, 1], 10)
    assert drawn[-1].rstrip()[-1] == "▁"
    assert [len(line) for line in columns(list(range(100)), 30)] == [25] * 5
    assert histogram("none", pl.Series([], dtype=pl.Int64)).counts == []
    assert sum(histogram("one", pl.Series([5, 5, 5])).counts) == 3


def test_preference_rows_have_the_length_of_the_answer_chosen(home: Path) -> None:
    """A row without an answer has no length; that of the rejected answer is told beside it."""
    row = {"messages": [{"role": "user", "content": "Why?", "name": None, "tool_calls": None, "tool_call_id": None}], "label": None, "group": None, "source": "a", "meta": "{}"}  # fmt: skip
    rows = [
        row | {"source_row": 1, "chosen": "x" * 40, "rejected": "y" * 7},
        row | {"source_row": 2, "chosen": None, "rejected": None},
    ]
    home.mkdir(parents=True)
    workspace = Workspace(home)
    digest = workspace.put_dataset(with_ids(frame(rows), ["1", "2"]))
    told = {
        chart.title: chart.words
        for chart in distributions(workspace, digest).charts
        if isinstance(chart, Histogram)
    }
    assert told["last or chosen answer, in characters"].startswith("median 40 ")
    assert told["rejected answer, in characters"].startswith("median 7 ")
    workspace.close()
