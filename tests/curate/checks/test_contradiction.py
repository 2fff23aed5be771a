"""The same question said differently is a finding; another question is not."""

from __future__ import annotations

import pytest

from curate.checks.contradiction import Contradiction

QUESTION = "my order of the blue mug has not arrived after two weeks what should i do about it now"


def test_another_label_for_the_same_question(asked, found):
    """The label with fewer votes is the one to look at."""
    rows = [
        asked("Where is my card?", "x", label="arrival"),
        asked("where is my card", "x", label="lost"),
        asked("Where is my card", "x", label="arrival"),
    ]
    assert found(Contradiction(), *rows) == [(1, 0, "label", "review")]


def test_another_label_for_nearly_the_same_question(asked, found):
    rows = [asked(QUESTION, "x", label="a"), asked("hello " + QUESTION, "x", label="b")]
    assert found(Contradiction(), *rows) == [(1, 0, "label", "review")]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (QUESTION + " order 1234", QUESTION + " order 1235"),
        (QUESTION, QUESTION.replace("has not", "has now")),
        (QUESTION + " in Paris", QUESTION + " in Rome"),
        ("Is it open?", "Is it closed?"),
    ],
)
def test_another_question_contradicts_nothing(asked, found, one, two):
    assert found(Contradiction(threshold=0.5), asked(one, "x", label="a"), asked(two, "x", label="b")) == []


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Yes, it is free.", "No, it is free only for members."),
        ("It opens at nine every morning.", "Refunds take fourteen days to show."),
        ("7", "8"),
        ("We add them up, so 3 + 4 gives the answer: 7", "We add them up, so 3 + 4 gives the answer: 8"),
        ("First 3, then 4. #### 7", "First 3, then 4. #### 9"),
    ],
)
def test_clearly_different_answers_to_one_question(asked, found, one, two):
    told = found(Contradiction(), asked("How is this?", one), asked("how is this", two))
    assert told == [(1, 0, "answer", "review")]


@pytest.mark.parametrize(
    ("question", "one", "two"),
    [
        ("Write a poem about the sea.", "Blue waves roll on.", "Salt and wind forever call me."),
        ("Please, could you suggest a name for a cat?", "Tom", "Felix"),
        ("How is this?", "It is quite good today.", "It is good today, quite."),
        ("How is this?", "", "Fine."),
    ],
)
def test_answers_that_may_both_be_right(asked, found, question, one, two):
    assert found(Contradiction(), asked(question, one), asked(question, two)) == []


def test_another_system_prompt_makes_another_question(turn, asked, found):
    one, two = asked("How is this?", "7"), asked("How is this?", "8")
    two["messages"] = [turn("system", "You are a pirate."), *two["messages"]]
    assert found(Contradiction(), one, two) == []
