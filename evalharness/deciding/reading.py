"""A comparison as it was kept, of this or an earlier schema."""

from __future__ import annotations

from typing import cast

from curate.errors import NotFoundError, WorkspaceError
from curate.workspace import Workspace
from evalharness.deciding.comparison import READABLE, Comparison


def read_comparison(workspace: Workspace, reference: str | None = None) -> Comparison:
    """A comparison by name or digest; the newest by default. Raises WorkspaceError for an unknown schema."""
    if reference is None and not workspace.ledger.rows(
        "select 1 from artifact where kind = 'comparison' limit 1"
    ):
        raise NotFoundError(
            "this workspace holds no comparison yet",
            hint="seatrial predict, score, probe and compare make one, in this order",
        )
    value = workspace.json(workspace.artifact("comparison", reference))
    if not isinstance(value, dict) or value.get("schema") not in READABLE:
        raise WorkspaceError(
            "this comparison was made by another version of Seatrial", hint="seatrial compare makes it again"
        )
    for row in value["slices"]:
        row.setdefault("by", "label")  # schema 1 had no others
    return cast("Comparison", value)
