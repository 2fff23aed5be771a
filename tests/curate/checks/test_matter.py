"""Two texts that are nearly alike: the same matter, or another."""

from __future__ import annotations

import pytest

from curate.checks.matter import is_slip, other_matter
from curate.checks.wording import normalise


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("please cancel my spotify subscription", "please cancel my netflix subscription"),
        ("you may always come in", "you may never come in"),
        ("a table for three people", "a table for seven people"),
        ("请帮我预订一张从北京到广州的车票", "请帮我预订一张从上海到广州的车票"),
        ("保修期为两年,也包括水", "保修期为两年,不包括水"),
        ("what is the maximum load", "what is the minimum load"),
        ("does it increase the risk", "does it decrease the risk"),
        ("treat hypertension at home", "treat hypotension at home"),
        ("a bag of potassium nitrate", "a bag of potassium nitrite"),
        ("who won in slovakia", "who won in slovenia"),
        ("is it legal here", "is it illegal here"),
        ("turn the light on now", "turn the light off now"),
        ("when was the bridge built", "where was the bridge built"),
        ("x + y of the table", "x - y of the table"),
        ("ready and not shut and so on", "ready or not shut and so on"),
        ("yeni makine bugün çalışıyor", "yeni makine bugün çalışmıyor"),
        ("c++ for the beginner", "c for the beginner"),
        ("ต้องการสามเครื่อง", "ต้องการสี่เครื่อง"),
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
        ("inspect the boiler again", "inspcet the boilers again"),
        ("the technician is here", "the techncian is here"),
        ("analyse the colour", "analyze the color"),
        ("die neue Maschine läuft gern", "die neue Maschiene läuft gern"),
        ("* one thing * another", "- one thing - another"),
        ("请使用Python编写", "请使用 Python 编写。"),
        ("我想取消订单", "我想要取消订单"),
    ],
)
def test_slips_fillers_and_additions_are_not(left, right):
    assert not other_matter(normalise(left), normalise(right))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("mourning", "morning"),
        ("fourth", "forth"),
        ("pouring", "poring"),
        ("tongue", "tong"),
        ("prize", "prise"),
    ],
)
def test_two_words_are_no_two_spellings_of_one(one, two):
    assert not is_slip(one, {two})


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("neighbours", "neighbors"),
        ("realise", "realize"),
        ("paralysed", "paralyzed"),
        ("catalogue", "catalog"),
    ],
)
def test_a_british_and_an_american_spelling_are_one_word(one, two):
    assert is_slip(one, {two})
