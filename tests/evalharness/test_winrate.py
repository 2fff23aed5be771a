"""Win rates and agreement from stored judgements, against published figures and counts by hand."""

import math
import random

import numpy as np
import pytest

from curate.people.agreement import alpha
from evalharness.judging.winrate import (
    both_orders,
    cohen_kappa,
    fleiss_kappa,
    length_controlled,
    right_in_both_orders,
    share_longer,
    win_rate,
)
from evalharness.statistics.intervals import wilson_of_scores


@pytest.mark.parametrize(
    ("wins", "losses", "ties", "rate", "error"),
    [  # counts of AlpacaEval's leaderboard with its published figures
        (366, 435, 4, 45.71428571428572, 1.7524717060805595),
        (783, 16, 5, 97.69900497512438, 0.5104849118311993),
    ],
)
def test_win_rates_of_alpaca_eval(wins, losses, ties, rate, error):
    found = win_rate([1.0] * wins + [0.0] * losses + [0.5] * ties + [None] * 3)
    assert 100 * found.rate == pytest.approx(rate, abs=1e-9)
    assert 100 * found.error == pytest.approx(error, abs=1e-9)
    assert (found.wins, found.losses, found.ties, found.nulls) == (wins, losses, ties, 3)


def test_no_pair_has_no_rate_and_one_has_no_error():
    assert win_rate([None]).rate is None
    one = win_rate([1.0])
    assert one.rate == 1.0 and one.error is None


def test_pairs_of_one_group_count_once():
    preferences = np.repeat(np.random.default_rng(0).integers(0, 2, 40).astype(float), 5)
    groups = np.repeat(np.arange(40), 5)
    alone, grouped = win_rate(preferences.tolist()), win_rate(preferences.tolist(), groups)
    assert grouped.error > 2 * alone.error
    assert win_rate([1.0, 0.0], np.zeros(2, dtype=np.int64)).error is None


def judged(count, seed, taste, merit):
    """Preferences by length and by merit, with the two lengths."""
    rng = random.Random(seed)
    ours, theirs = ([rng.randrange(50, 1000) for _ in range(count)] for _ in "ab")
    ours = [length + 300 for length in ours]
    said = [
        float(rng.random() < 1 / (1 + math.exp(-merit - taste * (own - other) / 400)))
        for own, other in zip(ours, theirs, strict=True)
    ]
    return said, ours, theirs


def test_a_win_rate_that_is_all_length_is_a_half_at_equal_length():
    said, ours, theirs = judged(3000, 1, taste=1.0, merit=0.0)
    found = length_controlled(said, ours, theirs)
    assert win_rate(said).rate > 0.6 and share_longer(said, ours, theirs) > 0.65
    assert found.rate == pytest.approx(0.5, abs=3 * found.error) and found.slope > 0.5


def test_merit_is_left_when_length_is_taken_out():
    said, ours, theirs = judged(3000, 2, taste=0.0, merit=1.0)
    found = length_controlled(said, ours, theirs)
    assert found.rate == pytest.approx(1 / (1 + math.exp(-1)), abs=3 * found.error)
    assert abs(found.slope) < 0.3


def test_the_error_at_equal_length_is_that_of_resamples():
    said, ours, theirs = judged(600, 3, taste=0.5, merit=0.4)
    rng = np.random.default_rng(0)
    rates = []
    for _ in range(200):
        pick = rng.integers(0, 600, 600)
        rates.append(length_controlled(*([each[at] for at in pick] for each in (said, ours, theirs))).rate)
    assert length_controlled(said, ours, theirs).error == pytest.approx(np.std(rates), rel=0.2)


@pytest.mark.parametrize(
    ("said", "ours", "theirs", "words"),
    [
        ([1.0, None, 0.0], [1, 2, 3], [3, 2, 1], "too few"),
        ([1.0, 0.0, 1.0], [5, 6, 7], [4, 5, 6], "same length"),
        ([0.0, 0.0, 1.0, 1.0], [1, 2, 8, 9], [5, 5, 5, 5], "length alone"),
        ([1.0] * 9, list(range(9)), [4] * 9, "length alone"),
    ],
)
def test_what_cannot_be_controlled_has_a_reason(said, ours, theirs, words):
    found = length_controlled(said, ours, theirs)
    assert found.rate is None and words in found.reason


def test_a_flip_is_a_tie_and_is_counted():
    found = both_orders([1.0, 1.0, 0.0, 0.5, None, 1.0], [1.0, 0.0, 0.0, 1.0, 1.0, 0.0])
    assert found.merged == [1.0, 0.5, 0.0, 0.75, None, 0.5]
    assert (found.n, found.same, found.flips) == (5, 2, 2)
    # shown first: the candidate in the first order, the baseline in the second
    assert found.first == pytest.approx(6 / 9)
    assert both_orders([None], [1.0]).kappa is None


def test_a_judge_that_always_takes_the_first_place_is_found_out():
    found = both_orders([1.0] * 20, [0.0] * 20)
    assert found.flips == 20 and found.first == 1.0 and set(found.merged) == {0.5}


def test_accuracy_in_both_orders_counts_as_llmbar_does():
    gold = ["1", "2", "1", "2"]
    found = right_in_both_orders(gold, ["1", "2", "2", None], ["1", "1", "2", "2"])
    assert found == (4, 0.5, 0.5, 0.5, 0.25, 0.5)
    assert right_in_both_orders([], [], []) is None


def test_kappas_of_the_literature():
    """Cohen's of scikit-learn's page, Fleiss's of his example of 14 raters, Krippendorff's of his own."""
    first = ["negative", "positive", "negative", "neutral", "positive"]
    assert cohen_kappa(first, [*first[:4], "negative"]) == pytest.approx(0.6875)
    table = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    assert fleiss_kappa(table) == pytest.approx(0.2099307, abs=1e-7)
    columns = ("*****34121133*3", "1*213343*******", "**21344*21133*4")
    units = [{str(n): row[at] for n, row in enumerate(columns) if row[at] != "*"} for at in range(15)]
    for metric, value in (("nominal", 0.691358), ("interval", 0.810845), ("ordinal", 0.806721)):
        assert alpha(units, metric).alpha == pytest.approx(value, abs=1e-6)


def test_raters_of_unlike_number_are_refused_and_one_word_has_no_kappa():
    with pytest.raises(ValueError, match="same number"):
        fleiss_kappa([[1, 1], [2, 1]])
    assert fleiss_kappa([[3, 0], [3, 0]]) is None


def test_the_interval_of_a_win_rate_holds_the_rate():
    preferences = np.array([1.0] * 30 + [0.0] * 20 + [0.5] * 10)
    found = wilson_of_scores(preferences)
    assert found.low < win_rate(preferences.tolist()).rate < found.high
