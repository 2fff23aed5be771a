"""How near an answer is to the reference, as text."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import polars as pl

from evalharness.metrics.rows import NO_REFERENCE, Scored, score_rows
from evalharness.rouge import order, parse, rouge_of

ARTICLES = re.compile(r"\b(a|an|the)\b")
STEM = ":stem"
PUNCTUATION = str.maketrans("", "", string.punctuation)


def normal(text: str) -> str:
    """As SQuAD compares answers: lower case, without punctuation, English articles or extra white space."""
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


@dataclass(frozen=True)
class ExactMatch:
    """1 where answer and reference are the same after SQuAD's normalisation, else 0."""

    name: ClassVar[str] = "exact-match"
    version: ClassVar[int] = 1

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Null where the row has no reference."""
        return score_rows(predictions, self._one)

    def _one(self, row: Mapping[str, Any]) -> Scored:
        if not row["reference"]:
            return Scored(None, NO_REFERENCE)
        return Scored(exact_match(row["reference"], row["answer"]))


@dataclass(frozen=True)
class TokenF1:
    """F1 over the words of answer and reference after SQuAD's normalisation, as often as each occurs."""

    name: ClassVar[str] = "token-f1"
    version: ClassVar[int] = 1

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Null where the row has no reference."""
        return score_rows(predictions, self._one)

    def _one(self, row: Mapping[str, Any]) -> Scored:
        if not row["reference"]:
            return Scored(None, NO_REFERENCE)
        return Scored(token_f1(row["reference"], row["answer"]))


@dataclass(frozen=True)
class RougeF:
    """The F value of one kind of ROUGE; a name that ends in `:stem` counts English words by their stems."""

    name: str  # rouge1 to rouge9, rougeL, rougeLsum
    version: ClassVar[int] = 2

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Null where the reference has nothing that ROUGE counts, such as text in another script."""
        return score_rouges([self], predictions)[0]

    @property
    def kind(self) -> str:
        """The name without `:stem`."""
        return self.name.removesuffix(STEM)

    @property
    def stemmed(self) -> bool:
        """Whether words count by their stems."""
        return self.name.endswith(STEM)


def score_rouges(metrics: Sequence[RougeF], predictions: pl.DataFrame) -> list[pl.DataFrame]:
    """The scores of several kinds, the texts of a row parsed once for all of them."""
    found: dict[bool, dict[str, list[Scored]]] = {}
    for stemmed in dict.fromkeys(metric.stemmed for metric in metrics):
        kinds = [metric.kind for metric in metrics if metric.stemmed == stemmed]
        found[stemmed] = {kind: [] for kind in kinds}
        for reference, answer in predictions.select("reference", "answer").iter_rows():
            for kind, scored in _rouges(reference, answer, kinds, stemmed=stemmed).items():
                found[stemmed][kind].append(scored)
    tables = []
    for metric in metrics:
        scores = iter(found[metric.stemmed][metric.kind])
        by_id = {key: next(scores) for key in predictions["example_id"]}
        tables.append(score_rows(predictions, partial(_of_row, by_id)))
    return tables


def _of_row(known: Mapping[str, Scored], row: Mapping[str, Any]) -> Scored:
    return known[row["example_id"]]


def _rouges(
    reference: str | None, answer: str | None, kinds: Sequence[str], *, stemmed: bool
) -> dict[str, Scored]:
    if not reference or answer is None:
        return dict.fromkeys(kinds, Scored(None, NO_REFERENCE))
    wanted = parse(reference, stemmed=stemmed)
    needed = {kind: 1 if kind.startswith("rougeL") else order(kind) for kind in kinds}
    counted = [kind for kind in kinds if len(wanted.words) >= needed[kind]]
    found = rouge_of(wanted, parse(answer, stemmed=stemmed), counted)
    return {
        kind: Scored(found[kind].f)
        if kind in found
        else Scored(None, f"the reference has fewer than {needed[kind]} words of a-z and 0-9")
        for kind in kinds
    }


def exact_match(reference: str, answer: str) -> float:
    """1.0 or 0.0."""
    return float(normal(reference) == normal(answer))


def token_f1(reference: str, answer: str) -> float:
    """0 to 1. Where nothing is left of one side (the answer `The`), 1 if nothing is of both, else 0."""
    wanted, said = normal(reference).split(), normal(answer).split()
    if not wanted or not said:
        return float(wanted == said)
    common = sum((Counter(wanted) & Counter(said)).values())
    if not common:
        return 0.0
    precision, recall = common / len(said), common / len(wanted)
    return 2 * precision * recall / (precision + recall)
