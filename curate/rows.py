"""The rows of a dataset version, of which the texts are read only where somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np
import polars as pl

# what says nothing of a row's texts: to read it of all rows costs a tenth of what the texts cost
LIGHT = ("example_id", "content_hash", "label", "group", "split", "source", "source_row")
TOGETHER = 2_048  # rows that are decoded together: to show some of a million need not take long
MOST = 0.5  # of the pieces; from there on all rows are read


class Rows:
    """The light columns of all rows, and whole rows when they are asked for."""

    def __init__(self, light: pl.DataFrame, read: Callable[[int, int | None], pl.DataFrame]) -> None:
        """`read` gives whole rows: from which on, and how many (None: all that follow)."""
        self.light = light
        self._read = read
        self._all: pl.DataFrame | None = None
        self._last: tuple[pl.Series, pl.DataFrame] | None = None

    @classmethod
    def of(cls, table: pl.DataFrame | Self) -> Self:
        """The rows of a table that is in memory; of `Rows`, themselves."""
        if not isinstance(table, pl.DataFrame):
            return table
        rows = cls(table, table.slice)
        rows._all = table
        return rows

    @property
    def height(self) -> int:
        """How many rows there are."""
        return self.light.height

    def __getitem__(self, name: str) -> pl.Series:
        """One column of all rows."""
        return self.light[name] if name in self.light.columns else self.whole()[name]

    def whole(self) -> pl.DataFrame:
        """All rows; they stay in memory."""
        if self._all is None:
            self._all = self._read(0, None)
        return self._all

    def at(self, numbers: pl.Series) -> pl.DataFrame:
        """The whole rows of these numbers (UInt32, ascending), in their order.

        The last ones are kept, for several checks ask for the same.
        """
        if len(numbers) == self.height:
            return self.whole()
        if self._last is None or not self._last[0].equals(numbers):
            self._last = numbers, self._gathered(numbers)
        return self._last[1]

    def named(self, ids: pl.Series) -> pl.DataFrame:
        """The whole rows with these ids, in the order of the version."""
        wanted = pl.col("example_id").is_in(ids.implode())
        if self._all is not None:
            return self._all.filter(wanted)
        return self._gathered(self.light.select(wanted).to_series().arg_true())

    def _gathered(self, numbers: pl.Series) -> pl.DataFrame:
        """Read piece by piece, as far as few are needed."""
        wanted = numbers.to_numpy().astype(np.int64)
        pieces = wanted // TOGETHER
        many = 1 + np.count_nonzero(np.diff(pieces))
        if self._all is not None or many > max(1.0, self.height / TOGETHER * MOST):
            return self.whole().select(pl.all().gather(numbers))
        if not len(wanted):
            return self._read(0, 0)
        parts = []
        for near in np.split(wanted, np.flatnonzero(np.diff(pieces) > 1) + 1):
            some = self._read(int(near[0]), int(near[-1] - near[0]) + 1)
            parts.append(some.select(pl.all().gather(near - near[0])))
        return pl.concat(parts)
