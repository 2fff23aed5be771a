"""Near vectors: all of them when few, nearly all when many, and how many is told."""

from __future__ import annotations

import numpy as np
import pytest

from curate.scanning.neighbours import nearest, pairs_above


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(name="clustered")
def _clustered():
    draw = np.random.default_rng(3)
    centres = draw.standard_normal((300, 32))
    return unit(np.repeat(centres, 10, axis=0) + 0.12 * draw.standard_normal((3_000, 32)))


def brute(rows, threshold):
    left, right = np.nonzero(np.triu(rows @ rows.T >= threshold, 1))
    return set(zip(left.tolist(), right.tolist(), strict=True))


def as_set(pairs):
    return set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))


def test_the_exact_search_misses_none(clustered):
    found = pairs_above(clustered, 0.9)
    assert as_set(found) == brute(clustered, 0.9)
    assert found.recall == 1
    assert (np.diff(found.left) >= 0).all()


def test_the_approximate_search_tells_its_recall(clustered):
    found = pairs_above(clustered, 0.9, exact_up_to=100)
    true = brute(clustered, 0.9)
    assert as_set(found) <= true
    assert len(as_set(found)) / len(true) > 0.97
    assert found.recall == pytest.approx(len(as_set(found)) / len(true), abs=0.02)


@pytest.mark.parametrize("limit", [100, 50_000])
def test_of_each_row_only_the_nearest(clustered, limit):
    found = pairs_above(clustered, 0.5, exact_up_to=limit, most=2)
    assert as_set(found) <= brute(clustered, 0.5)
    places, _ = nearest(clustered, clustered, 3)
    mine = {(min(at, other), max(at, other)) for at, row in enumerate(places) for other in row[1:].tolist()}
    assert len(as_set(found) - mine) == 0
    assert len(as_set(found)) > 0.9 * len(mine & brute(clustered, 0.5))


def test_zeros_are_near_nothing():
    rows = np.zeros((5, 4), dtype=np.float32)
    rows[0, 0] = rows[1, 0] = 1
    assert as_set(pairs_above(rows, 0.5)) == {(0, 1)}


def test_nothing_to_compare():
    assert len(pairs_above(np.zeros((0, 4), dtype=np.float32), 0.5).left) == 0


def test_the_nearest_first_and_ties_by_number():
    base = unit(np.array([[1.0, 0], [0, 1], [1, 0], [1, 1]]))
    places, cosines = nearest(unit(np.array([[1.0, 0.0]])), base, 9)
    assert places.tolist() == [[0, 2, 3, 1]]
    assert cosines[0, 0] == pytest.approx(1)
