"""Time grows with the length of a text, not with its square: a count of work, not a clock."""

from __future__ import annotations

import sys

import pytest

from curate.checks.pii import Pii
from curate.checks.secrets.assigned import _TAIL
from curate.example import frame, with_ids


def steps(text: str) -> int:
    """Lines of our own code that a scan of one text runs through."""
    turn = {"role": "user", "content": text, "name": None, "tool_calls": None, "tool_call_id": None}
    batch = with_ids(frame([{"source": "a", "source_row": 1, "meta": "{}", "messages": [turn]}]), ["1"])
    check, count = Pii(), 0

    def traced(here, event, argument):
        nonlocal count
        count += event == "line"
        return traced

    check.scan(batch)  # what is made once is made
    sys.settrace(traced)
    try:
        check.scan(batch)
    finally:
        sys.settrace(None)
    return count


@pytest.mark.parametrize("motif", ["Anna ", "Anna.", "My name is Anna Bauer. "])
def test_ten_times_the_text_is_about_ten_times_the_work(motif):
    few, many = (steps((motif * (size // len(motif) + 1))[:size]) for size in (1_000, 10_000))
    assert many < 16 * few


def test_what_follows_a_word_is_not_read_to_the_end_of_the_text():
    tail = _TAIL.match("_key" * 1_000)
    assert tail is not None and tail.end() < 100
