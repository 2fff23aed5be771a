"""Words of a text: nothing is lost, and what is known of a word does not depend on where it stands."""

from __future__ import annotations

import pytest

from curate.names.tokens import BIT, BUCKETS, candidate, features, shape, style, tokens, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Anna's dog", ["Anna", "'s", "dog"]),
        ("Anna’s dog", ["Anna", "’s", "dog"]),
        ("O'Brien, Jean-Luc", ["O'Brien", ",", "Jean-Luc"]),
        ("18-year-old", ["18", "-", "year-old"]),
        ("call 555-010-9999!", ["call", "555-010-9999", "!"]),
        ("foo_bar x1 HumanEval", ["foo_bar", "x1", "HumanEval"]),
        ("mail a.b@c.org now", ["mail", "a.b@c.org", "now"]),
        ("see https://x.org/a?b=C ok", ["see", "https://x.org/a?b=C", "ok"]),
        ("a\n\n  b", ["a", "\n\n  ", "b"]),
        ("-----", ["-----"]),
        ("", []),
        ("李雷 lives", ["李雷", "lives"]),
    ],
)
def test_a_text_is_parted_into_words_and_marks(text, expected):
    assert [token.text for token in tokens(text)] == expected
    assert words(text) == expected


def test_every_token_stands_where_it_says_and_only_white_space_is_left_out():
    text = "Dear Ms. O'Neil-Smith,\n\tcall +49 (30) 12-34 — or mail\u00a0me@x.org 👩‍👩‍👧 ok_1\r\n"
    found = tokens(text)
    assert all(text[token.start : token.end] == token.text for token in found)
    rest, at = "", 0
    for token in found:
        rest += text[at : token.start]
        at = token.end
    assert not (rest + text[at:]).strip()


@pytest.mark.parametrize(
    ("word", "outline"),
    [("Anna", "Xx"), ("McCoy", "XxXx"), ("555-1234", "d3-d4"), ("USA", "X"), ("x1", "xd1")],
)
def test_a_words_outline(word, outline):
    assert shape(word) == outline


def test_features_are_rows_of_the_embedding_and_the_first_is_the_word():
    found = features("Anna", BIT["first"], "n")
    assert all(0 <= row < BUCKETS for row in found)
    assert found[0] == features("ANNA", 0, "u")[0]
    assert found != features("Anna", 0, "n")


def test_a_text_in_one_case_is_told_from_others():
    assert [style(text) for text in ("hi anna", "HI ANNA", "Hi anna", "123")] == ["l", "u", "n", "n"]


@pytest.mark.parametrize(
    ("word", "flags", "manner", "may_be"),
    [
        ("Zorblax", 0, "n", True),
        ("The", BIT["english_300"], "n", False),
        ("mark", BIT["first"] | BIT["english_1500"], "l", True),
        ("table", BIT["english_1500"], "l", False),
        ("kevin", BIT["first"] | BIT["english_5000"], "n", False),
        ("zorblax", 0, "l", True),
        ("zorblax", 0, "n", False),
        (",", 0, "n", False),
    ],
)
def test_which_words_may_be_of_a_name(word, flags, manner, may_be):
    assert candidate(word, flags, manner, numbers=False) is may_be


def test_numbers_are_looked_at_only_where_kinds_of_digits_are_asked_for():
    assert candidate("1984", 0, "n", numbers=True)
    assert not candidate("1984", 0, "n", numbers=False)
