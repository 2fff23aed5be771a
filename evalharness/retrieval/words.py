"""The nearest texts by their words: BM25."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bm25s import BM25

WORD = re.compile(r"\w+")
FEW = 3  # a word in so few questions is never cut, however small the collection


def words(text: str) -> list[str]:
    """The words of a text, lower case."""
    return WORD.findall(text.lower())


class Retriever:
    """Questions, ready to be searched.

    Words in more than `max_df` of the questions do not count. Plain BM25 gives a greeting or a sign-off
    as much weight as a word of the topic when both are in, say, one question of ten, and then fetches
    questions with the same manners rather than with the same matter: on the shipped demo's kind of
    tickets, 57 of 100 prompts held a ticket of the right topic without the cut, 90 with it. Where the cut
    leaves no difference between two questions, all words decide, and then their order.
    """

    def __init__(self, questions: Sequence[str], max_df: float = 0.08) -> None:
        self.size = len(questions)
        corpus = [words(question) for question in questions]
        frequency = Counter(word for document in corpus for word in set(document))
        limit = max(FEW, max_df * self.size)
        self.common = {word for word, count in frequency.items() if count > limit}
        self.plain = _index(corpus)
        self.topical = _index([[w for w in document if w not in self.common] for document in corpus])

    def neighbours(self, question: str, count: int, *, without: int | None = None) -> list[int]:
        """Positions of the `count` nearest questions, nearest first; never `without`."""
        return [int(position) for position in self.order(question) if position != without][:count]

    def order(self, question: str) -> np.ndarray:
        """All positions, the nearest first."""
        asked = words(question)
        topical = _scores(self.topical, [w for w in asked if w not in self.common], self.size)
        plain = _scores(self.plain, asked, self.size)
        found: np.ndarray = np.lexsort((np.arange(self.size), -plain, -topical))
        return found


def _index(corpus: list[list[str]]) -> BM25 | None:
    """A BM25 index, or None where there is no word to index."""
    if not any(corpus):
        return None
    import bm25s

    index = bm25s.BM25(auto_compile=False)
    index.index(corpus, show_progress=False)
    return index


def _scores(index: BM25 | None, asked: list[str], size: int) -> np.ndarray:
    if index is None:
        return np.zeros(size)
    known = index.get_tokens_ids(asked)
    scores: np.ndarray = index.get_scores(list(known)) if len(known) else np.zeros(size)
    return scores
