"""The weights of words and their vectors are scikit-learn's, though it is not loaded for them."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest

from curate.scanning import terms
from curate.scanning.terms import terms_of, topics_of

ODD = [
    "",
    " ",
    "?!",
    "a",
    "A b, c; Straße STRASSE",
    "漢字 漢字漢字 x",
    "ÉCOLE école e\u0301cole",
    "x\ud800y z",
    "tab\tand\u2003space",
]


def made(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    words = ["".join(draw.choices("abcdefgé漢😀-_'", k=draw.randrange(1, 9))) for _ in range(1_500)]
    return [" ".join(draw.choices(words, k=draw.randrange(20))) for _ in range(count)]


def peers(texts: list[str], *, pieces: bool = True):
    text = pytest.importorskip("sklearn.feature_extraction.text")
    from scipy.sparse import hstack

    ways = [text.TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")]
    if pieces:
        least = 1 if len(texts) < 200 else 2
        ways.append(
            text.TfidfVectorizer(
                analyzer="char_wb",
                ngram_range=(2, 5),
                sublinear_tf=True,
                min_df=least,
                max_features=terms.MOST_PIECES,
            )
        )
    return hstack([way.fit_transform(texts) for way in ways]).tocsr()


@pytest.mark.parametrize("texts", [ODD, made(10, 1), made(199, 2), made(200, 3), made(900, 4), ["same"] * 20])
@pytest.mark.parametrize("pieces", [True, False])
def test_weights_are_those_of_scikit_learn(texts, pieces):
    ours, theirs = terms_of(texts, pieces=pieces), peers(texts, pieces=pieces)
    assert ours.shape == theirs.shape
    assert ours.dtype == np.float32
    assert abs(ours - theirs).max() < 1e-7


def test_of_too_many_pieces_the_most_frequent_stay(monkeypatch):
    monkeypatch.setattr(terms, "MOST_PIECES", 300)
    texts = made(400, 5)
    counts = terms._pieces([text.split() for text in texts])
    kept = terms._frequent(counts, 2)
    assert kept.shape[1] == 300
    often = np.sort(np.asarray(counts.sum(axis=0)).ravel())[::-1]
    assert np.array_equal(np.sort(np.asarray(kept.sum(axis=0)).ravel())[::-1], often[:300])


@pytest.mark.parametrize("texts", [made(10, 1), made(150, 2), made(900, 4), ["one", "two", "one"] * 50])
def test_vectors_are_those_of_scikit_learn_but_for_their_axes(texts):
    decomposition = pytest.importorskip("sklearn.decomposition")
    weights = terms_of(texts)
    size = min(terms.TOPICS, min(weights.shape) - 1)
    theirs = decomposition.TruncatedSVD(size, random_state=0, n_iter=3).fit_transform(weights)
    lengths = np.linalg.norm(theirs, axis=1, keepdims=True)
    theirs = theirs / np.where(lengths > 1e-9, lengths, 1)
    ours = topics_of(weights)
    assert ours.dtype == np.float32
    assert np.abs(ours @ ours.T - theirs @ theirs.T).max() < 5e-5


def test_texts_without_any_word_have_weights_and_vectors_of_nothing():
    for texts in (["", ""], [""] * 300):
        weights = terms_of(texts)
        assert weights.nnz == 0
        assert not topics_of(weights).any()


def test_the_same_texts_give_the_same_bytes():
    texts = made(300, 6)
    assert topics_of(terms_of(texts)).tobytes() == topics_of(terms_of(list(texts))).tobytes()


def test_scikit_learn_is_not_loaded():
    code = (
        "import sys; from curate.scanning.terms import terms_of, topics_of;"
        "topics_of(terms_of(['red box', 'blue box', 'green', 'box']));"
        "sys.exit('sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
