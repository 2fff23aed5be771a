"""The rows that an adapter was trained on, as it says itself."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from curate.deciding import byhand
from curate.errors import NotFoundError
from curate.workspace import Workspace

FILE = "rows.jsonl"
LABEL = "high-loss"
SCHEMA = pl.Schema(
    {
        "example_id": pl.String,
        "where": pl.String,
        "digest": pl.String,  # of its tokens and which of them were trained on; of a pair of both answers
        "times": pl.Float64,  # epochs, by the copies of a row that a balanced split repeats
        "trained": pl.Int64,  # tokens
        "loss": pl.Float64,  # at the end: mean over the trained tokens, without dropout; null where there is none
        "chosen": pl.String,  # of a pair: the digest of this answer behind its prompt; null for other rows
        "rejected": pl.String,
        "lead": pl.Float64,  # of a pair: by how much the chosen answer is preferred (log probability, or score)
    }
)


def rows_of(folder: Path) -> pl.DataFrame:
    """Those rows, the worst first; NotFoundError where they were not recorded."""
    if not (folder / FILE).is_file():
        raise NotFoundError(
            "the rows of this adapter were not recorded",
            hint="it was trained elsewhere, or before rows were recorded: train it here again",
        )
    table = pl.read_ndjson(folder / FILE, schema=SCHEMA)
    return table.sort("loss", descending=True, nulls_last=True, maintain_order=True)


def to_review(workspace: Workspace, dataset: str, worst: pl.DataFrame, adapter: str) -> int:
    """Let rows wait for a person on the version that the adapter was trained on; how many did not before."""
    standing = workspace.findings(dataset)
    before = set() if standing is None else set(standing.filter(check=byhand.NAME, label=LABEL)["example_id"])
    findings = worst.select(
        "example_id",
        label=pl.lit(LABEL),
        action=pl.lit("review"),
        score=1
        - (-pl.col("loss")).exp(),  # of a trained token: how unlikely it still is, as a geometric mean
        evidence=pl.struct(
            "times", "trained", adapter=pl.lit(adapter[:12]), loss=pl.col("loss").round(4)
        ).struct.json_encode(),
    )
    byhand.add(workspace, dataset, findings)
    return len(set(worst["example_id"]) - before)
