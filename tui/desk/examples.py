"""The rows that lie on a desk: read when asked for, the last few hundred held."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import polars as pl

from curate.deciding.protected import protected_rows
from curate.workspace import Workspace

Example = dict[str, Any]

KEPT = 512  # examples held in memory
UNIT = 4_096  # rows that lie together in the file, and are read together


class Examples:
    """The rows of a dataset version, read when asked for; the last few hundred are held.

    Rows are read from where they stand in the file, so that it does not matter how many others there
    are. `get` may be called from a thread too: what it reads there is held for the screen.
    """

    def __init__(self, workspace: Workspace, dataset: str, ids: pl.Series | None = None) -> None:
        """`ids` are the version's example ids in the order of the file, where they are known already."""
        self.workspace, self.dataset = workspace, dataset
        self.rows = workspace.scan_examples(dataset)
        self._guarded: list[pl.LazyFrame] | None = None
        self.held: OrderedDict[str, Example] = OrderedDict()
        self._ids = ids
        self._lock = threading.Lock()
        self._reader = ThreadPoolExecutor(1, "rows")
        self._ahead: tuple[frozenset[str], Future[dict[str, Example]]] | None = None

    def read_ahead(self, ids: Sequence[str]) -> None:
        """Read rows in a thread, the sooner of `ids` first wanted, unless the first half of them is held.

        What cannot be read is told where it is asked for.
        """
        near = [name for name in ids[: -(-len(ids) // 2)] if name not in self.held]
        if near and (self._ahead is None or (self._ahead[1].done() and not self._ahead[0].issuperset(near))):
            self._ahead = frozenset(ids), self._reader.submit(self.get, ids)

    def get(self, ids: Iterable[str | None]) -> dict[str, Example]:
        """Id to example, for those that are in this version or in a file that it was to be kept from."""
        wanted = dict.fromkeys(i for i in ids if i)
        with self._lock:
            found = {i: self.held[i] for i in wanted if i in self.held}
        missing = [i for i in wanted if i not in found]
        read = {row["example_id"]: row for row in self._read(missing)} if missing else {}
        read |= self._protected([i for i in missing if i not in read])
        with self._lock:
            for i, row in (found | read).items():
                self.held[i] = row
                self.held.move_to_end(i)
            while len(self.held) > max(KEPT, len(found) + len(read)):
                self.held.popitem(last=False)
        return {i: found.get(i) or read[i] for i in wanted if i in found or i in read}

    def _read(self, missing: list[str]) -> list[Example]:
        """The rows of some ids, each unit of the file in which one stands read once."""
        if self._ids is None:
            self._ids = self.rows.select("example_id").collect()["example_id"]
        places = self._ids.is_in(missing).arg_true().to_numpy()
        units = np.split(places, np.flatnonzero(np.diff(places // UNIT)) + 1)
        rows: list[Example] = []
        for unit in units:
            if len(unit):
                part = self.rows.slice(int(unit[0]), int(unit[-1] - unit[0]) + 1).collect()
                rows += part[unit - unit[0]].to_dicts()
        return rows

    def _protected(self, missing: list[str]) -> dict[str, Example]:
        """The rows of protected files among `missing`: the other sides of leaks."""
        if not missing:
            return {}
        if self._guarded is None:
            self._guarded = protected_rows(self.workspace, self.dataset)
        named = pl.col("example_id").is_in(missing)
        return {
            row["example_id"]: row
            for rows in self._guarded
            for row in rows.filter(named).collect().to_dicts()
        }

    def mentioning(self, words: str) -> pl.Series:
        """The ids of the examples in which each of the words stands, in any field, in any case."""
        texts = pl.concat_str(
            pl.col("messages").list.eval(pl.element().struct.field("content").fill_null("")).list.join("\n"),
            *(pl.col(name).fill_null("") for name in ("chosen", "rejected", "label", "meta")),
            separator="\n",
        ).str.to_lowercase()
        parts = [texts.str.contains(word, literal=True) for word in words.lower().split()]
        return self.rows.filter(pl.all_horizontal(parts)).select("example_id").collect()["example_id"]
