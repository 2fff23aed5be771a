"""What stays, as a file of the same kind; and what goes, with its reason."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from curate.dedup.corpus import NearDuplicates
from curate.dedup.reading import open_packed, plain_name
from curate.dedup.shingling import Numbers
from curate.errors import ConfigError, ResourceError


def check_out(file: Path, out: Path | None, *, overwrite: bool = False) -> None:
    """Raise ConfigError where a result cannot be written, before anything is read."""
    if out is None:
        return
    if out.exists() and file.exists() and out.samefile(file):
        raise ConfigError(f"{out} is the file that is read", hint="write to another name")
    if out.exists() and not overwrite:
        raise ConfigError(f"{out} exists", hint="--overwrite replaces it")
    if not out.parent.is_dir():
        raise ConfigError(f"there is no folder {out.parent}", hint="make it first")


def write_kept(file: Path, kept: Numbers, out: Path) -> None:
    """The rows that stay, as they stand in the file, in its order; whole or not at all."""
    name = plain_name(file)
    with _whole(out) as partial:
        if name.endswith(".parquet"):
            _parquet(file, kept, partial)
        elif name.endswith(".json"):
            with open_packed(file) as source:
                rows = json.load(source)
            said = json.dumps([rows[row] for row in kept.tolist()], ensure_ascii=False, indent=1)
            partial.write_text(said, encoding="utf-8")
        else:
            with open_packed(file) as source, partial.open("wb") as target:
                _copy(source, kept, target)


def write_dropped(found: NearDuplicates, out: Path) -> None:
    """One JSON line for each row that goes: its number, that of the row that stays (from 1), the score."""
    with _whole(out) as partial, partial.open("w", encoding="utf-8") as target:
        for row, stays, score in zip(found.dropped, found.stays, found.score, strict=True):
            told = {"row": int(row) + 1, "stays": int(stays) + 1, "jaccard": round(float(score), 6)}
            target.write(json.dumps(told) + "\n")


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """Another name to write to, which becomes the file's own at the end; ResourceError where the disk refuses."""
    partial = out.with_name(f"{out.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(out)
    except OSError as error:
        raise ResourceError(
            f"{out} cannot be written: {error.strerror or error}",
            hint="free some disk space; nothing was changed",
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _copy(source: Any, kept: Numbers, target: BinaryIO) -> None:  # noqa: ANN401
    """The lines of these numbers; blank lines do not count."""
    wanted = np.zeros(int(kept[-1]) + 1 if len(kept) else 0, dtype=np.bool_)
    wanted[kept] = True
    for number, line in enumerate(_full(source)):
        if number >= len(wanted):
            return
        if wanted[number]:
            target.write(line if line.endswith(b"\n") else line + b"\n")


def _full(source: Any) -> Iterator[bytes]:  # noqa: ANN401
    return (line for line in source if line.strip())


def _parquet(file: Path, kept: Numbers, out: Path) -> None:
    """The rows of a Parquet file, batch by batch."""
    import pyarrow.parquet as parquet  # type: ignore[import-untyped]

    at = 0
    with parquet.ParquetFile(file) as source, parquet.ParquetWriter(out, source.schema_arrow) as target:
        for batch in source.iter_batches():
            begin, end = np.searchsorted(kept, (at, at + batch.num_rows))
            if end > begin:
                target.write_batch(batch.take(kept[begin:end] - at))
            at += batch.num_rows
