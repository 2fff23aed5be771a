"""What is in the test must not be in the training rows; and what could not be looked at is said."""

from __future__ import annotations

import json

import pytest

from curate.checks.leak import PROTECTED, Leak
from curate.scanning.scan import scan

QUESTION = "a farmer has seventeen sheep and all but nine of them run away how many sheep are left"


def test_an_equal_and_a_near_question_across_splits(asked, examples):
    table = examples(
        asked(QUESTION, "9", split="test"),
        asked(QUESTION.upper(), "nine", split="train"),
        asked("now " + QUESTION, "nine", split="train"),
        asked("what is the capital of france", "Paris", split="train"),
        asked("what is the capital of france?", "Paris", split="validation"),
    )
    findings = scan(table, [Leak(encoder="none")]).findings
    at = {name: place for place, name in enumerate(table["example_id"])}
    told = {
        (at[row["example_id"]], at[row["other_id"]], row["label"], json.loads(row["evidence"])["question"])
        for row in findings.iter_rows(named=True)
    }
    assert told == {
        (1, 0, "train/test", "equal"),
        (2, 0, "train/test", "near"),
        (3, 4, "train/validation", "equal"),
    }
    assert findings["action"].unique().to_list() == ["drop"]
    assert findings["blocking"].all()


def test_a_short_question_within_a_long_row(asked, examples):
    """In the question or the answer, in the middle of much else."""
    much = " ".join(f"word{at}" for at in range(300))
    table = examples(
        asked(QUESTION, "9", split="test"),
        asked(f"{much} {QUESTION} {much}", "x", split="train"),
        asked("quiz", f"{much} {QUESTION} {much}", split="train"),
    )
    findings = scan(table, [Leak(encoder="none")]).findings
    assert findings.height == 2
    assert {json.loads(text)["question"] for text in findings["evidence"]} == {"contained"}


def chat(turn, opening, question, **columns):
    """A conversation in which something was said before the question."""
    turns = [turn("user", opening), turn("assistant", "That is so."), turn("user", question)]
    return {"messages": [*turns, turn("assistant", "9")], **columns}


@pytest.mark.parametrize(("split", "blocks"), [("test", False), (PROTECTED, True)])
def test_the_last_question_of_a_conversation_behind_another_opening(turn, asked, examples, split, blocks):
    """For a person: behind another opening the same words may ask for something else."""
    table = examples(
        chat(turn, "Let us talk about the animals that live on a farm.", QUESTION, split=split),
        chat(turn, "I like riddles of all kinds, do you have some?", "Well, " + QUESTION, split="train"),
        asked(QUESTION, "nine", split="train"),
        asked("I like riddles of all kinds, do you have some of these for me today?", "x", split="train"),
    )
    findings = scan(table, [Leak(encoder="none")]).findings
    at = {name: place for place, name in enumerate(table["example_id"])}
    told = [
        (at[row["example_id"]], at[row["other_id"]], row["action"], row["blocking"])
        for row in findings.to_dicts()
    ]
    assert sorted(told) == [(1, 0, "review", blocks), (2, 0, "review", blocks)]
    assert {json.loads(text)["question"] for text in findings["evidence"]} == {"last question"}


@pytest.mark.parametrize(
    "question",
    [
        "Could you please explain that to me in a bit more detail?",
        "Can you give me an example of how to use it?",
        "Please rewrite your previous answer so that it is shorter and easier to read.",
    ],
)
def test_what_is_asked_last_of_anything_is_to_be_read_and_blocks_nothing(turn, examples, question):
    table = examples(
        chat(turn, "What is the boiling point of water at sea level?", question, split=PROTECTED),
        chat(turn, "How do I bake sourdough bread at home in winter?", question, split="train"),
    )
    told = scan(table, [Leak(encoder="none")]).findings.select("action", "blocking").rows()
    assert told == [("review", False)]


def test_what_is_asked_last_in_a_few_words_says_nothing_alone(turn, examples):
    table = examples(
        chat(
            turn, "Write a mail to my landlord about the heating.", "Can you make it shorter?", split="test"
        ),
        chat(turn, "Draft a speech for a wedding in May.", "Can you make it shorter?", split="train"),
    )
    assert scan(table, [Leak(encoder="none")]).findings.is_empty()


