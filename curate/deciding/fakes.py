"""Our own pseudonyms are no findings: what a scan sees in them is decided to stay.

A fake looks like what it stands for, so each check that found the original finds the fake. Without
this, a clean version would never be clean. What is decided is recorded, as everything is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping

import polars as pl

from curate.changing.redact import Replacer
from curate.changing.rewriting import Rewriting
from curate.deciding.review import OPEN, decide, record, review
from curate.workspace import Workspace

FAKES = "pseudonyms"  # kind of the artifact: example id to the fakes that stand in it
REVIEWER = "seatrial:pseudonym"
DEPTH = 3  # of JSON within JSON: a tool call, its arguments, a string of them


def settle_fakes(workspace: Workspace, dataset: str) -> int:
    """Decide to keep each open finding that a fake of ours is the cause of; returns how many.

    Such a finding lies within a fake, or holds nothing but fakes.
    """
    fakes = _fakes_of(workspace, dataset)
    if not fakes:
        return 0
    table = review(workspace, dataset)
    wanted = OPEN & (pl.col("action") == "redact") & pl.col("start").is_not_null()
    found = table.filter(wanted & pl.col("example_id").is_in(list(fakes)))
    if found.is_empty():
        return 0
    named = pl.col("example_id").is_in(found["example_id"].unique().implode())
    rows = workspace.scan_examples(dataset).filter(named).collect()
    examples = {row["example_id"]: Rewriting(row, Replacer()) for row in rows.iter_rows(named=True)}
    ours = [
        row["finding_id"]
        for row in found.iter_rows(named=True)
        if _is_fake(examples[row["example_id"]], row, fakes[row["example_id"]])
    ]
    settled = found.filter(pl.col("finding_id").is_in(ours))
    return record(workspace, decide(settled, "keep", by=REVIEWER, note="a pseudonym of ours"))


def _fakes_of(workspace: Workspace, dataset: str) -> dict[str, set[str]]:
    """The fakes in a version, by example: of all runs of apply that led to it."""
    fakes: dict[str, set[str]] = {}
    for run in workspace.ledger.ancestry(dataset):
        digest = workspace.ledger.run_artifacts(run["run_id"], "out").get("fakes")
        if run["kind"] != "apply" or digest is None:
            continue
        read = workspace.json(digest)
        for example, said in read.items() if isinstance(read, dict) else ():
            fakes.setdefault(example, set()).update(said)
    return fakes


def _is_fake(example: Rewriting, row: Mapping[str, object], fakes: Collection[str]) -> bool:
    """Whether what a finding is about is a fake, a part of one, or fakes and marks alone."""
    message, start, end = row["message"], row["start"], row["end"]
    text = example.text(message if isinstance(message, int) else None, str(row["field"] or "content"))
    if text is None or not isinstance(start, int):
        return False
    value = _plain(text[start : end if isinstance(end, int) else None])
    known = {each for each in map(_plain, fakes) if each}
    if any(value in each for each in known):
        return True
    for each in sorted(known, key=len, reverse=True):
        value = value.replace(each, "")
    return re.search(r"[^\W_]", value) is None


def _plain(text: str) -> str:
    """A text as it reads: without the escapes that JSON puts in, and JSON within a string of JSON again."""
    for _ in range(DEPTH):
        if "\\" not in text:
            return text
        try:
            text = str(json.loads(f'"{text}"', strict=False))
        except ValueError:
            return text
    return text
