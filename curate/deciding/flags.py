"""Flags on examples: a word that somebody should look at a row, in whichever version it is."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from curate.workspace import Annotation, Workspace

KEY = "flag"


def flagged(workspace: Workspace) -> set[str]:
    """The ids of the examples on which a flag is set, by anyone's last word on each."""
    query = """select example_id, value from annotation where key = ? order by annotated_at, uid"""
    last = {row["example_id"]: row["value"] for row in workspace.ledger.rows(query, KEY)}
    return {example_id for example_id, value in last.items() if value}


def flag(
    workspace: Workspace, dataset: str, example_ids: Collection[str], reviewer: str, *, on: bool = True
) -> int:
    """Set the flag of these examples of a version, or take it off, as one act; how many it changed."""
    there = flagged(workspace)
    wanted = [each for each in dict.fromkeys(example_ids) if (each in there) != on]
    rows = workspace.scan_examples(dataset).filter(pl.col("example_id").is_in(wanted))
    value = "yes" if on else None
    words = [
        Annotation(example_id, content, KEY, value, reviewer)
        for example_id, content in rows.select("example_id", "content_hash").collect().iter_rows()
    ]
    if words:
        workspace.ledger.annotate(words)
    return len(words)
