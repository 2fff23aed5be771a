"""Graded scores whose differences are skewed: most rows gain a little, a few lose nearly everything."""

import numpy as np
import pytest

from evalharness.statistics.intervals import group_totals
from evalharness.statistics.paired import Rules, paired_difference, sign_flips, unit_tails
from evalharness.statistics.studentised import bootstrap_t, units_to_tell, unseen_loss

RULES = Rules(margin=0.01, resamples=10)
LOSS = (0.97 * 0.04 - 0.01) / 0.03  # with 3 % collapses and gains of .04, the mean is the margin


def collapsing(rng, count):
    return np.where(rng.random(count) < 0.03, -LOSS, 0.04 + rng.normal(0, 0.01, count))


def tails(deltas, groups=None, rules=RULES):
    had = np.full(len(deltas), LOSS)
    return paired_difference(had + deltas, had, groups, rules).margin_tail


def test_the_error_rate_holds_where_few_rows_lose_much():
    """Where the truth is the margin itself: sign flips alone ship four times as often as they may."""
    rng = np.random.default_rng(1)
    trials = [collapsing(rng, 100) for _ in range(400)]
    flips = np.mean([sign_flips(group_totals(each, None), (0.01,), 0)[0].above < 0.05 for each in trials])
    ours = np.mean([tails(each).above < 0.05 for each in trials])
    assert flips > 0.12 and ours <= 0.07


def test_the_error_rate_holds_by_groups_and_downwards():
    """Without the unit that nobody has seen it is .09 by groups (`python -m benchmarks verdict`, 2,000 trials)."""
    rng = np.random.default_rng(2)
    found = []
    for _ in range(150):
        sizes = rng.integers(1, 5, 100)
        groups = np.repeat(np.arange(100), sizes)
        found.append(tails(collapsing(rng, 100)[groups], groups).above < 0.05)
    assert np.mean(found) <= 0.065
    below = [tails(0.02 - collapsing(rng, 100)).below < 0.05 for _ in range(150)]
    assert np.mean(below) <= 0.065


def test_a_unit_that_nobody_has_seen_counts_where_differences_are_small_and_hardly_elsewhere():
    """30 rows that gain .04 each could have a thirtieth that loses all; of differences of .3 it is one more."""
    rng = np.random.default_rng(9)
    small, large = rng.normal(0.04, 0.005, 30), rng.normal(0.2, 0.3, 60)
    with_it = [tails(each).above for each in (small, large)]
    without = [sign_flips(group_totals(each, None), (0.01,), 0)[0].above for each in (small, large)]
    assert without[0] < 0.001 and with_it[0] > 0.2
    assert with_it[1] == pytest.approx(without[1], abs=0.01) and with_it[1] < 0.03


@pytest.mark.parametrize("count", [40, 60, 80])
def test_few_groups_of_which_none_lost_do_not_tell_that_none_will(count):
    """Of 40 groups three in ten samples have no collapse; taken at their word they would ship .12 of the time."""
    rng = np.random.default_rng(count)
    found = []
    for _ in range(120):
        groups = np.repeat(np.arange(count), rng.integers(1, 5, count))
        found.append(tails(collapsing(rng, count)[groups], groups).above < 0.05)
    assert np.mean(found) <= 0.065


def test_what_a_row_can_lose_is_what_the_baseline_has():
    """A baseline of .1 has little to lose: then 60 rows tell of a gain of 5 points; of .9 they do not."""
    gains = np.random.default_rng(10).normal(0.05, 0.01, 60)
    low, high = (paired_difference(at + gains, np.full(60, at), None, RULES) for at in (0.1, 0.9))
    assert low.margin_tail.above < 0.05 < high.margin_tail.above
    fewest = units_to_tell(gains.mean() - 0.01, 0.91, 0.05)
    assert 60 < fewest < 120
    more = np.random.default_rng(10).normal(0.05, 0.01, int(fewest) + 2)
    shown = unseen_loss(group_totals(more, None), (0.01,), (0.9, 0.1))[0][0]
    assert 0.03 < shown <= 0.05
    assert units_to_tell(-0.1, 0.9, 0.05) == 0 and units_to_tell(0.1, 0.0, 0.05) == 0


def test_losses_that_were_never_seen_are_counted_downwards_too():
    units = group_totals(np.full(50, 0.02), None)
    ((above, below),) = unseen_loss(units, (0.05,), (0.5, 0.5))
    assert above == 1 and below == pytest.approx((1 - 0.03 / 0.48) ** 50)


