"""Texts as weights of their words and pieces of words, and vectors of that: what there is without an encoder.

The weights are those of scikit-learn's TfidfVectorizer, and the vectors those of its TruncatedSVD, to what a
float32 can hold; tests hold them equal. They are made here since that library alone takes longer to load than
a small set to scan, and since each distinct word is cut into pieces once, not wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

TOPICS = 256  # dimensions of the vectors
MOST_PIECES = 200_000  # the most frequent ones
SMALL = 200  # texts; of fewer a piece counts that stands in one alone
SHORTEST, LONGEST = 2, 5  # characters of a piece
MORE, ROUNDS, SEED = 10, 3, 0  # directions beside those kept, and rounds, of the search for the topics
NOTHING = 1e-6  # of the longest direction: a shorter one is rounding
ROWS = 16_384  # taken at once in double precision
_WORD = re.compile(r"\w+")

Numbers = NDArray[np.int64]


class _Tokens(NamedTuple):
    """The tokens of all texts: the distinct ones in order, and which of them stand where."""

    distinct: list[str]  # sorted by code points
    token: Numbers  # number of the distinct one, text by text
    text: Numbers  # in which each stands


def terms_of(texts: Sequence[str], *, pieces: bool = True) -> csr_matrix:
    """(text, term): TF-IDF of words, pairs of words and, if asked, pieces of 2 to 5 characters."""
    from scipy.sparse import csr_matrix, hstack

    small = [text.lower() for text in texts]
    parts = [_weights(_words([_WORD.findall(text) for text in small]))]
    if pieces:
        least = 1 if len(texts) < SMALL else 2
        parts.append(_weights(_frequent(_pieces([text.split() for text in small]), least)))
    return csr_matrix(hstack(parts), dtype=np.float32)


def topics_of(terms: csr_matrix) -> NDArray[np.float32]:
    """(text, topic): unit vectors by latent semantic analysis; of a text without terms, zeros."""
    if min(terms.shape) < 3:
        dense = np.asarray(terms.todense(), dtype=np.float32)
    else:
        dense = _projected(terms, min(TOPICS, min(terms.shape) - 1))
    lengths = np.linalg.norm(dense, axis=1, keepdims=True)
    return np.asarray(dense / np.where(lengths > 1e-9, lengths, 1), dtype=np.float32)


def _tokens(cut: list[list[str]]) -> _Tokens:
    """The tokens of texts that are cut into them."""
    distinct = sorted(set(chain.from_iterable(cut)))
    number = {token: at for at, token in enumerate(distinct)}
    sizes = np.fromiter(map(len, cut), dtype=np.int64, count=len(cut))
    every = map(number.__getitem__, chain.from_iterable(cut))
    token = np.fromiter(every, dtype=np.int64, count=int(sizes.sum()))
    return _Tokens(distinct, token, np.repeat(np.arange(len(cut)), sizes))


def _counted(row: Numbers, key: Numbers, rows: int) -> csr_matrix:
    """(row, distinct key, in order): how often it stands there."""
    from scipy.sparse import csr_matrix

    distinct, column = np.unique(key, return_inverse=True)
    return csr_matrix((np.ones(len(row)), (row, column)), shape=(rows, len(distinct)))


def _words(cut: list[list[str]]) -> csr_matrix:
    """(text, word or pair of words): how often it stands there; ordered as the strings are."""
    tokens = _tokens(cut)
    base = len(tokens.distinct) + 1
    beside = tokens.text[1:] == tokens.text[:-1]
    pairs = (tokens.token[:-1] * base + tokens.token[1:] + 1)[beside]
    rows = np.concatenate([tokens.text, tokens.text[:-1][beside]])
    return _counted(rows, np.concatenate([tokens.token * base, pairs]), len(cut))


def _pieces(cut: list[list[str]]) -> csr_matrix:
    """(text, piece of a word): how often it stands there; a word begins and ends with a space."""
    from scipy.sparse import csr_matrix

    tokens = _tokens(cut)
    shape = len(cut), len(tokens.distinct)
    stands = csr_matrix((np.ones(len(tokens.token)), (tokens.text, tokens.token)), shape=shape)
    return csr_matrix(stands @ _pieces_of_words(tokens.distinct))


def _pieces_of_words(words: list[str]) -> csr_matrix:
    """(word, piece): how often it stands there; ordered as the strings are."""
    joined = "".join(f" {word} " for word in words).encode("utf-32-le", "surrogatepass")
    known, rank = np.unique(np.frombuffer(joined, dtype=np.uint32), return_inverse=True)
    # what lies behind the end of a piece comes before all characters
    codes = np.concatenate([rank.astype(np.int64) + 1, np.zeros(LONGEST, dtype=np.int64)])
    base = len(known) + 1
    sizes = np.fromiter(map(len, words), dtype=np.int64, count=len(words)) + 2
    owner = np.repeat(np.arange(len(words)), sizes)
    left = np.repeat(np.cumsum(sizes), sizes) - np.arange(len(owner))  # characters to the end of the word
    firsts, lasts, rows = [], [], []
    for size in range(SHORTEST, LONGEST + 1):
        at = np.flatnonzero(left >= size)
        one, two, three, four, five = (codes[at + step] if step < size else 0 for step in range(LONGEST))
        firsts.append((one * base + two) * base + three)
        lasts.append(np.zeros(len(at), dtype=np.int64) + four * base + five)
        rows.append(owner[at])
    _, first = np.unique(np.concatenate(firsts), return_inverse=True)
    return _counted(np.concatenate(rows), first * base * base + np.concatenate(lasts), len(words))


def _frequent(counts: csr_matrix, least: int) -> csr_matrix:
    """The columns that stand in at least so many rows; of these the MOST_PIECES that stand there most often."""
    kept = np.flatnonzero(counts.getnnz(axis=0) >= least)
    if len(kept) > MOST_PIECES:
        often = np.asarray(counts.sum(axis=0)).ravel()[kept]
        kept = np.sort(kept[np.argsort(-often, kind="stable")[:MOST_PIECES]])
    return counts if len(kept) == counts.shape[1] else counts[:, kept]


def _weights(counts: csr_matrix) -> csr_matrix:
    """Counts as rows of length 1: 1 + log(count), times log((1 + rows) / (1 + rows with it)) + 1.

    An empty column where there are none.
    """
    from scipy.sparse import csr_matrix

    rows, columns = counts.shape
    if not columns:
        return csr_matrix((rows, 1), dtype=np.float32)
    rare = np.log((1 + rows) / (1 + counts.getnnz(axis=0))) + 1
    values = (np.log(counts.data) + 1) * rare[counts.indices]
    lengths = np.sqrt(np.bincount(np.repeat(np.arange(rows), np.diff(counts.indptr)), values**2, rows))
    values /= np.repeat(lengths, np.diff(counts.indptr))
    return csr_matrix((values, counts.indices, counts.indptr), shape=counts.shape)


def _projected(terms: csr_matrix, size: int) -> NDArray[np.float32]:
    """The rows as seen along the `size` directions in which they are longest.

    By the randomised method of Halko, Martinsson and Tropp ("Finding structure with randomness", 2011,
    algorithms 4.4 and 5.1), begun as scikit-learn begins it where there are more terms than texts. What
    the directions are called, and which way they point, means nothing: only angles between rows are used.
    """
    turned = terms.T.tocsr()
    draw = np.random.RandomState(SEED)
    basis = draw.normal(size=(terms.shape[0], size + MORE)).astype(np.float32)
    for _ in range(ROUNDS):
        basis = _orthonormal(terms @ (turned @ basis))
    seen = np.asarray(terms @ _orthonormal(turned @ basis), dtype=np.float64)
    _, ways = np.linalg.eigh(seen.T @ seen)
    return np.asarray(seen @ ways[:, ::-1][:, :size], dtype=np.float32)


def _orthonormal(directions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit columns at right angles that reach what these reach; fewer, where some only repeat others.

    By their products with each other, in double precision, which takes a third of the time of numpy's QR.
    """
    parts = range(0, len(directions), ROWS)
    square = np.zeros((directions.shape[1],) * 2)
    for begin in parts:
        part = directions[begin : begin + ROWS].astype(np.float64)
        square += part.T @ part
    spread, ways = np.linalg.eigh(square)
    kept = spread > spread[-1] * NOTHING**2
    scale = ways[:, kept] / np.sqrt(spread[kept])
    made = np.empty((len(directions), int(kept.sum())), dtype=np.float32)
    for begin in parts:
        made[begin : begin + ROWS] = directions[begin : begin + ROWS] @ scale
    return made
