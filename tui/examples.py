"""The rows that lie on a desk: read when asked for, the last few hundred held."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import polars as pl

from curate.workspace import Workspace

Example = dict[str, Any]

KEPT = 512  # examples held in memory


class Examples:
    """The rows of a dataset version, read when asked for; the last few hundred are held."""

    def __init__(self, workspace: Workspace, dataset: str) -> None:
        self.rows = workspace.scan_examples(dataset)
        self.held: OrderedDict[str, Example] = OrderedDict()

    def get(self, ids: Iterable[str | None]) -> dict[str, Example]:
        """Id to example, for those that are in this version."""
        wanted = dict.fromkeys(i for i in ids if i)
        missing = [i for i in wanted if i not in self.held]
        if missing:
            for row in self.rows.filter(pl.col("example_id").is_in(missing)).collect().iter_rows(named=True):
                self.held[row["example_id"]] = row
        found = {i: self.held[i] for i in wanted if i in self.held}
        for i in found:
            self.held.move_to_end(i)
        while len(self.held) > max(KEPT, len(found)):
            self.held.popitem(last=False)
        return found

    def mentioning(self, words: str) -> pl.Series:
        """The ids of the examples in which each of the words stands, in any field, in any case."""
        texts = pl.concat_str(
            pl.col("messages").list.eval(pl.element().struct.field("content").fill_null("")).list.join("\n"),
            *(pl.col(name).fill_null("") for name in ("chosen", "rejected", "label", "meta")),
            separator="\n",
        ).str.to_lowercase()
        parts = [texts.str.contains(word, literal=True) for word in words.lower().split()]
        return self.rows.filter(pl.all_horizontal(parts)).select("example_id").collect()["example_id"]
