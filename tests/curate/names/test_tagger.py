"""The shipped tagger: what it finds, what it leaves alone, and that batches change nothing."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from curate.names import KINDS, tagger
from curate.names.network import REACH, TOP
from curate.names.tagger import WEIGHTS, Tagger, _network


def _held_out():
    spec = importlib.util.spec_from_file_location("held_out", Path(__file__).with_name("held_out.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.read()


def found(text, *kinds):
    return {
        (text[s.start : s.end], s.label)
        for s in tagger("auto").spans([text])[0]
        if s.label in (kinds or KINDS)
    }


@pytest.mark.parametrize(
    ("text", "value", "label"),
    [
        ("I spoke with Maria Kowalska about the invoice yesterday.", "Maria Kowalska", "PERSON"),
        ("Patient: John Smith\nAge: 54", "John Smith", "PERSON"),
        ("hi, this is kevin miller and i need help", "kevin miller", "PERSON"),
        ("We moved to Barcelona last summer.", "Barcelona", "LOCATION"),
        (
            "Please ship it to 221 Maple Street, Springfield, IL 62704.",
            "221 Maple Street, Springfield, IL 62704",
            "LOCATION",
        ),
        ("She works for Brightwave Logistics GmbH in Hamburg.", "Brightwave Logistics GmbH", "ORGANIZATION"),
        ("Dr. Patel will see you now.", "Patel", "PERSON"),
    ],
)
def test_names_are_found_whole(text, value, label):
    assert (value, label) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "def area(radius):\n    return math.pi * radius ** 2",
        "The quick brown fox jumps over the lazy dog.",
        "How do I reset my password?",
        "What are three tips for staying healthy?",
        "3 + 4 = 7, and 12 * 4 = 48",
        "/home/anna/project/main.py",
        "see https://github.com/torvalds/linux and mail john.smith@example.org",
        "john_smith = 4",
        "",
        "\n\n\n",
        "12345",
        "日本語のテキスト",
    ],
)
def test_plain_text_code_and_links_hold_no_names(text):
    assert not found(text, "PERSON", "LOCATION", "ORGANIZATION")


def test_batches_and_neighbours_change_nothing():
    texts = [text for text, _ in _held_out()]
    together = Tagger().spans(texts)
    assert [Tagger().spans([text])[0] for text in texts[:20]] == together[:20]
    assert Tagger().spans(texts[::-1])[::-1] == together


def test_batches_change_nothing_where_telephones_are_the_only_numbers():
    made = tagger("auto", ("PERSON", "LOCATION", "PHONE_NUMBER"))
    texts = [
        "I have 3 apples.",
        "01 23 45 67 89",
        "Anna Schmidt, call 7",
        "555",
        "0123",
        "",
        "tel 555.0199 ext 2",
    ] * 3
    assert made.spans(texts) == [made.spans([text])[0] for text in texts]


def test_lone_numbers_are_passed_over_and_telephones_are_not():
    numbers = ("01 23 45 67 89", "555-010-9999", "(212) 555 0199", "+49 (30) 12 34 56", "01.23.45.67.89")
    texts = [f"Please call me back at {number} after lunch, I have 3 questions." for number in numbers]
    few, every = tagger("auto", ("PERSON", "PHONE_NUMBER")), tagger("auto", ("PHONE_NUMBER", "AGE"))
    found = few.spans(texts)
    assert sum(any(s.label == "PHONE_NUMBER" for s in spans) for spans in found) >= 3
    assert found == [[s for s in spans if s.label == "PHONE_NUMBER"] for spans in every.spans(texts)]


def test_spans_lie_in_the_text_in_order_and_apart():
    texts = [text for text, _ in _held_out()]
    for text, spans in zip(texts, tagger("auto").spans(texts), strict=True):
        at = 0
        for span in spans:
            assert at <= span.start < span.end <= len(text)
            assert 0 <= span.score <= 1
            assert text[span.start : span.end] == text[span.start : span.end].strip()
            at = span.end


def test_kinds_that_are_not_asked_for_are_not_given():
    text = "Anna Schmidt, 34, moved to Berlin on 3 May 2020."
    assert {label for _, label in found(text)} >= {"PERSON", "LOCATION"}
    assert {span.label for span in tagger("auto", ("PERSON",)).spans([text])[0]} == {"PERSON"}


def test_on_texts_written_by_hand_most_names_are_found():
    # a floor, well below what the benchmark reports: weights and code that do not fit fall through it
    texts, truth = zip(*_held_out(), strict=True)
    spans = tagger("auto").spans(texts)
    for kind, floor in (("PERSON", 0.7), ("LOCATION", 0.65)):
        said = {(at, s.start, s.end) for at, each in enumerate(spans) for s in each if s.label == kind}
        true = {
            (at, start, end) for at, each in enumerate(truth) for start, end, label in each if label == kind
        }
        hits = len(said & true)
        assert 2 * hits / (len(said) + len(true)) >= floor


def test_sums_are_whole_numbers_that_floats_hold_exactly():
    network = _network(WEIGHTS)
    for weights, bias, _ in network.convolutions:
        assert np.abs(weights).sum(axis=0).max() * TOP + np.abs(bias).max() < 2**24
    rng = np.random.default_rng(3)
    words = rng.integers(-TOP, TOP + 1, (300, network.embedding.shape[1])).astype(np.float32)
    logits = network.logits(words)
    assert np.array_equal(logits, np.rint(logits))
    part = network.logits(words[100 - REACH : 200 + REACH])[REACH:-REACH]
    assert np.array_equal(part, logits[100:200])


def test_the_weights_are_small_and_hold_no_pickle():
    assert WEIGHTS.stat().st_size < 6e6
    assert set(np.load(WEIGHTS, allow_pickle=False)) >= {"embedding", "output", "words", "flags"}


def test_the_language_of_a_row_is_told_once_however_many_texts_it_has(monkeypatch):
    asked: list[int] = []
    module = sys.modules[Tagger.__module__]  # the package has a function of that name
    monkeypatch.setattr(module, "is_strange", lambda marks: bool(asked.append(len(marks))))
    texts = [f"Hi, I spoke with Anna Kowalska about parcel {n}." for n in range(60)]
    found = Tagger(kinds=("PERSON",)).spans([*texts, *texts], ["a"] * 60 + ["b"] * 60)
    assert len(asked) == 2 and all(found)
