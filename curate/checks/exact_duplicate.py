"""Examples that say the same: to the byte, or but for case, spacing, marks and Unicode forms."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

import polars as pl

from curate.checks.keep import DEFAULT, carried, check_keep, ranked, sentence, why
from curate.checks.spelling import plain_spelling
from curate.checks.wording import check_compare, normalise, normalised, wordings
from curate.dedup.bands import not_alone
from curate.example import digest
from curate.finding import FINDINGS


@dataclass(frozen=True)
class ExactDuplicate:
    """Group the examples that are equal; keep one of each group.

    `compare`: `whole` is question and answer without the system prompt; or `prompt`, or `answer`.
    Label `exact` is equal to the byte, `normalised` equal but for case, white space, sentence marks
    and Unicode form. `keep` is the policy that says which stays (see keep.py).
    A group whose `label` columns disagree, but for case and blanks, is for review: no copy of it is safe to
    drop. Empty texts are left to the structure check.
    """

    name: ClassVar[str] = "exact-duplicate"
    version: ClassVar[int] = 4
    verified_by_sketches: ClassVar[bool] = True
    compare: str = "whole"
    keep: tuple[str, ...] = DEFAULT

    def __post_init__(self) -> None:
        check_compare(self.compare)
        check_keep(self.keep)

    def sketch(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Digests of each example's normal form, null where it says nothing, and of what it says verbatim."""
        said = [wording.parts(self.compare) for wording in wordings(batch)]
        keys = [digest(self.compare, text) if (text := _normal(parts)) else None for parts in said]
        own = batch.select(
            "example_id",
            cluster_id=pl.Series(keys, dtype=pl.String),
            verbatim=pl.Series([digest(*parts) for parts in said], dtype=pl.String),
        )
        return pl.concat([own, carried(batch, self.keep)], how="horizontal")

    def link(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """Each example of a group with its keeper; the keeper with null."""
        said = sketches.drop_nulls("cluster_id")
        # most are alone, which a few bits of each tell sooner than all that a digest says
        some = said[not_alone(said["cluster_id"].hash().to_numpy())] if said.height else said
        groups = ranked(some.filter(pl.col("cluster_id").is_duplicated()))
        keeper = pl.col("example_id").first().over("cluster_id", order_by="rank")
        other = pl.when(pl.col("example_id") != keeper).then(keeper)
        order = [name for name in groups.columns if name.startswith("keep_")]
        return groups.select("example_id", other.alias("other_id"), "cluster_id", "verbatim", *order)

    def scatter(self, sketches: pl.DataFrame, parts: int) -> list[pl.DataFrame]:
        """By the digest of the normal form; what says nothing is left out."""
        keyed = sketches.drop_nulls("cluster_id")
        part = keyed.select(pl.col("cluster_id").str.head(8).str.to_integer(base=16) % parts).to_series()
        return [keyed.filter(part == number) for number in range(parts)]

    def meet(self, piece: pl.DataFrame) -> pl.DataFrame:
        """Groups are whole in a piece."""
        return self.link(piece)

    def joined(self, met: pl.DataFrame) -> pl.DataFrame:
        """As they are."""
        return met

    def verify(self, pairs: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
        """One finding a member; of `texts` the labels are read alone."""
        # what differs in case or blanks alone is one label: label-spelling tells of it
        spelt = {label: plain_spelling(label) for label in texts["label"].drop_nulls().unique()}
        labels = {name: spelt.get(label) for name, label in texts.select("example_id", "label").iter_rows()}
        policy = sentence(self.keep)
        rows: list[tuple[object, ...]] = []
        written: dict[tuple[int, int, str], str] = {}  # few are told apart, and there may be very many rows
        # the keeper, which has no other, comes first
        ordered = pairs.sort("cluster_id", "other_id", nulls_last=False, maintain_order=True)
        for cluster, found in groupby(ordered.iter_rows(), key=lambda row: row[2]):
            members = list(found)
            (_, _, _, first, *kept), said = members[0], {labels[row[0]] for row in members} - {None}
            same = all(row[3] == first for row in members)
            doubtful = len(said) > 1
            for name, other, _, verbatim, *order in members:
                told = "" if other is None else why(kept, order, self.keep)
                key = (len(members), len(said) if doubtful else 0, told)
                evidence = written.get(key) or written.setdefault(key, _evidence(*key, policy))
                exact = verbatim == first if other is not None else same
                action = "review" if doubtful else "keep" if other is None else "drop"
                label = "exact" if exact else "normalised"
                rows.append((name, other, cluster, label, 1.0, action, evidence))
        columns = ("example_id", "other_id", "cluster_id", "label", "score", "action", "evidence")
        return pl.DataFrame(rows, schema={name: FINDINGS[name] for name in columns}, orient="row")


def _normal(parts: tuple[str, ...]) -> str:
    """The parts in normal form; as they came, where a row prefers one form of an answer to another."""
    chosen, rejected = parts[2:] or ("", "")
    if chosen != rejected and normalise(chosen) == normalise(rejected):
        return "\n".join(parts)
    return normalised(parts)


def _evidence(members: int, labels: int, why: str, policy: str) -> str:
    """What is told of a member; `labels` is 0 where they agree."""
    told: dict[str, object] = {"members": members, "kept": policy}
    if labels:
        told["labels"] = labels  # not the labels: one may be somebody's address
    return json.dumps(told | ({"why": why} if why else {}))
