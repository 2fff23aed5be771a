"""Findings that a person made: a place that no check marked, a row that is to be mended like another.

They stand beside those of the checks under the name `by-hand`, so that decisions about them are
recorded, taken back, applied and told of as all others are. No scan finds them again: a journal
carries them with the words about them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from curate.errors import ConfigError
from curate.finding import ACTIONS, FINDINGS, ORDER, stamp
from curate.workspace import Workspace
from curate.workspace.store import table_digest

NAME = "by-hand"
VERSION = 1
SAID = ("example_id", "label", "message", "field", "start", "end", "score", "action", "blocking", "evidence")
MOST = 1_000  # characters of a text in a mark
TYPES: dict[object, type] = {pl.String: str, pl.Int32: int, pl.Float64: float, pl.Boolean: bool}

# evidence of what was made by a decision, and says nothing without one: an edit like another or of another text, a moved place
MADE_BY_DECIDING = ('{"like":', '{"instead_of":', '{"beside":')

# of a review: all but what came with a decision that everyone who stood by it has taken back since
STANDS = (
    (pl.col("check") != NAME)
    | pl.col("decided").is_not_null()
    | pl.col("differ")
    | ~pl.any_horizontal(pl.col("evidence").str.starts_with(each) for each in MADE_BY_DECIDING).fill_null(
        value=False
    )
)

Mark = dict[str, object]  # one such finding as a journal has it: of SAID what is not null


class Added(NamedTuple):
    """The findings that were added, with their ids, and the digest of all that stand by hand."""

    findings: pl.DataFrame
    digest: str


def add(workspace: Workspace, dataset: str, findings: pl.DataFrame) -> Added:
    """Add findings to those that stand on a version.

    Each names its example; what else of FINDINGS is absent is null. The same place twice is one finding.
    Raises ConfigError where an example is not of this version.
    """
    ids = findings["example_id"].unique().implode()
    rows = workspace.scan_examples(dataset).select("example_id", "content_hash")
    hashes = dict(rows.filter(pl.col("example_id").is_in(ids)).collect().iter_rows())
    strangers = sorted(set(findings["example_id"]) - set(hashes))
    if strangers:
        raise ConfigError(f"{strangers[0]} is no row of {dataset[:8]}, so nothing can be marked in it")
    new = stamp(findings, hashes, check=NAME, version=VERSION)
    made: list[str] = []

    def beside() -> None:
        """What stands is read and written in one: of two that add at once, the second sees the first's."""
        before = _standing(workspace, dataset, new.head(0))
        table = pl.concat([before, new]).unique("finding_id", keep="first", maintain_order=True)
        ordered = table.sort(*ORDER, "finding_id", nulls_last=False)
        if table.height == before.height:
            made.append(table_digest("findings", ordered))
            return
        with workspace.run("scan", {NAME: {}}, {"dataset": dataset}) as run:
            run.outputs["findings"] = workspace.put_table("findings", ordered)
        made.append(run.outputs["findings"])

    workspace.ledger.together(beside)
    return Added(new, made[0])


def _standing(workspace: Workspace, dataset: str, none: pl.DataFrame) -> pl.DataFrame:
    """The findings by hand that stand on a version: those of the newest run that had any, or was of them."""
    for scan in workspace.scans(dataset):
        found = workspace.table(scan.findings).filter(check=NAME)
        if NAME in scan.settings or found.height:
            return found
    return none


# as a journal carries them


def marks_in(findings: pl.DataFrame) -> dict[str, Mark]:
    """What is found by hand in a table of findings, by the findings' ids."""
    rows = findings.filter(pl.col("check") == NAME)
    names = ("finding_id", *SAID)
    return {
        row["finding_id"]: {name: row[name] for name in SAID if row[name] is not None}
        for row in rows.select(names).iter_rows(named=True)
    }


def marks(workspace: Workspace) -> dict[str, Mark]:
    """All that anyone ever found by hand here, by the findings' ids."""
    query = """select params, digest from run join run_end using (run_id)
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'findings'
               where kind = 'scan' and error is null order by run.run_id"""
    found: dict[str, Mark] = {}
    for row in workspace.ledger.rows(query):
        if NAME in json.loads(row["params"]) and workspace.store.holds(row["digest"]):
            found |= marks_in(workspace.table(row["digest"]))
    return found


def checked(mark: object) -> Mark:
    """The mark, if it is one. Raises ValueError that says what is wrong."""
    if not isinstance(mark, dict) or not {"example_id", "label", "action"} <= set(mark) <= set(SAID):
        raise ValueError(
            f"a mark by hand has example_id, label, action and of {', '.join(SAID[2:])} the rest"
        )
    for name, value in mark.items():
        kind = TYPES[FINDINGS[name]]
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise ValueError(f"`{name}` of a mark by hand is of the wrong kind")
        if isinstance(value, str) and len(value) > MOST:
            raise ValueError(f"`{name}` of a mark by hand has more than {MOST:,} characters")
    start, end = mark.get("start"), mark.get("end")
    if (start is None) != (end is None) or (
        isinstance(start, int) and not 0 <= start < int(str(end)) < 1 << 31
    ):
        raise ValueError("a mark by hand has `start` and `end` in this order, or neither")
    within = 0 <= mark.get("message", 0) < 1 << 31 and 0 <= mark.get("score", 1.0) <= 1
    if not within or mark["action"] not in ACTIONS:
        raise ValueError("`message`, `score` or `action` of a mark by hand is out of range")
    if not isinstance(_object(str(mark.get("evidence", "{}"))), dict):
        raise ValueError("`evidence` of a mark by hand is no JSON object")
    return mark


def _object(text: str) -> object:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("`evidence` of a mark by hand is nested too deep") from error


def as_table(said: Sequence[Mark]) -> pl.DataFrame:
    """Marks as a table of the columns SAID."""
    schema = {name: FINDINGS[name] for name in SAID}
    return pl.DataFrame(
        [tuple(mark.get(name) for name in SAID) for mark in said], schema=schema, orient="row"
    )


def heads(workspace: Workspace) -> list[str]:
    """The versions that a name means now, are here, and were scanned."""
    query = """select distinct digest from latest_name join artifact using (digest) where artifact.kind = 'dataset'"""
    found = [str(row["digest"]) for row in workspace.ledger.rows(query)]
    return [each for each in found if workspace.store.holds(each) and _scanned(workspace, each)]


def _scanned(workspace: Workspace, dataset: str) -> bool:
    """Whether a check ever looked at it: marks alone must not make a version look as if one had."""
    return any(set(scan.settings) - {NAME} for scan in workspace.scans(dataset))


def place(workspace: Workspace, datasets: Collection[str], said: Mapping[str, Mark]) -> set[str]:
    """Let marks (by finding id) stand on those versions that have their rows as they were; which ids do.

    A row that says something else by now has another finding id: there the mark is left out.
    """
    placed: set[str] = set()
    for dataset in datasets if said else ():
        named = pl.Series([mark["example_id"] for mark in said.values()], dtype=pl.String).unique()
        rows = workspace.scan_examples(dataset).select("example_id", "content_hash")
        hashes = dict(rows.filter(pl.col("example_id").is_in(named.implode())).collect().iter_rows())
        here = {i: mark for i, mark in said.items() if mark["example_id"] in hashes}
        if not here:
            continue
        stamped = stamp(as_table(list(here.values())), hashes, check=NAME, version=VERSION)
        fits = [here[i] for i in stamped["finding_id"] if i in here]
        if fits:
            placed |= set(add(workspace, dataset, as_table(fits)).findings["finding_id"])
    return placed
