"""Components, crossing and orders, beside the plain way to compute them."""

from __future__ import annotations

import random

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.dividing.together import (
    LINKS,
    components_of,
    crossing,
    hashes,
    parts_by_place,
    places,
    ranks,
    ties,
)


def linked(pairs: list[tuple[str, str]]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema=LINKS, orient="row")


def by_hand(ids: list[str], pairs: list[tuple[str, str]]) -> list[frozenset[str]]:
    sets = {name: {name} for name in [*ids, *(n for pair in pairs for n in pair)]}
    for left, right in pairs:
        both = sets[left] | sets[right]
        for name in both:
            sets[name] = both
    return [frozenset(sets[name]) & frozenset(ids) for name in ids]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=30), st.integers(1, 25))
@settings(max_examples=80, deadline=None)
def test_components_are_those_found_by_hand(pairs: list[tuple[int, int]], rows: int):
    ids = [f"e{n}" for n in range(rows)]  # names from `rows` on are no row, and still bind
    named = [(f"e{a}", f"e{b}") for a, b in pairs]
    codes = components_of(ids, [linked(named)])
    told = [frozenset(i for i, c in zip(ids, codes, strict=True) if c == code) for code in codes]
    assert told == by_hand(ids, named)


def test_groups_and_links_chain():
    examples = pl.DataFrame({"example_id": list("abcdef"), "group": ["x", "x", None, "y", None, "y"]})
    whole = ties(examples, linked([("b", "c"), ("e", "hub"), ("f", "hub")])).wholes(group=True)
    assert len(set(whole[[0, 1, 2]])) == 1 and len(set(whole[[3, 4, 5]])) == 1 and whole[0] != whole[3]
    alone = ties(examples, linked([("b", "c")])).wholes(group=False)
    assert len(set(alone)) == 5


def test_a_null_end_binds_nothing():
    examples = pl.DataFrame(
        {"example_id": ["a", "b"], "group": [None, None]}, schema_overrides={"group": pl.String}
    )
    links = pl.DataFrame({"example_id": ["a", "b"], "other_id": [None, None]}, schema=LINKS)
    assert len(set(ties(examples, links).wholes(group=True))) == 2


def test_crossing_counts_codes_and_leaves_out_those_without():
    assert crossing(np.array([0, 0, 1, 1, -1, -1]), np.array([0, 1, 2, 2, 0, 1])) == 1
    assert crossing(np.array([0, 0]), np.array([0, -1])) == 0


@given(st.lists(st.text(max_size=20), unique=True, max_size=40), st.integers(0, 3))
@settings(max_examples=80, deadline=None)
def test_an_order_is_a_permutation_that_rows_carry_along(names: list[str], seed: int):
    found = ranks(names, seed, "split")
    assert sorted(found.tolist()) == list(range(len(names)))
    shuffled = random.Random(seed).sample(names, len(names))
    assert dict(zip(names, found, strict=True)) == dict(
        zip(shuffled, ranks(shuffled, seed, "split"), strict=True)
    )


def test_an_order_differs_by_seed_and_purpose_and_takes_very_long_names():
    names = [f"row {n}" for n in range(200)]
    assert not (ranks(names, 0, "a") == ranks(names, 1, "a")).all()
    assert not (ranks(names, 0, "a") == ranks(names, 0, "b")).all()
    long = [name * 200 for name in names]
    assert sorted(ranks(long, 0, "a").tolist()) == list(range(200))


def test_names_that_differ_in_one_sign_are_spread():
    found = ranks([f"{n:032x}" for n in range(10_000)], 0, "split")
    correlation = np.corrcoef(found, np.arange(10_000))[0, 1]
    assert abs(correlation) < 0.05


def test_parts_by_place_are_those_of_the_places_also_where_hashes_are_equal():
    names = pl.Series([f"e{n}" for n in range(500)])
    hashed = hashes(names)
    hashed[:300] = hashed[0]
    place = places(names, hashed, 1, "x")
    assert sorted(place.tolist()) == list(range(500))
    for ends in ([100, 400], [0, 500], [500, 500]):
        got = parts_by_place(names, hashed, 1, "x", ends)
        assert (got == np.searchsorted(np.asarray(ends), place, side="right")).all()
