"""Tables that a scan keeps for the next one: a file is there whole, or it is not taken.

A file begins with a checksum of the rest, an Arrow file without compression: most of it are keys, which
have nothing to compress.
"""

from __future__ import annotations

import io
import mmap
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

import polars as pl

SUFFIX = ".kept"
_HEAD = 8  # bytes of the checksum: what follows stays aligned


def write(place: Path, table: pl.DataFrame) -> bool:
    """Write a file under another name first: it is there whole, or not at all.

    False where the disk is full or refuses: what is kept only saves work, and the scan goes on.
    """
    temporary = place.with_suffix(f".{os.getpid()}.part")
    made = io.BytesIO()
    table.rechunk().write_ipc(made, compat_level=pl.CompatLevel.newest())
    body = made.getbuffer()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(crc32(body).to_bytes(_HEAD, "little"))
            file.write(body)
        temporary.replace(place)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        sys.stderr.write(f"{place.name} is not kept ({error.strerror}): the next scan does that work again\n")
        return False
    return True


def read(place: Path, columns: Collection[str]) -> pl.DataFrame | None:
    """A file that was kept; None where it is gone, or is damaged: it is put away, and its rows are looked at anew.

    The table lies in the file's own pages: nothing of it is copied. A file is never written again in its place,
    and one that is put away stays readable for who has it open.
    """
    try:
        with place.open("rb") as file:
            whole = _pages(file)
    except FileNotFoundError:  # another scan has put the files together
        return None
    body = memoryview(whole)[_HEAD:]
    if len(whole) <= _HEAD or crc32(body) != int.from_bytes(whole[:_HEAD], "little"):
        why = "its checksum is another"
    else:
        table = _table(body)
        if set(columns) <= set(table.columns):
            return table
        why = "it has other columns"
    sys.stderr.write(f"{place.name}, kept of an earlier scan, is damaged ({why}): it is made again\n")
    place.unlink(missing_ok=True)
    return None


def _pages(file: BinaryIO) -> mmap.mmap | bytes:
    """A file's bytes where they lie; of an empty one there are none."""
    size = os.fstat(file.fileno()).st_size
    return mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else b""


def _table(body: memoryview) -> pl.DataFrame:
    """The Arrow file that lies there."""
    import pyarrow as pa  # type: ignore[import-untyped]

    table = pl.from_arrow(pa.ipc.open_file(pa.py_buffer(body)).read_all())
    assert isinstance(table, pl.DataFrame)
    return table
