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


class Sealed(sqlite3.Connection):
    """A connection that reads."""

    stood: tuple[tuple[int, int] | None, ...] = ()  # the files as they were when it was opened


def connect(path: Path) -> sqlite3.Connection:
    """A connection that reads. Raises ResourceError where what was written last cannot be told from here.

    While somebody works in it SQLite's own two files stand beside it, and what they write is seen. Without
    these nobody does, and the file is read as it is until it is another (`again`).
    """
    stood = _stand(path)
    words = path.with_name(f"{path.name}-wal")
    beside = path.with_name(f"{path.name}-shm").exists()
    if words.exists() and words.stat().st_size and not beside:
        raise ResourceError(
            f"{path}: the newest words stand in {words.name}, and can only be read where one may write",
            hint="copy the whole folder to a place of your own and open that",
        )
    how = "mode=ro" if words.exists() and beside else "immutable=1"
    where = f"{path.resolve().as_uri()}?{how}"
    db = sqlite3.connect(where, uri=True, isolation_level=None, check_same_thread=False, factory=Sealed)
    db.row_factory = sqlite3.Row
    db.stood = stood
    return db


def again(db: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """The connection, or another one where somebody has written since: SQLite takes the file for one that stays."""
    if not isinstance(db, Sealed) or db.stood == _stand(path):
        return db
    db.close()
    return connect(path)


def _stand(path: Path) -> tuple[tuple[int, int] | None, ...]:
    """Of the ledger and what was not taken over into it yet the time and size; None for a file that is not there."""
    said: list[tuple[int, int] | None] = []
    for each in (path, path.with_name(f"{path.name}-wal")):
        try:
            known = each.stat()
        except FileNotFoundError:
            said.append(None)
        else:
            said.append((known.st_mtime_ns, known.st_size))
    return tuple(said)
