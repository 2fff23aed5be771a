"""The comparison by wording without all sketches in one place: what stays goes to each worker.

What stays (test, validation and protected rows) is the small side, and each row that goes is compared
with all of it. So its sketches are given to every worker, which sketches some of the rows, compares
them, and hands on pairs. Grouping by key would be no less: a question may stand within a row of any
length, and such a pair shares no few keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from curate.checks.frame import frame_across
from curate.checks.leak.sides import PAIRS, PROTECTED, SIDES, Sides
from curate.checks.leak.wordly import worded
from curate.checks.overlap import Values

if TYPE_CHECKING:
    from curate.engine import Engine

STAYS = (*dict.fromkeys(stays for _, stays in SIDES), PROTECTED)
# what tells where a row is from, which is compared in one place: some ten to a hundred bytes a row
ORIGIN = ("example_id", "group", "split", "owners", "template", "time", "given")
PIECES = 64  # that the rows are given out in, if each is then larger than a batch ...
LARGEST = 100_000  # ... and not larger than this

Sketch = Callable[[pl.DataFrame], pl.DataFrame]


class Compared(NamedTuple):
    """What was found in all the rows."""

    origins: pl.DataFrame  # ORIGIN of every row, in order
    pairs: dict[str, pl.DataFrame]  # PAIRS by wording, by the name of the sides


@dataclass(frozen=True)
class Against:
    """Some of the rows against all that stay."""

    sketch: Sketch
    rows: int  # to be sketched at a time
    stays: pl.DataFrame  # sketches
    frame: Values
    threshold: float
    containment: float
    most: int

    def __call__(self, piece: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
        """ORIGIN of the rows, and PAIRS by wording by the name of the sides."""
        sketches = pl.concat([self.sketch(batch) for batch in piece.iter_slices(self.rows)])
        pairs = {
            sides.name: worded(sides, self.frame, self.threshold, self.containment, self.most)
            for sides in sides_between(sketches, self.stays)
        }
        # a template counts only where it stands on both sides
        theirs = pl.col("template").is_in(self.stays["template"].drop_nulls().unique().implode())
        known = pl.when(theirs).then("template").alias("template")
        return sketches.select(ORIGIN).with_columns(known), pairs


def sides_between(goes: pl.DataFrame, stays: pl.DataFrame) -> Iterator[Sides]:
    """The sides as of `sides_of`, each with the rows of `goes` that go and those of `stays` that stay."""
    for left, right in SIDES:
        yield Sides(f"{left}/{right}", goes.filter(split=left), stays.filter(split=right))
    yield Sides(PROTECTED, goes.filter(pl.col("split") != PROTECTED), stays.filter(split=PROTECTED))


def compared(
    table: pl.DataFrame,
    engine: Engine,
    rows: int,
    parts: int,
    sketch: Sketch,
    limits: tuple[float, float, int],
) -> Compared:
    """Where each row is from, and the pairs by wording of all sides.

    `limits` are the threshold, the containment, and how many counterparts a row may have.
    """
    frame, _ = frame_across(table, engine, rows, parts, Questions(sketch))
    small = table.filter(pl.col("split").is_in(STAYS))
    stays = pl.concat(list(engine.map(sketch, small.iter_slices(rows))))
    against = Against(sketch, rows, stays, frame.to_numpy(), *limits)
    height = max(rows, min(LARGEST, table.height // PIECES))
    origins: list[pl.DataFrame] = []
    found: dict[str, list[pl.DataFrame]] = {}
    for origin, pairs in engine.map(against, table.iter_slices(height)):
        origins.append(origin)
        for name, some in pairs.items():
            found.setdefault(name, [PAIRS.to_frame()]).append(some)
    return Compared(pl.concat(origins), {name: pl.concat(some) for name, some in found.items()})


@dataclass(frozen=True)
class Questions:
    """The key and the shingles of the questions of a batch."""

    sketch: Sketch

    def __call__(self, batch: pl.DataFrame) -> pl.DataFrame:
        """`key` and `shingles`."""
        return self.sketch(batch).select(pl.col("key").fill_null(""), shingles="question")
