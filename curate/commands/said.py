"""What `seatrial review` was asked: which findings, and what is to become of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import polars as pl


class Filters(NamedTuple):
    """What is listed, exported or decided on."""

    check: str | None
    label: str | None
    score: float | None
    open: bool
    differ: bool
    ids: frozenset[str] | None = None  # the findings at whose place the value stands, where one was asked for

    def of(self, table: pl.DataFrame) -> pl.DataFrame:
        """What they choose."""
        from curate.deciding.review import chosen

        return chosen(
            table.filter(table["finding_id"].is_in(list(self.ids))) if self.ids is not None else table,
            check=self.check,
            label=self.label,
            score=self.score,
            undecided=self.open,
            differ=self.differ or None,
        )

    def of_all(self, table: pl.DataFrame) -> pl.DataFrame:
        """What is decided in one: what people differ on only where it was asked for."""
        found = self.of(table)
        return found if self.differ else found.filter(~found["differ"])


class Said(NamedTuple):
    """What is to be decided, as it was said."""

    accept: list[str]
    reject: list[str]
    undo: list[str]
    accept_safe: bool
    accept_all: bool
    reject_all: bool
    action: str | None
    label_to: str | None
    suggested: bool
    undo_all: bool
    side: str | None
    note: str
