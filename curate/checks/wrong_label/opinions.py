"""Three opinions on which label a text should have, none of which has seen that text's own label.

Each is a table (text, class) of probabilities: what the nearest neighbours carry, what a regression on
the vectors says, what a linear classifier of words and characters says. They err in different ways,
so what all of them doubt is rarely right.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from curate.scanning.neighbours import nearest

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Table = NDArray[np.float32]
Codes = NDArray[np.int64]
Vectors = NDArray[np.float32]

FOLDS = 5
MOST_NEIGHBOURS = 60
WIDTH = 0.05  # of the kernel: a neighbour so much less similar counts 1/e of the nearest
STRENGTH = 10.0  # inverse regularisation of the regression on unit vectors
FITTED_ON = 50_000  # rows at most that one model is fitted on, and among which neighbours are looked for
SCALES = (0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.7, 8.0, 11.3)
FLOOR = 2e-3  # no opinion is surer than that against a label
SEED = 20_260_101


def folds(texts: Sequence[str], codes: Codes) -> Codes:
    """(row,): the fold of each row; rows of one text share one, each label is spread over all.

    It depends on what a row says and not on where it stands.
    """
    keys = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts]
    place: dict[bytes, int] = {}
    seen = np.zeros(int(codes.max()) + 1, dtype=np.int64)
    for at in sorted(range(len(keys)), key=lambda at: (int(codes[at]), keys[at])):
        if keys[at] not in place:
            place[keys[at]] = int(seen[codes[at]] % FOLDS)
            seen[codes[at]] += 1
    return np.array([place[key] for key in keys], dtype=np.int64)


def neighbours_say(vectors: Vectors, texts: Sequence[str], codes: Codes, fold: Codes) -> tuple[Table, Codes]:
    """What the nearest other texts carry, the nearer the more; and the row numbers of the neighbours.

    They are looked for twice, and the votes averaged: among the vectors as they are, and where that in which
    texts of one label differ counts less, as the other folds have it (a row's own label is in neither).
    """
    rows = np.arange(len(codes))
    base = _some(rows, codes)
    table, found = _votes(vectors, vectors[base], rows, base, texts, codes)
    told = np.zeros_like(table)
    for turn in range(FOLDS):
        asked = np.flatnonzero(fold == turn)
        if not len(asked):
            continue
        known = _some(np.flatnonzero(fold != turn), codes)
        turned = _evened(vectors[known], codes[known])
        told[asked], _ = _votes(turned(vectors[asked]), turned(vectors[base]), asked, base, texts, codes)
    return np.asarray((table + told) / 2, dtype=np.float32), found


def _votes(
    queries: Vectors, among: Vectors, asked: Codes, base: Codes, texts: Sequence[str], codes: Codes
) -> tuple[Table, Codes]:
    """(asked, class): the labels of the nearest rows of `base`, and which rows those are.

    A copy of the text with the same label is no second witness; one with another label is. So many
    neighbours are asked as half of the rows of a label, on the mean, 5 to MOST_NEIGHBOURS.
    """
    classes = int(codes.max()) + 1
    count = int(np.clip(len(codes) // (2 * classes), 5, MOST_NEIGHBOURS))
    places, cosines = nearest(queries, among, count + 1 + _copies(texts))
    found = base[places]
    number = {text: at for at, text in enumerate(dict.fromkeys(texts))}
    same = np.array([number[text] for text in texts], dtype=np.int64)
    own = (same[found] == same[asked][:, None]) & (codes[found] == codes[asked][:, None])
    order = np.argsort(own, axis=1, kind="stable")[:, :count]  # one's own copies last
    found, own = np.take_along_axis(found, order, 1), np.take_along_axis(own, order, 1)
    cosines = np.take_along_axis(cosines, order, 1)
    weights = np.where(own, 0.0, np.exp((cosines - cosines[:, :1]) / WIDTH))
    table = np.zeros((len(asked), classes), dtype=np.float32)
    for column in range(found.shape[1]):
        np.add.at(table, (np.arange(len(asked)), codes[found[:, column]]), weights[:, column])
    table /= np.maximum(table.sum(axis=1, keepdims=True), 1e-12)
    return table, found


def _evened(vectors: Vectors, codes: Codes) -> Callable[[Vectors], Vectors]:
    """Unit vectors in which texts of one label differ by as much in each direction.

    That is whitening by the covariance within the labels, shrunk as Ledoit and Wolf have it ("A
    well-conditioned estimator for large-dimensional covariance matrices", 2004).
    """
    from sklearn.covariance import ledoit_wolf

    sums = np.zeros((int(codes.max()) + 1, vectors.shape[1]))
    np.add.at(sums, codes, vectors)
    means = sums / np.maximum(np.bincount(codes), 1)[:, None]
    within, _ = ledoit_wolf(vectors - means[codes], assume_centered=True)
    spread, ways = np.linalg.eigh(within)
    if spread[-1] < 1e-9:  # the texts of each label are all the same
        return lambda some: some
    scale = ways / np.sqrt(np.maximum(spread, 1e-6 * spread[-1]))
    middle = vectors.mean(axis=0)

    def turned(some: Vectors) -> Vectors:
        moved = (some - middle) @ scale
        lengths = np.linalg.norm(moved, axis=1, keepdims=True)
        return np.asarray(moved / np.maximum(lengths, 1e-9), dtype=np.float32)

    return turned


def _copies(texts: Sequence[str]) -> int:
    """How many copies of one text, beyond itself, may stand before the true neighbours (20 at most)."""
    counts: dict[str, int] = {}
    for text in texts:
        counts[text] = counts.get(text, 0) + 1
    return min(20, max(counts.values(), default=1) - 1)


def regression_says(vectors: Vectors, codes: Codes, fold: Codes) -> Table:
    """Multinomial logistic regression on the vectors, out of fold."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    def fitted(rows: Codes) -> Callable[[Codes], tuple[Table, Codes]]:
        model = LogisticRegression(C=STRENGTH, max_iter=60, tol=1e-3)
        with warnings.catch_warnings():
            # sixty steps are enough for a ranking: more change the fourth digit
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(vectors[rows], codes[rows])
        return lambda asked: (_two_sided(model.decision_function(vectors[asked])), model.classes_)

    return _calibrated(_out_of_fold(codes, fold, fitted), codes)


def words_say(terms: csr_matrix, codes: Codes, fold: Codes) -> Table:
    """A linear classifier of words and characters, out of fold."""
    from sklearn.svm import LinearSVC

    def fitted(rows: Codes) -> Callable[[Codes], tuple[Table, Codes]]:
        model = LinearSVC(C=1.0, tol=1e-2, random_state=0).fit(terms[rows], codes[rows])
        return lambda asked: (_two_sided(model.decision_function(terms[asked])), model.classes_)

    return _calibrated(_out_of_fold(codes, fold, fitted), codes)


def joined(opinions: Sequence[Table]) -> Table:
    """One table of several: the geometric mean of the floored opinions, so that each has a veto."""
    logs = sum(np.log(opinion + FLOOR) for opinion in opinions) / len(opinions)
    return softmax(np.asarray(logs))


def explained(table: Table, codes: Codes) -> float:
    """The share of the labels' entropy that the opinions explain; 0 or less where chance says as much."""
    shares = np.bincount(codes) / len(codes)
    shares = shares[shares > 0]
    surprise = -np.log(table[np.arange(len(codes)), codes] + 1e-9).mean()
    return float(1 - surprise / -(shares * np.log(shares)).sum())


def calibrated(table: Table, codes: Codes) -> Table:
    """Probabilities that are as often right as they say: opinions that agree are surer together than they may be."""
    return _calibrated(np.log(table + 1e-9), codes)


def balanced(table: Table, codes: Codes) -> Table:
    """Probabilities in which a label counts for less the more rows have it: by the square root of its share.

    Opinions lean towards the commonest label, so that right rows of a rare one would be doubted first.
    """
    shares = np.maximum(np.bincount(codes, minlength=table.shape[1]) / len(codes), 1e-9)
    weighed = table / np.sqrt(shares)
    return np.asarray(weighed / weighed.sum(axis=1, keepdims=True), dtype=np.float32)


def _some(rows: Codes, codes: Codes) -> Codes:
    """At most FITTED_ON of the rows, of each label its share; all of them where they are so few."""
    if len(rows) <= FITTED_ON:
        return rows
    draw = np.random.default_rng(SEED).random(len(rows))
    order = np.lexsort((draw, codes[rows]))
    # every n-th row in the order of labels: each label keeps its share, to a row
    places = (np.arange(FITTED_ON) * (len(rows) / FITTED_ON)).astype(np.int64)
    return np.sort(rows[order[places]])


def _out_of_fold(
    codes: Codes, fold: Codes, fitted: Callable[[Codes], Callable[[Codes], tuple[Table, Codes]]]
) -> Table:
    """(row, class): what the model of the other folds says of each row; of a class it never saw, little."""
    table = np.full((len(codes), int(codes.max()) + 1), np.nan, dtype=np.float32)
    for turn in range(FOLDS):
        asked = np.flatnonzero(fold == turn)
        if not len(asked):
            continue
        said, classes = fitted(_some(np.flatnonzero(fold != turn), codes))(asked)
        table[np.ix_(asked, classes)] = said
    return np.asarray(np.where(np.isnan(table), np.nanmin(table), table), dtype=np.float32)


def _two_sided(found: Table) -> Table:
    """A column for each class: where there are two, the models give one number."""
    return np.asarray(np.stack([-found, found], axis=1) / 2 if found.ndim == 1 else found, dtype=np.float32)


def _calibrated(logits: Table, codes: Codes) -> Table:
    """Probabilities of the logits, at the scale under which the labels as given are likeliest.

    Wrong labels are among them, which makes the scale a cautious one: as it should be.
    """
    rows = np.arange(len(codes))

    def surprise(scale: float) -> float:
        return float(-np.log(softmax(logits * scale)[rows, codes] + 1e-9).mean())

    return softmax(logits * min(SCALES, key=surprise))


def softmax(logits: Table) -> Table:
    """Probabilities of each row's logits."""
    raised: Table = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)
