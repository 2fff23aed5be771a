"""Examples that say the same: to the byte, or but for case, spacing, marks and Unicode forms."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from curate.checks.keep import POLICY, ranked
from curate.checks.wording import check_compare, normalised, wordings
from curate.example import digest
from curate.finding import FINDINGS

PAIRS = pl.Schema({"example_id": pl.String, "other_id": pl.String, "cluster_id": pl.String})


@dataclass(frozen=True)
class ExactDuplicate:
    """Group the examples that are equal; keep one of each group.

    `compare`: `whole` is question and answer without the system prompt; or `prompt`, or `answer`.
    Label `exact` is equal to the byte, `normalised` equal but for case, white space, sentence marks
    and Unicode form. A group whose `label` columns disagree is for review: no copy of it is safe to
    drop. Empty texts are left to the structure check.
    """

    name: ClassVar[str] = "exact-duplicate"
    version: ClassVar[int] = 1
    compare: str = "whole"

    def __post_init__(self) -> None:
        check_compare(self.compare)

    def sketch(self, batch: pl.DataFrame) -> pl.DataFrame:
        """A digest of each example's normal form; null where it says nothing."""
        texts = (normalised(wording.parts(self.compare)) for wording in wordings(batch))
        keys = [digest(self.compare, text) if text else None for text in texts]
        return batch.select("example_id", "split", "label", cluster_id=pl.Series(keys, dtype=pl.String))

    def link(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """Each example of a group with its keeper; the keeper with null."""
        groups = ranked(sketches.drop_nulls("cluster_id")).filter(pl.len().over("cluster_id") > 1)
        keeper = pl.col("example_id").first().over("cluster_id", order_by="rank")
        other = pl.when(pl.col("example_id") != keeper).then(keeper)
        return groups.select("example_id", other.alias("other_id"), "cluster_id")

    def verify(self, pairs: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
        """One finding a member; `exact` and `normalised` told apart by the texts themselves."""
        verbatim = {wording.example_id: wording.parts(self.compare) for wording in wordings(texts)}
        labels = dict(texts.select("example_id", "label").iter_rows())
        rows = []
        for cluster in pairs.partition_by("cluster_id", maintain_order=True):
            members = cluster["example_id"].to_list()
            keeper = cluster.filter(pl.col("other_id").is_null())["example_id"].item()
            same = {name: verbatim[name] == verbatim[keeper] for name in members}
            said = sorted({labels[name] for name in members} - {None})
            evidence: dict[str, object] = {"members": len(members), "kept": POLICY}
            if len(said) > 1:
                evidence["labels"] = len(said)  # not the labels: one may be somebody's address
            for name in members:
                is_keeper = name == keeper
                exact = all(same.values()) if is_keeper else same[name]
                rows.append(
                    {
                        "example_id": name,
                        "other_id": None if is_keeper else keeper,
                        "cluster_id": cluster["cluster_id"][0],
                        "label": "exact" if exact else "normalised",
                        "score": 1.0,
                        "action": "review" if len(said) > 1 else "keep" if is_keeper else "drop",
                        "evidence": json.dumps(evidence),
                    }
                )
        return pl.DataFrame(rows, schema_overrides=FINDINGS) if rows else pl.DataFrame(schema=FINDINGS)
