"""Questions within other rows: beside comparing each with each."""

from __future__ import annotations

import random

import numpy as np
import polars as pl

from curate.checks.near_duplicate import SHINGLING
from curate.dedup.examples import sets_of
from curate.scanning import within


def texts(count: int, seed: int) -> tuple[list[str], list[str]]:
    draw = random.Random(seed)
    words = [f"{a}{b}n" for a in "bdfglmprst" for b in "aeiou"]
    asked = [" ".join(draw.choice(words) for _ in range(draw.randint(3, 25))) for _ in range(count)]
    whole = []
    for n, question in enumerate(asked):
        other = asked[draw.randrange(count)].split()
        if n % 3 == 0 and len(other) > 8:
            other[draw.randrange(len(other))] = "changed"
        whole.append(f"{question} and {' '.join(other)} said so" if n % 2 else question)
    return asked, whole


def by_hand(asked: list[str], whole: list[str], share: float) -> set[tuple[int, int]]:
    def sets(values: list[str]) -> list[set[int]]:
        found = sets_of(pl.Series(values), SHINGLING)
        return [set(found.items[a:b].tolist()) for a, b in zip(found.starts, found.starts[1:], strict=False)]

    needles, hay = sets(asked), sets(whole)
    return {
        (i, j)
        for i, needle in enumerate(needles)
        for j, row in enumerate(hay)
        if i != j and len(needle) >= within.SHORTEST and len(needle & row) >= share * len(needle) - 1e-9
    }


def test_what_is_found_is_what_comparing_each_with_each_finds(monkeypatch):
    for seed in range(3):
        asked, whole = texts(120, seed)
        expected = by_hand(asked, whole, 0.8)
        assert expected
        left, right = within.contained(pl.Series(asked), pl.Series(whole), 0.8)
        assert set(zip(left.tolist(), right.tolist(), strict=True)) == expected
        monkeypatch.setattr(within, "SLICE", 17)
        monkeypatch.setattr(within, "PAIRS_AT_ONCE", 5)
        again = within.contained(pl.Series(asked), pl.Series(whole), 0.8)
        assert all(np.array_equal(a, b) for a, b in zip((left, right), again, strict=True))
        monkeypatch.undo()


def test_a_preamble_on_all_rows_ties_nothing():
    pre = "you are the assistant of a shop and you always answer in one short and polite sentence "
    asked = [pre + f"where is parcel number {n}" for n in range(100)]
    left, _ = within.contained(pl.Series(asked), pl.Series(asked), 0.8)
    assert not len(left)


def test_nothing_asked_is_nothing_found():
    for asked in (pl.Series([None, None], dtype=pl.String), pl.Series(["", "a b"])):
        left, right = within.contained(asked, pl.Series(["a b c d", "x"]), 0.8)
        assert len(left) == len(right) == 0
