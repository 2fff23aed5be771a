"""A scan: the same findings on every engine, one order, and no check silently left out."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

import polars as pl
import pytest

from curate.check import Scan
from curate.checks import CHECKS
from curate.errors import ConfigError, SeatrialError
from curate.example import frame, with_ids
from curate.finding import ACTIONS, FINDINGS
from curate.scanning.scan import make_checks, obstacles, scan, settings_of


def rows(*pairs: tuple[str, str], split: str | None = None) -> pl.DataFrame:
    made = [
        {
            "messages": [
                {"role": "user", "content": question, "name": None, "tool_calls": None, "tool_call_id": None},
                {
                    "role": "assistant",
                    "content": answer,
                    "name": None,
                    "tool_calls": None,
                    "tool_call_id": None,
                },
            ],
            "source": "rows.jsonl",
            "source_row": at,
            "meta": "{}",
            "split": split,
        }
        for at, (question, answer) in enumerate(pairs, 1)
    ]
    return with_ids(frame(made), [str(pair) for pair in pairs])


def dirty(count: int = 120) -> pl.DataFrame:
    """Rows with something for each check to find."""
    draw = random.Random(3)
    words = [f"word{at}" for at in range(400)]
    pairs = []
    for at in range(count):
        text = " ".join(draw.choices(words, k=25))
        pairs.append((text, ["fine", "", "write to mia@mail.example", "nan"][at % 4]))
        if at % 5 == 0:
            pairs.append((text.upper(), pairs[-1][1]))
            pairs.append((text + " please", "something else again"))
    table = rows(*pairs)
    splits = ["test" if at % 7 == 0 else "train" for at in range(table.height)]
    return table.with_columns(split=pl.Series(splits))


def test_all_engines_and_batch_sizes_give_equal_tables():
    table = dirty()
    checks = make_checks()
    one = scan(table, checks)
    # these rows have no labels, no tasks of twenty rows, and no encoder at hand
    silent = {"semantic-duplicate", "wrong-label", "style", "quality", "label-spelling"}
    assert set(one.findings["check"]) >= set(CHECKS) - silent - {"contradiction"}


def test_findings_are_complete_and_named_once():
    findings = scan(dirty(), make_checks()).findings
    assert findings.schema == FINDINGS
    assert findings["finding_id"].is_unique().all()
    assert set(findings["action"]) <= set(ACTIONS)
    assert findings["score"].is_between(0, 1).all()


def test_the_order_of_rows_does_not_change_the_claims_about_one_row():
    table = rows(("Hi", ""), ("Hello", "nan"), ("Ho", "fine"))
    checks = make_checks(["structure"])
    backwards = scan(table.reverse(), checks).findings
    assert backwards.equals(scan(table, checks).findings)


def test_no_rows_no_findings():
    result = scan(rows(), make_checks())
    assert result.findings.is_empty()
    assert result.findings.schema == FINDINGS


def test_a_check_that_cannot_look_is_named():
    table = rows(("Hi", "Hello"))
    checks = make_checks(["leak", "structure"])
    result = scan(table, checks)
    assert [check for check, _ in result.not_run] == ["leak"]
    assert obstacles(table, checks) == result.not_run
    assert "leak" not in result.seconds


@dataclass(frozen=True)
class Brittle:
    """Fails on one text; stands for a check of a third party."""

    name: ClassVar[str] = "brittle"
    version: ClassVar[int] = 1

    def scan(self, batch: pl.DataFrame) -> Scan:
        for messages in batch["messages"]:
            if messages[0]["content"] == "row 37":
                raise ValueError("secret words of the row")
        return Scan(pl.DataFrame(schema={"example_id": pl.String}))


def test_a_check_that_fails_names_the_example_and_quotes_nothing():
    table = rows(*((f"row {at}", "x") for at in range(100)))
    with pytest.raises(SeatrialError) as caught:
        scan(table, [Brittle()], rows=64)
    assert "rows.jsonl:38" in caught.value.message
    assert table["example_id"][37] in caught.value.message
    assert "ValueError" in caught.value.message
    assert "secret" not in caught.value.message


HOSTILE = [
    ("", ""),
    (" \n\t", "\u200b"),
    ("a\x00b\x1b[31m", "\ufffd\ufffe\uffff"),
    ("\u202eabc שלום مرحبا", "👨‍👩‍👧‍👦👍🏽e\u0301"),
    ("\\ud800\\udc00 \\u0000", "\ud7ff\ue000"),
    ("a" * 200_000, "a." * 50_000),
    ("a@" * 50_000, "1234567890 " * 5_000),
    ("漢" * 50_000, "ไทย" * 20_000),
    ("\n" * 100_000 + "x", "!" * 100_000 + "?"),
    ("not " * 20_000, "-----BEGIN PRIVATE KEY-----" * 2_000),
]


def test_hostile_rows_crash_no_check():
    """Nor does a list of messages that is empty, or content that is null."""
    table = rows(*HOSTILE)
    odd = table.with_columns(messages=pl.lit([], dtype=table.schema["messages"])).head(1)
    null = table.tail(1).with_columns(
        messages=pl.col("messages")
        .list.eval(
            pl.struct(
                pl.element().struct.field("role"),
                *(
                    pl.lit(None, dtype=pl.String).alias(name)
                    for name in ("content", "name", "tool_calls", "tool_call_id")
                ),
            )
        )
        .cast(table.schema["messages"])
    )
    both = pl.concat(
        [table, odd.with_columns(example_id=pl.lit("odd")), null.with_columns(example_id=pl.lit("null"))]
    )
    split = both.with_columns(split=pl.Series(["train", "test"] * (both.height // 2)))
    result = scan(split, make_checks(), protected=table.head(3))
    told = {each.check for each in result.not_run}
    assert told == {
        "pii (names)",
        "semantic-duplicate",
        "wrong-label",
        "contradiction (meaning)",
        "leak (meaning)",
    }
    labels = set(result.findings["label"])
    assert {"no-messages", "empty-answer", "empty-question", "control-character", "over-long"} <= labels


@pytest.mark.parametrize(
    ("names", "settings", "message", "hint"),
    [
        (["near-duplicat"], {}, "near-duplicat", "near-duplicate"),
        (None, {"pi": {}}, "pi", "pii"),
        (None, {"leak": {"treshold": 0.5}}, "treshold", "threshold"),
        (None, {"leak": {"threshold": "high"}}, "leak.threshold", "number"),
        (None, {"leak": {"threshold": True}}, "leak.threshold", "number"),
        (None, {"pii": {"entities": [1]}}, "pii.entities", "list of strings"),
        (None, {"structure": {"max_characters": 0}}, "max_characters", "at least 1"),
    ],
)
def test_a_wrong_name_or_setting_is_told_with_the_nearest(names, settings, message, hint):
    with pytest.raises(ConfigError) as caught:
        make_checks(names, settings)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_checks_come_in_their_order_with_their_settings():
    checks = make_checks(["leak", "structure"], {"leak": {"threshold": 1}})
    assert [check.name for check in checks] == ["structure", "leak"]
    assert settings_of(checks) == {
        "structure": {"max_characters": 20_000},
        "leak": {
            "threshold": 1.0,
            "containment": 0.8,
            "meaning": 0.66,
            "counterparts": 1,
            "crowd": 10,
            "encoder": "auto",
        },
    }
    assert [check.name for check in make_checks()] == list(CHECKS)


def test_the_first_batch_is_small_and_slow_checks_are_told_often(monkeypatch):
    """So a check that takes long says how far it is; which rows are looked at together changes nothing."""
    from curate.scanning import looking

    table = pl.DataFrame({"row": range(5_000)})
    quick = list(looking._slices(table, 2_000))
    assert [part.height for part in quick] == [400, 800, 1_600, 2_000, 200]
    assert pl.concat(quick).equals(table)
    clock = iter(range(0, 10_000, 3))
    monkeypatch.setattr(looking.time, "monotonic", lambda: float(next(clock)))
    slow = [part.height for part in looking._slices(table, 2_000)]
    assert slow[:5] == [400, 200, 100, 50, 50] and sum(slow) == 5_000
    assert [part.height for part in looking._slices(table[:9], 4)] == [4, 4, 1]
