"""Which rows are compared with which, and the table of what was found between them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import polars as pl

PROTECTED = "protected"  # the split of rows that come from benchmark files
SIDES = (  # (goes, stays): the first of a pair is proposed for dropping
    ("train", "test"),
    ("train", "validation"),
    ("validation", "test"),
)
# kinds of leak that have a label of their own behind the sides: `train/test-group`
REPHRASED, GROUP, COLUMN, TEMPLATE, TIME, UNCOVERED = (
    "rephrased", "group", "column", "template", "time", "uncovered",
)  # fmt: skip
GIVEN = "answer-in-prompt"

PAIRS = pl.Schema(
    {
        "example_id": pl.String,
        "other_id": pl.String,  # null for what is said of one row, or of the sides as a whole
        "sides": pl.String,  # train/test ... or protected; empty for what is said of one row
        "kind": pl.String,  # empty for what is equal, near or contained
        "score": pl.Float64,
        "action": pl.String,
        "blocking": pl.Boolean,
        "brief": pl.Boolean,  # contained, and the question that stays has few words of its own
        "evidence": pl.String,
    }
)


class Sides(NamedTuple):
    """The sketches of two groups of rows of which the first must not hold what the second does."""

    name: str
    goes: pl.DataFrame
    stays: pl.DataFrame


def sides_of(sketches: pl.DataFrame) -> Iterator[Sides]:
    """The pairs of splits of which both have rows; at last all rows against the protected ones."""
    for goes, stays in SIDES:
        two = Sides(f"{goes}/{stays}", sketches.filter(split=goes), sketches.filter(split=stays))
        if not two.goes.is_empty() and not two.stays.is_empty():
            yield two
    ours, theirs = sketches.filter(pl.col("split") != PROTECTED), sketches.filter(split=PROTECTED)
    if not ours.is_empty() and not theirs.is_empty():
        yield Sides(PROTECTED, ours, theirs)


def between(label: str = "label") -> pl.Expr:
    """Whether a finding of the check is of two parts of the version's own split, which another split undoes."""
    return pl.any_horizontal(pl.col(label).str.starts_with(f"{goes}/{stays}") for goes, stays in SIDES)


def remark(sides: Sides, kind: str, example_id: str, evidence: Mapping[str, object]) -> pl.DataFrame:
    """One row of PAIRS that says something of the sides as a whole; nobody has to decide on it."""
    row = {
        "example_id": example_id,
        "sides": sides.name,
        "kind": kind,
        "score": 1.0,
        "action": "keep",
        "blocking": False,
        "brief": False,
        "evidence": json.dumps(evidence, sort_keys=True),
    }
    return pl.DataFrame([{**dict.fromkeys(PAIRS), **row}], schema=PAIRS)
