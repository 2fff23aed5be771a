"""Style taken out, people's correction, families: on judges whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.judging.corrected import corrected_rate
from evalharness.judging.families import family, self_preference
from evalharness.judging.style import has_list, style

LIST = "- one\n- two\n"


def pairs_of(rng, n, longer_by=0.0):
    """Two sets of answers by their lengths; the first is longer by so many on average."""
    own = np.maximum(5, rng.normal(60 + longer_by, 25, n)).astype(int)
    other = np.maximum(5, rng.normal(60, 25, n)).astype(int)
    return ["x" * each for each in own], ["x" * each for each in other]


@pytest.mark.parametrize("slope", [0.05, 0.2, float("inf")])
def test_a_judge_that_only_likes_length_ends_near_a_half(slope):
    """Raw it prefers the longer-winded arm by far; at equal length there is nothing left."""
    rng = np.random.default_rng(1)
    raw, controlled, held = [], [], 0
    for _ in range(40):
        own, other = pairs_of(rng, 300, longer_by=25)
        apart = np.array([len(a) - len(b) for a, b in zip(own, other, strict=True)], dtype=float)
        chance = (
            (apart > 0) + 0.5 * (apart == 0) if slope == float("inf") else 1 / (1 + np.exp(-slope * apart))
        )
        said = list((rng.random(300) < chance).astype(float))
        found = style(said, own, other)
        raw.append(np.mean(said))
        controlled.append(found.rate)
        held += found.low <= 0.5 <= found.high
        assert found.slope > 0 and found.longer > 0.5
    assert np.mean(raw) > 0.68
    assert abs(np.mean(controlled) - 0.5) < 0.04
    assert held >= 34, "of 40, at 95 %"


def test_a_judge_that_only_likes_lists_ends_near_a_half():
    rng = np.random.default_rng(2)
    controlled = []
    for _ in range(20):
        own = [LIST if flip else "one, two and so on" for flip in rng.random(300) < 0.7]
        other = [LIST if flip else "one, two and so on" for flip in rng.random(300) < 0.2]
        side = np.array([has_list(a) - has_list(b) for a, b in zip(own, other, strict=True)])
        said = list((rng.random(300) < 0.5 + 0.35 * side).astype(float))
        found = style(said, own, other)
        assert np.mean(said) > 0.6 and found.lists > 0 and found.listed > 0.7 and found.n_listed > 50
        controlled.append(found.rate)
    assert abs(np.mean(controlled) - 0.5) < 0.03


def test_a_judge_that_looks_at_what_is_said_is_left_as_it_is():
    rng = np.random.default_rng(3)
    rates = []
    for _ in range(20):
        own, other = pairs_of(rng, 400)
        rates.append(style(list((rng.random(400) < 0.7).astype(float)), own, other).rate)
    assert abs(np.mean(rates) - 0.7) < 0.02


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 60))
def test_to_exchange_the_arms_turns_the_rate_at_equal_style(seed, n):
    rng = np.random.default_rng(seed)
    own, other = pairs_of(rng, n, longer_by=rng.normal(0, 20))
    own = [LIST + text if flip else text for text, flip in zip(own, rng.random(n) < 0.3, strict=True)]
    said = [None if rng.random() < 0.1 else float(value) for value in rng.choice([0, 0.5, 1], n)]
    one = style(said, own, other)
    two = style([None if value is None else 1 - value for value in said], other, own)
    assert (one.rate is None) == (two.rate is None) and one.longer == two.longer and one.listed == two.listed
    if one.rate is not None:
        assert one.rate == pytest.approx(1 - two.rate, abs=1e-8)
        assert one.low == pytest.approx(1 - two.high, abs=1e-8) and one.low <= one.rate <= one.high
        assert one.slope == two.slope or one.slope == pytest.approx(two.slope, abs=1e-8)


@pytest.mark.parametrize(
    ("said", "own", "other", "words"),
    [
        ([1.0] * 5, ["a"] * 5, ["bb"] * 5, "too few"),
        ([1.0, 0.0] * 10, ["a"] * 20, ["bb"] * 20, "same length"),
        ([1.0] * 20, ["a" * n for n in range(20)], ["bb"] * 20, "always wins"),
        ([None] * 20, ["a"] * 20, ["bb"] * 20, "too few"),
        ([1.0, 0.0] * 10, ["a" * n for n in range(2, 22)], ["bb"] * 20, "longer in 95%"),
        ([], [], [], "too few"),
    ],
)
def test_where_style_cannot_be_told_it_is_said(said, own, other, words):
    found = style(said, own, other)
    assert found.rate is None and words in found.reason


@pytest.mark.parametrize("text", ["- a\n- b", "1. a\n2. b", "so:\n* a\n* b\nend", "1) a\n  2) b"])
def test_lists_are_seen(text):
    assert has_list(text)


@pytest.mark.parametrize("text", ["a - b - c", "- a", "1.5 and\n2.5 more", "a\nb\nc", "", "-\n-\n"])
def test_what_is_no_list_is_none(text):
    assert not has_list(text)


# --- people's correction


def drawn(rng, total, truth=0.62, accuracy=0.8, bias=0.0):
    """(people's word, the judge's) on all pairs; the judge is right so often, else it guesses with a bias."""
    people = (rng.random(total) < truth).astype(float)
    guess = (rng.random(total) < 0.5 + bias).astype(float)
    return people, np.where(rng.random(total) < accuracy, people, guess)


@pytest.mark.parametrize(
    ("labelled", "accuracy", "bias"), [(50, 0.8, 0.3), (50, 0.0, 0.4), (100, 0.9, -0.4), (25, 0.7, 0.2)]
)
def test_the_corrected_rate_holds_the_truth_as_often_as_it_says(labelled, accuracy, bias):
    """1,000 draws: coverage of 95 % within chance, no bias whatever the judge's, and narrower than people alone."""
    rng = np.random.default_rng(labelled)
    held, errors, alone, rates = 0, [], [], []
    for _ in range(1000):
        people, judge = drawn(rng, 600, accuracy=accuracy, bias=bias)
        found = corrected_rate(list(judge), [*people[:labelled], *[None] * (600 - labelled)])
        held += found.low <= 0.62 <= found.high
        rates.append(found.rate)
        errors.append(found.error)
        alone.append(people[:labelled].std(ddof=1) / np.sqrt(labelled))
    assert 0.93 <= held / 1000 <= 0.97
    assert abs(np.mean(rates) - 0.62) < 0.01
    assert np.mean(errors) < np.mean(alone) * (0.9 if accuracy >= 0.7 else 1.01)


