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
from evalharness.metrics.about import CHARACTERS, ORDERS, bleu, chrf
from evalharness.metrics.rows import NO_REFERENCE, STATISTICS, Scored, no_answer, score_rows, table_of

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU

USUAL = "13a"
REFERENCE = 1  # the place of its length among the ten numbers
TOO_SHORT = f"no reference has {ORDERS} words, which BLEU counts runs of"
AT_ONCE = 200  # rows whose runs of characters are sorted together


@dataclass(frozen=True)
class Bleu:
    """BLEU of the whole by sacrebleu's tokens and counts; a row's own value is its sentence BLEU.

    `tokenize` is one of sacrebleu's: 13a, intl, char, zh and others.
    """

    tokenize: str = USUAL
    name: str = field(default="bleu")
    version: ClassVar[int] = 2

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Null where the row has no reference. The statistics are lengths, matches and totals.

        Where no reference has four tokens all are null: what is right to the letter would have 0.
        """
        found = score_rows(predictions, self._one)
        longest = found["statistics"].list.get(REFERENCE).max()
        if not isinstance(longest, float) or longest >= ORDERS:
            return found
        scored = pl.col("value").is_not_null()
        return found.with_columns(
            value=pl.lit(None, dtype=pl.Float64),
            reason=pl.when(scored).then(pl.lit(TOO_SHORT)).otherwise("reason"),
            statistics=pl.lit(None, dtype=STATISTICS),
        )

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
        rows = predictions.select("answer", "reference", "error").rows()
        known = [at for at, (answer, reference, _) in enumerate(rows) if answer is not None and reference]
        found = [
            no_answer(error) if answer is None else Scored(None, NO_REFERENCE) for answer, _, error in rows
        ]
        for start in range(0, len(known), AT_ONCE):
            part = known[start : start + AT_ONCE]
            sums = chrf_of_many([(rows[at][0], rows[at][1]) for at in part])
            for at, value, counts in zip(part, chrf(np.array(sums)).tolist(), sums, strict=True):
                found[at] = Scored(value, statistics=counts)
        return table_of(predictions["example_id"].to_list(), found)

    def signature(self) -> str:
        """As sacrebleu writes it of its own chrF, with our name for the version."""
        return "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:seatrial-1"


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


def chrf_of_many(pairs: Sequence[tuple[str, str]]) -> list[list[float]]:
    """`chrf_statistics` of each pair, in half the time: runs of characters as numbers, sorted for all pairs at once."""
    texts = ["".join(text.split()) for pair in pairs for text in pair]
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    flat = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    known, ids = np.unique(flat, return_inverse=True)
    base = max(2, len(known))
    if 2 * len(pairs) * base**CHARACTERS >= 2**62:  # too many sorts of characters for one number
        return [chrf_statistics(*pair) for pair in pairs]
    text = np.repeat(np.arange(len(texts)), lengths)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(flat))  # characters to the text's end
    runs, found = np.zeros(len(flat), dtype=np.int64), np.zeros((len(pairs), CHARACTERS, 3))
    for order in range(CHARACTERS):
        runs[: len(ids) - order] = runs[: len(ids) - order] * base + ids[order:]
        whole, many = left > order, base ** (order + 1)
        keys = ((text[whole] // 2 * many + runs[whole]) << 1) | (text[whole] % 2)
        keys.sort()
        first = np.flatnonzero(np.diff(keys >> 1, prepend=-1))
        if not len(first):
            break
        theirs = np.add.reduceat(keys & 1, first)
        ours = np.diff(first, append=len(keys)) - theirs
        row = (keys[first] >> 1) // many
        for column, counts in enumerate((ours, theirs, np.minimum(ours, theirs))):
            found[:, order, column] = np.bincount(row, weights=counts, minlength=len(pairs))
    found[:, :, 0] *= found[:, :, 1] > 0
    return [[float(each) for each in row] for row in found.reshape(len(pairs), 3 * CHARACTERS)]
