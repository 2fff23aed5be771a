"""The version that another was made from: where what was found and said of its rows stands."""

from __future__ import annotations

from curate.workspace import Workspace


def made_from(workspace: Workspace, dataset: str) -> str | None:
    """The version that the newest run read to make this one; None for one that was imported."""
    query = """select i.digest from run_artifact o join run_end using (run_id)
               join run_artifact i on i.run_id = o.run_id and i.direction = 'in' and i.role = 'dataset'
               where o.direction = 'out' and o.role = 'dataset' and o.digest = ? and error is null
                     and i.digest <> o.digest
               order by o.run_id desc limit 1"""
    rows = workspace.ledger.rows(query, dataset)
    return str(rows[0]["digest"]) if rows else None


def scanned_before(workspace: Workspace, dataset: str) -> str | None:
    """The nearest version before this one that was scanned; None where there is none."""
    seen = {dataset}
    before = made_from(workspace, dataset)
    while before is not None and before not in seen:
        if workspace.store.holds(before) and workspace.findings(before) is not None:
            return before
        seen.add(before)
        before = made_from(workspace, before)
    return None


def version_of(workspace: Workspace, finding_ids: set[str]) -> str | None:
    """The newest version on which one of these findings stands; None where no version here has them."""
    query = """select i.digest as dataset, o.digest as findings from run join run_end using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.role = 'dataset'
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'findings'
               where kind = 'scan' and error is null order by run.run_id desc"""
    for row in workspace.ledger.rows(query):
        here = workspace.store.holds(row["dataset"]) and workspace.store.holds(row["findings"])
        if here and not finding_ids.isdisjoint(workspace.table(row["findings"])["finding_id"]):
            return str(row["dataset"])
    return None
