"""How near an answer is to the reference, as text."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from evalharness.metrics.rouge import order, parse, rouge_of
from evalharness.metrics.rows import NO_REFERENCE, Scored, no_answer, score_rows, table_of

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
    found: list[list[Scored]] = [[] for _ in metrics]
    for stemmed in dict.fromkeys(metric.stemmed for metric in metrics):
        asked = [(at, metric.kind) for at, metric in enumerate(metrics) if metric.stemmed == stemmed]
        kinds = [(kind, 1 if kind.startswith("rougeL") else order(kind)) for _, kind in asked]
        for reference, answer, error in predictions.select("reference", "answer", "error").iter_rows():
            if answer is None:
                scored = [no_answer(error)] * len(kinds)
            else:
                scored = _rouges(reference, answer, kinds, stemmed=stemmed)
            for (at, _), each in zip(asked, scored, strict=True):
                found[at].append(each)
    ids = predictions["example_id"].to_list()
    return [table_of(ids, scored) for scored in found]


def _rouges(
    reference: str | None, answer: str, kinds: Sequence[tuple[str, int]], *, stemmed: bool
) -> list[Scored]:
    """Of each kind, with the words that it needs of the reference."""
    if not reference:
        return [Scored(None, NO_REFERENCE)] * len(kinds)
    wanted = parse(reference, stemmed=stemmed)
    count = len(wanted.words)
    said = parse(answer, stemmed=stemmed)
    found = rouge_of(wanted, said, [kind for kind, needed in kinds if needed <= count])
    return [
        Scored(found[kind].f)
        if needed <= count
        else Scored(None, f"the reference has fewer than {needed} words of a-z and 0-9")
        for kind, needed in kinds
    ]


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
