"""Twins of one template are told from questions said again."""

from __future__ import annotations

import pytest

from curate.checks.twins import is_twin, other_answers


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("What is the capital of Kenya?", "What is the capital of Norway?"),
        ("Convert 17 km to miles.", "Convert 42 km to miles."),
        ("How do you say 'apple' in Spanish?", "How do you say 'winter' in Spanish?"),
        ("Write code for the maximum of a list", "Write code for the sum of a list"),
    ],
)
def test_one_place_is_another(left, right):
    assert is_twin(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("How many sheep are left on the farm?", "Tell me the number of sheep that remain at the farm."),
        ("What is the capital of Kenya?", "what's the capital of Kenya"),
        (
            "Find the degree of the extension Q(sqrt 2) over Q",
            "Determine the degree of the extension Q(sqrt 2) over Q",
        ),
    ],
)
def test_other_words_throughout_are_the_question_again(left, right):
    assert not is_twin(left, right)


def test_answers_differ_surely_by_their_result_or_where_both_are_short():
    assert other_answers("Nairobi", "Oslo")
    assert other_answers("so 3 + 4 is seven #### 7", "long talk of it all #### 8")
    assert not other_answers("so 3 + 4 is seven #### 7", "three and four #### 7")
    assert not other_answers("Oslo", "It is Oslo.")
    assert not other_answers("", "Oslo")
    assert not other_answers(
        "one long text about the matter in many words indeed", "quite another long text in other words here"
    )
