"""The statistics against numbers worked out elsewhere (statsmodels, scipy, the papers)."""

import numpy as np
import pytest

from evalharness.statistics.f1 import macro_f1, macro_f1_difference, macro_f1_interval
from evalharness.statistics.intervals import (
    bootstrap_mean,
    clopper_pearson,
    group_codes,
    mean_interval,
    resampled_means,
    wilson,
)
from evalharness.statistics.paired import (
    Rules,
    binary_tail,
    holm,
    mcnemar_exact,
    mcnemar_mid,
    mean_variance,
    paired_difference,
    score_interval,
    score_z,
    sign_flips,
)
from evalharness.statistics.power import detectable_effect, rounded_up, rows_needed

NEWCOMBE = [(81, 263), (15, 148), (0, 20), (1, 29)]


@pytest.mark.parametrize(
    ("case", "low", "high"),
    zip(NEWCOMBE, (0.2553, 0.0624, 0, 0.0061), (0.3662, 0.1605, 0.1611, 0.1718), strict=True),
)
def test_wilson_gives_newcombes_intervals(case, low, high):
    found = wilson(*case)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("case", "low", "high"),
    zip(NEWCOMBE, (0.2527, 0.0578, 0, 0.0009), (0.3676, 0.1617, 0.1684, 0.1776), strict=True),
)
def test_clopper_pearson_gives_the_exact_intervals(case, low, high):
    found = clopper_pearson(*case)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_the_mid_p_of_mcnemar_is_the_exact_one_less_half_of_what_was_seen():
    from scipy.stats import binom

    for better, worse in ((25, 10), (12, 3), (5, 0), (0, 5), (7, 7)):
        half = binom.pmf(worse, better + worse, 0.5) / 2
        assert mcnemar_mid(better, worse) == pytest.approx(mcnemar_exact(better, worse) - half, rel=1e-12)
        assert mcnemar_mid(better, worse) + mcnemar_mid(worse, better) == pytest.approx(1)
    assert mcnemar_mid(0, 0) == 1.0


def test_mcnemar_exact_is_half_of_the_two_sided_reference():
    assert 2 * mcnemar_exact(25, 10) == pytest.approx(0.016673847800120715, rel=1e-12)
    assert 2 * mcnemar_exact(12, 3) == pytest.approx(0.03515625, rel=1e-12)
    assert 2 * mcnemar_exact(121, 59) == pytest.approx(4.4344e-06, rel=1e-4)


def test_mcnemar_of_arms_that_always_agree_is_one_and_divides_by_nothing():
    assert mcnemar_exact(0, 0) == 1.0


def test_score_statistic_at_margin_zero_is_mcnemars():
    """b=25, c=10: plain McNemar p .011229886652916672 two-sided."""
    from scipy.stats import norm

    assert 2 * norm.sf(score_z(25, 10, 300, 0.0)) == pytest.approx(0.011229886652916672, rel=1e-9)


def test_score_interval_of_pairs_that_all_agree_is_not_empty():
    """Tango: no discordant pair in n still leaves z^2 / (n + z^2) open on either side."""
    found = score_interval(0, 0, 50)
    assert found.high == pytest.approx(1.959964**2 / (50 + 1.959964**2), abs=1e-6)
    assert found.low == pytest.approx(-found.high, abs=1e-9)


def test_score_interval_holds_the_difference_and_excludes_what_its_test_rejects():
    found = score_interval(25, 10, 300)
    assert found.low is not None and found.high is not None
    assert 0 < found.low < 15 / 300 < found.high
    assert score_z(25, 10, 300, found.low) == pytest.approx(1.959964, abs=1e-5)


def test_a_margin_is_never_easier_than_no_margin():
    for better, worse in ((25, 10), (6, 0), (3, 3), (0, 5), (40, 2)):
        assert binary_tail(better, worse, 300, 0.01).above >= binary_tail(better, worse, 300, 0.0).above


