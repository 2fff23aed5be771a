"""Findings for a person: kinds counted, and one finding on its lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from curate.scanning.excerpts import Texts
    from curate.workspace import Workspace

WORDS = 5  # words that are named


def with_labels(workspace: Workspace, digest: str, findings: pl.DataFrame) -> pl.DataFrame:
    """The findings with `source`, `source_row` and `said` (its label) of both sides' rows, and `looks`.

    `looks` is the label that the row's text looks like, where a check says so.
    """
    import polars as pl

    from curate.deciding.protected import both_sides
    from curate.deciding.relabelling import looks_like

    sides = both_sides(workspace, digest, findings)
    places = sides.select("example_id", "source", "source_row", "label").collect()
    said = places.rename({"label": "said"})
    others = said.select(pl.all().name.prefix("other_")).rename({"other_example_id": "other_id"})
    witnesses = [looks_like(evidence) for evidence in findings["evidence"]]
    looks = places.select(witness="example_id", looks="label")
    listed = findings.with_columns(pl.Series("witness", witnesses, dtype=pl.String))
    for table, key in ((said, "example_id"), (others, "other_id"), (looks, "witness")):
        listed = listed.join(table, on=key, how="left", maintain_order="left")
    return listed.drop("witness")


def detail_lines(row: Mapping[str, object], texts: Texts) -> list[str]:
    """What a finding is about, below its line: the text, the other side's, and the evidence."""
    from curate.scanning.excerpts import evidence_words

    said, other = texts.excerpt(row), texts.excerpt(row, "other_id")
    words = evidence_words(str(row["evidence"] or "{}"))
    if row["said"] and (row["check"] == "wrong-label" or row["looks"]):
        looks = f", looks like `{row['looks']}`" if row["looks"] else ""
        words = f"labelled `{row['said']}`{looks}; {words}"
    lines = [f"      {said}"] if said else []
    lines += [f"      with: {other}"] if other else []
    return [*lines, f"      ({words})"] if words else lines


def summary_lines(table: pl.DataFrame) -> list[str]:
    """One line for each kind of finding."""
    from curate.deciding.review import summary

    rows = summary(table).to_dicts()
    if not rows:
        return ["  nothing found"]
    kinds = [f"{row['check']}/{row['label']}" for row in rows]
    width = max(map(len, kinds))
    return [
        f"  {row['found']:>7,}  {kind:<{width}}  {row['action']:<6}  "
        + (f"{row['open']:,} open" if row["open"] else "decided")
        + (", blocking" if row["blocking"] else "")
        for kind, row in zip(kinds, rows, strict=True)
    ]


def perhaps_lines(workspace: Workspace, digest: str, table: pl.DataFrame, name: str) -> list[str]:
    """The words taken for persons that are perhaps none, with the rows where each is open, and how one is decided once."""
    from curate.deciding.values import doubtful_names

    words = doubtful_names(workspace, digest, table)
    if not words:
        return []
    order = sorted(words.items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join(f"`{word}` {rows:,}" for word, rows in order[:WORDS])
    more = f" and {len(order) - WORDS:,} more" if len(order) > WORDS else ""
    return [
        f"  perhaps a product, a company or a label, not a person: {shown}{more} rows; decide once for each:",
        f'    seatrial review {name} --value "{order[0][0]}" --reject-all (or --accept-all, where it is one)',
    ]


def finding_line(row: dict[str, object]) -> str:
    """One finding, with source, row and label of its examples, on one line; `detail_lines` has the text."""
    where = f" {row['field']}" if row["field"] else ""
    where = f" message {row['message']}{where}" if row["message"] is not None else where
    where += f" {row['start']}-{row['end']}" if row["start"] is not None else ""
    other = ""
    if row["other_id"]:
        known = row["other_source"] is not None
        place = f"{row['other_source']}:{row['other_source_row']}" if known else str(row["other_id"])[:8]
        other = f" with {place}"
        unlabelled = row["check"] == "leak" and row["other_said"] is None  # a benchmark's row says no label
        if row["said"] != row["other_said"] and not unlabelled:
            one, two = (row[side] if row[side] is not None else "no label" for side in ("said", "other_said"))
            other += f" ({one} against {two})"
    said = f"{row['decided']} by {row['reviewer']}" if row["decided"] else f"proposes {row['action']}"
    said = f"people differ: {row['people']}" if row["differ"] else said
    return (
        f"  {str(row['finding_id'])[:8]}  {row['check']}/{row['label']} {row['score']:.2f}  "
        f"{row['source']}:{row['source_row']}{where}{other}: {said}"
    )
