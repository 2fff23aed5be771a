"""The number of rows that is named shows the gain about 4 times of 5, by the test that decides."""

import math

import numpy as np
import pytest

from evalharness.deciding.needed import needed, needed_by_trial, shown_by_trial
from evalharness.deciding.needed import shown as gain_shown
from evalharness.deciding.probed import loss
from evalharness.statistics import enough
from evalharness.statistics.enough import MOST, units_to_show
from evalharness.statistics.paired import Rules, paired_difference, unit_tails
from evalharness.statistics.power import detectable_effect

RULES = Rules(margin=0.01, resamples=200)


def shown(count: int, base: float, gain: float, spread: float, trials: int = 80) -> float:
    rng = np.random.default_rng(count)
    before = np.full(count, base)
    drawn = (before + rng.normal(gain, spread, count) for _ in range(trials))
    return float(
        np.mean([paired_difference(each, before, None, RULES).margin_tail.above < 0.05 for each in drawn])
    )


@pytest.mark.parametrize(("base", "spread", "gain"), [(0.3, 0.05, 0.03), (0.5, 0.1, 0.05), (0.8, 0.1, 0.05)])
def test_graded_scores_are_told_what_their_own_test_takes(base, spread, gain):
    noise = np.random.default_rng(1).normal(0, 1, 24)
    before, deltas = np.full(24, base), (noise - noise.mean()) / noise.std(ddof=1) * spread + gain
    found = paired_difference(before + deltas, before, None, RULES)
    told = needed_by_trial(found, before + deltas, before, None, RULES)
    assert told > 1.4 * needed(found, RULES)  # what the spread alone would say
    assert 0.68 <= shown(math.ceil(told), base, gain, spread) <= 0.98
    assert shown(math.ceil(needed(found, RULES)), base, gain, spread) < 0.6


def test_groups_are_counted_in_rows():
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(12), 4)
    before = np.full(48, 0.5)
    after = before + np.repeat(rng.normal(0.04, 0.05, 12), 4)
    found = paired_difference(after, before, groups, RULES)
    told = needed_by_trial(found, after, before, groups, RULES)
    assert found.margin_tail.above > 0.05 and told > 2 * 48


def test_right_or_wrong_rows_go_by_the_formula_and_no_gain_has_no_number():
    before = np.zeros(50)
    after = np.r_[np.ones(3), np.zeros(47)]
    found = paired_difference(after, before, None, RULES)
    assert needed_by_trial(found, after, before, None, RULES) == needed(found, RULES)
    assert needed_by_trial(paired_difference(before, after, None, RULES), before, after, None, RULES) is None


def test_a_number_out_of_reach_is_not_named():
    units = np.column_stack([np.r_[np.full(200, 0.02), -1.0], np.ones(201)])
    assert units_to_show(units, 0.0149, 0.05, (0.5, 0.5), 10.0, 0) == math.inf
    assert units_to_show(units, 0.0149, 0.05, (0.5, 0.5), MOST + 1.0, 0) == MOST + 1.0
    easy = np.column_stack([np.random.default_rng(0).normal(0.2, 0.2, 50), np.ones(50)])
    assert units_to_show(easy, 0.01, 0.05, (0.5, 0.5), MOST - 300.0, 0) <= MOST  # tried up to the last


def test_a_gain_that_these_rows_were_said_to_show_is_shown(trial):
    """Graded scores that hardly differ: by the spread alone 1.5 points would do, which are never shown."""
    rng = np.random.default_rng(3)
    before = np.full(100, 0.6)
    found = paired_difference(before + rng.normal(0, 0.02, 100), before, None, RULES)
    told = gain_shown(found, 0.6, RULES)
    assert told > 1.8 * (0.01 + detectable_effect(found.variance, 100))
    assert shown(100, 0.6, told, 0.02) > 0.6 and shown(100, 0.6, 0.015, 0.02) == 0


def _normal(rng, count):
    return np.clip(rng.normal(0, 1, count), -3, 3)


def _few_lose_much(rng, count):
    return np.clip(1 - rng.exponential(1, count), -4, 1)


def _mostly_alike(rng, count):
    return np.where(rng.random(count) < 0.5, np.clip(rng.normal(0, 1.4, count), -3, 3), 0.0)


