"""The comparison by words without all sketches in one place: what shares a band key meets.

Rows of one question have the same shingles, so the same band keys: in each piece where one of them is
all of them are, and the votes are counted there as they would be in one place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from curate.checks import minhash
from curate.checks.contradiction.votes import once, ordered, questions_of
from curate.checks.frame import alike

if TYPE_CHECKING:
    from curate.engine import Engine

Sketch = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class Questions:
    """The key and the shingles of the questions of a batch."""

    sketch: Sketch

    def __call__(self, batch: pl.DataFrame) -> pl.DataFrame:
        """`key` and `shingles`."""
        return self.sketch(batch).select("key", "shingles")


@dataclass(frozen=True)
class Scatter:
    """The rows of a batch in pieces by band key, with the keys that lie in the piece."""

    sketch: Sketch
    threshold: float
    parts: int

    def __call__(self, batch: pl.DataFrame) -> list[pl.DataFrame]:
        """One table a piece."""
        sketches = self.sketch(batch)
        keyed = sketches.drop("shingles", "texts").with_columns(
            bands=minhash.bands(sketches["shingles"], self.threshold)
        )
        within = [
            pl.col("bands").list.eval(pl.element().filter(pl.element() % self.parts == number))
            for number in range(self.parts)
        ]
        return [keyed.with_columns(bands=some).filter(pl.col("bands").list.len() > 0) for some in within]


@dataclass(frozen=True)
class Meet:
    """What is found among the rows of one piece."""

    def __call__(self, pieces: list[pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
        """PAIRS of odd rows, and of usual ones of questions that may be near."""
        exact, heads = questions_of(pl.concat(pieces))
        met = minhash.candidates(heads["bands"])
        return exact, ordered(heads, met[:, 0], met[:, 1], None)


def met_across(
    table: pl.DataFrame,
    engine: Engine,
    rows: int,
    parts: int,
    sketch: Sketch,
    threshold: float,
    frame: pl.Series,
) -> pl.DataFrame:
    """PAIRS of the odd rows, and of the usual ones of near questions; `frame` is what a template has."""
    met = list(engine.exchange(Scatter(sketch, threshold, parts), table.iter_slices(rows), Meet(), parts))
    near = once(pl.concat([some for _, some in met]))
    ids = pl.concat([near["example_id"], near["other_id"]]).unique()
    named = table.filter(pl.col("example_id").is_in(ids.implode()))
    parts_of = [sketch(batch).select("example_id", "shingles") for batch in named.iter_slices(rows)]
    if near.height and parts_of:
        cut = pl.concat(parts_of).with_row_index("at")
        places = near
        for name in ("example_id", "other_id"):
            at = cut.select(pl.col("example_id").alias(name), pl.col("at").alias(f"at_{name}"))
            places = places.join(at, on=name, maintain_order="left")
        numbers = places.select("at_example_id", "at_other_id").rows()
        near = near.filter(pl.Series(alike(cut["shingles"], numbers, threshold, frame), dtype=pl.Boolean))
    return once(pl.concat([*(some for some, _ in met), near]))
