"""Measures of the whole: their value, interval, difference, by sums of rows."""

import itertools

import numpy as np
import polars as pl
import pytest

from curate.errors import ConfigError
from evalharness.deciding.compare import metric_rows, pair, settings
from evalharness.deciding.comparison import Settings
from evalharness.deciding.differences import difference_rows
from evalharness.metrics.about import about, by_sequence, by_token, f1, rate
from evalharness.scoring.scored_before import SCORES
from evalharness.statistics import intervals
from evalharness.statistics.f1 import macro_f1_interval
from evalharness.statistics.intervals import KEPT, bootstrap_mean, drawn_counts
from evalharness.statistics.paired import Rules, paired_difference
from evalharness.statistics.pooled import pooled_difference, pooled_interval, pooled_value


def ratios(count, seed, gain=0.0):
    """(rows, 2) tokens and seconds."""
    rng = np.random.default_rng(seed)
    seconds = rng.gamma(2.0, size=count)
    return np.column_stack([seconds * (5 + gain + rng.normal(size=count)), seconds])


def test_the_interval_is_that_of_the_measure_computed_anew_for_each_resample():
    rows = ratios(300, 0)
    found = pooled_interval(rows, rate)
    rng = np.random.default_rng(9)
    anew = [pooled_value(rows[rng.integers(0, 300, 300)], rate) for _ in range(2000)]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(anew, (0.025, 0.975))), abs=0.03)
    assert found.low < pooled_value(rows, rate) < found.high


def test_a_mean_as_a_ratio_is_the_mean():
    values = np.random.default_rng(1).random(200)
    table = np.column_stack([values, np.ones(200)])
    ours, usual = pooled_interval(table, rate), bootstrap_mean(values)
    assert (ours.low, ours.high) == pytest.approx((usual.low, usual.high))
    other = np.random.default_rng(2).random(200)
    pooled = pooled_difference(table, np.column_stack([other, np.ones(200)]), rate)
    plain = paired_difference(values, other)
    assert pooled.mean == pytest.approx(plain.mean)
    assert pooled.p == pytest.approx(plain.p, abs=0.03)


def test_f1_of_two_classes_spreads_as_macro_f1_does():
    rng = np.random.default_rng(3)
    right = rng.random(400) < 0.5
    said = np.where(rng.random(400) < 0.8, right, ~right)
    names = [["no", "yes"][int(each)] for each in right], [["no", "yes"][int(each)] for each in said]
    both = [
        np.column_stack([(right == kind) & (said == kind), said == kind, right == kind]).astype(float)
        for kind in (False, True)
    ]
    mean = pooled_interval(np.hstack(both), lambda sums: (f1(sums[:, :3]) + f1(sums[:, 3:])) / 2)
    macro = macro_f1_interval(*names)
    assert (mean.low, mean.high) == pytest.approx((macro.low, macro.high), abs=0.01)


def test_the_better_of_two_is_seen_and_equal_ones_are_not():
    better, plain = ratios(300, 4, gain=0.5), ratios(300, 4)
    found = pooled_difference(better, plain, rate, rules=Rules(margin=0.05))
    assert found.p < 0.01 and found.margin_tail.above < 0.05 and found.interval.low > 0
    groups = np.repeat(np.arange(30), 10)
    grouped = pooled_difference(better, plain, rate, groups)
    assert grouped.units == 30 and grouped.interval.method == "paired group bootstrap"
    same = pooled_difference(plain, plain, rate)
    assert same.p == 1.0 and same.interval.reason == "every resample gives the same difference"


def test_few_rows_are_exchanged_in_every_way():
    first, second = ratios(6, 5, gain=2.0), ratios(6, 6)
    found = pooled_difference(first, second, rate)
    observed = pooled_value(first, rate) - pooled_value(second, rate)
    reached = 0
    for turned in itertools.product((False, True), repeat=6):
        pick = np.array(turned)[:, None]
        ours, theirs = np.where(pick, second, first), np.where(pick, first, second)
        reached += pooled_value(ours, rate) - pooled_value(theirs, rate) >= observed - 1e-9
    assert found.tail.test.endswith("exact")
    assert found.p >= reached / 64 and found.p == pytest.approx(max(reached / 64, 1 / 4001), abs=0.02)


def test_no_gain_is_rarely_taken_for_one():
    hits = 0
    for trial in range(200):
        first, second = ratios(40, 1000 + trial), ratios(40, 5000 + trial)
        p = pooled_difference(first, second, rate, rules=Rules(resamples=300, seed=trial)).p
        hits += p is not None and p <= 0.05
    assert hits / 200 <= 0.09


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (np.ones((1, 2)), "too few"),
        (np.ones((5, 2)), "every resample gives the same value"),
        (np.zeros((5, 2)), "have no value"),
        (np.array([[1.0, 1], [0, 0], [0, 0]]), "resamples have no value"),
    ],
)
def test_what_has_no_interval_has_a_reason(rows, words):
    found = pooled_interval(rows, rate)
    assert found.low is None and words in found.reason


