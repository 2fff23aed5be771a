"""A ledger in a folder that one may read and not write: a colleague's, a mounted copy, a medium that is sealed."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from curate.errors import ResourceError


def only_read(path: Path) -> bool:
    """Whether a ledger that is there can be read, and neither it nor the files beside it written."""
    if not path.is_file() or not path.stat().st_size:
        return False
    return not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def connect(path: Path) -> sqlite3.Connection:
    """A connection that reads. Raises ResourceError where what was written last cannot be told from here.

    While somebody works in it SQLite's own two files stand beside it, and what they write is seen. Without
    these nobody does, and the file is read as it is.
    """
    words = path.with_name(f"{path.name}-wal")
    alone = not words.exists() or not words.stat().st_size
    if not alone and not path.with_name(f"{path.name}-shm").exists():
        raise ResourceError(
            f"{path}: the newest words stand in {words.name}, and can only be read where one may write",
            hint="copy the whole folder to a place of your own and open that",
        )
    how = "immutable=1" if alone else "mode=ro"
    return sqlite3.connect(
        f"{path.resolve().as_uri()}?{how}", uri=True, isolation_level=None, check_same_thread=False
    )
