"""Rows for the tests of the checks, and findings in few words."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from curate.check import Check
from curate.example import frame, with_ids
from curate.scanning.scan import scan

Row = dict[str, object]


def turn(role: str, content: str | None, tool_calls: str | None = None) -> Row:
    return {"role": role, "content": content, "name": None, "tool_calls": tool_calls, "tool_call_id": None}


def asked(question: str | None, answer: str | None, **columns: object) -> Row:
    return {"messages": [turn("user", question), turn("assistant", answer)], **columns}


def examples(*rows: Row) -> pl.DataFrame:
    full = [{"source": "rows.jsonl", "source_row": at, "meta": "{}", **row} for at, row in enumerate(rows, 1)]
    return with_ids(frame(full), [str(at) for at in range(len(full))])


def found(check: Check, *rows: Row) -> list[tuple[int, int | None, str, str]]:
    """(row, other row, label, action) of each finding, by row number from 0."""
    table = examples(*rows)
    at = {name: place for place, name in enumerate(table["example_id"])}
    findings = scan(table, [check]).findings
    told = [
        (at[row["example_id"]], at.get(row["other_id"] or ""), row["label"], row["action"])
        for row in findings.iter_rows(named=True)
    ]
    return sorted(told, key=str)


@pytest.fixture(name="turn")
def _turn() -> Callable[..., Row]:
    return turn


@pytest.fixture(name="asked")
def _asked() -> Callable[..., Row]:
    return asked


@pytest.fixture(name="examples")
def _examples() -> Callable[..., pl.DataFrame]:
    return examples


@pytest.fixture(name="found")
def _found() -> Callable[..., list[tuple[int, int | None, str, str]]]:
    return found