def test_the_correction_is_as_wide_as_it_should_be_where_rows_share_a_group():
    """Pairs of a group say the same: an error by pairs would be too small."""
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(400):
        people, judge = (np.repeat(each, 4) for each in drawn(rng, 100, accuracy=0.7, bias=0.2))
        codes = np.repeat(np.arange(100), 4)
        found = corrected_rate(list(judge), [*people[:120], *[None] * 280], codes)
        held += found.low <= 0.62 <= found.high
    assert held / 400 >= 0.92


def test_the_correction_by_hand():
    """Four of the labels agree with the judge, w as in PPI++, and the estimate by its formula."""
    rng = np.random.default_rng(0)
    people, judge = drawn(rng, 60)
    n, y, f, rest = 20, people[:20], judge[:20], judge[20:]
    found = corrected_rate(list(judge), [*y, *[None] * 40])
    weight = np.cov(y, f)[0, 1] / ((1 + n / 40) * np.var(judge, ddof=1))
    assert found.weight == pytest.approx(weight)
    assert found.rate == pytest.approx(y.mean() - weight * (f.mean() - rest.mean()))
    assert found.lean == pytest.approx(np.mean(f - y))
    error = np.sqrt(np.var(y - weight * f, ddof=1) / n + weight**2 * np.var(rest, ddof=1) / 40)
    assert found.error == pytest.approx(error)


def test_few_labels_and_labels_alone():
    judge = [1.0, 0.0] * 20
    assert "too few" in corrected_rate(judge, [*judge[:9], *[None] * 31]).reason
    whole = corrected_rate(judge, judge)
    assert whole.rate == 0.5 and whole.weight == 0 and whole.others == 0
    constant = corrected_rate([1.0] * 40, [*judge[:20], *[None] * 20])
    assert constant.rate == 0.5 and constant.weight == 0
    one = corrected_rate(judge, [*judge[:20], *[None] * 20], np.zeros(40, dtype=np.int64))
    assert one.low is None and "one group" in one.reason


# --- families


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("gpt-4o-2024-08-06", "GPT"), ("openai/o3-mini", "GPT"), ("claude-sonnet-4", "Claude"),
        ("Qwen/Qwen2.5-0.5B-Instruct", "Qwen"), ("DeepSeek-R1-Distill-Qwen-7B", "DeepSeek"),
        ("meta-llama/Llama-3.1-8B", "Llama"), ("mistralai/Mixtral-8x7B", "Mistral"), ("google/gemma-2-9b", "Gemini"),
        ("microsoft/phi-4", "Phi"), ("my-own-model", None), ("tiny", None), ("graphite-2", None), ("yield", None),
    ],
)  # fmt: skip
def test_a_family_by_name(name, kind):
    assert family(name) == kind


def test_the_warning_says_whom_it_may_like():
    assert "both arms" in self_preference("qwen3-32b", "Qwen2.5-0.5B", "Qwen2.5-0.5B")
    assert "candidate" in self_preference("gpt-4o", "gpt-4o-mini", "llama-3")
    assert "baseline" in self_preference("gpt-4o", "llama-3", "gpt-4o-mini")
    assert self_preference("gpt-4o", "llama-3", "qwen3") is None
    assert "does not tell" in self_preference("judge", "llama-3", "qwen3")
    assert "do not tell" in self_preference("gpt-4o", None, "qwen3")
