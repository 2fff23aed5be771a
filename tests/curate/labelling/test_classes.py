"""Which labels become options: one of each spelling, and none that is rare."""

from __future__ import annotations

import polars as pl

from curate.labelling.classes import classes_of


def series(**counts):
    return pl.Series("label", [name.replace("_", " ") for name, n in counts.items() for _ in range(n)])


def test_spellings_are_folded_and_rare_ones_left_out_and_told():
    found = classes_of(series(praise=9, PRAISE=2, _praise=1, refund=7, refnd=1))
    assert found.names == ["praise", "refund"]
    assert found.folded == {"praise": ["PRAISE", " praise"]} and found.rare == {"refnd": 1}
    assert found.lines() == [
        "  one label in several spellings: 'praise' is offered for 'PRAISE', ' praise'",
        "  rare, left out: 'refnd' 1; --all takes them",
    ]


def test_all_takes_each_as_it_stands():
    found = classes_of(series(praise=9, PRAISE=2, refnd=1), every=True)
    assert found.names == ["praise", "PRAISE", "refnd"] and found.lines() == []


def test_a_label_counts_with_all_its_spellings():
    assert classes_of(series(a=9, b=2, B=1)).names == ["a", "b"]


def test_below_two_in_a_thousand_is_rare():
    assert list(classes_of(series(a=3000, b=2000, c=5)).rare) == ["c"]


def test_of_a_small_set_none_is_rare():
    assert classes_of(series(a=1, b=1)).names == ["a", "b"]
    assert classes_of(pl.Series("label", [], dtype=pl.String)).names == []
