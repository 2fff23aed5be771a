"""Findings that a person made: a place that no check marked, a row that is to be mended like another.

They stand beside those of the checks under the name `by-hand`, so that decisions about them are
recorded, taken back, applied and told of as all others are.
"""

from __future__ import annotations

import polars as pl

from curate.finding import ORDER, stamp
from curate.workspace import Workspace

NAME = "by-hand"
VERSION = 1


def add(workspace: Workspace, dataset: str, findings: pl.DataFrame) -> pl.DataFrame:
    """Add findings to those that stand on a version, and return them with their ids.

    Each names its example; what else of FINDINGS is absent is null. The same place twice is one finding.
    """
    ids = findings["example_id"].unique().implode()
    rows = workspace.scan_examples(dataset).select("example_id", "content_hash")
    hashes = dict(rows.filter(pl.col("example_id").is_in(ids)).collect().iter_rows())
    new = stamp(findings, hashes, check=NAME, version=VERSION)
    standing = workspace.findings(dataset)
    before = new.head(0) if standing is None else standing.filter(check=NAME)
    table = pl.concat([before, new]).unique("finding_id", keep="first", maintain_order=True)
    with workspace.run("scan", {NAME: {}}, {"dataset": dataset}) as run:
        ordered = table.sort(*ORDER, "finding_id", nulls_last=False)
        run.outputs["findings"] = workspace.put_table("findings", ordered)
    return new
