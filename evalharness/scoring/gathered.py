"""The newest scores of each arm on a version's test rows, and the answers behind them, by the ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping

import polars as pl

from curate.errors import NotFoundError
from curate.workspace import Workspace
from evalharness.scoring.scored_before import read_scores

TEST = "test"


def newest_scores(workspace: Workspace, dataset: str) -> tuple[pl.DataFrame, dict[str, str]]:
    """The newest scores of each arm on a version's test rows, and the tables that they are in, by role.

    Only of score runs whose predictions were all asked on the test split.
    """
    query = """select run.run_id, o.digest from run join run_end using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.digest = ?
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'scores'
               where kind = 'score' and error is null group by run.run_id order by ended_at desc"""
    parts: list[pl.DataFrame] = []
    sources: dict[str, str] = {}
    seen: set[str] = set()
    elsewhere: set[str] = set()
    for row in workspace.ledger.rows(query, dataset):
        if (asked := splits_asked(workspace, row["run_id"])) != {TEST}:
            elsewhere |= asked - {TEST}
            continue
        table = read_scores(workspace, str(row["digest"]))
        fresh = [arm for arm in table["arm"].unique(maintain_order=True) if arm not in seen]
        if fresh:
            parts.append(table.filter(pl.col("arm").is_in(fresh)))
            sources["scores" + (f"_{len(sources)}" if sources else "")] = str(row["digest"])
            seen.update(fresh)
    if not parts:
        other = f", only on {' and '.join(sorted(elsewhere))}" if elsewhere else ""
        raise NotFoundError(
            f"nothing is scored on the test rows of this dataset version{other}",
            hint="seatrial predict --split test, then seatrial score",
        )
    return pl.concat(parts), sources


def splits_asked(workspace: Workspace, score_run: str) -> set[str]:
    """The splits that the predictions of a score run were asked on; empty where that is not recorded."""
    query = """select distinct made.run_id, made.params from run_artifact i
               join run_artifact o on o.digest = i.digest and o.direction = 'out' and o.role = 'predictions'
               join run made on made.run_id = o.run_id and made.kind = 'predict'
               where i.run_id = ? and i.direction = 'in'"""
    rows = workspace.ledger.rows(query, score_run)
    return {str(json.loads(row["params"]).get("split", TEST)) for row in rows}


def newest_predictions(
    workspace: Workspace, sources: Mapping[str, str]
) -> tuple[pl.DataFrame | None, dict[str, str]]:
    """The predictions behind the scores, each arm once, and the table that each arm is in."""
    query = """select distinct i.digest, i.role from run_artifact o
               join run_artifact i on i.run_id = o.run_id and i.direction = 'in'
               join artifact on artifact.digest = i.digest and artifact.kind = 'predictions'
               where o.digest = ? and o.direction = 'out' order by i.role"""
    parts: list[pl.DataFrame] = []
    tables: dict[str, str] = {}
    for scores in sources.values():
        for row in workspace.ledger.rows(query, scores):
            table = workspace.table(row["digest"])
            fresh = [arm for arm in table["arm"].unique(maintain_order=True) if arm not in tables]
            if fresh:
                parts.append(table.filter(pl.col("arm").is_in(fresh)))
                tables |= dict.fromkeys(fresh, str(row["digest"]))
    return (pl.concat(parts) if parts else None), tables
