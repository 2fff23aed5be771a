"""Rows of a version whose texts are read only where they are asked for."""

from __future__ import annotations

import polars as pl
import pytest

from curate import rows as rows_module
from curate.errors import WorkspaceError
from curate.example import frame, with_ids
from curate.rows import LIGHT, Rows
from curate.workspace import Workspace

COUNT = 100


@pytest.fixture
def table():
    made = frame(
        [{"messages": [{"role": "user", "content": f"Say {n}."}], "source": "a"} for n in range(COUNT)]
    )
    return with_ids(made, [str(n) for n in range(COUNT)])


@pytest.fixture
def counted(table, monkeypatch):
    """Rows of this table, and how many were read at each time."""
    monkeypatch.setattr(rows_module, "TOGETHER", 10)
    read = []

    def part(begin, count):
        some = table.slice(begin, count)
        read.append(some.height)
        return some

    return Rows(table.select(LIGHT), part), read


@pytest.mark.parametrize("wanted", [[], [0], [99], [9, 10], [3, 40, 41, 77], [5, 6, 15, 95, 99]])
def test_few_rows_are_read_without_those_between(table, counted, wanted):
    rows, read = counted
    numbers = pl.Series(wanted, dtype=pl.UInt32)
    assert rows.at(numbers).equals(table[wanted] if wanted else table.clear())
    assert sum(read) <= 10 * len(wanted)
    read.clear()
    assert rows.named(table["example_id"].gather(wanted[::-1])).equals(
        table[wanted] if wanted else table.clear()
    )
    assert rows.at(numbers).height == len(wanted) and sum(read) <= 10 * len(wanted)


def test_many_rows_are_read_with_all_others_and_once(table, counted):
    rows, read = counted
    many = pl.Series(range(0, COUNT, 7), dtype=pl.UInt32)
    assert rows.at(many).equals(table[many])
    assert rows.whole().equals(table) and rows["messages"].equals(table["messages"])
    assert read == [COUNT]


def test_a_light_column_is_there_without_a_read(table, counted):
    rows, read = counted
    assert rows["label"].equals(table["label"]) and rows.height == COUNT
    assert read == []


def test_rows_in_a_workspace_are_those_of_the_version_and_damage_is_told(tmp_path, table):
    workspace = Workspace(tmp_path)
    digest = workspace.put_dataset(table)
    rows = workspace.rows(digest)
    assert rows.at(pl.Series([2, 98], dtype=pl.UInt32)).equals(table[[2, 98]])
    assert workspace.rows(digest).whole().equals(table)
    (file,) = workspace.store.path(digest).iterdir()
    data = bytearray(file.read_bytes())
    data[-6:] = b"\0" * 6
    file.write_bytes(data)
    with pytest.raises(WorkspaceError, match="damaged"):
        workspace.rows(digest)
