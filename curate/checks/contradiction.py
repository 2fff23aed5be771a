"""The same question with another label, or with a clearly different answer."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from curate.checks import overlap
from curate.checks.wording import (
    Wording,
    hashed_shingles,
    jaccard,
    negations,
    normalise,
    numbers,
    shingles,
    wordings,
)
from curate.errors import ConfigError
from curate.example import digest
from curate.finding import FINDINGS

PAIRS = pl.Schema({"example_id": pl.String, "other_id": pl.String})


@dataclass(frozen=True)
class Contradiction:
    """Pair the rows that ask the same and say different things; the rarer or later one first.

    The same is: equal in normal form, or Jaccard of shingles of at least `threshold` with the same
    numbers and as many negations (two order ids make two questions); and the same system prompt.
    Different is another label; where no label is set, an answer that shares less than `overlap` of
    its words with the other.

    Limits: no model reads the answers. Two answers in other words that agree are reported, and two
    in nearly the same words that disagree are not, but for a leading yes or no and for short ones
    with other numbers. A request that has many right answers (write a poem) is left out where its
    first words say so in English. So each finding is for a person to look at.
    """

    name: ClassVar[str] = "contradiction"
    version: ClassVar[int] = 1
    threshold: float = 0.8
    overlap: float = 0.2

    def __post_init__(self) -> None:
        if not 0.3 <= self.threshold <= 1:
            raise ConfigError(f"contradiction.threshold is {self.threshold}", hint="it is from 0.3 to 1")
        if not 0 <= self.overlap <= 1:
            raise ConfigError(f"contradiction.overlap is {self.overlap}", hint="it is from 0 to 1")

    def sketch(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Digests of question and answer, and the question's shingles; no question, no sketch."""
        said = list(wordings(batch))
        questions = [normalise(wording.question) for wording in said]
        return batch.select(
            "example_id",
            "label",
            key=pl.Series(
                [digest(w.system, q) if q else None for w, q in zip(said, questions, strict=True)], dtype=pl.String
            ),
            says=pl.Series([digest(normalise(_answer(wording))) for wording in said], dtype=pl.String),
            shingles=hashed_shingles(questions),
        ).drop_nulls("key")

    def link(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """The odd ones of each question with its usual one, and the usual ones of near questions."""
        rows = sketches.with_columns(pl.coalesce(pl.concat_str(pl.lit("="), "label"), "says").alias("says"))
        votes = rows.with_row_index("at").group_by("key", "says").agg(pl.len().alias("votes"), pl.col("at").min())
        usual = votes.sort("votes", "at", descending=[True, False]).unique("key", keep="first", maintain_order=True)
        usual = usual.sort("at").select("key", "votes", usual_says="says", other_id=rows["example_id"].gather(usual.sort("at")["at"]))
        odd = rows.join(usual, on="key", maintain_order="left").filter(pl.col("says") != pl.col("usual_says"))
        return pl.concat([odd.select(list(PAIRS)), self._near(rows, usual)])

    def _near(self, rows: pl.DataFrame, usual: pl.DataFrame) -> pl.DataFrame:
        """Pairs of usual rows whose questions are near; the one with fewer votes, or the later, first."""
        heads = usual.join(rows.unique("key", keep="first").select("key", "shingles"), on="key", maintain_order="left")
        met = overlap.similar(heads["shingles"], heads["shingles"], self.threshold)
        met = met.filter(pl.col("left") < pl.col("right"))
        votes, names, says = heads["votes"], heads["other_id"], heads["usual_says"]
        pairs = []
        for left, right in met.select("left", "right").iter_rows():
            if says[left] != says[right]:
                stays, suspect = (left, right) if votes[left] >= votes[right] else (right, left)
                pairs.append((names[suspect], names[stays]))
        return pl.DataFrame(pairs, schema=PAIRS, orient="row")

    def verify(self, pairs: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
        """The pairs that do contradict each other, as far as words can tell."""
        said = {wording.example_id: wording for wording in wordings(texts)}
        labels = dict(texts.select("example_id", "label").iter_rows())
        rows = []
        for name, other in pairs.iter_rows():
            same = self._same_question(said[name], said[other])
            if not same:
                continue
            what = self._difference(said[name], said[other], labels[name], labels[other])
            if not what:
                continue
            evidence: dict[str, object] = {"question": round(same, 4), **what}
            rows.append(
                {
                    "example_id": name,
                    "other_id": other,
                    "label": what["differs"],
                    "score": same,
                    "action": "review",
                    "evidence": json.dumps(evidence, ensure_ascii=False),
                }
            )
        return pl.DataFrame(rows, schema_overrides=FINDINGS) if rows else pl.DataFrame(schema=FINDINGS)

    def _same_question(self, left: Wording, right: Wording) -> float:
        """How alike two questions are, 0 where they are not the same one."""
        if left.system != right.system:
            return 0.0
        one, two = normalise(left.question), normalise(right.question)
        if one == two:
            return 1.0
        if numbers(one) != numbers(two) or negations(one) != negations(two):
            return 0.0
        score = jaccard(shingles(one), shingles(two))
        return score if score >= self.threshold else 0.0

    def _difference(
        self, left: Wording, right: Wording, label: str | None, other: str | None
    ) -> dict[str, object]:
        """What the two say differently; empty if nothing that counts."""
        if label is not None and other is not None:
            return {} if label == other else {"differs": "label", "labels": [label[:64], other[:64]]}
        return {}


def _answer(wording: Wording) -> str:
    return wording.answer or wording.chosen
