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
from tui.filter import NUMBER, TEXT, compile_filter, names_in

Ids = npt.NDArray[np.uint32]

SLICE = 65_536  # rows that are in memory at once while all are looked through
HELD = 64  # pages kept, of as many rows as a block of the list
SHOWN = ("label", "group", "split", "source", "source_row", "messages", "chosen", "rejected")
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
    words: str = ""
    order: str = ""

    @property
    def all(self) -> bool:
        """Whether it is each row, in the order of the file."""
        return not (self.filter.strip() or self.words.strip() or self.order)


def _contents() -> pl.Expr:
    return pl.col("messages").list.eval(pl.element().struct.field("content").fill_null(""))


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

    def at(self, numbers: Ids | range) -> list[dict[str, Any]]:
        """The rows of these numbers, in this order, with the columns that a list shows."""
        return self._read(numbers, list(SHOWN))

    def example(self, number: int) -> dict[str, Any]:
        """A whole row."""
        found = self.rows.slice(number, 1).collect().to_dicts()
        return found[0]

    def _read(self, numbers: Ids | range, columns: list[str]) -> list[dict[str, Any]]:
        if isinstance(numbers, range):
            return self.rows.slice(numbers.start, len(numbers)).select(columns).collect().to_dicts()
        if not len(numbers):
            return []
        low, high = int(numbers.min()), int(numbers.max())
        table = (
            self.rows.select(columns)
            .with_row_index("_at")
            .slice(low, high - low + 1)
            .filter(pl.col("_at").is_in(pl.Series(np.unique(numbers)).implode()))
            .collect()
        )
        place = {at: index for index, at in enumerate(table["_at"])}
        rows = table.drop("_at").to_dicts()
        return [rows[place[int(number)]] for number in numbers]


class Pages:
    """Pages of a choice of rows, read in the background and held.

    `read` may be called from a thread; `held` never waits.
    """

    def __init__(self, file: RowFile, ids: Ids | None) -> None:
        self.file, self.ids = file, ids
        self.total = file.height if ids is None else len(ids)
        self._pages: OrderedDict[int, list[dict[str, Any]]] = OrderedDict()
        self._lock = threading.Lock()

    def number(self, position: int) -> int:
        """Which row of the file stands at a position."""
        return position if self.ids is None else int(self.ids[position])

    def held(self, start: int) -> list[dict[str, Any]] | None:
        """The page that begins at `start`, if it was read."""
        with self._lock:
            page = self._pages.get(start)
            if page is not None:
                self._pages.move_to_end(start)
            return page

    def read(self, start: int, stop: int) -> None:
        """Read a page from the disk and hold it."""
        if self.held(start) is not None:
            return
        numbers = range(start, stop) if self.ids is None else self.ids[start:stop]
        rows = self.file.at(numbers)
        with self._lock:
            self._pages[start] = rows
            while len(self._pages) > HELD:
                self._pages.popitem(last=False)