def sign_flip(values, seed, **more):
    units = np.column_stack([values, np.ones(len(values))])
    return sign_flips(units, (0.0,), seed, **more)[0]


def test_sign_flip_of_few_units_is_the_binomial_count():
    assert sign_flip(np.ones(10), seed=0).above == pytest.approx(0.5**10)
    assert sign_flip(np.array([1.0, 1, 1, -1, 0]), seed=0).above == pytest.approx(5 / 16)


def test_sign_flip_of_many_binary_units_comes_near_exact_mcnemar():
    units = np.r_[np.ones(25), -np.ones(10), np.zeros(200)]
    assert sign_flip(units, seed=1, flips=20_000).above == pytest.approx(mcnemar_exact(25, 10), abs=0.002)


def test_sign_flips_against_a_margin_turn_what_is_left_of_each_unit():
    """Both margins from one drawing, by rows and by groups of unlike size, as the plain way does."""
    rng = np.random.default_rng(6)
    sizes = rng.integers(1, 4, 37).astype(float)
    for units in (
        np.column_stack([rng.normal(0.2, 1, 37), np.ones(37)]),
        np.column_stack([rng.normal(0.2, 1, 37) * sizes, sizes]),
    ):
        found = sign_flips(units, (0.0, 0.1), 3, flips=20_000)
        for margin, tail in zip((0.0, 0.1), found, strict=True):
            less = units[:, 0] - margin * units[:, 1]
            sums = rng.choice([-1.0, 1.0], (20_000, 37)) @ less
            assert tail.above == pytest.approx(np.mean(sums >= less.sum()), abs=0.015)
            assert tail.below == pytest.approx(np.mean(sums <= less.sum()), abs=0.015)


def test_macro_f1_by_rows_and_by_kinds_spread_alike(monkeypatch):
    """Which way is taken is a matter of cost alone."""
    from evalharness.statistics import f1

    rng = np.random.default_rng(12)
    right = rng.choice(list("abcdef"), 300).tolist()
    said = [rng.choice(list("abcdef"), 300).tolist() for _ in "xy"]
    found = []
    for cost in (0, 10**9):
        monkeypatch.setattr(f1, "ONE_KIND", cost)
        found.append(macro_f1_difference(right, *said).interval)
    assert (found[0].low, found[0].high) == pytest.approx((found[1].low, found[1].high), abs=0.004)


def test_sign_flip_is_never_zero_and_nothing_to_flip_is_one():
    assert sign_flip(np.full(300, 0.5), seed=0).above == pytest.approx(1e-4)
    assert sign_flip(np.zeros(5), seed=0).above == 1.0


def test_holm_gives_the_reference_and_skips_claims_without_p():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.01, None, 0.04]) == [0.02, None, 0.04]
    assert holm([]) == []


def test_miller_rows_needed_and_detectable_effect():
    """Of arXiv 2411.00640: w^2 = 1/9, s^2 = 1/6, two-sided .05, power .8."""
    for samples, rows, effect in ((1, 3876, 0.1327), (10, 1260, 0.0757)):
        variance = 1 / 9 + 2 * (1 / 6) / samples
        assert rows_needed(variance, 0.03, sides=2) == pytest.approx(rows, abs=1)
        assert detectable_effect(variance, 198, sides=2) == pytest.approx(effect, abs=5e-5)
    assert rows_needed(1 / 9, 0.03, sides=2) == pytest.approx(969, abs=1)


def test_what_is_not_there_needs_no_number_of_rows():
    assert rows_needed(0.2, 0.0) is None
    assert rows_needed(0.2, -0.1) is None
    assert rows_needed(None, 0.1) is None
    assert detectable_effect(0.2, 1) is None


@pytest.mark.parametrize(("rows", "said"), [(0.2, 1), (7.1, 8), (11, 11), (101.5, 110), (1234, 1300)])
def test_rows_are_rounded_up_to_two_figures(rows, said):
    assert rounded_up(rows) == said


