"""The data card: counts that add up, and nothing in it that acts or tells a secret."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.errors import AccountError
from curate.finding import complete
from curate.intake.sources import Imported, read_source
from curate.runs.card import data_card, escaped

SECRET = "anna@example.org"


@pytest.fixture
def imported(tmp_path: Path) -> Imported:
    rows = [{"text": f"{SECRET} {n}", "label": ["card_arrival", "<b>|x"][n % 2]} for n in range(4)]
    bad = '{"messages": [{"role": "anna@example.org", "content": "x"}]}'
    path = tmp_path / "cards.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + bad + "\n{\n", encoding="utf-8")
    return read_source(path)


def changes(*rows: tuple[str, str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["example_id", "change", "check", "label"], orient="row")


CHANGES = changes(
    ("a", "drop", "exact-duplicate", "exact"),
    ("a", "drop", "near-duplicate", "near"),
    ("b", "redact", "pii", "EMAIL"),
    ("b", "redact", "pii", "EMAIL"),
)


def card(imported: Imported, **more: object) -> str:
    told = {"name": "cards", "digest": "0a1b", "command": "seatrial import cards.jsonl", **more}
    return data_card(imported.examples, rejects=imported.rejects, changes=CHANGES, **told)  # type: ignore[arg-type]


def test_the_counts_add_up(imported: Imported) -> None:
    """In is out, dropped and rejected; an example dropped twice over counts once."""
    text = card(imported, rows_in=7)
    assert "| rows in |  | 7 |" in text
    assert "| dropped | exact-duplicate: exact | 1 |" in text
    assert "near-duplicate" not in text
    assert "| rows out |  | 4 |" in text
    assert "| cards.jsonl | classification | 4 | 2 |" in text
    with pytest.raises(AccountError, match="8 rows in, 4 out, 1 dropped and 2 rejected"):
        card(imported, rows_in=8)


def test_no_personal_value_is_told(imported: Imported) -> None:
    """Kinds and counts of what was redacted, never a text of a row or a reject."""
    text = card(imported)
    assert "| EMAIL | 2 |" in text
    assert "anna" not in text


def test_what_comes_from_data_does_not_act(imported: Imported) -> None:
    """A label is shown as it is and makes no markup."""
    text = card(imported, name="x](http://evil) <script>", command="echo '```' && rm\x1b[2J")
    assert "<b>" not in text
    assert "| \\<b\\>\\|x | 2 | 2 |" in text
    assert "card_arrival" in text
    assert "# x\\](http\\://evil) \\<script\\>" in text
    assert "\n````sh\necho '```' && rm\ufffd[2J\n````\n" in text


def test_checks_that_did_not_run_are_named(imported: Imported) -> None:
    """A check that could not look never reads as clean."""
    findings = complete(pl.DataFrame({"finding_id": ["1", "2"], "check": ["pii", "leak"]}))
    text = card(
        imported,
        checks={"pii": {"threshold": 0.5}, "structure": {}},
        not_run={"contradiction": "no model"},
        open_findings=findings,
    )
    assert "| pii | threshold 0.5 | 1 |" in text
    assert "| structure |  | 0 |" in text
    assert "| leak | settings not known | 1 |" in text
    assert "- **not run**: contradiction (no model)" in text
    assert "No check was run." in card(imported)


def test_findings_that_nobody_counted_are_not_zero(imported: Imported) -> None:
    """Without a table of open findings the card says so."""
    assert "| pii |  | not counted |" in card(imported, checks={"pii": {}})


def test_splits_lengths_and_licence(imported: Imported) -> None:
    """Labels by splits, three lengths, and a licence that a person fills in."""
    examples = imported.examples.with_columns(split=pl.Series(["train", "train", "test", None]))
    text = card(imported._replace(examples=examples))
    assert "| label | train | test | no split | all |" in text
    assert "| all | 2 | 1 | 1 | 4 |" in text
    assert "| whole example | 30 | 30 | 30 |" in text
    assert "## Licence\n\nTo be filled in" in text


def test_copies_of_a_balanced_split_are_told(imported: Imported) -> None:
    """Rows are counted once; what the training file repeats is said, and only of training rows."""
    layouts = ['{"repeat":3}', "{}", '{"repeat":2}', "{}"]
    examples = imported.examples.with_columns(
        split=pl.Series(["train", "train", "test", None]), layout=pl.Series(layouts)
    )
    text = card(imported._replace(examples=examples))
    assert "| all | 2 | 1 | 1 | 4 |" in text
    assert (
        "Training rows repeated by a balanced split: 1, so that the training file has 4 rows, 2 of them copies"
        in text
    )
    assert "repeated" not in card(imported)


def test_many_labels_are_cut_and_counted(imported: Imported) -> None:
    """Above 40 labels the rest is one line with its count."""
    many = pl.concat([imported.examples.head(1)] * 50).with_columns(
        label=pl.Series([f"label-{n:02}" for n in range(50)])
    )
    text = card(imported._replace(examples=many))
    assert "| 10 other labels | 10 | 10 |" in text


def test_an_empty_version_has_a_card() -> None:
    """No rows, no failure."""
    empty = data_card(pl.DataFrame(schema=read_schema()), name="x", digest="d", command="c")
    assert "0 rows" in empty


def read_schema() -> pl.Schema:
    from curate.example import EXAMPLES

    return EXAMPLES


@given(st.text())
def test_an_escaped_value_is_one_harmless_line(value: str) -> None:
    """No line break, no control character, no bare HTML, link or table mark."""
    text = escaped(value)
    assert text
    assert not {"\n", "\r", "\x1b", "\u202e"} & set(text)
    for mark in "<>|`[]":
        assert text.count(mark) == text.count("\\" + mark)
