"""Many findings decided in one act: which of them can be, and what each proposal comes to."""

from __future__ import annotations

import json
from typing import NamedTuple

import polars as pl

from curate.deciding.review import DECIDABLE, OPEN
from curate.deciding.values import of_value
from curate.workspace import Workspace

DOES = {
    "drop": "row left out",
    "redact": "becomes a placeholder",
    "edit": "text as proposed",
    "review": "left to a person",
}


class Together(NamedTuple):
    """What of some findings can be decided in one act."""

    open: pl.DataFrame  # can be rejected: nobody has decided on them, and nobody differs
    acceptable: pl.DataFrame  # of these, those that propose something that can be carried out
    differ: int  # left alone, since people differ on them

    def kinds(self) -> list[tuple[str, str | None, str, int]]:
        """(check, label, proposed action, how many) of the open ones, the most first."""
        found = self.open.group_by("check", "label", "action").len()
        order = [True, False, False, False]
        return list(found.sort("len", "check", "label", "action", descending=order).iter_rows())


def together(rows: pl.DataFrame) -> Together:
    """What of these rows of a review can be decided in one act: that on which somebody has to be asked is not in it."""
    waiting = rows.filter(OPEN)
    agreed = waiting.filter(~pl.col("differ"))
    fits = [_carried(*row) for row in agreed.select("action", "field", "evidence").iter_rows()]
    return Together(agreed, agreed.filter(pl.Series(fits, dtype=pl.Boolean)), waiting.height - agreed.height)


def _carried(action: str, field: str | None, evidence: str | None) -> bool:
    """Whether a proposal can be carried out as it stands."""
    if action == "redact":
        return field is not None
    if action == "edit":
        return "edit" in json.loads(evidence or "{}")
    return action in DECIDABLE


def of_the_same(
    workspace: Workspace, dataset: str, rows: pl.DataFrame, finding_id: str, value: str
) -> pl.DataFrame:
    """The rows of a review of one finding's kind (its check and label) at whose place the same value stands."""
    kind = rows.filter(pl.col("finding_id") == finding_id).select("check", "label")
    same = rows.join(kind, on=["check", "label"], nulls_equal=True, maintain_order="left")
    return same.filter(pl.col("finding_id").is_in(list(of_value(workspace, dataset, same, value))))
