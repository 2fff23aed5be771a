"""All items of a comparison, from the tables that it was made of: for the report's page, for CSV, for curation."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from curate.example import answer_text, prompt_text
from curate.formats.tables import guarded
from curate.workspace import Workspace
from evalharness.deciding.compare import Pairs, pair
from evalharness.deciding.comparison import Comparison, Examples
from evalharness.report.sidebyside import side_by_side

PAGE = 10_000  # examples on a page; the rest are in report.csv
CUT, SHORT = 1200, 400  # characters of a text on a page; where there are more than some hundred examples
MANY = 500
ROOM = 13_000_000  # bytes of the examples on a page, as estimated: what does not fit is in report.csv
AROUND, INSIDE = 420, 1.15  # bytes around the texts of an example, and for each byte of them


class Items(NamedTuple):
    """The tables behind a comparison."""

    examples: pl.DataFrame
    pairs: Pairs
    predictions: pl.DataFrame | None
    scores: pl.DataFrame


def items_of(workspace: Workspace, comparison: Comparison) -> Items | None:
    """The tables; None where one of them is no longer in this workspace."""
    artifacts = comparison["artifacts"]
    scores = [digest for role, digest in sorted(artifacts.items()) if role.startswith("scores")]
    dataset = comparison["subject"]["dataset"]
    if not scores or not all(workspace.store.holds(digest) for digest in (dataset, *scores)):
        return None
    parts: list[pl.DataFrame] = []
    seen: set[str] = set()
    for kept in scores:  # the newest first; an arm's scores are those of the first table that has it
        table = workspace.table(kept).filter(~pl.col("arm").is_in(sorted(seen)))
        seen |= set(table["arm"])
        parts.append(table)
    answers = [
        workspace.table(digest).filter(pl.col("arm") == arm)
        for arm in comparison["arms"]
        if (digest := artifacts.get(f"predictions of {arm}")) and workspace.store.holds(digest)
    ]
    examples = workspace.examples(dataset)
    table = pl.concat(parts, how="diagonal")
    predictions = pl.concat(answers, how="diagonal") if answers else None
    return Items(examples, pair(table, examples, comparison["arms"]), predictions, table)


def page_of(items: Items, comparison: Comparison, most: int = PAGE) -> Examples:
    """As many examples as a page holds, the regressions first, with the training rows that the comparison names."""
    many = min(most, len(items.pairs.example_ids)) > MANY
    found = side_by_side(
        items.pairs,
        items.examples,
        items.predictions,
        comparison["settings"],
        comparison["arms"],
        comparison["candidate"],
        most=most,
        cut=SHORT if many else CUT,
    )
    near = {row["example_id"]: row["near"] for row in comparison["examples"]["rows"] if "near" in row}
    for row in found["rows"]:
        if row["example_id"] in near:
            row["near"] = near[row["example_id"]]
    return found


def fitting(examples: Examples, room: int = ROOM) -> Examples:
    """The examples that fit on a page of so many bytes; those that differ least are left out first."""
    kept = []
    for row in examples["rows"]:
        texts = [row["question"], row["reference"], *(said["answer"] or "" for said in row["arms"].values())]
        size = sum(len(text.encode("utf-8", "replace")) for text in texts)
        room -= int(AROUND + INSIDE * size)
        if room < 0:
            break
        kept.append(row)
    return Examples(total=examples["total"], kinds=examples["kinds"], rows=kept)


def csv_of(items: Items, comparison: Comparison, page: Examples | None = None) -> str:
    """One line an item, the arms side by side. A cell that a spreadsheet would run has a quote before it.

    `page` holds what became of each item; where it does not hold them all, that is found anew.
    """
    rows = items.examples.filter(pl.col("example_id").is_in(items.pairs.example_ids))
    messages = [found or [] for found in rows["messages"].to_list()]
    count = len(items.pairs.example_ids)
    every = page if page and len(page["rows"]) == count else page_of(items, comparison, most=count)
    kinds = {row["example_id"]: " ".join([row["kind"], *row.get("marks", [])]) for row in every["rows"]}
    table = rows.select("example_id", "source", "source_row", "group", "label").with_columns(
        pl.Series("kind", [kinds[each] for each in rows["example_id"]], dtype=pl.String),
        pl.Series("question", [prompt_text(found) for found in messages], dtype=pl.String),
        pl.Series("reference", [answer_text(found) for found in messages], dtype=pl.String),
    )
    for arm in comparison["arms"]:
        table = _with_arm(table, items, arm)
    texts = [name for name, kind in table.schema.items() if kind == pl.String]
    safe = [
        pl.col(name).map_elements(guarded, return_dtype=pl.String, skip_nulls=True).alias(name)
        for name in texts
    ]
    named = table.with_columns(safe).rename({name: guarded(name) for name in table.columns})
    return named.write_csv(quote_style="non_numeric")


def _with_arm(table: pl.DataFrame, items: Items, arm: str) -> pl.DataFrame:
    """The table with one arm's answer, label, how it ended, tokens, seconds and scores."""
    if items.predictions is not None:
        wanted = ("answer", "finish_reason", "prompt_tokens", "answer_tokens", "seconds", "error")
        there = [name for name in wanted if name in items.predictions.columns]
        said = items.predictions.filter(pl.col("arm") == arm).select(
            "example_id", *(pl.col(name).alias(f"{arm} {name}") for name in there)
        )
        table = table.join(said, on="example_id", how="left", maintain_order="left")
    scored = items.scores.filter(pl.col("arm") == arm)
    labels = scored.filter(pl.col("metric") == "accuracy").select(
        "example_id", pl.col("label").alias(f"{arm} label")
    )
    if labels.height:
        table = table.join(labels, on="example_id", how="left", maintain_order="left")
    wide = scored.pivot("metric", index="example_id", values="value")
    wide = wide.rename({name: f"{arm} {name}" for name in wide.columns if name != "example_id"})
    return table.join(wide, on="example_id", how="left", maintain_order="left")
