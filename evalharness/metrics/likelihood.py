"""Perplexity of the references, out of log probabilities that were recorded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import polars as pl

from evalharness.metrics.rows import Scored, score_rows

PerplexityName = Literal["perplexity-by-token", "perplexity-by-sequence"]
COLUMNS = ("reference_logprob", "reference_tokens")


@dataclass(frozen=True)
class Perplexity:
    """How surprising the reference is to the model, given the arm's own prompt; less is better.

    By token: exp of minus the log probability of a token, over all tokens of all rows. By sequence: the
    same of each row first, and the geometric mean of the rows. A row's own value is the same for both.
    """

    name: PerplexityName = "perplexity-by-token"
    version: ClassVar[int] = 1

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """From the columns reference_logprob (a sum, natural logarithm) and reference_tokens, answered or not."""
        return score_rows(predictions.with_columns(answer=pl.lit("")), self._one)

    def _one(self, row: Mapping[str, Any]) -> Scored:
        logprob, tokens = (row.get(column) for column in COLUMNS)
        if logprob is None or not tokens:
            return Scored(None, "no log probabilities of the reference: they are measured of base and tuned")
        mean = logprob / tokens
        sums = [float(logprob), float(tokens)] if self.name == "perplexity-by-token" else [float(mean), 1.0]
        return Scored(math.exp(min(-mean, 700.0)), statistics=sums)
