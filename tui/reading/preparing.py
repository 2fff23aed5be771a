"""The steps before a split: whether a version was looked at, decided on, and the decisions carried out."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from curate.workspace import Workspace


class Found(NamedTuple):
    """A step as it is found, before it is known whether those above it are done."""

    name: str
    done: bool
    command: str
    told: str


def prepared(workspace: Workspace, dataset: str, name: str) -> list[Found]:
    """Scan, review and apply of a version, by what a split of it would be refused for."""
    from curate.commands.carried import carried_out
    from curate.deciding.review import UNAPPLIED, open_blocking, open_findings, review
    from curate.runs.release import LEAKS, never_looked, reviews

    tables = reviews(workspace, dataset)
    if not tables:
        told = "what the checks find; split and export wait for it"
        return [
            Found("scan", False, f"scan {name}", told),
            Found("review", False, f"review {name} --open", "what to do about each finding"),
            Found("apply", False, f"apply {name}", "carries out what was decided"),
        ]
    missing = {check: why for check, why in never_looked(workspace, dataset).items() if check != "leak"}
    table = pl.concat(tables).unique("finding_id", keep="first", maintain_order=True)
    told = f"{table.height:,} findings"
    if missing:
        told = "never looked for: " + ", ".join(f"{check} ({why})" for check, why in missing.items())
    found = [Found("scan", not missing, f"scan {name}", told)]
    waiting, blocking = open_findings(table).height, open_blocking(table.filter(~LEAKS)).height
    told = f"nothing blocks; {waiting:,} doubtful ones are open" if waiting else "nothing is open"
    if blocking:
        told = f"{blocking:,} of {waiting:,} open findings block: split and export wait for them"
    found.append(Found("review", not blocking, f"review {name} --open", told))
    here = review(workspace, dataset)
    words = here.filter(UNAPPLIED).height
    clean = carried_out(workspace, dataset, here) if words else None
    told = (
        f"{words:,} decisions wait to be carried out; then scan the clean version"
        if words
        else "nothing to carry out"
    )
    if clean is not None:
        told = f"carried out: {clean[:8]} is the clean version; its own steps go on from there"
    found.append(Found("apply", not words or clean is not None, f"apply {name}", told))
    return found
