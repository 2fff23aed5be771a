"""Where two texts differ: exact where they are short, told where they are long, in bounded time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.deciding.aligned import LONGEST, MOST, Run, aligned, changed

ITEMS = st.lists(st.sampled_from("abc"), max_size=14)


def common(a: list[str], b: list[str]) -> int:
    """How long the longest common subsequence is, by the table of all beginnings."""
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for k, y in enumerate(b):
            table[i + 1][k + 1] = table[i][k] + 1 if x == y else max(table[i][k + 1], table[i + 1][k])
    return table[-1][-1]


def other(left: str, right: str, runs: list[Run]) -> str:
    """The left text with the runs changed: the right one, if they are all that differs."""
    parts, at = [], 0
    for run in runs:
        parts += [left[at : run.start], right[run.other_start : run.other_end]]
        at = run.end
    return "".join([*parts, left[at:]])


@given(ITEMS, ITEMS)
def test_as_much_as_can_be_is_the_same(a: list[str], b: list[str]) -> None:
    """The runs leave a longest common subsequence, and with them one becomes the other."""
    runs = aligned(a, b)
    made, at = [], 0
    for i, j, k, m in runs:
        made += [*a[at:i], *b[k:m]]
        at = j
    assert made + a[at:] == b
    assert len(a) - sum(j - i for i, j, _, _ in runs) == common(a, b)


@given(st.text("ab \n.", max_size=40), st.text("ab \n.", max_size=40))
def test_with_what_changed_one_text_becomes_the_other(left: str, right: str) -> None:
    """Places are characters; equal texts have no runs."""
    runs = changed(left, right)
    assert other(left, right, runs) == right
    assert (runs == []) == (left == right)


def test_only_the_words_that_changed_are_told() -> None:
    """Words are whole; an accent or a letter of another script is part of one."""
    left, right = "the café is open", "the cafés is open"
    assert [(left[r.start : r.end], right[r.other_start : r.other_end]) for r in changed(left, right)] == [
        ("café", "cafés")
    ]


def test_a_long_text_is_compared_by_lines_and_words_within_them() -> None:
    """One word in one of very many lines is found; the rest is the same."""
    lines = [f"line {n} says {n * 31 % 97} things about nothing much\n" for n in range(3_000)]
    left = "".join(lines)
    assert len(left) > LONGEST
    right = left.replace("line 1500 says", "line 1500 tells")
    (run,) = changed(left, right)
    assert (left[run.start : run.end], right[run.other_start : run.other_end]) == ("says", "tells")
    assert not run.whole


@pytest.mark.parametrize("separator", [" ", "\n"])
@pytest.mark.parametrize("count", [MOST // 2 - 1, 5 * MOST, 20 * MOST])
def test_no_pair_of_texts_takes_long(count: int, separator: str) -> None:
    """Made to be hard: few words that come again and again, most of them changed, or in reverse."""
    words = [f"w{i * 7919 % 500}" for i in range(count)]
    left = separator.join(words)
    for right in (separator.join(words[::-1]), separator.join(f"{w}x" if i % 10 else w for i, w in enumerate(words))):  # fmt: skip
        began = time.process_time()
        runs = changed(left, right)
        assert time.process_time() - began < 0.5
        assert other(left, right, runs) == right
        if separator == " " and count > MOST:
            assert [run.whole for run in runs] == [True]


def test_what_is_too_long_to_compare_is_told_as_one_and_says_so() -> None:
    """A line of very many words without a counterpart: no part of it is passed off as compared."""
    left = " ".join(f"a{n}" for n in range(MOST))
    right = " ".join(f"b{n}" for n in range(MOST))
    (run,) = changed(left, right)
    assert run.whole and (run.start, run.end) == (0, len(left)) and run.other_end == len(right)
