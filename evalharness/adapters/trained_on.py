"""The rows that an adapter was trained on: how often, and how badly it still does on each; a line each, kept with it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from curate.deciding import byhand
from curate.errors import NotFoundError
from curate.workspace import Workspace
from evalharness.encoding.encode import Encoded
from evalharness.encoding.losses import key_of, losses
from evalharness.encoding.rows import PAIR
from evalharness.models.loaded import LoadedModel

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


def write(
    loaded: LoadedModel, rows: Sequence[Encoded], folder: Path, *, epochs: float, leads: Sequence[float]
) -> None:
    """Put FILE into an adapter's folder: a line for each row; `epochs` are those that its weights went through.

    A row that stands there more than once was trained on as often in each epoch. Of pairs (chosen, then
    rejected) `leads` has by how much the model prefers each chosen answer, and the loss is -log of the
    chance of that. Their line has both answers.
    """
    size = 2 if leads else 1
    units = [rows[at : at + size] for at in range(0, len(rows), size)]
    copies = Counter(unit[0].example_id for unit in units)
    once = {unit[0].example_id: unit for unit in units}
    found = [] if leads else losses(loaded.model, [unit[0] for unit in once.values()], loaded.device)
    led = dict(zip((unit[0].example_id for unit in units), leads, strict=False))
    with (folder / FILE).open("w", encoding="utf-8") as file:
        for at, (name, unit) in enumerate(once.items()):
            told: dict[str, Any] = {
                "example_id": name,
                "where": unit[0].where.removesuffix(PAIR[0]),
                "digest": key_of(*unit),
                "times": copies[name] * epochs,
                "trained": sum(sum(row.trained) for row in unit),
                "loss": _preferred(led[name]) if leads else found[at],
            }
            if leads:
                told |= {"chosen": key_of(unit[0]), "rejected": key_of(unit[1]), "lead": led[name]}
            file.write(json.dumps(told) + "\n")


def _preferred(lead: float) -> float:
    """-log sigmoid, for leads of any size."""
    return math.log1p(math.exp(-abs(lead))) + max(-lead, 0.0)


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
