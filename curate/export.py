"""Files out: the examples in the form that a trainer takes, or in the one they came in."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import polars as pl

FORMATS = ("original", "openai", "trl", "axolotl", "llamafactory", "alpaca", "sharegpt", "csv", "datasets", "parquet")


class Written(NamedTuple):
    """A file (or saved folder) that was written, and how many rows it holds; 0 for a side file."""

    path: Path
    rows: int


def export_dataset(
    examples: pl.DataFrame,
    folder: Path,
    *,
    format: str,
    splits: bool = True,
    name: str,
    overwrite: bool = False,
) -> list[Written]:
    """Write the examples under `folder`, one file a split where splits are set, and say what was written.

    All files or none: each is written beside its place and renamed at the end. A row that the format
    cannot hold stops the export (ConfigError: which rows, how many, why), as does a file that is there
    already with other content, unless `overwrite`.
    """
    raise NotImplementedError
