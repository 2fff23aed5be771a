"""The kinds of leak that words do not show: meaning, groups, columns, time, answers in prompts."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest

from curate.checks.leak import PROTECTED, Leak
from curate.checks.leak.given import given_away
from curate.checks.leak.subject import MOST_PIECES, PIECE, numbers_in, pieces_of, subjects
from curate.scanning.embedding import Units, with_units
from curate.scanning.scan import scan


class Known:
    """Vectors that a test names, instead of an encoder's; a text that it does not name points nowhere near."""

    def __init__(self, known: Mapping[str, tuple[float, ...]], languages: tuple[str, ...] = ()) -> None:
        self.known, self.languages = known, languages

    def of(self, texts: list[str]) -> np.ndarray:
        """Unit rows."""
        size = 64
        rows = np.zeros((len(texts), size), dtype=np.float32)
        for at, text in enumerate(texts):
            place = next((vector for part, vector in self.known.items() if part in text), None)
            if place is None:
                rows[at, 8 + at % (size - 8)] = 1
            else:
                rows[at, : len(place)] = np.array(place) / np.linalg.norm(place)
        return rows

    of_whole = of  # no text here is longer than what a test's encoder reads


def told(table: pl.DataFrame, known: Known, **settings: float) -> list[tuple[str, int, int | None, str]]:
    """(label, row, other row, action) of all that the check tells with these vectors."""
    check = Leak(encoder="a test's own", **settings)  # type: ignore[arg-type]
    sketches = check.sketch(table)
    numbered, units = with_units(sketches, known)  # type: ignore[arg-type]
    assert isinstance(units, Units)
    findings = check.verify(check.relate(numbered, units), table)
    at = {name: place for place, name in enumerate(table["example_id"])}
    columns = findings.select("label", "example_id", "other_id", "action").iter_rows()
    return sorted((label, at[one], at.get(other), action) for label, one, other, action in columns)


SHEEP, FLOCK = (
    "How many sheep are left on the farm after the storm?",
    "After the storm, what does the flock count?",
)
NEAR = {SHEEP: (1.0, 0.0), FLOCK: (0.9, 0.3), "eleven": (0.9, 0.3)}


def test_a_rephrased_question_of_a_benchmark_blocks_and_is_for_a_person(asked, examples):
    table = examples(asked(FLOCK, "9", split="train"), asked(SHEEP, "9", split=PROTECTED))
    assert told(table, Known(NEAR)) == [("protected-rephrased", 0, 1, "review")]
    sketches = Leak(encoder="x").sketch(table)
    pairs = Leak(encoder="x").relate(*with_units(sketches, Known(NEAR)))  # type: ignore[arg-type]
    assert pairs["blocking"].to_list() == [True]


def test_the_last_question_of_a_conversation_is_compared_alone(turn, asked, examples):
    opening = [turn("user", "eleven words on the weather of today " * 30), turn("assistant", "I see.")]
    table = examples(
        {"messages": [*opening, turn("user", FLOCK), turn("assistant", "9")], "split": "train"},
        asked(SHEEP, "9", split=PROTECTED),
    )
    known = Known({SHEEP: (1.0, 0.0), "weather": (0.0, 0.0, 1.0), FLOCK: (0.9, 0.3)})
    assert told(table, known) == [("protected-rephrased", 0, 1, "review")]


def test_between_own_splits_it_is_a_twin_and_does_not_block(asked, examples):
    table = examples(asked(FLOCK, "9", split="train"), asked(SHEEP, "9", split="test"))
    pairs = Leak(encoder="x").relate(
        *with_units(Leak(encoder="x").sketch(table), Known(NEAR))  # type: ignore[arg-type]
    )
    assert pairs.select("sides", "kind", "blocking").rows() == [("train/test", "rephrased", False)]