def test_what_has_no_value_is_none_and_not_nan():
    assert pooled_value(np.zeros((3, 2)), rate) is None and pooled_value(np.zeros((0, 2)), rate) is None


def test_less_is_better_turns_the_test_and_leaves_no_margin():
    low, high = ratios(200, 7), ratios(200, 7, gain=0.5)
    found = pooled_difference(low, high, rate)
    assert found.p > 0.9 and found.turned().p < 0.05
    assert found.turned().mean == found.mean and found.turned().margin_tail is None


def test_perplexity_by_token_and_by_sequence_are_two_numbers():
    """A uniform model is as perplexed as it has words, whatever the lengths; another is not."""
    lengths = np.array([2.0, 10, 30])
    even = np.log(1 / 50) * lengths
    for formula, table in (
        (by_token, np.column_stack([even, lengths])),
        (by_sequence, np.column_stack([even / lengths, np.ones(3)])),
    ):
        assert pooled_value(table, formula) == pytest.approx(50)
    odd = np.array([-1.0, -20, -90])
    tokens = pooled_value(np.column_stack([odd, lengths]), by_token)
    sequences = pooled_value(np.column_stack([odd / lengths, np.ones(3)]), by_sequence)
    assert tokens == pytest.approx(np.exp(111 / 42)) and sequences == pytest.approx(np.exp((0.5 + 2 + 3) / 3))
    assert about("perplexity-by-token").better == "less"


def test_drawn_counts_are_kept_within_bounds_and_the_same_again(monkeypatch):
    monkeypatch.setattr(intervals, "KEPT", 2_000_000)
    first = drawn_counts(1000, 200, 3)
    assert drawn_counts(1000, 200, 3) is first
    assert np.all(first.sum(axis=1) == 1000)
    for seed in range(3):
        drawn_counts(5_000, 200, seed)
    assert drawn_counts(1000, 200, 3) is not first and np.array_equal(drawn_counts(1000, 200, 3), first)


def test_kept_counts_and_gathered_rows_spread_alike():
    """More resamples than are kept take the other way; both are the bootstrap."""
    values = np.random.default_rng(8).random(5000)
    kept, gathered = (
        bootstrap_mean(values, resamples=4000),
        bootstrap_mean(values, resamples=KEPT // 5000 + 1),
    )
    assert (kept.low, kept.high) == pytest.approx((gathered.low, gathered.high), abs=5e-4)


def whole(metric, rows):
    """A table of scores of four arms by a measure of the whole: (arm, statistics of its rows)."""
    table = [
        (str(n), arm, metric, 0.5, None, None, each)
        for arm, statistics in rows.items()
        for n, each in enumerate(statistics)
    ]
    return pl.DataFrame(table, schema=SCORES, orient="row")


def test_a_comparison_tells_bleu_of_the_whole_and_tests_it_as_such():
    """The mean of the rows' own values would be .5."""
    poor, good = [10.0, 10, 5, 3, 2, 1, 10, 9, 8, 7], [10.0, 10, 9, 8, 7, 6, 10, 9, 8, 7]
    arms = {arm: [poor] * 40 for arm in ("base", "few-shot", "rag")} | {"tuned": [good] * 30 + [poor] * 10}
    table = whole("bleu", arms)
    examples = pl.DataFrame({"example_id": [str(n) for n in range(40)], "label": None, "group": None})
    pairs = pair(table, examples.cast({"label": pl.String, "group": pl.String}))
    chosen = settings(table, primary="bleu")
    rows = {row["arm"]: row for row in metric_rows(pairs, chosen)}
    assert rows["base"]["mean"] == pytest.approx(pooled_value(np.array([poor]), about("bleu").formula))
    assert rows["tuned"]["low"] < rows["tuned"]["mean"] < rows["tuned"]["high"] and rows["base"]["reason"]
    for row in difference_rows(pairs, chosen):
        assert row["difference"] == pytest.approx(rows["tuned"]["mean"] - rows["base"]["mean"])
        assert row["p"] < 0.01 and row["p_margin"] < 0.01 and "swap test" in row["test"]


def test_a_comparison_holds_less_perplexity_for_a_gain():
    rng = np.random.default_rng(1)
    arms = {
        arm: [[-float(30 + 5 * rng.random()) * worse, 10.0] for _ in range(40)]
        for arm, worse in (("base", 1.0), ("few-shot", 1.0), ("rag", 1.0), ("tuned", 0.8))
    }
    table = whole("perplexity-by-token", arms)
    examples = pl.DataFrame({"example_id": [str(n) for n in range(40)], "label": None, "group": None})
    pairs = pair(table, examples.cast({"label": pl.String, "group": pl.String}))
    with pytest.raises(ConfigError, match="cannot decide"):
        settings(table, primary="perplexity-by-token")
    chosen = Settings(
        primary="perplexity-by-token", margin=0.01, alpha=0.05, confidence=0.95, resamples=400, seed=0
    )
    for row in difference_rows(pairs, chosen):
        assert row["difference"] < 0 and row["p"] < 0.01
        assert row["p_margin"] is None, "no margin is defined where less is better: it cannot decide"
