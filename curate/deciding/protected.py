"""The rows of protected files that findings on a version name: they stand in versions of their own."""

from __future__ import annotations

import polars as pl

from curate.workspace import Workspace


def protected_rows(workspace: Workspace, dataset: str) -> list[pl.LazyFrame]:
    """The rows that scans of a version were to protect from it, a frame a file; without what was purged."""
    query = """select distinct other.digest from run_artifact one join run_artifact other using (run_id)
               where one.direction = 'in' and one.role = 'dataset' and one.digest = ?
               and other.direction = 'in' and other.role like 'protected\\_%' escape '\\' order by other.digest"""
    digests = [str(row["digest"]) for row in workspace.ledger.rows(query, dataset)]
    return [workspace.scan_examples(each) for each in digests if (workspace.store.root / each).is_dir()]


def both_sides(workspace: Workspace, dataset: str, findings: pl.DataFrame) -> pl.LazyFrame:
    """The version's rows, and behind them those of protected files that findings name as the other side."""
    examples = workspace.scan_examples(dataset)
    named = findings["other_id"].drop_nulls().unique()
    if not len(named):
        return examples
    own = examples.filter(pl.col("example_id").is_in(named.implode())).select("example_id").collect()
    away = named.filter(~named.is_in(own["example_id"].implode()))
    if not len(away):
        return examples
    guarded = [
        rows.filter(pl.col("example_id").is_in(away.implode())) for rows in protected_rows(workspace, dataset)
    ]
    if not guarded:
        return examples
    return pl.concat([examples, pl.concat(guarded).unique("example_id", keep="first", maintain_order=True)])
