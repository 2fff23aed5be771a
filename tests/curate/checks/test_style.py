"""The answer that is unlike the others of its task is shown; tasks whose answers differ raise nothing."""

from __future__ import annotations

import json

import pytest

from curate.checks.style import Style
from curate.errors import ConfigError
from curate.scanning.scan import scan

WORDS = ["red", "blue", "green", "round", "flat", "tall", "heavy", "light", "quick", "slow"]


def orders(asked, count=60, odd=None):
    """Rows of a task whose answers are JSON, and perhaps one that is not."""
    rows = [
        asked(
            f"Extract the goods from this order please: {n} {WORDS[n % 10]} boxes",
            json.dumps({"goods": f"{WORDS[n % 10]} box {n}", "count": n}),
        )
        for n in range(count)
    ]
    return rows if odd is None else [*rows, asked("Extract the goods from this order please: 5 jars", odd)]


def test_an_answer_in_another_format(asked, found, examples):
    rows = orders(asked, odd="There are five jars\nin the order, as asked.")
    assert [row for row in found(Style(), *rows) if row[2] == "format-outlier"] == [
        (60, None, "format-outlier", "review")
    ]
    (finding,) = scan(examples(*rows), [Style()]).findings.iter_rows(named=True)
    evidence = json.loads(finding["evidence"])
    assert evidence["odd_rows_by_feature"]["form"] == 1
    assert (evidence["rows"], finding["message"], finding["field"]) == (61, 1, "content")


def test_tasks_that_agree_or_differ_by_nature(asked, found):
    assert found(Style(), *orders(asked)) == []
    free = [
        asked(f"Write about {word} things", ("- a\n- b" if n % 3 else "All are one.") * (n % 7 + 1))
        for n, word in enumerate(WORDS * 6)
    ]
    assert found(Style(), *free) == []


def test_few_rows_make_no_task(asked, found):
    assert found(Style(), *orders(asked, count=15, odd="None at all\nthat I see.")) == []


def test_a_length_out_of_all_measure(asked, found):
    rows = [
        asked(f"Summarize the report of the day {n}", f"It was {WORDS[n % 10]} and calm on day {n}.")
        for n in range(40)
    ]
    odd = asked("Summarize the report of the day 99", "It was calm and the day was long. " * 40)
    assert (40, None, "length-outlier", "review") in found(Style(), *rows, odd)
    assert found(Style(), *rows) == []


def test_rows_in_another_language_than_their_source(asked, found):
    rows = [
        asked(
            f"What is the name of the {word} box that is in the hall?",
            "It is the box of the house and of the hall.",
        )
        for word in WORDS * 3
    ]
    other = asked(
        "Wie heißt die Kiste, die in dem Haus und in der Halle steht?",
        "Das ist die Kiste, die wir mit dem Haus haben.",
    )
    translation = asked(
        "Translate to German: the box of the house is in the hall",
        "Die Kiste in dem Haus ist die Kiste, die wir mit der Halle haben.",
    )
    assert found(Style(), *rows, other, translation) == [(30, None, "other-language", "review")]
    assert found(Style(language_share=1.5), *rows, other) == []


def test_preferred_answers_are_compared_and_rows_without_answer_are_not(turn, asked, found):
    rows = [
        {
            "messages": [turn("user", f"Extract the goods from this order {n}")],
            "chosen": json.dumps({"goods": [n]}),
            "rejected": "none",
        }
        for n in range(60)
    ]
    odd = {
        "messages": [turn("user", "Extract the goods from this order 99")],
        "chosen": "It holds\nno goods. Sorry.",
        "rejected": "none",
    }
    assert (60, None, "format-outlier", "review") in found(
        Style(), *rows, odd, {"messages": []}, asked("Hi", None)
    )


def test_batches_of_any_size_give_the_same(asked, examples):
    table = examples(*orders(asked, odd="There are five jars\nin the order, as asked."))
    assert scan(table, [Style()], rows=7).findings.equals(scan(table, [Style()]).findings)


def test_settings_that_make_no_sense():
    with pytest.raises(ConfigError, match=r"style\.least"):
        Style(least=2)
    with pytest.raises(ConfigError, match=r"style\.bits"):
        Style(bits=0)
