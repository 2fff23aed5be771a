"""Whether an answer has the form that was asked for, whatever it says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from curate.errors import ConfigError
from evalharness.asking.task import complies
from evalharness.metrics.rows import Scored, score_rows
from evalharness.metrics.schema import Schema


@dataclass(frozen=True)
class Format:
    """1 where the answer complies, else 0.

    With `regex`, the whole answer must match it. With `schema` (JSON Schema, as text), the answer must be
    JSON that the schema allows. With neither, it must be a known label, as it is written, alone or before a
    colon.
    """

    labels: tuple[str, ...] = ()
    regex: str | None = None
    schema: str | None = None
    name: ClassVar[str] = "format"
    version: ClassVar[int] = 2

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Null where no form was asked for. Raises ConfigError for a regex or schema that is wrong."""
        if self.regex is not None:
            pattern = _compiled(self.regex)
            return score_rows(predictions, lambda row: _yes(pattern.fullmatch(row["answer"].strip())))
        if self.schema is not None:
            schema = Schema.read(self.schema)
            return score_rows(predictions, lambda row: _json(schema, row))
        if not self.labels:
            return score_rows(predictions, lambda row: Scored(None, "no form was asked for"))
        return score_rows(predictions, lambda row: _yes(complies(row["answer"], self.labels)))


def form_of(regex: str | None, schema: Path | None) -> Format | None:
    """The form that --format-regex or --format-schema names; ConfigError for both, or one that is wrong."""
    if regex is not None and schema is not None:
        raise ConfigError(
            "--format-regex and --format-schema: an answer has one form", hint="give one of them"
        )
    if schema is None:
        if regex is not None:
            _compiled(regex)
        return Format(regex=regex) if regex is not None else None
    try:
        text = schema.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"--format-schema {schema}: {error}", hint="it names a text file in UTF-8"
        ) from error
    Schema.read(text)
    return Format(schema=text)


def _yes(found: object) -> Scored:
    return Scored(float(bool(found)))


def _json(schema: Schema, row: Mapping[str, Any]) -> Scored:
    try:
        value = json.loads(row["answer"], parse_constant=_refuse)
    except ValueError:  # not JSON: that is the answer to the question, not a fault
        return Scored(0.0)
    return _yes(schema.allows(value))


def _refuse(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _compiled(regex: str) -> re.Pattern[str]:
    try:
        return re.compile(regex, re.DOTALL)
    except re.error as error:
        raise ConfigError(f"--format-regex: {error}", hint="the whole answer must match it") from error
