"""A group whose own name holds a redacted value gets another name; one that holds a part of a word keeps it."""

from __future__ import annotations

import json

import polars as pl
import pytest

from curate.changing.apply import apply
from curate.deciding.review import REVIEW
from curate.example import frame, with_ids
from curate.finding import FINDINGS, complete, stamp


@pytest.mark.parametrize(
    ("group", "stays"),
    [
        ("Hanna-7", True),
        ("cust-ann", False),
        ("ANN", False),
        ("a_n_n", False),
        ("ann2", True),
        ("eve", True),
        (None, True),
    ],
)
def test_a_group_is_renamed_for_the_value_and_not_for_a_part_of_a_word(
    group: str | None, stays: bool
) -> None:
    made = [
        {
            "messages": [{"role": "user", "content": text}],
            "source": "rows.jsonl",
            "source_row": n,
            "group": name,
        }
        for n, (text, name) in enumerate((("from Ann", group), ("no", "eve")), start=1)
    ]
    rows = with_ids(frame(made), [json.dumps(row) for row in made])
    place = {"example_id": rows["example_id"][0], "message": 0, "field": "content", "start": 5, "end": 8}
    found = stamp(
        complete(pl.DataFrame([place | {"action": "redact", "label": "PERSON"}])),
        dict(rows.select("example_id", "content_hash").iter_rows()), check="pii", version=1,
    )  # fmt: skip
    decided = found.with_columns(
        decided=pl.lit("redact"), target="example_id", reviewer=pl.lit("anna"), shape=pl.lit("span")
    )
    absent = [pl.lit(None).cast(kind).alias(n) for n, kind in REVIEW.items() if n not in decided.columns]
    assert set(FINDINGS) <= set(REVIEW)
    clean = apply(rows, decided.with_columns(absent).select(list(REVIEW))).clean
    assert clean["messages"][0][0]["content"] != "from Ann"
    assert (clean["group"][0] == group) == stays or group is None
    assert clean["group"][1] == "eve"
