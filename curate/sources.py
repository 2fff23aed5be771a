"""Files in: JSONL, JSON, CSV, TSV, Parquet, saved `datasets` folders and hub ids become examples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

REJECTS = pl.Schema(
    {
        "source": pl.String,  # file name, as in EXAMPLES
        "row": pl.UInt32,  # line of a text file, else 1-based row
        "reason": pl.String,
        "text": pl.String,  # the row as it stood, at most 2,000 characters
    }
)


class Imported(NamedTuple):
    """What was read."""

    examples: pl.DataFrame  # EXAMPLES, with ids
    rejects: pl.DataFrame  # REJECTS
    format: str  # of curate.formats; several joined by ", "
    why: str  # how the format was recognised, in words


def read_source(
    place: str | Path,
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    label: str | None = None,
    group: str | None = None,
    split: str | None = None,
    roles: Mapping[str, str] | None = None,
    hub: bool = False,
) -> Imported:
    """Read a file, a folder, `-` (stdin, JSONL) or, when `hub` or `hf:org/name` asks so, a hub id.

    `columns` maps a part of the format to the source's column (`{"prompt": "question"}`), `roles` an
    unknown role to a known one (`{"bot": "assistant"}`). `label`, `group`, `split` name columns whose
    value is copied, as text, into the example's column of that name.
    Raises SourceError where nothing can be read, MissingExtraError or ResourceError for the hub.
    """
    raise NotImplementedError
