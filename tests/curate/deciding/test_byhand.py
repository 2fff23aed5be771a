"""Findings by hand: what two add at once, in one process or in two, all stands."""

from __future__ import annotations

import json
import multiprocessing
import threading
from pathlib import Path

import polars as pl
import pytest

from curate.deciding import byhand
from curate.errors import ResourceError
from curate.runs.steps import Reading, import_files
from curate.workspace import Workspace

EACH = 6


def add_some(root: str, dataset: str, ids: list[str]) -> None:
    """Mark rows, one after the other, with a connection of one's own."""
    here = Workspace(Path(root))
    for each in ids:
        byhand.add(here, dataset, byhand.as_table([{"example_id": each, "label": "alike", "action": "drop"}]))
    here.close()


@pytest.fixture
def rows(tmp_path: Path) -> tuple[Workspace, str, list[str]]:
    """A workspace with a version of twenty rows, and their ids."""
    path = tmp_path / "rows.jsonl"
    path.write_text(
        "".join(json.dumps({"prompt": f"q {n}", "completion": f"a {n}"}) + "\n" for n in range(20))
    )
    (tmp_path / "here").mkdir()
    here = Workspace(tmp_path / "here")
    dataset = import_files(here, [str(path)], Reading()).made.outputs["dataset"]
    return here, dataset, here.examples(dataset)["example_id"].to_list()


def marked(here: Workspace, dataset: str) -> set[str]:
    """The rows on which something by hand stands."""
    table = here.findings(dataset)
    return set() if table is None else set(table.filter(check=byhand.NAME)["example_id"])


@pytest.mark.parametrize("way", ["threads", "processes"])
def test_what_two_add_at_once_all_stands(rows: tuple[Workspace, str, list[str]], way: str) -> None:
    """Neither writes over what the other wrote between its reading and its writing."""
    here, dataset, ids = rows
    spawn = multiprocessing.get_context("spawn").Process
    make = threading.Thread if way == "threads" else spawn
    both = [ids[:EACH], ids[EACH : 2 * EACH]]
    two = [make(target=add_some, args=(str(here.root), dataset, some)) for some in both]
    for each in two:
        each.start()
    for each in two:
        each.join()
    assert marked(here, dataset) == set(ids[: 2 * EACH])


def test_one_that_reads_while_the_other_writes_waits(rows: tuple[Workspace, str, list[str]]) -> None:
    """Held up in between reading and writing, the first keeps the second from reading."""
    here, dataset, ids = rows
    between, go_on = threading.Event(), threading.Event()
    put = here.put_table

    def slow(kind: str, table: pl.DataFrame) -> str:
        between.set()
        go_on.wait(2)
        return put(kind, table)

    here.put_table = slow  # type: ignore[method-assign]
    first = threading.Thread(
        target=byhand.add,
        args=(here, dataset, byhand.as_table([{"example_id": ids[0], "label": "x", "action": "drop"}])),
    )
    first.start()
    assert between.wait(10)
    second = threading.Thread(target=add_some, args=(str(here.root), dataset, [ids[1]]))
    second.start()
    second.join(0.3)
    go_on.set()
    first.join()
    second.join()
    assert marked(here, dataset) == {ids[0], ids[1]}


def test_one_that_fails_leaves_nothing(rows: tuple[Workspace, str, list[str]]) -> None:
    """The disk is full: no run, no finding; the next one goes on."""
    here, dataset, ids = rows
    put = here.put_table

    def full(kind: str, table: pl.DataFrame) -> str:
        raise ResourceError("no space left")

    here.put_table = full  # type: ignore[method-assign]
    table = byhand.as_table([{"example_id": ids[0], "label": "x", "action": "drop"}])
    with pytest.raises(ResourceError, match="no space"):
        byhand.add(here, dataset, table)
    assert marked(here, dataset) == set()
    here.put_table = put  # type: ignore[method-assign]
    byhand.add(here, dataset, table)
    assert marked(here, dataset) == {ids[0]}
