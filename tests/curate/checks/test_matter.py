"""Two texts that are nearly alike: the same matter, or another."""

from __future__ import annotations

import pytest

from curate.checks.matter import other_matter
from curate.checks.wording import normalise


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("please cancel my spotify subscription", "please cancel my netflix subscription"),
        ("you may always come in", "you may never come in"),
        ("a table for three people", "a table for seven people"),
        ("请帮我预订一张从北京到广州的车票", "请帮我预订一张从上海到广州的车票"),
        ("保修期为两年,也包括水", "保修期为两年,不包括水"),
        (" ".join(f"alpha{n}" for n in range(20)), " ".join(f"beta{n}" for n in range(20))),
    ],
)
def test_another_word_of_weight_is_another_matter(left, right):
    assert other_matter(normalise(left), normalise(right))
    assert other_matter(normalise(right), normalise(left))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("i want to cancel the order", "i want to cancle the order"),
        ("i want to cancel the order", "please, i want to cancel the whole order"),
        ("Hello, my card is lost", "Hi there, my card is lost. Thanks!"),
        ("请使用Python编写", "请使用 Python 编写。"),
        ("我想取消订单", "我想要取消订单"),
    ],
)
def test_slips_fillers_and_additions_are_not(left, right):
    assert not other_matter(normalise(left), normalise(right))