def test_bootstrap_by_counts_of_distinct_values_spreads_as_by_indices():
    """The standard error is sd / sqrt(n), and not sd / sqrt(resamples) (a peer's error, 31 times too small)."""
    rng = np.random.default_rng(0)
    few = (rng.random(1000) < 0.7).astype(float)
    many = few + rng.normal(scale=1e-9, size=1000)
    exact = few.std() / np.sqrt(1000)
    for values in (few, many):
        assert resampled_means(values, None, 4000, 1).std() == pytest.approx(exact, rel=0.05)


def test_bootstrap_interval_comes_near_the_normal_one_and_repeats_with_its_seed():
    values = np.random.default_rng(0).normal(size=2000)
    first, again = bootstrap_mean(values, seed=4), bootstrap_mean(values, seed=4)
    half = 1.96 * values.std() / np.sqrt(2000)
    assert first == again
    assert (first.low, first.high) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=0.2 * half
    )


def test_group_bootstrap_spreads_as_the_clustered_standard_error():
    """40 groups of 5 that share their value: the naive error is about half of the true one."""
    rng = np.random.default_rng(7)
    groups = np.repeat(np.arange(40), 5)
    values = rng.normal(size=40)[groups] + rng.normal(size=200)
    clustered = np.sqrt(mean_variance(values, groups))
    by_hand = np.array([(values[groups == g] - values.mean()).sum() for g in range(40)])
    assert clustered == pytest.approx(np.sqrt((by_hand**2).sum()) / 200 * np.sqrt(40 / 39), rel=1e-12)
    assert resampled_means(values, groups, 4000, 0).std() == pytest.approx(clustered, rel=0.06)
    assert clustered > 1.4 * values.std(ddof=1) / np.sqrt(200)


def test_paired_variance_is_that_of_the_two_less_twice_their_covariance():
    rng = np.random.default_rng(1)
    shared = rng.normal(size=500)
    first, second = shared + rng.normal(size=500), shared + rng.normal(size=500)
    found = paired_difference(first, second)
    expected = first.var(ddof=1) + second.var(ddof=1) - 2 * np.cov(first, second)[0, 1]
    assert found.variance == pytest.approx(expected)


def test_pairing_sees_what_two_separate_intervals_hide():
    rng = np.random.default_rng(2)
    easy = rng.random(400)
    second = (easy < 0.60).astype(float)
    first = (easy < 0.66).astype(float)
    found = paired_difference(first, second)
    assert found.p is not None and found.p < 0.001
    assert found.interval.low is not None and found.interval.low > 0
    ours, theirs = mean_interval(first), mean_interval(second)
    assert ours.low is not None and theirs.high is not None and ours.low < theirs.high


def test_grouped_rows_claim_less():
    """Ten copies of each of 30 pairs prove no more than the 30."""
    rng = np.random.default_rng(3)
    first, second = (rng.random(30) < 0.7).astype(float), (rng.random(30) < 0.5).astype(float)
    groups = np.repeat(np.arange(30), 10)
    copies = paired_difference(np.repeat(first, 10), np.repeat(second, 10), groups)
    alone, naive = (
        paired_difference(first, second),
        paired_difference(np.repeat(first, 10), np.repeat(second, 10)),
    )
    assert copies.p is not None and alone.p is not None and naive.p is not None
    assert copies.p == pytest.approx(alone.p, abs=0.03)
    assert naive.p < copies.p / 3
    assert copies.units == 30 and copies.n == 300


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_rows_have_no_interval_but_a_reason(count):
    values = np.ones(count)
    found = paired_difference(values, np.zeros(count))
    assert found.interval.low is None and found.p is None and found.variance is None
    assert "too few" in (found.interval.reason or "")
    assert bootstrap_mean(values).low is None


def test_equal_values_have_no_bootstrap_interval_but_a_reason():
    found = bootstrap_mean(np.full(20, 0.3))
    assert (found.low, found.high) == (None, None)
    assert found.reason == "all 20 values are equal"


