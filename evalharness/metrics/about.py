"""What is known of a metric by its name: which way is better, and how rows become one figure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evalharness.statistics.intervals import Floats
from evalharness.statistics.pooled import Formula

Better = Literal["more", "less"]

ORDERS = 4  # BLEU: runs of one to four words
CHARACTERS = 6  # chrF: runs of one to six characters
BETA = 2.0  # chrF: recall counts so many times as much as precision


@dataclass(frozen=True)
class About:
    """`better` is None where neither way is good in itself: such a figure describes and decides nothing.

    With a `formula` the figure of many rows is that of the sums of their statistics, and not the mean of
    their values. `quantiles` are told beside the mean.
    """

    better: Better | None = "more"
    unit: str = "share"
    formula: Formula | None = None
    quantiles: tuple[float, ...] = ()
    known: bool = True  # False of a metric that is not ours: that more is better is then a guess


def about(name: str) -> About:
    """What is known of the metric `name`; of one that is not ours nothing, and more is taken for better."""
    return KNOWN.get(re.split(r"[:#]", name)[0], About(unit="value", known=False))


def bleu(sums: Floats) -> Floats:
    """BLEU, 0 to 1, of (length, reference length, four matches, four totals) in each row.

    K. Papineni et al., "BLEU" (2002), with exponential smoothing of orders without a match, as sacrebleu
    does by default. 0 where there is no run of four.
    """
    length, wanted = sums[:, 0], sums[:, 1]
    right, total = sums[:, 2 : 2 + ORDERS], sums[:, 2 + ORDERS :]
    halves = np.cumsum(right == 0, axis=1)  # the k-th order without a match counts 1 / 2^k of one
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(right > 0, right, 0.5**halves) / total
        logs = np.log(shares).mean(axis=1)
        found = logs + np.where(length >= wanted, 0.0, 1 - wanted / length)
    none = (right.sum(axis=1) == 0) | (total == 0).any(axis=1)
    return np.asarray(np.where(none, 0.0, np.exp(np.where(none, 0.0, found))))


def chrf(sums: Floats) -> Floats:
    """chrF, 0 to 1, of six times (said, wanted, matches) in each row.

    M. Popović, "chrF: character n-gram F-score" (2015), over the orders that both sides have.
    """
    said, wanted, right = (sums[:, side::3] for side in range(3))
    counted = (said > 0) & (wanted > 0)
    orders = np.maximum(1, counted.sum(axis=1))
    precision, recall = (
        np.divide(right, side, out=np.zeros_like(right), where=counted).sum(axis=1) / orders
        for side in (said, wanted)
    )
    both = BETA**2 * precision + recall
    return np.asarray(
        np.divide((1 + BETA**2) * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    )


def by_token(sums: Floats) -> Floats:
    """Perplexity over all tokens of (log probability, tokens): long texts count for more."""
    return np.exp(-_ratio(sums[:, 0], sums[:, 1]))


def by_sequence(sums: Floats) -> Floats:
    """Perplexity of (mean log probability of a token, 1): each text counts once, whatever its length."""
    return np.exp(-_ratio(sums[:, 0], sums[:, 1]))


def rate(sums: Floats) -> Floats:
    """The first of two sums for one of the second, as tokens a second."""
    return _ratio(sums[:, 0], sums[:, 1])


def f1(sums: Floats) -> Floats:
    """F1 of (hits, said, wanted)."""
    return _ratio(2 * sums[:, 0], sums[:, 1] + sums[:, 2])


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)


KNOWN: dict[str, About] = {
    "bleu": About(formula=bleu),
    "chrf": About(formula=chrf),
    "perplexity-by-token": About("less", "perplexity", by_token),
    "perplexity-by-sequence": About("less", "perplexity", by_sequence),
    "refusal": About(None),
    "repetition": About(None),
    "length": About(None, "characters"),
    "tokens": About(None, "tokens"),
    "seconds": About(None, "seconds", quantiles=(0.5, 0.95)),
    "first-token-seconds": About(None, "seconds", quantiles=(0.5, 0.95)),
    "tokens-a-second": About(None, "tokens a second", rate),
} | dict.fromkeys(
    ("accuracy", "macro-f1", "micro-f1", "exact-match", "token-f1", "format", "judge"), About()
) | {f"rouge{kind}": About() for kind in (*"123456789L", "Lsum")}  # fmt: skip