def test_the_frame_of_a_question_is_not_the_question(asked, found):
    rows = [
        asked("How long does it take for a refund?", "x", split="test"),
        asked("How long does it take for a new card to ship?", "x", split="train"),
    ]
    assert found(Leak(encoder="none"), *rows) == []


def test_protected_rows_of_a_benchmark(asked, examples):
    table = examples(asked(QUESTION, "9"), asked("what else is there to ask", "x"))
    bench = examples(asked(QUESTION, "nine", source="bench.jsonl"))
    result = scan(table, [Leak(encoder="none")], protected=bench)
    assert [check for check, _ in result.not_run] == ["leak (meaning)"]
    row = result.findings.row(0, named=True)
    assert (row["example_id"], row["other_id"]) == (table["example_id"][0], bench["example_id"][0])
    assert row["label"] == PROTECTED
    assert result.findings.height == 1


def test_a_protected_file_of_the_same_name_and_rows(asked, examples):
    """Ids may meet where two files have one name; the leak is found all the same."""
    table = examples(asked(QUESTION, "9"))
    result = scan(table, [Leak(encoder="none")], protected=table)
    assert result.findings.height == 1
    assert result.findings["other_id"][0] not in table["example_id"].to_list()


@pytest.mark.parametrize("splits", [(None, None), ("train", "train"), ("test", None)])
def test_nothing_to_compare_is_not_clean(asked, examples, splits):
    table = examples(*(asked(QUESTION, "9", split=split) for split in splits))
    result = scan(table, [Leak(encoder="none")])
    assert result.findings.is_empty()
    assert [check for check, _ in result.not_run] == ["leak"]


def test_questions_are_compared_without_answers_and_empty_ones_not_at_all(asked, found):
    rows = [
        asked("", "same", split="train"),
        asked("", "same", split="test"),
        asked(None, "same", split="train"),
    ]
    assert found(Leak(encoder="none"), *rows) == []


def test_rows_of_one_template_do_not_leak_into_each_other(asked, found):
    """A long instruction before each question makes them alike only in what does not matter."""
    instruction = (
        "read the message of the customer below and answer with the name of the right queue only " * 3
    )
    words = ["mug", "tent", "lamp", "coat", "bill", "card", "boot", "rope", "sink", "door"]
    rows = [
        asked(f"{instruction} {one} {two} please", "x", split="test" if at % 2 else "train")
        for at, (one, two) in enumerate((one, two) for one in words for two in words)
    ]
    told = found(Leak(encoder="none"), *rows)
    assert [(label, action) for _, _, label, action in told] == [("train/test-template", "keep")]
    copy = asked(
        f"{instruction} mug tent please!", "x", split="train" if rows[1]["split"] == "test" else "test"
    )
    told = found(Leak(encoder="none"), *rows, copy)
    assert [row[2] for row in told if row[3] != "keep"] == ["train/test"]


def test_rows_of_one_template_that_ask_of_another_thing_go_to_a_person(asked, examples):
    """A near question with another word of weight is no copy: nothing of it is safe to drop, and nothing blocks."""
    frame = "Classify the following animal as mammal, bird, reptile or fish and say in one line why: {}."
    rows = [
        asked(frame.format("eagle"), "bird", split="train"), asked(frame.format("whale"), "mammal", split="test"),
        asked("How do I get my money back, please?", "So.", split="train"),
        asked("How do I get my money back, please", "So.", split="test"),
    ]  # fmt: skip
    table = examples(*rows)
    found = scan(table, [Leak(encoder="none")]).findings
    told = {row["example_id"]: row for row in found.iter_rows(named=True)}
    twin, copy = told[table["example_id"][0]], told[table["example_id"][2]]
    assert (twin["action"], twin["blocking"]) == ("review", False)
    assert json.loads(twin["evidence"])["asks_otherwise"] is True
    assert (copy["action"], copy["blocking"]) == ("drop", True)
