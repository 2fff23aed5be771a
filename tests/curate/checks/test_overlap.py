"""The prefix join finds every pair that overlaps enough, and counts exactly."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from curate.checks import overlap

Rows = list[np.ndarray]


def series(rows: Rows) -> pl.Series:
    return pl.Series([row.tolist() for row in rows], dtype=pl.List(pl.UInt32))


def rows_of(draw: np.random.Generator, count: int, words: int) -> Rows:
    """Sets of 0 to 29 small numbers."""
    return [np.unique(draw.integers(0, words, draw.integers(0, 30))).astype(np.uint32) for _ in range(count)]


def shared(left: np.ndarray, right: np.ndarray) -> int:
    return len(np.intersect1d(left, right))


@pytest.fixture(params=[10, 4_000_000], ids=["in many pieces", "at once"])
def sides(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[Rows, Rows]:
    """Two lists of sets of which some are edits, or parts, of others."""
    monkeypatch.setattr(overlap, "CHUNK", request.param)
    draw = np.random.default_rng(7)
    left, right = rows_of(draw, 30, 60), rows_of(draw, 40, 90)
    right += [np.unique(np.append(row[:-1], np.uint32(999))) for row in left[:10]]
    right += [np.unique(np.append(row, draw.integers(0, 10**6, 40).astype(np.uint32))) for row in left[:10]]
    return left, right


@pytest.mark.parametrize("threshold", [0.3, 0.7, 1.0])
def test_no_similar_pair_is_missed_or_made_up(sides: tuple[Rows, Rows], threshold: float):
    left, right = sides
    for one, other in ((left, right), (right, left)):
        brute = {
            (i, j): shared(a, b) / len(np.union1d(a, b))
            for i, a in enumerate(one)
            for j, b in enumerate(other)
            if len(a) and len(b)
        }
        found = overlap.similar(series(one), series(other), threshold)
        assert {(i, j): pytest.approx(s) for i, j, s in found.iter_rows()} == {
            pair: score for pair, score in brute.items() if score >= threshold
        }


@pytest.mark.parametrize("threshold", [0.3, 0.8, 1.0])
def test_no_contained_set_is_missed_or_made_up(sides: tuple[Rows, Rows], threshold: float):
    needles, hay = sides
    brute = {
        (i, j): shared(a, b) / len(a) for i, a in enumerate(needles) for j, b in enumerate(hay) if len(a)
    }
    found = overlap.contained(series(needles), series(hay), threshold)
    assert {(i, j): pytest.approx(s) for i, j, s in found.iter_rows()} == {
        pair: score for pair, score in brute.items() if score >= threshold
    }


def test_shared_values_of_pairs(sides: tuple[Rows, Rows]):
    left, right = sides
    draw = np.random.default_rng(3)
    i, j = draw.integers(0, len(left), 100), draw.integers(0, len(right), 100)
    counted = overlap.shared(overlap.sets_of(series(left)), overlap.sets_of(series(right)), i, j)
    assert counted.tolist() == [shared(left[a], right[b]) for a, b in zip(i, j, strict=True)]


def test_a_set_of_nothing_but_what_is_taken_out_stays_as_it_was():
    sets = overlap.sets_of(pl.Series([[1, 2, 3], [], [2, 3]], dtype=pl.List(pl.UInt32)))
    rest = overlap.without(sets, np.array([2, 3], dtype=np.uint32))
    assert [rest.values[a:b].tolist() for a, b in zip(rest.starts, rest.starts[1:], strict=False)] == [
        [1],
        [],
        [2, 3],
    ]


def test_empty_sides_have_no_pairs():
    nothing = pl.Series([], dtype=pl.List(pl.UInt32))
    some = pl.Series([[1, 2]], dtype=pl.List(pl.UInt32))
    assert overlap.similar(nothing, some, 0.5).is_empty() and overlap.contained(some, nothing, 0.5).is_empty()
