"""How near an answer is to the reference, as text."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import polars as pl

from evalharness.metrics.rows import NO_REFERENCE, Scored, score_rows
from evalharness.rouge import rouge_l, rouge_n, tokens

ARTICLES = re.compile(r"\b(a|an|the)\b")
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
    """The F value of ROUGE-1, -2 or -L, without stemming."""

    name: Literal["rouge1", "rouge2", "rougeL"]
    version: ClassVar[int] = 1

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Null where the reference has nothing that ROUGE counts, such as text in another script."""
        return score_rows(predictions, self._one)

    def _one(self, row: Mapping[str, Any]) -> Scored:
        if not row["reference"]:
            return Scored(None, NO_REFERENCE)
        wanted, said = tokens(row["reference"]), tokens(row["answer"])
        needed = 2 if self.name == "rouge2" else 1
        if len(wanted) < needed:
            return Scored(None, f"the reference has fewer than {needed} words of a-z and 0-9")
        if self.name == "rougeL":
            return Scored(rouge_l(wanted, said).f)
        return Scored(rouge_n(wanted, said, needed).f)


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
