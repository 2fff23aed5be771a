"""Which of several alike examples stays."""

from __future__ import annotations

import json

import polars as pl
import pytest

from curate.checks.exact_duplicate import ExactDuplicate
from curate.checks.keep import carried, check_keep, ranked, sentence
from curate.errors import ConfigError
from curate.example import frame
from curate.scanning.scan import scan


def rows(*given: dict[str, object]) -> pl.DataFrame:
    """Examples that all say the same, in their order."""
    made = []
    for number, row in enumerate(given):
        messages = [
            {"role": "user", "content": "What is it?"},
            {"role": "assistant", "content": row.pop("says", "A box.")},
        ]
        made.append(
            {
                "example_id": str(number),
                "content_hash": f"h{number}",
                "source": "forum.jsonl",
                "source_row": number + 1,
                "messages": messages,
                **row,
            }
        )
    return frame(made)


def order(table: pl.DataFrame, *keep: str) -> list[str]:
    """Ids in the order in which they are kept."""
    carry = pl.concat([table.select("example_id"), carried(table, keep)], how="horizontal")
    return ranked(carry)["example_id"].to_list()


def test_labelled_first():
    assert order(rows({}, {"label": "a"}), "labelled") == ["1", "0"]


@pytest.mark.parametrize(
    ("early", "late"),
    [
        ({"created": "2024-01-02"}, {"created": "2025-01-02"}),
        ({"timestamp": 1700000000}, {"timestamp": 1700000001000}),
        ({"updated_at": "2024-01-02T10:00:00Z"}, {"updated_at": "2024-01-02T12:00:00+01:00"}),
        ({}, {"date": "03.05.2021"}),
    ],
)
def test_newest_first_by_the_columns_called_so(early, late):
    table = rows({"meta": json.dumps(early)}, {"meta": json.dumps(late)})
    assert order(table, "newest") == ["1", "0"]


def test_longest_then_in_the_order_of_the_dataset():
    table = rows({"says": "short"}, {"says": "a longer one"}, {"says": "a longer one"})
    assert order(table, "longest") == ["1", "2", "0"]
    assert order(table, "shortest") == ["0", "1", "2"]


def test_an_order_of_sources_puts_unnamed_ones_last():
    table = rows({"source": "wiki.csv"}, {"source": "forum.jsonl"}, {"source": "a/support.jsonl.gz"})
    assert order(table, "source:support > forum") == ["2", "1", "0"]


def test_an_order_of_a_column_of_meta():
    table = rows({"meta": '{"tier": "b"}'}, {"meta": '{"tier": "a"}'})
    assert order(table, "meta.tier:a > b") == ["1", "0"]


def test_the_first_rule_counts_first_and_the_test_split_before_all():
    table = rows({"label": "x"}, {"says": "much, much longer"}, {"split": "test"})
    assert order(table, "labelled", "longest") == ["2", "0", "1"]
    assert order(table, "longest", "labelled") == ["2", "1", "0"]


@pytest.mark.parametrize("rule", ["newst", "source", "source:", ""])
def test_a_rule_that_means_nothing_is_an_error_that_names_the_rules(rule):
    with pytest.raises(ConfigError, match="keep has") as error:
        check_keep([rule])
    assert "newest" in error.value.hint


def test_each_row_says_why_the_other_stays():
    table = rows(
        {"meta": '{"created": "2024-01-01"}'},
        {"meta": '{"created": "2025-01-01"}'},
        {"label": "a", "meta": "{}"},
    )
    found = scan(table, [ExactDuplicate(keep=("labelled", "newest"))]).findings
    told = {row["example_id"]: json.loads(row["evidence"]) for row in found.iter_rows(named=True)}
    assert found.filter(action="keep")["example_id"].to_list() == ["2"]
    assert told["0"]["why"] == told["1"]["why"] == "has a label"
    assert told["0"]["kept"] == sentence(("labelled", "newest"))
    assert "why" not in told["2"]
