"""Macro-F1 of few rows: no more certainty than there are rows or groups to give it."""

import itertools

import numpy as np
import pytest

from evalharness.statistics.f1 import macro_f1, macro_f1_difference
from evalharness.statistics.paired import Rules, mcnemar_exact

OTHER = {"a": "b", "b": "a"}


def labels(count):
    right = ["a" if place % 2 else "b" for place in range(count)]
    return right, [OTHER[each] for each in right]


@pytest.mark.parametrize("count", [2, 3, 5])
def test_all_right_against_all_wrong_is_no_surer_than_accuracy(count):
    right, wrong = labels(count)
    for worse in (wrong, [None] * count, [*wrong[:-1], None]):
        found = macro_f1_difference(right, right, worse)
        assert found.mean == 1.0
        assert found.p is None or found.p >= mcnemar_exact(count, 0)
        assert found.interval.low is not None or found.interval.reason


@pytest.mark.parametrize("count", [3, 5, 8])
def test_all_but_one_is_no_surer_than_accuracy(count):
    """Here the resamples differ, so that there is a p."""
    right, wrong = labels(count)
    found = macro_f1_difference(right, right, [*wrong[:-1], right[-1]])
    assert found.p is not None and found.p >= mcnemar_exact(count - 1, 0)


def test_resamples_that_agree_give_no_p_and_a_reason():
    right, wrong = labels(2)
    found = macro_f1_difference(right, right, wrong, rules=Rules(margin=0.1))
    assert (found.p, found.tail, found.margin_tail) == (None, None, None)
    assert found.interval.reason == "every resample gives the same difference"


@pytest.mark.parametrize("poor", [0, 1, 3])
def test_two_groups_are_two_units_whatever_they_hold(poor):
    """Twenty rows of two groups: there are four ways to exchange, so p is a quarter at least."""
    right, wrong = labels(20)
    groups = np.repeat([7, 9], 10)
    worse = [*right[:poor], *wrong[poor:]]
    for margin in (0.0, 0.05):
        found = macro_f1_difference(right, right, worse, groups, Rules(margin=margin))
        assert found.units == 2
        for tail in (found.tail, found.margin_tail):
            assert tail is None or (tail.above >= 0.25 and tail.below >= 0.25)


def test_the_swap_test_counts_every_exchange_of_few_rows():
    """As the plain way does: macro-F1 anew for each of the 256 patterns."""
    right = ["a", "b", "c", "a", "b", "c", "a", "b"]
    ours = ["a", "b", "c", "a", "b", "a", "a", "b"]
    theirs = ["b", "c", "a", "b", None, "b", "a", "b"]
    observed = macro_f1(right, ours) - macro_f1(right, theirs)
    reached = total = 0
    for turned in itertools.product((False, True), repeat=8):
        first = [b if turn else a for a, b, turn in zip(ours, theirs, turned, strict=True)]
        second = [a if turn else b for a, b, turn in zip(ours, theirs, turned, strict=True)]
        reached += macro_f1(right, first) - macro_f1(right, second) >= observed - 1e-9
        total += 1
    found = macro_f1_difference(right, ours, theirs)
    assert found.tail.test.endswith("exact")
    assert found.p == pytest.approx(max(reached / total, 1 / 4001))
    assert reached / total > 1 / 4001


def test_many_rows_are_sampled_by_the_seed_and_never_surer_beyond_a_margin():
    rng = np.random.default_rng(3)
    right = rng.choice(list("abc"), 60)
    said = [
        np.where(rng.random(60) < rate, right, rng.choice(list("abc"), 60)).tolist() for rate in (0.8, 0.6)
    ]
    first, again = (
        macro_f1_difference(right.tolist(), *said, rules=Rules(margin=0.02, seed=5)) for _ in "ab"
    )
    assert first == again and not first.tail.test.endswith("exact")
    assert 0 < first.p <= first.margin_tail.above < 1


def test_systems_that_say_the_same_show_no_gain():
    right, wrong = labels(6)
    found = macro_f1_difference(right, wrong, wrong)
    assert found.p == 1.0 and found.interval.reason


@pytest.mark.parametrize("grouped", [False, True])
def test_no_gain_is_rarely_taken_for_one(grouped):
    """Two systems of equal skill over three labels, 300 times: at .05 no more than .07 are found better."""
    rng = np.random.default_rng(11)
    found = 0
    for trial in range(300):
        right = rng.choice(list("aabc"), 16)
        said = [np.where(rng.random(16) < 0.6, right, rng.choice(list("abc"), 16)).tolist() for _ in "xy"]
        groups = np.repeat(np.arange(8), 2) if grouped else None
        rules = Rules(resamples=400, seed=trial)
        p = macro_f1_difference(right.tolist(), *said, groups, rules).p
        found += p is not None and p <= 0.05
    assert found / 300 <= 0.07
