"""What an answer is like, whether or not it is right: refusal, repetition, length, time.

None of these is good or bad in itself, so nothing is tested by them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import polars as pl

from evalharness.metrics.rows import Scored, score_rows

RUN = 4  # words of which a run counts as said again
# How a refusal begins; looked for in the first words of an answer alone, so that a quoted one does not count.
OPENING = 200  # characters
REFUSALS = re.compile(
    r"""\b(?:
        i(?:['’]m|\ am)\ (?:really\ |very\ |so\ )?(?:sorry|afraid)\b.{0,60}\b(?:can['’]?t|cannot|can\ not|unable|not\ able|won['’]?t|will\ not)\b
      | i\ (?:can['’]?t|cannot|can\ not|am\ unable\ to|am\ not\ able\ to|won['’]?t|will\ not|must\ decline|have\ to\ decline|refuse\ to)\ (?:help|assist|answer|provide|comply|do\ that|give|share|fulfil|discuss|create|write|generate|support|engage|participate)
      | (?:i['’]m|i\ am)\ (?:unable|not\ able)\ to\ (?:help|assist|answer|provide|comply|give|share|fulfil|discuss|create|write|generate)
      | as\ an?\ (?:ai|artificial\ intelligence|(?:large\ )?language\ model)\b.{0,80}\b(?:can['’]?t|cannot|unable|not\ able|don['’]?t|do\ not|won['’]?t)\b
      | ich\ kann\ (?:ihnen\ |dir\ |euch\ )?(?:dabei|damit|hierbei|das|diese\w*)\b.{0,40}\bnicht\b
      | (?:tut\ mir|es\ tut\ mir)\ leid\b.{0,60}\bnicht\b
      | je\ (?:ne\ peux\ pas|ne\ suis\ pas\ en\ mesure)\b
      | d[ée]sol[ée]e?\b.{0,60}\bne\ (?:peux|puis)\b
      | (?:lo\ siento|disculpe?)\b.{0,60}\bno\ puedo\b
      | no\ puedo\ (?:ayudar|proporcionar|responder)
    ) | (?:抱歉|对不起|很遗憾).{0,20}(?:不能|无法) | 我(?:不能|无法)(?:提供|回答|协助|帮助)""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Refusal:
    """1 where the answer begins as a refusal does in English, German, French, Spanish or Chinese."""

    name: ClassVar[str] = "refusal"
    version: ClassVar[int] = 1

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """By phrases: a refusal in other words is not found."""
        return score_rows(predictions, lambda row: Scored(refuses(row["answer"])))


@dataclass(frozen=True)
class Repetition:
    """The share of an answer's runs of four words that it has said before."""

    name: ClassVar[str] = "repetition"
    version: ClassVar[int] = 1

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Null where the answer has fewer than five words; of a script without spaces, characters."""
        return score_rows(predictions, _repetition)


@dataclass(frozen=True)
class Length:
    """How long an answer is: `length` in characters, or `tokens` as the model counted them."""

    name: Literal["length", "tokens"] = "length"
    version: ClassVar[int] = 1

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Tokens are null where the model did not say."""
        return score_rows(predictions, self._one)

    def _one(self, row: Mapping[str, Any]) -> Scored:
        if self.name == "length":
            return Scored(float(len(row["answer"])))
        return _measured(row, "answer_tokens", "the tokens were not counted")


@dataclass(frozen=True)
class Latency:
    """Seconds of an answer, or until its first token; the mean, the median and the 95th percentile are told."""

    name: Literal["seconds", "first-token-seconds"] = "seconds"
    version: ClassVar[int] = 1

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Null where the time was not taken."""
        column = self.name.replace("-", "_")
        return score_rows(predictions, lambda row: _measured(row, column, "the time was not taken"))


@dataclass(frozen=True)
class Throughput:
    """Tokens of all answers for their seconds."""

    name: ClassVar[str] = "tokens-a-second"
    version: ClassVar[int] = 1

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Null where tokens or seconds are not known."""
        return score_rows(predictions, _throughput)


def refuses(answer: str) -> float:
    """1.0 or 0.0."""
    return float(REFUSALS.search(answer[:OPENING]) is not None)


def repetition(answer: str) -> float | None:
    """0 to 1; None for an answer of fewer than five words."""
    words: list[str] | str = answer.lower().split()
    if len(words) <= RUN and len(answer) > 10 * RUN:  # no spaces to speak of: by characters
        words = "".join(answer.split())
    count = len(words) - RUN + 1
    if count < 2:
        return None
    runs = {tuple(words[start : start + RUN]) for start in range(count)}
    return 1 - len(runs) / count


def _repetition(row: Mapping[str, Any]) -> Scored:
    value = repetition(row["answer"])
    return Scored(value, None if value is not None else f"the answer has fewer than {RUN + 1} words")


def _measured(row: Mapping[str, Any], column: str, absent: str) -> Scored:
    value = row.get(column)
    return Scored(None, absent) if value is None else Scored(float(value))


def _throughput(row: Mapping[str, Any]) -> Scored:
    tokens, seconds = row.get("answer_tokens"), row.get("seconds")
    if not tokens or not seconds:
        return Scored(None, "tokens or time are not known")
    return Scored(tokens / seconds, statistics=[float(tokens), float(seconds)])
