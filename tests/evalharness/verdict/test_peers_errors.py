"""Errors that other tools of this kind have made, held as tests of ours."""

import math

import numpy as np
import polars as pl
import pytest
from scipy.special import ndtri

from evalharness.deciding.compare import metric_rows, pair, settings
from evalharness.judging.replying import read_scores
from evalharness.judging.rubric import Rubric
from evalharness.metrics.about import rate
from evalharness.metrics.text import token_f1
from evalharness.report.sidebyside import cost_rows
from evalharness.scoring.scored_before import SCORES
from evalharness.scoring.summary import means
from evalharness.statistics.f1 import macro_f1, macro_f1_interval
from evalharness.statistics.intervals import bootstrap_mean, resampled_means
from evalharness.statistics.paired import (
    binary_tail,
    mcnemar_exact,
    mean_variance,
    paired_difference,
    score_z,
)
from evalharness.statistics.pooled import pooled_interval


def scores(values, arms=("base", "few-shot", "rag", "tuned"), metric="rougeL"):
    rows = [
        (str(n), arm, metric, value, None if value is not None else "not scored", None, None)
        for arm in arms
        for n, value in enumerate(values)
    ]
    return pl.DataFrame(rows, schema=SCORES, orient="row")


def examples(count):
    frame = pl.DataFrame({"example_id": [str(n) for n in range(count)], "label": None, "group": None})
    return frame.cast({"label": pl.String, "group": pl.String})


def test_the_error_of_a_measure_of_the_whole_is_not_divided_by_the_resamples():
    """lighteval: sd / sqrt(resamples), 31 times too small. More resamples must not narrow an interval."""
    rng = np.random.default_rng(0)
    right = rng.choice(["a", "b"], 400).tolist()
    said = [each if rng.random() < 0.8 else "a" for each in right]
    rows = np.column_stack([rng.random(400), np.ones(400)])
    for interval in (
        lambda count: macro_f1_interval(right, said, resamples=count),
        lambda count: pooled_interval(rows, rate, resamples=count),
        lambda count: bootstrap_mean(rows[:, 0], resamples=count),
    ):
        few, many = interval(500), interval(20_000)
        assert many.high - many.low > 0.8 * (few.high - few.low)
    spread = resampled_means(rows[:, 0], None, 4000, 0).std()
    assert spread == pytest.approx(rows[:, 0].std() / 20, rel=0.05)


def test_a_paired_test_is_not_an_unpaired_one():
    """lm_eval's comparator: p .080 where the pairs say .008 (220 items)."""
    first = np.r_[np.ones(130), np.ones(24), np.zeros(8), np.zeros(58)]
    second = np.r_[np.ones(130), np.zeros(24), np.ones(8), np.zeros(58)]
    assert 2 * paired_difference(first, second).p == pytest.approx(0.007, abs=0.003)
    apart = np.sqrt(first.var(ddof=1) / 220 + second.var(ddof=1) / 220)
    assert (first.mean() - second.mean()) / apart < 1.96  # what the unpaired test misses


def test_agreement_on_every_item_divides_by_nothing():
    """`evaluate`'s McNemar raises ZeroDivisionError."""
    assert mcnemar_exact(0, 0) == 1.0
    same = np.array([1.0, 0, 1, 1, 0, 1, 0, 1])
    found = paired_difference(same, same)
    assert found.p == 1.0 and found.interval.low < 0 < found.interval.high


def test_words_count_as_often_as_they_occur_and_nothing_is_rounded():
    """Inspect's F1 was of sets, and is rounded to two decimals for each row."""
    assert token_f1("new york new york", "new york") == 2 / 3
    assert token_f1("the cat sat on the mat", "cat on mat") == pytest.approx(6 / 7, abs=1e-15)


def test_one_row_without_a_score_makes_no_mean_nan_and_none_0():
    """deepeval: one NaN turns the whole mean to NaN. promptfoo: a failed grader is a score of 0."""
    table = scores([0.5, None, 0.7])
    chosen = settings(table)
    for row in metric_rows(pair(table, examples(3)), chosen):
        assert row["mean"] == pytest.approx(0.6) and (row["n"], row["nulls"]) == (2, 1)
    told = means(table, examples(3))[0]
    assert told.mean == pytest.approx(0.6) and (told.n, told.nulls, told.reason) == (2, 1, "not scored")


