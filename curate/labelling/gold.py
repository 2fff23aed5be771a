"""Rows whose right answer is known: from a column, or from a file of JSON lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from curate.errors import ConfigError
from curate.labelling.tasks import Task, Value, column_of
from curate.workspace import Workspace


def gold_of(workspace: Workspace, dataset: str, task: Task) -> dict[int, Value]:
    """Place to right answer. Raises ConfigError where the file or a line of it is no gold."""
    if not task.gold:
        return {}
    rows = workspace.scan_examples(dataset)
    if task.gold == "label" or task.gold.startswith("meta:"):
        values = rows.select(gold=column_of(task.gold)).collect()["gold"]
        read = ((place, task.read(text)) for place, text in enumerate(values) if text is not None)
        return {place: value for place, value in read if value is not None}
    return _from_file(workspace.root / task.gold, rows, task)


def _from_file(path: Path, rows: pl.LazyFrame, task: Task) -> dict[int, Value]:
    """Lines such as {"example_id": "...", "answer": "oak"} or {"source": "a.jsonl", "row": 3, "answer": "oak"}."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"gold of {task.name}: {error}", hint="meta:NAME, or a file beside labels.toml"
        ) from error
    names = rows.select("example_id", "source", "source_row").collect()
    by_id = {name: place for place, name in enumerate(names["example_id"])}
    by_row = {
        (source, row): place
        for place, (source, row) in enumerate(names.select("source", "source_row").iter_rows())
    }
    found: dict[int, Value] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        told = _line(line, f"{path.name}:{number}")
        try:
            value = task.checked(told["answer"])
        except ConfigError as error:
            raise ConfigError(f"{path.name}:{number}: {error.message}", hint=error.hint) from error
        place = (
            by_id.get(told["example_id"])
            if "example_id" in told
            else by_row.get((told.get("source"), told.get("row")))
        )
        if place is not None:  # it may be of another version
            found[place] = value
    return found


def _line(line: str, where: str) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except ValueError as error:
        raise ConfigError(f"{where}: no JSON ({error})") from error
    named = isinstance(told, dict) and ("example_id" in told or {"source", "row"} <= set(told))
    if not named or "answer" not in told:
        raise ConfigError(f"{where}: a gold row has `answer`, and `example_id` or `source` and `row`")
    return dict(told)
