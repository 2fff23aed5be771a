"""The nearest texts by what they mean, and by words and meaning together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from curate.scanning.embedding import Vectors

RANK = 60  # of reciprocal rank fusion (Cormack, Clarke and Buettcher 2009): damps the first places


class Search(Protocol):
    """Texts, ready to be searched."""

    size: int

    def order(self, question: str) -> np.ndarray:
        """All positions, the nearest first."""
        ...


class ByMeaning:
    """Texts by the cosine of their vectors; of equal ones, in their order."""

    def __init__(self, texts: Sequence[str], vectors: Vectors) -> None:
        self.size, self.vectors = len(texts), vectors
        self.known = vectors.of_whole(list(texts)) if texts else np.zeros((0, 1), dtype=np.float32)

    def order(self, question: str) -> np.ndarray:
        """All positions, the nearest first."""
        if not self.size or not question:
            return np.arange(self.size)
        asked = self.vectors.of_whole([question])[0]
        found: np.ndarray = np.argsort(-(self.known @ asked), kind="stable")
        return found


class Fused:
    """Several orders as one: the sum of 1 / (60 + rank) over them."""

    def __init__(self, parts: Sequence[Search]) -> None:
        self.parts, self.size = parts, parts[0].size

    def order(self, question: str) -> np.ndarray:
        """All positions, the nearest first."""
        total = np.zeros(self.size)
        for part in self.parts:
            total[part.order(question)] += 1.0 / (RANK + 1 + np.arange(self.size))
        found: np.ndarray = np.argsort(-total, kind="stable")
        return found


def nearest(search: Search, question: str, count: int, *, without: int | None = None) -> list[int]:
    """Positions of the `count` nearest, nearest first; never `without`."""
    first = search.order(question)[: count + 1]
    return [int(position) for position in first if position != without][:count]
