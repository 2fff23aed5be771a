"""A data card on the screen: its tables stand in columns, nothing is cut off, nothing acts."""

from __future__ import annotations

from tui.reading.markdown import drawn

CARD = """# shop

| source | rows |
| --- | ---: |
| a \\| b.jsonl | 1,234 |
| [/foo] \x1b[31m of many words that do not fit | 7 |

`abc` rows"""


def test_tables_stand_in_columns() -> None:
    """Numbers end at one place; rules and bars are gone; a bar that belongs to a name stays."""
    lines = drawn(CARD, 80).plain.split("\n")
    assert lines[0] == "shop"
    assert lines[-1] == "abc rows"
    table = lines[2:5]
    assert table[0].startswith("source") and table[1].startswith("a | b.jsonl")
    assert len({len(line) for line in table}) == 1
    assert not any("---" in line or "\x1b" in line for line in lines)


def test_what_does_not_fit_is_wrapped() -> None:
    """The widest column gives way, and each of its words is there."""
    lines = drawn(CARD, 24).plain.split("\n")
    assert all(len(line) <= 24 for line in lines)
    assert [word for line in lines[4:-2] for word in line.removesuffix("7").split()] == [
        "[/foo]",
        "␛[31m",
        "of",
        "many",
        "words",
        "that",
        "do",
        "not",
        "fit",
    ]
