"""Tables that a scan keeps for the next one: a file is there whole, or it is not taken.

A file begins with a checksum of the rest, an Arrow file without compression: most of it are keys, which
have nothing to compress.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Collection
from pathlib import Path
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
    """A file that was kept; None where it is gone, or is damaged: it is put away, and its rows are looked at anew."""
    try:
        with place.open("rb") as file:
            head, body = file.read(_HEAD), file.read()
    except FileNotFoundError:  # another scan has put the files together
        return None
    if len(head) < _HEAD or crc32(body) != int.from_bytes(head, "little"):
        why = "its checksum is another"
    else:
        table = pl.read_ipc(body)
        if set(columns) <= set(table.columns):
            return table
        why = "it has other columns"
    sys.stderr.write(f"{place.name}, kept of an earlier scan, is damaged ({why}): it is made again\n")
    place.unlink(missing_ok=True)
    return None
