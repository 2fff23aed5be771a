"""A comparison as it was kept, of this or an earlier schema."""

from __future__ import annotations

from typing import NamedTuple, cast

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


class Named(NamedTuple):
    """A comparison by what it was asked for: its digest (None: the newest), and a line that says which was taken."""

    digest: str | None
    told: list[str]


def named(workspace: Workspace, reference: str | None, adapter: str | None = None) -> Named:
    """What a reference means: a comparison or, where it is a dataset's, the newest comparison of that dataset.

    By a dataset's name that of an earlier version is taken where the one of now has none; it is stale. With
    `adapter` (a digest, or what is served) only one of it. Raises NotFoundError where there is none.
    """
    if reference is None:
        return Named(None, [])
    if _kinds(workspace, reference) != {"dataset"}:
        return Named(workspace.artifact("comparison", reference), [])
    version = workspace.dataset(reference)
    query = """select o.digest, i.digest as dataset, ended_at from run join run_end using (run_id)
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'comparison'
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.role = 'dataset'
               where kind = 'compare' and error is null order by ended_at desc, run.run_id desc"""
    for row in workspace.ledger.rows(query):
        digest = str(row["digest"])
        if not workspace.store.holds(digest):
            continue
        subject = read_comparison(workspace, digest)["subject"]
        about = adapter is None or adapter in (subject["adapter"], subject.get("served"))
        if about and (row["dataset"] == version or subject["name"] == reference):
            when = str(row["ended_at"])[:16].replace("T", " ")
            return Named(digest, [f"comparison {digest[:12]}, the newest of `{reference}` ({when})"])
    whose = " of that adapter" if adapter else ""
    raise NotFoundError(
        f"`{reference}` is a dataset without a comparison{whose} yet",
        hint=f"seatrial predict {reference}, score, probe and compare make one, in this order",
    )


def _kinds(workspace: Workspace, reference: str) -> set[str]:
    """Of a name or the beginning of a digest, whether it is a comparison's or a dataset's."""
    named_so = "select kind from latest_name join artifact using (digest) where name = ?"
    if rows := workspace.ledger.rows(named_so, reference):
        return {str(row["kind"]) for row in rows}
    begin_so = "select kind from artifact where digest like ? || '%' and kind in ('comparison', 'dataset')"
    return {str(row["kind"]) for row in workspace.ledger.rows(begin_so, reference)}