def test_a_text_in_which_nobody_asks_has_no_answer_that_could_differ(turn, examples):
    """A rephrase in a few words, as a text alone, is no twin with another answer."""
    table = examples(
        {"messages": [turn("assistant", "Whether the red flock is on the farm")], "split": "train"},
        {
            "messages": [turn("user", "Whether the lost sheep are on the farm"), turn("assistant", "B")],
            "split": PROTECTED,
        },
    )
    known = Known({"sheep": (1.0, 0.0), "flock": (0.9, 0.3)})
    assert told(table, known) == [("protected-rephrased", 0, 1, "review")]


def test_other_numbers_make_another_question(asked, examples):
    """Templated twins mean nearly the same to an encoder."""
    ask = "eleven: a box of {} pens, {} pads, {} clips and {} rulers costs what?"
    rows = [ask.format(2, 5, 9, 14), ask.format(21, 35, 39, 44)]
    table = examples(asked(rows[0], "x", split="train"), asked(rows[1], "x", split=PROTECTED))
    assert told(table, Known({"pens": (1.0,)}), meaning=0.8) == []


def test_what_is_as_near_to_everything_says_nothing_again(asked, examples):
    """Six items of one subject: a row near to all of them repeats none."""
    items = [asked(f"subject {word}", "x", split=PROTECTED) for word in "abcdef"]
    row = asked("a row about it", "x", split="train")
    known = Known({"subject": (1.0, 0.0), "a row": (0.75, 0.66)})
    assert told(examples(row, *items), known) == []
    assert told(examples(row, items[0]), known) == [("protected-rephrased", 0, 1, "review")]


@pytest.mark.parametrize(("near", "blocks"), [((0.6, 0.8), False), ((0.7, 0.714), True)])
def test_what_only_stands_alone_among_open_requests_does_not_block(asked, examples, near, blocks):
    """Of items none of which is near another, a row of one's topic stands out as its rephrase does."""
    items = [asked(f"request {word} of its own", "x", split=PROTECTED) for word in "abcdefgh"]
    table = examples(asked("a row on the topic", "x", split="train"), *items)
    known = Known({"request a": (1.0,), "a row": near})
    sketches = Leak(encoder="x").sketch(table)
    pairs = Leak(encoder="x").relate(*with_units(sketches, known))  # type: ignore[arg-type]
    assert pairs.select("kind", "blocking").rows() == [("rephrased", blocks)]


def test_a_long_row_is_compared_piece_by_piece(asked, examples):
    filler = "Other words stand here for no reason at all. " * 60
    table = examples(asked(f"{filler}\n{FLOCK}", "9", split="train"), asked(SHEEP, "9", split=PROTECTED))
    known = Known({**NEAR, "Other words": (0.0, 0.0, 1.0)})
    # the piece that holds the question is named by it
    known.known = {FLOCK: (0.9, 0.3), SHEEP: (1.0, 0.0), "Other words": (0.0, 0.0, 1.0)}
    assert told(table, known) == [("protected-rephrased", 0, 1, "review")]


def test_a_row_may_repeat_a_question_with_one_of_its_options(asked, examples):
    quiz = "Mass media theory says that:\nA. markets rule\nB. elites rule\nC. the media steer the masses\nD. nobody knows"
    table = examples(
        asked("It is the media that steer people.", "yes", split="train"), asked(quiz, "C", split=PROTECTED)
    )
    known = Known({"steer": (1.0, 0.0), "Mass media": (0.3, 0.9)})
    assert told(table, known) == [("protected-rephrased", 0, 1, "review")]


def test_languages_that_the_encoder_does_not_read_are_not_covered(asked, examples):
    table = examples(
        asked("请问农场里还剩下多少只羊？请详细说明。", "九", split="train"),
        asked("农场里还剩多少只羊呢？", "九", split=PROTECTED),
    )
    known = Known({"羊": (1.0,)}, languages=("en",))
    assert [each[0] for each in told(table, known)] == ["protected-uncovered"]
    assert [each[0] for each in told(table, Known({"羊": (1.0,)}, languages=("en", "zh")))] == [
        "protected-rephrased"
    ]


def test_without_an_encoder_it_says_what_it_does_not_see(asked, examples):
    table = examples(asked(FLOCK, "9", split="train"), asked(SHEEP, "9", split="test"))
    result = scan(table, [Leak(encoder="none")])
    assert result.findings.is_empty()
    assert [(each.check, "rephrased" in each.reason) for each in result.not_run] == [("leak (meaning)", True)]


