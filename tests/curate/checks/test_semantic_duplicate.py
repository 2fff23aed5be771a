"""Rows that say the same in other words: only those that are surely copies go."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from curate.checks.semantic_duplicate import SemanticDuplicate, covers, pieces
from curate.errors import ConfigError
from curate.finding import complete
from curate.scanning.embedding import Units
from curate.scanning.scan import obstacles

FIRST = "how can i unblock the pin of my card"
SECOND = "somebody please help me to get my pin working again"
THIRD = "my pin is stuck and i want it released"


def compared(check, table, vectors, languages=()):
    """(row, other row, label, action) of each finding, with these vectors for the rows' texts."""
    sketches = check.sketch(table)
    places = iter(range(10_000))
    units = [[next(places) for _ in texts] for texts in sketches["texts"]]
    sketches = sketches.with_columns(units=pl.Series(units, dtype=pl.List(pl.UInt32)))
    rows = np.array(vectors, dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = complete(check.verify(check.relate(sketches, Units(rows, languages)), table))
    at = {name: place for place, name in enumerate(table["example_id"])}
    return sorted(
        (
            (at[r["example_id"]], at.get(r["other_id"] or ""), r["label"], r["action"])
            for r in found.iter_rows(named=True)
        ),
        key=str,
    )


def prompts(asked, examples, *texts, **columns):
    return examples(*(asked(text, "x", **columns) for text in texts))


def test_a_row_goes_only_to_one_that_stays_and_is_near_itself(asked, examples):
    """The third is near to the second, which goes; not to the first, which stays: it stays too."""
    table = prompts(asked, examples, FIRST, SECOND, THIRD)
    check = SemanticDuplicate(compare="prompt", threshold=0.9)
    found = compared(check, table, [[1, 0], [1, 0.35], [1, 0.8]])
    assert found == [(0, None, "semantic", "keep"), (1, 0, "semantic", "drop")]


@pytest.mark.parametrize(
    ("two", "label"),
    [
        (SECOND + " at 9", "numbers-differ"),
        (SECOND.replace("please", "did not"), "negation-differs"),
    ],
)
def test_doubtful_pairs_are_for_review(asked, examples, two, label):
    found = compared(
        SemanticDuplicate(compare="prompt"), prompts(asked, examples, FIRST, two), [[1, 0], [1, 0.01]]
    )
    assert found == [(0, None, "semantic", "keep"), (1, 0, label, "review")]


def test_two_labels_are_for_review(asked, examples):
    table = examples(asked(FIRST, "x", label="a"), asked(SECOND, "x", label="b"))
    found = compared(SemanticDuplicate(compare="prompt"), table, [[1, 0], [1, 0.01]])
    assert found[1] == (1, 0, "labels-differ", "review")


def test_other_answers_are_for_review(asked, examples):
    table = examples(asked(FIRST, "go to the machine"), asked(SECOND, "call us"))
    vectors = [[1, 0, 0], [0, 1, 0], [1, 0.01, 0], [0, 0, 1]]  # question and answer together, then the answer
    found = compared(SemanticDuplicate(), table, vectors)
    assert found[1] == (1, 0, "answers-differ", "review")


def test_the_policy_says_which_stays(asked, examples):
    table = examples(asked(FIRST, "x"), asked(SECOND, "x", label="b"))
    check = SemanticDuplicate(compare="prompt", keep=("labelled",))
    assert compared(check, table, [[1, 0], [1, 0.01]])[0] == (0, 1, "semantic", "drop")


def test_pairs_of_nearly_equal_words_are_left_to_the_near_duplicate_check(asked, examples):
    table = prompts(asked, examples, FIRST, FIRST + " please")
    assert compared(SemanticDuplicate(compare="prompt"), table, [[1, 0], [1, 0.01]]) == []


def test_what_the_encoder_does_not_cover_is_counted(asked, examples):
    table = prompts(asked, examples, FIRST, "我的卡在哪里", "我想知道我的卡到哪里了")
    check = SemanticDuplicate(compare="prompt")
    assert compared(check, table, [[1, 0], [1, 0], [1, 0]], ("en",)) == [(1, None, "not-covered", "keep")]
    assert len(compared(check, table, [[1, 0], [0, 1], [0, 1]], ("en", "zh"))) == 2


def test_without_an_encoder_it_does_not_run(asked, examples):
    table = prompts(asked, examples, FIRST)
    told = obstacles(table, [SemanticDuplicate(encoder="none")])
    assert [entry.check for entry in told] == ["semantic-duplicate"]
    assert told[0].reason.startswith("no encoder")


def test_a_long_text_is_read_in_pieces():
    text = "word " * 2_000
    cut = pieces(text)
    assert len(cut) == 8
    assert all(len(piece) <= 800 for piece in cut)
    assert pieces("") == []
    assert " ".join(pieces("word " * 300)) == ("word " * 300).strip()


def test_latin_letters_with_accents_are_covered():
    assert covers(("en",), "¿Dónde está mi tarjeta?")
    assert not covers(("en",), "Где моя карта?")
    assert covers((), "Где моя карта?")


@pytest.mark.parametrize("settings", [{"threshold": 0.2}, {"compare": "all"}, {"keep": ("best",)}])
def test_settings_out_of_range(settings):
    with pytest.raises(ConfigError):
        SemanticDuplicate(**settings)


def test_the_evidence_says_how_near_and_what_was_kept(asked, examples):
    table = prompts(asked, examples, FIRST, SECOND)
    check = SemanticDuplicate(compare="prompt")
    sketches = check.sketch(table).with_columns(units=pl.Series([[0], [1]], dtype=pl.List(pl.UInt32)))
    rows = np.array([[1, 0], [0.9999, 0.0141]], dtype=np.float32)
    found = check.verify(check.relate(sketches, Units(rows, ())), table)
    evidence = json.loads(found.filter(action="drop")["evidence"][0])
    assert evidence["members"] == 2
    assert 0.99 < evidence["cosine"] <= 1


@pytest.mark.parametrize(
    ("words", "end", "label", "action"),
    [
        (1_000, "", "semantic", "drop"),
        (2_000, "", "end-not-read", "review"),
        (2_000, " and in the last line another thing", "end-not-read", "review"),
    ],
)
def test_what_was_not_read_to_its_end_is_not_dropped(asked, examples, words, end, label, action):
    """Both begin alike in the eyes of the encoder; behind 6,400 characters anything may stand."""
    one = " ".join(["some", "long", "letter"][at % 3] for at in range(words))
    two = " ".join(["a", "wordy", "note"][at % 3] for at in range(words)) + end
    table = examples(asked(one, "x"), asked(two, "x"))
    check = SemanticDuplicate(compare="prompt", threshold=0.9)
    count = sum(map(len, check.sketch(table)["texts"]))
    found = compared(check, table, [[1, 0.1]] * count)
    assert (1, 0, label, action) in found
