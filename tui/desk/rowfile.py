"""The rows of a dataset version as a list of any length: pages are read from the disk when asked for.

A choice of rows (a filter, words, an order) is an array of row numbers. It is made in slices of the
file, so that memory does not grow with the number of rows beyond four bytes each.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from curate.errors import ConfigError
from curate.workspace import Workspace
from tui.desk.filter import NUMBER, TEXT, compile_filter, names_in

Ids = npt.NDArray[np.uint32]

SLICE = 65_536  # rows that are in memory at once while all are looked through
UNIT = 4_096  # neighbouring rows read at once ...
SCATTERED = 32  # ... and rows from all over the file
HELD = 32  # such units kept
LEAD = 480  # characters of each message that a list can show
KINDS = {
    "example_id": TEXT, "label": TEXT, "group": TEXT, "split": TEXT, "source": TEXT, "source_row": NUMBER,
    "meta": TEXT, "chosen": TEXT, "rejected": TEXT, "text": TEXT, "prompt": TEXT, "chars": NUMBER,
    "turns": NUMBER,
}  # fmt: skip
ORDERS = {
    "": "as imported",
    "-chars": "longest first",
    "chars": "shortest first",
    "label": "by label",
    "group": "by group",
}


@dataclass(frozen=True)
class Choice:
    """Which rows are shown, and in which order."""

    filter: str = ""
    words: str = ""  # all of which must stand in the row
    order: str = ""  # of ORDERS

    @property
    def all(self) -> bool:
        """Whether it is each row, in the order of the file."""
        return not (self.filter.strip() or self.words.strip() or self.order)


def _contents() -> pl.Expr:
    return pl.col("messages").list.eval(pl.element().struct.field("content").fill_null(""))


def _previews() -> list[pl.Expr]:
    """The texts that a list shows, as columns of the same names, no longer than it can show."""
    message = pl.element().struct
    cut = pl.struct(
        role=message.field("role"),
        content=message.field("content").str.head(LEAD),
        tool_calls=message.field("tool_calls").str.head(LEAD),
    )
    return [pl.col("messages").list.eval(cut), MADE["chars"]().alias("chars")]


def _asked() -> pl.Expr:
    roles = pl.element().struct.field("role")
    content = pl.element().struct.field("content")
    return pl.col("messages").list.eval(pl.when(roles == "user").then(content).otherwise(pl.lit("")))


# columns that a filter or an order may name and that are made when they are named
MADE: dict[str, Callable[[], pl.Expr]] = {
    "text": lambda: pl.concat_str(
        _contents().list.join("\n"),
        *(pl.col(name).fill_null("") for name in ("chosen", "rejected")),
        separator="\n",
    ),
    "prompt": lambda: _asked().list.join("\n").str.strip_chars(),
    "chars": lambda: (
        pl.col("messages")
        .list.eval(pl.element().struct.field("content").str.len_chars().fill_null(0))
        .list.sum()
        .fill_null(0)
    ),
    "turns": lambda: pl.col("messages").list.len().fill_null(0),
}


def named(names: set[str]) -> list[pl.Expr]:
    """Those of the columns `names` that no file has, as expressions."""
    return [make().alias(name) for name, make in MADE.items() if name in names]


def condition(choice: Choice) -> tuple[pl.Expr | None, set[str]]:
    """(what must be true of a row, the columns that it needs). Raises ConfigError for what is no filter."""
    parts: list[pl.Expr] = []
    names: set[str] = set()
    if choice.filter.strip():
        parts.append(compile_filter(choice.filter, KINDS))
        names |= names_in(choice.filter)
    if choice.words.strip():
        names |= {"text", "label", "meta"}
        said = pl.concat_str(
            pl.col("text"), pl.col("label").fill_null(""), pl.col("meta").fill_null(""), separator="\n"
        ).str.to_lowercase()
        parts += [said.str.contains(word, literal=True) for word in choice.words.lower().split()]
    return (pl.all_horizontal(parts) if parts else None), names


class RowFile:
    """One dataset version's rows."""

    def __init__(self, workspace: Workspace, dataset: str) -> None:
        self.dataset = dataset
        self.rows = workspace.scan_examples(dataset)
        self.height = int(self.rows.select(pl.len()).collect().item())

    def slices(self, columns: list[pl.Expr] | list[str]) -> Iterator[tuple[int, pl.DataFrame]]:
        """(number of the first row, rows) of one slice after the other."""
        for start in range(0, self.height, SLICE):
            yield start, self.rows.slice(start, SLICE).select(columns).collect()

    def choose(self, choice: Choice, wanted: Callable[[], bool] = lambda: True) -> Ids | None:
        """The numbers of the rows of a choice, in its order; None where it is all rows as they stand.

        `wanted` is asked between slices: where it says no, the work ends with what was found so far.
        Raises ConfigError for what is no filter or order.
        """
        by = choice.order.removeprefix("-")
        if choice.order and choice.order not in ORDERS:
            raise ConfigError(
                f"there is no order `{choice.order}`", hint=", ".join(name for name in ORDERS if name)
            )
        if choice.all:
            return None
        true, names = condition(choice)
        names |= {by} if by else set()
        plain = [pl.col(name) for name in sorted(names - set(MADE)) if name in KINDS]
        found: list[Ids] = []
        keys: list[pl.Series] = []
        for start, part in self.slices([*plain, *named(names)] or [pl.col("source_row")]):
            table = part.with_row_index("_at", offset=start)
            kept = table if true is None else table.filter(true)
            found.append(kept["_at"].to_numpy().astype(np.uint32))
            if by:
                keys.append(kept[by])
            if not wanted():
                break
        ids = np.concatenate(found) if found else np.zeros(0, dtype=np.uint32)
        if by and len(ids):
            key = pl.concat(keys)
            order = key.to_frame("key").with_row_index("at").sort(
                "key", descending=choice.order.startswith("-"), nulls_last=True, maintain_order=True
            )  # fmt: skip
            ids = ids[order["at"].to_numpy()]
        return ids

    def at(self, numbers: Ids | range) -> pl.DataFrame:
        """The rows of these numbers, in this order, with what a list shows of them; messages are cut."""
        shown = [
            *(pl.col(name) for name in ("label", "group", "split", "source", "source_row")),
            *_previews(),
        ]
        if isinstance(numbers, range):
            return self.rows.slice(numbers.start, len(numbers)).select(shown).collect()
        if not len(numbers):
            return self.rows.head(0).select(shown).collect()
        wanted = np.unique(numbers)
        parts = np.split(wanted, np.flatnonzero(np.diff(wanted // UNIT)) + 1)
        found = pl.concat(
            self.rows.slice(int(part[0]), int(part[-1] - part[0]) + 1).collect()[part - part[0]].select(shown)
            for part in parts
        )
        ordered: pl.DataFrame = found[np.searchsorted(wanted, numbers)]
        return ordered

    def example(self, number: int) -> dict[str, Any]:
        """A whole row."""
        found = self.rows.slice(number, 1).collect().to_dicts()
        return found[0]


class Pages:
    """A choice of rows in units, read in the background and held.

    `read` may be called from a thread; `rows` never waits for the disk.
    """

    def __init__(self, file: RowFile, ids: Ids | None, choice: Choice) -> None:
        self.file, self.ids, self.choice = file, ids, choice
        self.total = file.height if ids is None else len(ids)
        self.size = UNIT if ids is None else SCATTERED
        self._units: OrderedDict[int, pl.DataFrame] = OrderedDict()
        self._lock = threading.Lock()

    def number(self, position: int) -> int:
        """Which row of the file stands at a position."""
        return position if self.ids is None else int(self.ids[position])

    def unit(self, position: int) -> int:
        """The unit in which a position lies."""
        return position // self.size

    def rows(self, start: int, stop: int) -> list[dict[str, Any]] | None:
        """The rows at some positions, which lie in one unit; None where it was not read yet."""
        unit = self.unit(start)
        with self._lock:
            table = self._units.get(unit)
            if table is None:
                return None
            self._units.move_to_end(unit)
        return table.slice(start - unit * self.size, stop - start).to_dicts()

    def holds(self, unit: int) -> bool:
        """Whether a unit was read, or is beyond the end."""
        with self._lock:
            return unit in self._units or not 0 <= unit * self.size < max(self.total, 1)

    def read(self, unit: int) -> None:
        """Read a unit from the disk and hold it."""
        if self.holds(unit):
            return
        start, stop = unit * self.size, min((unit + 1) * self.size, self.total)
        table = self.file.at(range(start, stop) if self.ids is None else self.ids[start:stop])
        with self._lock:
            self._units[unit] = table
            while len(self._units) > HELD:
                self._units.popitem(last=False)
