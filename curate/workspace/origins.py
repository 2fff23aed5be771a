"""Where a version came from: the runs between its source and it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from curate.workspace import Workspace

# the runs that make a version: of files, or of another version
MAKERS = ("import", "apply", "label", "split", "restore")


class Origin(NamedTuple):
    """A run on the way from a source to a version."""

    kind: str
    params: dict[str, Any]
    inputs: dict[str, str]
    outputs: dict[str, str]
    command: str
    started_at: str


def origins(workspace: Workspace, dataset: str) -> list[Origin]:
    """The runs that led from a source to a version, the import first; the newest where several did.

    A version that a vault gave back whole is the one that was imported: that is where it came from.
    """
    query = """select run.run_id, kind, params, command, started_at from run join run_end using (run_id)
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'dataset'
               left join run_artifact i
                   on i.run_id = run.run_id and i.direction = 'in' and i.role = 'dataset'
               where o.digest = ? and error is null and kind in (select value from json_each(?))
                   and (i.digest is null or i.digest <> o.digest)
               order by kind = 'restore', ended_at desc limit 1"""
    way: list[Origin] = []
    current: str | None = dataset
    seen: set[str] = set()
    while current is not None and current not in seen:
        seen.add(current)
        rows = workspace.ledger.rows(query, current, json.dumps(MAKERS))
        if not rows:
            break
        run_id = rows[0]["run_id"]
        inputs = workspace.ledger.run_artifacts(run_id, "in")
        outputs = workspace.ledger.run_artifacts(run_id, "out")
        row = rows[0]
        way.append(
            Origin(row["kind"], json.loads(row["params"]), inputs, outputs, row["command"], row["started_at"])
        )
        current = inputs.get("dataset")
    return way[::-1]
