"""What the rows of one template have in common, and what is each row's own.

A long instruction that stands in every row makes rows alike that ask quite different things. So what
stands in many rows does not count where rows are compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from curate.checks.wording import jaccard

if TYPE_CHECKING:
    from curate.engine import Engine

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


def frame_across(
    table: pl.DataFrame, engine: Engine, rows: int, parts: int, cut: Callable[[pl.DataFrame], pl.DataFrame]
) -> tuple[pl.Series, int]:
    """What `frame_of` gives of all distinct texts, where no one place has them all; and how many these are.

    `cut` gives `key` (hexadecimal digits, equal of equal texts, or empty) and `shingles` of each row of a
    batch. Texts go by their key, so that each is counted once. What stands in enough of all texts stands
    in its part of enough of those of one piece; only that is counted in all pieces.
    """
    texts, found = 0, []
    for count, some in engine.exchange(_Cut(cut, parts), table.iter_slices(rows), _Count(parts), parts):
        texts += count
        found.append(some["shingle"])
    wanted = pl.concat(found).unique()
    if wanted.is_empty():
        return wanted, texts
    counted = _Cut(cut, parts, wanted)
    counts = [some for _, some in engine.exchange(counted, table.iter_slices(rows), _Count(), parts)]
    every = pl.concat(counts).group_by("shingle").agg(pl.col("texts").sum())
    return every.filter(pl.col("texts") >= max(FEWEST, SHARE * texts))["shingle"].sort(), texts


@dataclass(frozen=True)
class _Cut:
    """The texts of a batch in pieces by key, each once; only the shingles that are wanted, if some are."""

    cut: Callable[[pl.DataFrame], pl.DataFrame]
    parts: int
    wanted: pl.Series | None = None

    def __call__(self, batch: pl.DataFrame) -> list[pl.DataFrame]:
        rows = self.cut(batch).unique("key", maintain_order=True)
        if self.wanted is not None:
            rows = rows.explode("shingles", empty_as_null=False).filter(
                pl.col("shingles").is_in(self.wanted.implode())
            )
            rows = rows.group_by("key", maintain_order=True).agg("shingles")
        part = rows.select(
            pl.col("key").str.head(8).str.to_integer(base=16, strict=False).fill_null(0) % self.parts
        ).to_series()
        return [rows.filter(part == number) for number in range(self.parts)]


@dataclass(frozen=True)
class _Count:
    """How many texts a piece has, and in how many of them each shingle stands that may belong to a template."""

    parts: int = 0  # pieces in all; 0 counts every shingle

    def __call__(self, pieces: list[pl.DataFrame]) -> tuple[int, pl.DataFrame]:
        texts = pl.concat(pieces).unique("key")
        shingles = texts["shingles"].list.explode(empty_as_null=False).drop_nulls()
        counts = shingles.value_counts(name="texts").rename({shingles.name: "shingle"})
        # of max(a, b) or more in all there are (a + b) / 2 or more, so in some piece its part of that
        least = (FEWEST / self.parts + SHARE * texts.height) / 2 if self.parts else 0
        return texts.height, counts.filter(pl.col("texts") >= least - 1e-6)


def alike(
    shingles: pl.Series, pairs: Sequence[Sequence[int]], threshold: float, frame: pl.Series | None = None
) -> list[bool]:
    """For each pair of row numbers, whether also what is their own overlaps by at least `threshold`.

    `frame` is what belongs to a template, if that is not to be told from these shingles.
    """
    frame = frame_of(shingles) if frame is None else frame
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
