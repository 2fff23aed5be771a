"""Texts as weights of their words and pieces of words, and vectors of that: what there is without an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

TOPICS = 256  # dimensions of the vectors
MOST_PIECES = 200_000  # the most frequent ones


def terms_of(texts: Sequence[str], *, pieces: bool = True) -> csr_matrix:
    """(text, term): TF-IDF of words, pairs of words and, if asked, pieces of 2 to 5 characters."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    ways = [TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")]
    if pieces:
        ways.append(
            TfidfVectorizer(
                analyzer="char_wb",
                ngram_range=(2, 5),
                sublinear_tf=True,
                min_df=1 if len(texts) < 200 else 2,
                max_features=MOST_PIECES,
            )
        )
    parts = [_weights(way, texts) for way in ways]
    return csr_matrix(hstack(parts), dtype=np.float32)


def _weights(way: object, texts: Sequence[str]) -> csr_matrix:
    """What one way makes of the texts; an empty column where there is no word in any of them."""
    from scipy.sparse import csr_matrix

    analyse = way.build_analyzer()  # type: ignore[attr-defined]
    if not any(analyse(text) for text in texts):
        return csr_matrix((len(texts), 1), dtype=np.float32)
    return way.fit_transform(texts)  # type: ignore[attr-defined]


def topics_of(terms: csr_matrix) -> NDArray[np.float32]:
    """(text, topic): unit vectors by latent semantic analysis; of a text without terms, zeros."""
    from sklearn.decomposition import TruncatedSVD

    if min(terms.shape) < 3:
        dense = np.asarray(terms.todense(), dtype=np.float32)
    else:
        size = min(TOPICS, min(terms.shape) - 1)
        dense = TruncatedSVD(size, random_state=0, n_iter=3).fit_transform(terms).astype(np.float32)
    lengths = np.linalg.norm(dense, axis=1, keepdims=True)
    return np.asarray(dense / np.where(lengths > 1e-9, lengths, 1), dtype=np.float32)
