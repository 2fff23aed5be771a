"""Equal rows are told from nearly equal ones, and one of each group stays."""

from __future__ import annotations

import json

import pytest

from curate.checks.exact_duplicate import ExactDuplicate
from curate.errors import ConfigError
from curate.scanning.scan import scan


def test_byte_exact_and_normalised_are_told_apart(asked, found):
    """Case, spacing, marks and Unicode forms make a copy `normalised`; the first row stays."""
    rows = [
        asked("Where is my card?", "On its way."),
        asked("Where is my card?", "On its way."),
        asked("  where IS my\u00a0card ?", "on its way"),
        asked("Where is my card, please?", "On its way."),
    ]
    assert found(ExactDuplicate(), *rows) == [
        (0, None, "normalised", "keep"),
        (1, 0, "exact", "drop"),
        (2, 0, "normalised", "drop"),
    ]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("What is 3.5 + 1?", "What is 35 + 1?"),
        ("What is -5 times 2?", "What is 5 times 2?"),
        ("Explain C++ to me", "Explain C to me"),
        ("?", "!"),
        ("a, b", "ab"),
        ("漢字", "漢宇"),
    ],
)
def test_marks_that_carry_meaning_are_not_folded(asked, found, left, right):
    assert found(ExactDuplicate(), asked(left, "x"), asked(right, "x")) == []


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("cafe\u0301 au lait", "café au lait"),
        ("你好，世界", "你好 世界"),
        ("it’s fine", "It's fine."),
        ("zero\u200bwidth", "zerowidth"),
    ],
)
def test_forms_of_the_same_words_are_folded(asked, found, left, right):
    told = found(ExactDuplicate(), asked(left, "x"), asked(right, "x"))
    assert [row[2:] for row in told] == [("normalised", "keep"), ("normalised", "drop")]


def test_question_and_answer_are_not_run_together(asked, found):
    """`a b` with `c` is not `a` with `b c`."""
    assert found(ExactDuplicate(), asked("a b", "c"), asked("a", "b c")) == []


def test_the_system_prompt_does_not_count(turn, asked, found):
    row = asked("Hi there", "Hello")
    with_system = {"messages": [turn("system", "Be kind."), *row["messages"]]}
    assert len(found(ExactDuplicate(), row, with_system)) == 2


def test_a_labelled_row_is_kept_and_the_test_split_before_all(asked, found):
    rows = [asked("Hi", "Hello"), asked("Hi", "Hello", label="greeting"), asked("Hi", "Hello", split="test")]
    assert found(ExactDuplicate(), *rows[:2])[1] == (1, None, "exact", "keep")
    assert found(ExactDuplicate(), *rows)[2] == (2, None, "exact", "keep")


def test_labels_that_disagree_make_it_a_matter_for_review(asked, examples):
    """No copy is safe to drop while it is not known which label is right."""
    table = examples(asked("Hi", "Hello", label="a"), asked("Hi", "Hello", label="b"))
    findings = scan(table, [ExactDuplicate()]).findings
    assert findings["action"].to_list() == ["review", "review"]
    assert json.loads(findings["evidence"][0])["labels"] == 2


def test_empty_rows_are_not_one_another(asked, found):
    assert found(ExactDuplicate(), asked("", ""), asked(None, " "), {"messages": []}, {"messages": []}) == []


def test_preferences_differ_by_their_answers(turn, found):
    def preference(chosen: str, rejected: str) -> dict[str, object]:
        return {"messages": [turn("user", "Hi")], "chosen": chosen, "rejected": rejected}

    assert found(ExactDuplicate(), preference("good", "bad"), preference("better", "bad")) == []
    assert len(found(ExactDuplicate(), preference("good", "bad"), preference("good", "bad"))) == 2


def test_what_is_compared_can_be_chosen(asked, found):
    rows = [asked("Hi", "Hello"), asked("Hi", "Good day"), asked("Hey", "Hello")]
    assert [row[:2] for row in found(ExactDuplicate(compare="prompt"), *rows)] == [(0, None), (1, 0)]
    assert [row[:2] for row in found(ExactDuplicate(compare="answer"), *rows)] == [(0, None), (2, 0)]
    with pytest.raises(ConfigError, match="compare"):
        ExactDuplicate(compare="all")


def test_labels_that_differ_in_case_alone_are_one(asked, found):
    """label-spelling tells of them."""
    rows = [asked("Where is it?", "There.", label=label) for label in ("VPN", "vpn ", "ＶＰＮ")]
    assert {each[3] for each in found(ExactDuplicate(), *rows)} == {"keep", "drop"}
    assert {
        each[3] for each in found(ExactDuplicate(), *rows, asked("Where is it?", "There.", label="mail"))
    } == {"review"}