def test_rows_of_one_group_have_no_interval_but_a_reason():
    found = paired_difference(np.array([1.0, 0, 1]), np.array([0.0, 0, 1]), np.zeros(3, dtype=np.int64))
    assert found.interval.reason == "all 3 examples are of one group"
    assert found.p is None


def test_all_right_has_an_interval_that_is_not_a_point():
    assert mean_interval(np.ones(20)).low == pytest.approx(1 - 0.1611, abs=1e-4)
    grouped = mean_interval(np.ones(20), np.repeat(np.arange(5), 4))
    assert grouped.low == pytest.approx(wilson(5, 5).low)
    assert grouped.method == "wilson over groups"


def test_groups_of_one_are_no_groups_and_null_is_a_group_of_its_own():
    assert group_codes(["a", "b", None, None]) is None
    codes = group_codes(["a", None, "a", None])
    assert codes is not None and codes.tolist() == [0, 1, 0, 2]


def test_macro_f1_is_scikit_learns():
    from sklearn.metrics import f1_score

    rng = np.random.default_rng(0)
    right, said = rng.choice(list("abcd"), 200).tolist(), rng.choice(list("abce"), 200).tolist()
    assert macro_f1(right, said) == pytest.approx(f1_score(right, said, average="macro"))


def test_macro_f1_counts_a_null_as_a_miss_and_no_rows_as_none():
    assert macro_f1(["a", "a"], ["a", None]) == pytest.approx(2 / 3)
    assert macro_f1([], []) is None


def test_macro_f1_resamples_through_counts_spread_as_through_rows():
    rng = np.random.default_rng(5)
    right = rng.choice(["a", "b", "c"], 300)
    said = np.where(rng.random(300) < 0.7, right, rng.choice(["a", "b", "c"], 300))
    found = macro_f1_interval(right.tolist(), said.tolist())
    by_rows = []
    for _ in range(400):
        index = rng.integers(0, 300, 300)
        by_rows.append(macro_f1(right[index].tolist(), said[index].tolist()))
    low, high = np.quantile(np.array(by_rows, dtype=float), (0.025, 0.975))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.015)


def test_macro_f1_difference_sees_the_better_one_and_groups():
    rng = np.random.default_rng(6)
    right = rng.choice(["a", "b"], 240)
    wrong = np.where(right == "a", "b", "a")
    good = np.where(rng.random(240) < 0.9, right, wrong)
    poor = np.where(rng.random(240) < 0.6, right, wrong)
    found = macro_f1_difference(right.tolist(), good.tolist(), poor.tolist(), rules=Rules(margin=0.01))
    assert found.mean is not None and found.mean > 0.2
    assert found.margin_tail is not None and found.margin_tail.above < 0.01
    groups = np.repeat(np.arange(24), 10)
    grouped = macro_f1_difference(right.tolist(), good.tolist(), poor.tolist(), groups)
    assert grouped.units == 24 and grouped.interval.method == "paired group bootstrap"
    same = macro_f1_difference(right.tolist(), good.tolist(), good.tolist())
    assert same.interval.reason == "every resample gives the same difference"
    assert same.p == 1.0


def test_ten_thousand_rows_take_no_time():
    """The whole stage for one metric of 10,000 rows stays within a second on one slow core."""
    import time

    rng = np.random.default_rng(0)
    first, second = ((rng.random(10_000) < p).astype(float) for p in (0.7, 0.68))
    began = time.process_time()
    paired_difference(first, second)
    assert time.process_time() - began < 1.0


def test_a_margin_is_never_easier_than_none_in_drawn_signs_either():
    """Sign patterns are drawn, so chance could make it so."""
    rng = np.random.default_rng(8)
    groups = np.repeat(np.arange(40), 3)
    for seed in range(30):
        first, second = ((rng.random(120) < rate).astype(float) for rate in (0.6, 0.55))
        found = paired_difference(first, second, groups, Rules(margin=0.001, resamples=50, seed=seed))
        assert found.margin_tail is not None and found.p is not None
        assert found.margin_tail.above >= found.p
