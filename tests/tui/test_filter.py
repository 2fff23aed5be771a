"""The queue's filter means what Python would mean, and holds nothing but comparisons."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.errors import ConfigError
from tui.desk.filter import compile_filter, kinds, names_in

ROWS = pl.DataFrame(
    {
        "check": ["pii", "pii", "near-duplicate", None],
        "label": ["EMAIL", "PHONE", "near", None],
        "decided": [None, "keep", "drop", None],
        "score": [0.9, 0.5, 0.95, None],
        "blocking": [True, False, None, False],
        "evidence": ['{"a": "refund (1+"}', "{}", "", None],
        "message": [0, 1, 2, None],
    }
)
KINDS = kinds(ROWS.schema)


def chosen(text: str) -> list[int]:
    return ROWS.with_row_index().filter(compile_filter(text, KINDS))["index"].to_list()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('check == "pii" and score > 0.8', [0]),
        ('check == "pii" or decided == "drop"', [0, 1, 2]),
        ('check != "pii"', [2, 3]),
        ('not check == "pii"', [2, 3]),
        ("0.6 < score <= 0.95", [0, 2]),
        ("0.8 < score", [0, 2]),
        ("score > -1", [0, 1, 2]),
        ("decided is None", [0, 3]),
        ("decided != None", [1, 2]),
        ("blocking", [0]),
        ("not blocking", [1, 2, 3]),
        ("blocking is True", [0]),
        ('label in ("EMAIL", "near")', [0, 2]),
        ('label not in ["EMAIL"]', [1, 2, 3]),
        ("label in ()", []),
        ('"refund (1+" in evidence', [0]),
        ('"refund" not in evidence', [1, 2, 3]),
        ("check == label", [3]),
        ("message >= 1", [1, 2]),
        ("True", [0, 1, 2, 3]),
        ('  check == "pii"  ', [0, 1]),
        ("pii", [0, 1]),
        (" pii/PHONE ", [1]),
        ("near-duplicate/near", [2]),
        ("pii/NAME", []),
    ],
)
def test_good(text: str, rows: list[int]) -> None:
    """Each form of the language chooses the rows that it says."""
    assert chosen(text) == rows


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pie",
        "pie/EMAIL",
        "pii/EMAIL and blocking",
        "check",
        "check ==",
        "chek == 'pii'",
        "score == 'high'",
        "check > 3",
        "check == True",
        "score in (1, 'a')",
        "score is 0.5",
        "3 in score",
        "check in label2",
        "label in 'EMAIL'",
        "score == 10 ** 9",
        "score > 99999999999999999999999",
        "1 < 2",
    ],
)
def test_bad(text: str) -> None:
    """What cannot be meant is refused, with a way out."""
    with pytest.raises(ConfigError) as caught:
        ROWS.filter(compile_filter(text, KINDS))
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "(lambda: 1)()",
        "check.__class__",
        "[x for x in check]",
        "check == f'{1}'",
        "(a := 3) == score",
        "score[0] == 1",
        "check == open('x')",
        "await check",
        "check == b'pii'",
        "score == 1j",
        "(" * 300 + "blocking" + ")" * 300,
        "not " * 200 + "blocking",
        "-" * 5000 + "1 < score",
        "check == '" + "x" * 3000 + "'",
        "check == 'a\x00b",
        "score == " + "9" * 1500,
    ],
)
def test_hostile(text: str) -> None:
    """Calls, attributes, comprehensions and walls of brackets are refused; nothing runs."""
    with pytest.raises(ConfigError):
        ROWS.filter(compile_filter(text, KINDS))


@given(st.text(max_size=60))
def test_anything_typed_is_refused_or_works(text: str) -> None:
    """No input gives anything but rows or a ConfigError."""
    try:
        expression = compile_filter(text, KINDS)
    except ConfigError:
        return
    ROWS.filter(expression)


def test_names() -> None:
    """The names that an expression uses are known without compiling it."""
    assert names_in('split == "test" and score > 1') == {"split", "score"}
    assert names_in("pii/PHONE") == {"check", "label"} and names_in("pii") == {"check"}
    assert names_in("((") == set()