def test_nothing_scored_is_none_with_a_reason_and_not_nan():
    """ragas: all NaN, with no warning."""
    told = means(scores([None, None]), examples(2))[0]
    assert (told.mean, told.n, told.nulls, told.reason) == (None, 0, 2, "not scored")


def test_a_variance_is_of_a_sample_and_not_of_a_population():
    """HELM: divided by n."""
    values = np.array([0.0, 1.0, 1.0])
    assert mean_variance(values, None) == pytest.approx(1 / 3 / 3)


def test_a_quantile_of_few_times_is_not_made_up():
    """The 95th percentile of five times would be the largest under another name."""
    few = means(scores([1.0, 2, 3, 4, 100], metric="seconds"), examples(5))[0]
    assert few.quantiles == {"p50": 3.0}
    many = means(scores([float(n) for n in range(1, 101)], metric="seconds"), examples(100))[0]
    assert many.quantiles == pytest.approx({"p50": 50.5, "p95": 95.05})


def test_the_median_of_an_even_number_is_between_the_middle_two_everywhere():
    """lm_eval takes the upper one. What `score` prints is what the report and the latency limit go by."""
    seconds = [1.0, 2.0, 3.0, 10.0]
    told = means(scores(seconds, metric="seconds"), examples(4))[0]
    answers = pl.DataFrame(
        {
            "arm": "base", "finish_reason": "stop", "seconds": seconds, "answer_tokens": 1, "prompt_tokens": 1,
            "answer": "x",
        }
    )  # fmt: skip
    (cost,) = cost_rows(answers, ["base"])
    assert told.quantiles == {"p50": 2.5} and cost["seconds_p50"] == 2.5


def test_a_verdict_that_leaves_out_the_score_has_not_passed():
    """promptfoo: a grader's reply without `pass` passes."""
    rubric = Rubric.find("helpful")
    for reply in ("{}", '{"reason": "well done"}', '{"pass": true}'):
        found = read_scores(rubric, reply)
        assert found.values is None and found.failure


def test_a_group_of_tasks_has_the_error_of_its_rows_and_not_a_pooled_guess():
    """lm_eval pools the groups' errors by a formula that "empirically seems to match"; rows in groups share theirs."""
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(30), 10)
    values = np.repeat(rng.random(30), 10) + 0.1 * rng.normal(size=300)
    spread = resampled_means(values, groups, 4000, 0).std()
    assert np.sqrt(mean_variance(values, groups)) == pytest.approx(spread, rel=0.06)
    assert values.std(ddof=1) / np.sqrt(300) < 0.5 * spread, "what pooling would say"


def test_the_highest_mean_is_no_gain():
    """Ties the best of three baselines (300 pairs of one difficulty): the highest mean ships about half of the time."""
    rng, runs, n = np.random.default_rng(11), 400, 300
    highest = shown = 0
    for _ in range(runs):
        hard = rng.normal(size=n)
        arms = {
            arm: np.sqrt(0.5) * (hard + rng.normal(size=n)) < ndtri(rate)
            for arm, rate in {"base": 0.5, "few-shot": 0.56, "rag": 0.62, "tuned": 0.62}.items()
        }
        tuned = arms.pop("tuned")
        highest += all(tuned.mean() > other.mean() for other in arms.values())
        ps = [
            binary_tail(int((tuned & ~other).sum()), int((other & ~tuned).sum()), n, 0.0).above
            for other in arms.values()
        ]
        shown += max(ps) < 0.05
    assert highest / runs > 0.35
    assert shown / runs <= 0.05 + 0.025  # alpha, and two standard errors of 400 runs


def test_evaluates_own_example_of_mcnemar():
    """Its documentation: statistic 1.0, p .3173; one pair that differs."""
    assert score_z(1, 0, 4, 0.0) ** 2 == pytest.approx(1.0)
    assert math.erfc(1 / math.sqrt(2)) == pytest.approx(0.31731050786291115)
    assert mcnemar_exact(1, 0) == 0.5, "of one pair that differs nothing is known"


def test_an_answer_without_a_label_is_a_miss_and_no_label_of_its_own():
    """A class called None or -1 would join the mean."""
    assert macro_f1(["a", "b"], ["a", None]) == pytest.approx(0.5)


def test_what_describes_is_not_tested():
    """A longer answer is no gain: such figures are told beside, and cost the other claims nothing under Holm."""
    table = pl.concat([scores([0.5, 0.6, 0.9]), scores([10.0, 20, 30], metric="length")])
    assert pair(table, examples(3)).metrics == ["rougeL"]
