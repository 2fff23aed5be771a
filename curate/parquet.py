"""Tables as Parquet files, whose faults are told as those of any other file."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

import polars as pl

# of an operating system's error polars gives no number but in its words
OS_ERROR = re.compile(r"\(os error (\d+)\)")


def write_parquet(
    table: pl.DataFrame,
    path: Path,
    *,
    compression: Literal["zstd", "lz4"] = "zstd",
    row_group_size: int | None = None,
    metadata: dict[str, str] | None = None,
) -> None:
    """Write the table. Raises OSError where the disk is full or refuses."""
    try:
        table.write_parquet(path, compression=compression, row_group_size=row_group_size, metadata=metadata)
    except pl.exceptions.ComputeError as error:
        number = OS_ERROR.search(str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error
