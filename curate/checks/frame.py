"""What the rows of one template have in common, and what is each row's own.

A long instruction that stands in every row makes rows alike that ask quite different things. So what
stands in many rows does not count where rows are compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from curate.checks.wording import jaccard

SHARE = 0.05  # of the distinct texts: a shingle in more of them belongs to a template ...
FEWEST = 50  # ... if those are at least so many: copies of one text are rarely more

_SENTENCE_END = re.compile(r"(?<=[.!?。！？:])\s+|\n+")


def frame_of(shingles: pl.Series) -> pl.Series:
    """The shingles, UInt64, that belong to a template; `shingles` is List(UInt64), one a distinct text."""
    least = max(FEWEST, SHARE * len(shingles))
    counts = shingles.explode().drop_nulls().value_counts(name="texts")
    return counts.filter(pl.col("texts") >= least).to_series(0).rename("shingle")


def matter(shingles: pl.Series, frame: pl.Series) -> pl.Series:
    """Each set of shingles without those of the frame; as it was where nothing else is in it."""
    if frame.is_empty():
        return shingles
    table = pl.DataFrame({"row": pl.arange(len(shingles), eager=True), "shingle": shingles})
    own = table.explode("shingle").drop_nulls().join(frame.to_frame(), on="shingle", how="anti")
    rest = own.group_by("row").agg(pl.col("shingle").sort().alias("own"))
    joined = table.join(rest, on="row", how="left", maintain_order="left")
    return joined.select(pl.coalesce("own", "shingle")).to_series().alias(shingles.name)


def alike(shingles: pl.Series, pairs: Sequence[Sequence[int]], threshold: float) -> list[bool]:
    """For each pair of row numbers, whether also what is their own overlaps by at least `threshold`."""
    frame = frame_of(shingles)
    if frame.is_empty():
        return [True] * len(pairs)
    own = [frozenset(row.to_list()) for row in matter(shingles, frame)]
    return [jaccard(own[left], own[right]) >= threshold for left, right in pairs]


def own_words(texts: Sequence[str]) -> list[str]:
    """Each text without the sentences and lines that stand in very many; as it was where nothing else is in it.

    Very many is as in `frame_of`, and so is the reason: what all rows say tells none of them apart.
    """
    cut = pl.Series("piece", [_SENTENCE_END.split(text) for text in texts], dtype=pl.List(pl.String))
    table = pl.DataFrame({"row": pl.arange(len(texts), eager=True), "piece": cut}).explode("piece")
    distinct = len(set(texts))
    seen = table.unique().group_by("piece").len("texts")
    frame = seen.filter((pl.col("texts") >= max(FEWEST, SHARE * distinct)) & (pl.col("piece") != ""))
    if frame.is_empty():
        return list(texts)
    touched = table.filter(pl.col("row").is_in(table.join(frame, on="piece", how="semi")["row"].implode()))
    own = touched.join(frame, on="piece", how="anti", maintain_order="left")
    rest = own.group_by("row", maintain_order=True).agg(pl.col("piece").str.join("\n"))
    mine = {row: piece for row, piece in rest.iter_rows() if piece}
    return [mine.get(row, text) for row, text in enumerate(texts)]
