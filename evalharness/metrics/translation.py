"""BLEU and chrF: measures of the whole, kept as the sums that they are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from curate.errors import ConfigError, MissingExtraError
from evalharness.metrics.about import CHARACTERS, bleu, chrf
from evalharness.metrics.rows import NO_REFERENCE, Scored, score_rows

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU

USUAL = "13a"


@dataclass(frozen=True)
class Bleu:
    """BLEU of the whole by sacrebleu's tokens and counts; a row's own value is its sentence BLEU.

    `tokenize` is one of sacrebleu's: 13a, intl, char, zh and others.
    """

    tokenize: str = USUAL
    name: str = field(default="bleu")
    version: ClassVar[int] = 1

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Null where the row has no reference. The statistics are lengths, matches and totals."""
        return score_rows(predictions, self._one)

    def signature(self) -> str:
        """Sacrebleu's signature of the corpus score."""
        peer = _bleu(self.tokenize, sentences=False)
        peer.corpus_score(["a"], [["a"]])
        return str(peer.get_signature())

    def _one(self, row: Mapping[str, Any]) -> Scored:
        if not row["reference"]:
            return Scored(None, NO_REFERENCE)
        found = self._peer.sentence_score(row["answer"], [row["reference"]])
        return Scored(found.score / 100, statistics=statistics_of(found))

    def counts(self, answer: str, references: Sequence[str]) -> list[float]:
        """Of one answer: its length, the reference's, matches and totals of four orders."""
        return statistics_of(self._peer.sentence_score(answer, references))

    @cached_property
    def _peer(self) -> BLEU:
        return _bleu(self.tokenize, sentences=True)


def statistics_of(found: Any) -> list[float]:  # noqa: ANN401
    """The ten numbers of a sacrebleu score that the measure is made of."""
    return [float(each) for each in (found.sys_len, found.ref_len, *found.counts, *found.totals)]


def corpus_bleu(answers: Sequence[str], references: Sequence[Sequence[str]], tokenize: str = USUAL) -> float:
    """BLEU, 0 to 1, of many answers, each with its references."""
    metric = Bleu(tokenize)
    rows = [metric.counts(*pair) for pair in zip(answers, references, strict=True)]
    return float(bleu(np.array(rows).sum(axis=0, keepdims=True))[0])


def _bleu(tokenize: str, *, sentences: bool) -> BLEU:
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError as error:
        raise MissingExtraError("sacrebleu", "all") from error
    known = sorted(BLEU.TOKENIZERS)
    if tokenize not in known:
        raise ConfigError(f"bleu:{tokenize}: no such tokenizer", hint=f"known: {', '.join(known)}")
    try:
        return BLEU(tokenize=tokenize, effective_order=sentences)
    except (ImportError, RuntimeError) as error:
        raise ConfigError(
            f"bleu:{tokenize}: {error}", hint="this tokenizer needs a package or a download of its own"
        ) from error


@dataclass(frozen=True)
class Chrf:
    """chrF of the whole over characters, white space left out; a row's own value is its sentence chrF."""

    name: ClassVar[str] = "chrf"
    version: ClassVar[int] = 1

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Null where the row has no reference. The statistics are counts and matches of six orders."""
        return score_rows(predictions, self._one)

    def signature(self) -> str:
        """As sacrebleu writes it of its own chrF, with our name for the version."""
        return "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:seatrial-1"

    def _one(self, row: Mapping[str, Any]) -> Scored:
        if not row["reference"]:
            return Scored(None, NO_REFERENCE)
        found = chrf_statistics(row["answer"], row["reference"])
        return Scored(float(chrf(np.array([found]))[0]), statistics=found)


def chrf_statistics(answer: str, reference: str) -> list[float]:
    """Of each order of one to six characters: said, wanted, matches. An order that is not wanted is not said."""
    said, wanted = ("".join(text.split()) for text in (answer, reference))
    found: list[float] = []
    for size in range(1, CHARACTERS + 1):
        ours, theirs = (
            Counter(text[start : start + size] for start in range(len(text) - size + 1))
            for text in (said, wanted)
        )
        matches = sum(min(count, theirs[run]) for run, count in ours.items() if run in theirs)
        found += [float(ours.total() if theirs else 0), float(theirs.total()), float(matches)]
    return found