def test_what_is_turned_round_has_its_tails_exchanged():
    deltas = collapsing(np.random.default_rng(3), 120)
    (one,), (other,) = (bootstrap_t(group_totals(each, None), (0.0,), 0) for each in (deltas, -deltas))
    assert one == (other[1], other[0])


def test_groups_of_very_unlike_size_hold_the_error_rate():
    """Where a few large groups hold most rows, a loss of one of them is what no small one tells of."""
    rng, sizes, shown = np.random.default_rng(5), np.array([1.0, 1, 1, 5, 30]), 0
    share = (0.3 - 0.01) / (0.3 + 1)  # of groups that lose all, the others gaining .3: the mean is the margin
    for seed in range(300):
        size = rng.choice(sizes, 40)
        sums = np.where(rng.random(40) < share, -1.0, 0.3) * size
        units = np.column_stack([sums, size])
        shown += max(t.above for t in unit_tails(units, (0.0, 0.01), seed, (0.6, 0.4), 999)) < 0.05
    assert shown / 300 < 0.075  # .12 where the unseen group is of the mean size


@pytest.mark.parametrize("wrong", [1, 4])
def test_one_row_that_fails_does_not_hide_that_all_others_gain_all(wrong):
    """Many resamples have none of the few that fail, and no spread: that makes a gain of all no less sure."""
    groups = np.concatenate([np.arange(40), np.repeat(np.arange(40, 44), 3)])
    candidate = np.ones(52)
    candidate[:wrong] = 0
    found = paired_difference(candidate, np.zeros(52), groups, Rules(margin=0.01))
    assert found.margin_tail is not None and found.margin_tail.above < 0.005  # of one it was .37


def test_ordinary_differences_are_shown_nearly_as_often():
    rng = np.random.default_rng(4)
    trials = [rng.normal(0.04, 0.2, 300) for _ in range(120)]
    flips = np.mean([sign_flips(group_totals(each, None), (0.01,), 0)[0].above < 0.05 for each in trials])
    ours = np.mean([tails(each).above < 0.05 for each in trials])
    assert flips > 0.75 and flips - 0.02 <= ours <= flips


@pytest.mark.parametrize("count", [2, 3, 5, 8, 13, 14])
def test_few_units_are_never_surer_than_exact_sign_flips(count):
    rng = np.random.default_rng(count)
    for _ in range(20):
        deltas = rng.normal(0.1, 0.2, count)
        exact, found = sign_flips(group_totals(deltas, None), (0.01,), 0)[0], tails(deltas)
        assert exact.above <= found.above <= 1 and exact.below <= found.below <= 1
        assert found.test == f"{exact.test} and bootstrap-t"


def test_groups_of_unlike_size_are_resampled_as_one_would_by_hand():
    rng = np.random.default_rng(6)
    units = np.column_stack([rng.normal(0.5, 1, 30), rng.integers(1, 5, 30).astype(float)])
    ((above, below),) = bootstrap_t(units, (0.1,), 0)

    def distance(rows, centre):
        mean = rows[:, 0].sum() / rows[:, 1].sum()
        return (mean - centre) * rows[:, 1].sum() / np.sqrt(((rows[:, 0] - mean * rows[:, 1]) ** 2).sum())

    middle = units[:, 0].sum() / units[:, 1].sum()
    drawn = np.array([distance(units[rng.integers(0, 30, 30)], middle) for _ in range(4000)])
    assert above == pytest.approx(np.mean(drawn >= distance(units, 0.1)), abs=0.03)
    assert above + below == pytest.approx(1, abs=0.02) and above + below > 1 - 1e-3


def test_the_same_seed_gives_the_same_and_differences_without_spread_have_sign_flips_alone():
    deltas = collapsing(np.random.default_rng(7), 60)
    assert tails(deltas) == tails(deltas)
    assert bootstrap_t(group_totals(np.full(40, 0.3), None), (0.01,), 0) is None
    assert tails(np.full(40, 0.3)).test == "sign-flip"


def test_ten_thousand_graded_rows_take_no_time():
    """What the interval drew is used again, so the test itself costs a product of matrices."""
    import time

    deltas = np.random.default_rng(8).normal(0.01, 0.2, 10_000)
    paired_difference(deltas, np.zeros(10_000))
    began = time.process_time()
    bootstrap_t(group_totals(deltas, None), (0.0, 0.01), 0)
    assert time.process_time() - began < 0.5
