"""ROUGE-1, -2 and -L of two texts, as rouge_score 0.1.2 computes them without stemming."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

WORD = re.compile(r"[a-z0-9]+")


class Rouge(NamedTuple):
    """Overlap of an answer with its reference, each from 0 to 1."""

    precision: float
    recall: float
    f: float


def tokens(text: str) -> list[str]:
    """Runs of a-z and 0-9, lower case; all else divides. Text in other scripts has none."""
    return WORD.findall(text.lower())


def rouge_n(reference: Sequence[str], answer: Sequence[str], n: int) -> Rouge:
    """Overlap of runs of `n` tokens, each counted as often as it occurs on both sides."""
    wanted, said = _runs(reference, n), _runs(answer, n)
    common = sum((wanted & said).values())
    return _rouge(common, sum(said.values()), sum(wanted.values()))


def rouge_l(reference: Sequence[str], answer: Sequence[str]) -> Rouge:
    """Overlap by the longest common subsequence of tokens."""
    return _rouge(_longest_common(reference, answer), len(answer), len(reference))


def _runs(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(words[start:] for start in range(n)), strict=False))


def _longest_common(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the longest common subsequence, by bits of one integer (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for position, word in enumerate(left):
        places[word] = places.get(word, 0) | 1 << position
    full = (1 << len(left)) - 1
    row = full
    for word in right:
        match = row & places.get(word, 0)
        row = ((row + match) | (row - match)) & full
    return len(left) - row.bit_count()


def _rouge(common: int, said: int, wanted: int) -> Rouge:
    precision, recall = common / max(said, 1), common / max(wanted, 1)
    f = 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
    return Rouge(precision, recall, f)
