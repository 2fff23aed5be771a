"""How a version is called in what is told to type next: by its name only while the name means it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from curate.workspace import Workspace


def called(workspace: Workspace, digest: str) -> str:
    """The name of a version, or the beginning of its digest where the name means another one by now."""
    name = workspace.name_of(digest)
    return name if name and means(workspace, name) == digest else digest[:8]


def means(workspace: Workspace, name: str) -> str | None:
    """The digest that a name means now; None for a name that was never given."""
    rows = workspace.ledger.rows("select digest from latest_name where name = ?", name)
    return str(rows[0]["digest"]) if rows else None


def meant_before(workspace: Workspace, name: str) -> str | None:
    """What a name meant before it was given last; None where it was given once."""
    query = "select digest from name where name = ? order by name_id desc limit 2"
    rows = workspace.ledger.rows(query, name)
    return str(rows[1]["digest"]) if len(rows) > 1 else None