@pytest.mark.parametrize("draw", [_normal, _few_lose_much, _mostly_alike])
def test_a_gain_told_by_trial_is_shown_about_4_times_of_5(draw):
    """Of fresh rows from where these came from; the rows that it is told by are a sample, too, so it varies."""
    rng, count = np.random.default_rng(7), 30
    before, power, least = np.full(count, 0.5), [], []
    for _ in range(8):
        deltas = 0.12 * draw(rng, count)
        found = paired_difference(before + deltas, before, None, RULES)
        told, by_formula = (
            shown_by_trial(found, before + deltas, before, None, RULES),
            gain_shown(found, 0.5, RULES),
        )
        assert told >= by_formula
        for gain, into in ((told, power), (by_formula, least)):
            fresh = [gain + 0.12 * draw(rng, count) for _ in range(25)]
            into += [_is_shown(each) for each in fresh]
    assert 0.65 <= np.mean(power) <= 0.97 and np.mean(least) <= np.mean(power) - 0.03, (
        np.mean(power),
        np.mean(least),
    )


def _is_shown(deltas):
    """By the test that decides, with fewer resamples."""
    units = np.column_stack([deltas, np.ones(len(deltas))])
    return max(tail.above for tail in unit_tails(units, (0.0, 0.01), 0, (0.5, 0.5), 499)) < 0.05


def test_a_gain_of_groups_is_told_by_trial_and_none_where_too_few_could_show_any():
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(10), 5)
    before = np.full(50, 0.5)
    after = before + np.repeat(rng.normal(0.0, 0.05, 10), 5)
    found = paired_difference(after, before, groups, RULES)
    told = shown_by_trial(found, after, before, groups, RULES)
    assert told > 1.05 * gain_shown(found, 0.5, RULES)
    fresh = [before + told + np.repeat(rng.normal(0.0, 0.05, 10), 5) for _ in range(60)]
    shown = [paired_difference(each, before, groups, RULES).margin_tail.above < 0.05 for each in fresh]
    assert 0.65 <= np.mean(shown) <= 0.97
    few = np.repeat(np.arange(4), 5)
    found = paired_difference(after[:20], before[:20], few, RULES)
    assert shown_by_trial(found, after[:20], before[:20], few, RULES) is None, (
        "4 signs fall alike 1 time of 16"
    )


def test_that_no_gain_would_do_is_told_by_the_largest(monkeypatch):
    tried, power = [], enough._power
    monkeypatch.setattr(enough, "_power", lambda units, *more: tried.append(units) or power(units, *more))
    four = np.column_stack([np.array([0.3, 0.1, 0.2, 0.25]), np.ones(4)])
    assert enough.gain_to_show(four, 0.01, 0.05, (0.5, 0.5), 0.2, 0) == math.inf and len(tried) == 1


def test_many_units_and_right_or_wrong_rows_go_by_the_formula():
    rng = np.random.default_rng(0)
    before = np.full(700, 0.5)
    after = before + rng.normal(0, 0.1, 700)
    found = paired_difference(after, before, None, RULES)
    assert shown_by_trial(found, after, before, None, RULES) == gain_shown(found, 0.5, RULES)
    before, after = np.zeros(40), np.r_[np.ones(6), np.zeros(34)]
    found = paired_difference(after, before, None, RULES)
    assert shown_by_trial(found, after, before, None, RULES) == gain_shown(found, 1.0, RULES)


def test_what_these_rows_would_have_shown_is_beyond_the_margin(trial):
    from evalharness.report.comparing import compare_dataset, read_comparison

    made = trial()
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    chosen = found["settings"]
    row = next(each for each in found["differences"] if each["metric"] == chosen["primary"])
    half = (row["upper"] - row["lower"]) / 2 / 1.645  # about the standard error
    assert row["detectable"] == pytest.approx(
        chosen["margin"] + detectable_effect(half**2 * row["n"], row["n"]), rel=0.2
    )


@pytest.mark.parametrize(
    ("count", "limit", "draw"),
    [
        (200, 0.05, lambda rng, n: np.where(rng.random(n) < 0.0527, 0.95, 0) + rng.normal(0, 0.02, n)),
        (24, 0.1, lambda rng, n: rng.exponential(0.1, n)),
    ],
)
def test_a_loss_as_large_as_is_allowed_seldom_passes_where_few_rows_lost_it(count, limit, draw):
    rng = np.random.default_rng(4)
    found = [
        loss(np.full(count, 0.97), 0.97 - draw(rng, count), rules=Rules(resamples=400)) for _ in range(150)
    ]
    assert np.mean([each.upper <= limit for each in found]) <= 0.09  # .08 to .11 by the plain bootstrap


def test_a_loss_of_one_row_alone_may_be_that_of_all():
    after = np.full(24, 0.9)
    after[3] = 0.1
    assert loss(np.full(24, 0.9), after).upper == pytest.approx(0.8)
