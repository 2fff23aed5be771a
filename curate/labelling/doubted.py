"""Rows whose label a check doubts."""

from __future__ import annotations

import polars as pl

from curate.workspace import Workspace
from curate.workspace.differences import said_on


def doubted(workspace: Workspace, dataset: str) -> frozenset[str]:
    """The ids of the rows whose label stands in doubt: nobody has said yet that it is right."""
    found = workspace.findings(dataset)
    if found is None:
        return frozenset()
    doubts = found.filter(pl.col("check") == "wrong-label")
    words = said_on(workspace.ledger, doubts["finding_id"].to_list()).words
    right = [finding for finding, word in words.items() if word.said == "keep"]
    doubts = doubts.filter(~pl.col("finding_id").is_in(right))
    return frozenset(doubts["example_id"])
