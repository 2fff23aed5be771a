"""Regions of inputs: those that are alike are put together, and each is shown by the words that are its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

MOST = 2_000  # inputs that are put together by comparing all with all; of more, the farthest are shown
LARGEST = 8  # regions looked for at most
FEW = 8  # inputs; fewer are one region
TYPICAL = 6  # words
TIMES = 3.0  # as often as in the training rows a word must stand in a region to be its own
SHOWN = 3  # places
# letters only: a number in a text may be somebody's, and says little about a region
WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True)
class Region:
    """Inputs that are alike, and far from all training rows."""

    rows: int
    share: float  # of all inputs
    words: list[str]  # that stand in several of its inputs, the most typical first
    places: list[str]  # file:row of the most typical inputs


def regions_of(
    met: pl.DataFrame,
    missing: NDArray[np.int64],
    points: Any,  # noqa: ANN401 - dense or sparse
    known: pl.DataFrame,
) -> list[Region]:
    """The regions that the missing inputs form, the largest first; `met` has `text` and `place`."""
    if not len(missing):
        return []
    some = missing[:MOST]
    found = points[some]
    vectors = np.asarray(found.toarray() if hasattr(found, "toarray") else found, dtype=np.float32)
    parts = _parted(vectors)
    before = _documents(known["text"])
    texts, places = met["text"].gather(some).to_list(), met["place"].gather(some).to_list()
    regions = []
    for number in range(int(parts.max()) + 1):
        own = np.flatnonzero(parts == number)
        middle = vectors[own].sum(axis=0)
        nearest = own[np.argsort(-(vectors[own] @ middle), kind="stable")][:SHOWN]
        words = _typical([texts[n] for n in own], before, known.height)
        regions.append(Region(len(own), round(len(own) / met.height, 4), words, [places[n] for n in nearest]))
    return sorted(regions, key=lambda r: (-r.rows, r.words))


def _parted(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    """The number of each row's region: average linkage by cosine, as many as have the best silhouette."""
    if len(vectors) < FEW:
        return np.zeros(len(vectors), dtype=np.int64)
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.metrics import silhouette_score

    away = np.clip(1 - vectors @ vectors.T, 0, None)
    np.fill_diagonal(away, 0)
    best, kept = 0.02, np.zeros(len(vectors), dtype=np.int64)  # below that, parts are no parts
    for count in range(2, min(LARGEST, len(vectors) // 4) + 1):
        made = AgglomerativeClustering(n_clusters=count, metric="precomputed", linkage="average")
        parts = made.fit_predict(away)
        score = silhouette_score(away, parts, metric="precomputed")
        if score > best:
            best, kept = score, parts.astype(np.int64)
    return kept


def _documents(texts: Iterable[str]) -> Counter[str]:
    """In how many texts each word stands."""
    return Counter(word for text in texts for word in set(WORD.findall(text.lower())))


def _typical(texts: Sequence[str], before: Counter[str], known: int) -> list[str]:
    """Words of at least two of the texts (or the only one's), by how much more they stand here than in the training rows."""
    here = _documents(texts)
    least = 2 if len(texts) > 1 else 1
    times = {
        word: (count / len(texts)) / ((before[word] + 0.5) / (known + 1))
        for word, count in here.items()
        if count >= least
    }
    weight = {word: here[word] * np.log(more) for word, more in times.items() if more >= TIMES}
    return sorted(weight, key=lambda w: (-round(weight[w], 9), w))[:TYPICAL]
