"""Findings by what stands at their place, so that one value is decided once for all its rows."""

from __future__ import annotations

import polars as pl

from curate.finding import perhaps_nobody
from curate.scanning.excerpts import Texts
from curate.workspace import Workspace


def values_of(workspace: Workspace, dataset: str, findings: pl.DataFrame) -> list[str]:
    """The text at each finding's place; empty where it names none, or the row is not there."""
    placed = findings.filter(pl.col("start").is_not_null())["example_id"].unique()
    if placed.is_empty():
        return [""] * findings.height
    here = workspace.scan_examples(dataset).filter(pl.col("example_id").is_in(placed.implode()))
    at = Texts(here.collect()).at
    columns = findings.select("example_id", "message", "field", "start", "end")
    return [
        "" if start is None else at.get((example_id, message, field), "")[start:end]
        for example_id, message, field, start, end in columns.iter_rows()
    ]


def of_value(workspace: Workspace, dataset: str, findings: pl.DataFrame, value: str) -> frozenset[str]:
    """The ids of the findings at whose place this value stands, whatever its case and blanks."""
    wanted = _plain(value)
    found = values_of(workspace, dataset, findings)
    return frozenset(
        name
        for name, text in zip(findings["finding_id"], found, strict=True)
        if text and _plain(text) == wanted
    )


def doubtful_names(workspace: Workspace, dataset: str, findings: pl.DataFrame) -> dict[str, int]:
    """Open names that are perhaps a product, a company or a label, by word: in how many rows each is open."""
    rows = findings.filter(perhaps_nobody() & pl.col("decided").is_null())
    words: dict[str, set[str]] = {}
    spelt: dict[str, str] = {}
    for name, text in zip(rows["example_id"], values_of(workspace, dataset, rows), strict=True):
        if text:
            words.setdefault(spelt.setdefault(_plain(text), text), set()).add(name)
    return {word: len(names) for word, names in words.items()}


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