def test_a_group_on_both_sides_blocks_and_nobody_is_dropped_unasked(asked, found):
    rows = [
        asked("one thing", "x", split="train", group="u1"),
        asked("quite another", "y", split="test", group="u1"),
        asked("a third one", "z", split="train", group="u2"),
        asked("without an owner", "z", split="test"),
    ]
    assert found(Leak(encoder="none"), *rows) == [(0, 1, "train/test-group", "review")]


def test_a_column_that_names_users_is_told_once_and_holds_no_name(asked, examples):
    rows = [
        asked(f"thing {word}", "x", split=split, meta=json.dumps({"user_id": f"secret-{word}"}))
        for split in ("train", "test")
        for word in range(25)
    ]
    findings = scan(examples(*rows), [Leak(encoder="none", threshold=1.0)]).findings
    columns = findings.filter(label="train/test-column")
    assert columns.height == 1 and "secret" not in columns["evidence"][0]
    assert json.loads(columns["evidence"][0]) == {"column": "user_id", "rows": 25, "values": 25}


@pytest.mark.parametrize(("late", "expected"), [(1, "review"), (20, "keep")])
def test_rows_later_than_the_test(asked, found, late: int, expected: str):
    """Each of a few, where the split goes by time; else a word about all of them."""
    rows = [
        asked(
            f"question {n} of training",
            "x",
            split="train",
            meta=json.dumps({"created_at": f"2024-0{6 if n < late else 1}-01"}),
        )
        for n in range(40)
    ]
    rows.append(asked("the test", "x", split="test", meta=json.dumps({"created_at": "2024-03-01T10:00:00Z"})))
    told = [row for row in found(Leak(encoder="none"), *rows) if row[2] == "train/test-time"]
    assert {row[3] for row in told} == {expected} and len(told) == 1


@pytest.mark.parametrize(
    ("question", "answer", "label", "gives"),
    [
        ("What is 9 + 9?\nAnswer: 18", "18", None, True),
        ("What is 9 + 9?\n#### 18", "9 + 9 = 18\n#### 18", None, True),
        ("I want my money back. Category: refund", "refund", "refund", True),
        ("What is 9 + 9?\nAnswer: 17", "18", None, False),
        ("Q: 1 + 1\nAnswer: 2\nQ: 2 + 2\nAnswer: 4\nQ: 1 + 3", "4", None, False),
        ("Choose one of refund, card, other: where is my card?", "card", "card", False),
        ("Correct the text: " + "he go to the school each day with bus", "he go to the school each day with bus", None, False),
        ("Poem please. the moon is a lamp over the sleeping hills tonight", "the moon is a lamp over the sleeping hills tonight", None, True),
    ],
)  # fmt: skip
def test_prompts_that_give_their_answer_away(question: str, answer: str, label: str | None, gives: bool):
    assert (given_away(question, answer, label) is not None) == gives


def test_numbers_are_read_in_one_spelling():
    assert numbers_in("three of 1,000 eggs at 2.50, the fourth of 16") == {"3", "1000", "2.5", "4", "16"}


def test_pieces_lose_nothing_and_are_bounded():
    text = " ".join(f"Sentence number {n} stands here." for n in range(200))
    pieces = pieces_of(text)
    assert " ".join(pieces) == text and max(map(len, pieces)) <= PIECE
    assert len(pieces_of("x" * PIECE * (MOST_PIECES + 5))) == MOST_PIECES


def test_options_in_a_column_or_in_the_text(asked, examples):
    table = examples(
        asked("Which?", "B", meta=json.dumps({"choices": ["red", "blue"]})),
        asked("Which is it?\nA) red\nB) blue\nC) green", "B"),
        asked("A. is a letter", "B"),
    )
    assert [(s.stem, s.options) for s in subjects(table)] == [
        ("Which?", ("red", "blue")),
        ("Which is it?", ("red", "blue", "green")),
        ("A. is a letter", ()),
    ]
