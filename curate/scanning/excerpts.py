"""What a finding is about, for a reader: the text at its place, cut short, and its evidence in words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from curate.example import strings

AROUND = 60  # characters on either side of a place
LONGEST = 160  # characters of an excerpt without a place
OPENS, CLOSES = "«", "»"  # around what was found
HIDDEN = ("looks_like", "edit")  # of evidence: a row's id, and a text of its own

Place = tuple[str, int | None, str]  # example id, message, field


class Texts:
    """The texts of some rows, by their places."""

    def __init__(self, examples: pl.DataFrame) -> None:
        self.at: dict[Place, str] = {}
        self.whole: dict[str, list[str]] = {}
        roles = {
            (name, number): message["role"]
            for name, messages in examples.select("example_id", "messages").iter_rows()
            for number, message in enumerate(messages or ())
        }
        for example_id, message, field, text in strings(examples):
            self.at[example_id, message, field] = text
            if message is not None and field in ("content", "tool_calls"):
                said = f"{roles[example_id, message]}: {text}"
                self.whole.setdefault(example_id, []).append(said)
            elif field in ("chosen", "rejected"):
                self.whole.setdefault(example_id, []).append(f"{field}: {text}")

    def text(self, finding: Mapping[str, Any], side: str = "example_id") -> str | None:
        """The whole text at a finding's place; all turns where it names none; None for a row that is not here."""
        example_id = finding[side]
        if example_id is None:
            return None
        if finding["field"] is not None and side == "example_id":
            return self.at.get((example_id, finding["message"], finding["field"]), "")
        turns = self.whole.get(example_id)
        return "\n".join(turns) if turns is not None else None

    def excerpt(self, finding: Mapping[str, Any], side: str = "example_id") -> str:
        """The text at a finding's place on one line, what was found in marks; empty where there is none."""
        placed = finding["field"] is not None and side == "example_id"
        text = self.text(finding, side) if placed else " | ".join(self.whole.get(finding[side] or "", ()))
        if not text:
            return ""
        start, end = finding["start"], finding["end"]
        if start is None or end is None or not placed:
            return _line(text[:LONGEST]) + ("..." if len(text) > LONGEST else "")
        before, found, after = text[max(0, start - AROUND) : start], text[start:end], text[end : end + AROUND]
        found = found if len(found) <= LONGEST else f"{found[:LONGEST]}..."
        opening, closing = "..." if start > AROUND else "", "..." if end + AROUND < len(text) else ""
        return _line(f"{opening}{before}{OPENS}{found}{CLOSES}{after}{closing}")


def texts_of(examples: pl.LazyFrame, findings: pl.DataFrame) -> Texts:
    """The texts of the rows that findings name, on either side."""
    named = pl.concat([findings["example_id"], findings["other_id"]]).drop_nulls().unique()
    return Texts(examples.filter(pl.col("example_id").is_in(named.implode())).collect())


def evidence_words(evidence: str | None) -> str:
    """`last user, limit 20,000`: a finding's evidence for a person; empty where it has none."""
    said = json.loads(evidence or "{}")
    if not isinstance(said, dict):
        return _line(str(said))[:LONGEST]
    parts = [
        f"{str(name).replace('_', ' ')} {_value(value)}" if value is not True else str(name).replace("_", " ")
        for name, value in said.items()
        if name not in HIDDEN and value not in (None, False, "", [], {})
    ]
    words = _line(", ".join(parts))
    return words if len(words) <= 2 * LONGEST else f"{words[: 2 * LONGEST]}..."


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value[:5]) + (" ..." if len(value) > 5 else "")
    if isinstance(value, Mapping):
        return _pairs(value.items())
    return str(value)


def _pairs(items: Iterable[tuple[object, object]]) -> str:
    return "(" + ", ".join(f"{name} {_value(value)}" for name, value in items) + ")"


def _line(text: str) -> str:
    """On one line; what else could act on a terminal is made harmless where answers are printed."""
    return " ".join(text.split())
