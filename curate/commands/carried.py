"""Whether what is decided on a version was carried out already, and where that led."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curate.answer import counted
from curate.commands.called import called

if TYPE_CHECKING:
    import polars as pl

    from curate.workspace import Workspace


def carried_out(workspace: Workspace, digest: str, table: pl.DataFrame) -> str | None:
    """The clean version that all decisions of this review made; None where none was made, or words came since."""
    import json

    from curate.deciding.until import decisions_digest

    query = """select run.params, o.digest from run join run_end using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.role = 'dataset'
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'dataset'
               where run.kind = 'apply' and i.digest = ? and error is null order by run.run_id desc"""
    wanted = decisions_digest(table)
    for row in workspace.ledger.rows(query, digest):
        if json.loads(row["params"]).get("decisions") == wanted and workspace.store.holds(row["digest"]):
            return str(row["digest"])
    return None


def carried_lines(workspace: Workspace, clean: str, waiting: int) -> list[str]:
    """What is said of a version whose decisions made the clean one, with `waiting` findings open."""
    name = called(workspace, clean)
    step = "review {} --open" if workspace.scans(clean) else "scan {}"
    left = (
        f"; of what was found here {counted(waiting, 'finding')} {'stays' if waiting == 1 else 'stay'} open"
        if waiting
        else ""
    )
    return [
        f"  what is decided here was carried out: {clean[:8]} is the clean version{left}",
        f"next: seatrial {step.format(name)}",
    ]
