"""What went wrong, in words for a person: what, where, and what to do. A traceback goes to a file."""

from __future__ import annotations

import errno
import functools
import sqlite3
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from curate.errors import SeatrialError
from tui.terminal.display_text import display_text

T = TypeVar("T")
RECORD = "screens-error.log"
MENDED = {
    errno.ENOSPC: "the disk is full: free some space",
    errno.EDQUOT: "your share of the disk is full: free some space",
    errno.EFBIG: "the file may not become larger: see `ulimit -f`",
    errno.EACCES: "it is not yours to read or write: mend the permission",
    errno.EPERM: "it is not yours to read or write: mend the permission",
    errno.EROFS: "the folder can only be read: mend the permission",
    errno.ENOENT: "is the workspace's folder still there?",
    errno.EIO: "the disk fails: copy the workspace's folder elsewhere",
}
LEDGER = {
    "readonly": "the workspace's folder can only be read: mend the permission",
    "full": "the disk is full: free some space",
    "disk i/o": "the disk is full, or the workspace's folder is gone: free some space, or bring it back",
    "unable to open": "is the workspace's folder still there, and yours to write in?",
    "locked": "another process holds the workspace for long: wait, and do it again",
    "no such table": "is the workspace's folder still there?",
}


class Words(NamedTuple):
    """What is wrong, and what to do."""

    message: str
    hint: str


def in_words(error: Exception) -> Words | None:
    """An error that a person can mend, in words; None for one that is a fault of the program."""
    if isinstance(error, SeatrialError):
        return Words(error.message, error.hint or "")
    if isinstance(error, sqlite3.Error):
        hint = next((words for part, words in LEDGER.items() if part in str(error).lower()), "")
        return Words(f"the ledger cannot be read or written: {error}", hint or "seatrial verify looks at it")
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        # the reader of Parquet files gives no number
        number = error.errno or (errno.ENOENT if isinstance(error, FileNotFoundError) else 0)
        hint = MENDED.get(number, "")
        return Words(where + (error.strerror or str(error)), hint)
    if isinstance(error, MemoryError):
        return Words("out of memory", "close other programs, or use a machine with more")
    if type(error).__module__.startswith("polars"):
        # a file that is gone is not an OSError there
        return Words(
            f"a file of the workspace cannot be read: {str(error).splitlines()[0]}", "seatrial verify"
        )
    return None


def told(handler: Callable[..., T]) -> Callable[..., T | None]:
    """A screen's or a list's handler of a message or a timer: what goes wrong in it is told, and ends nothing.

    Actions need it not: the app tells what goes wrong in them. Beyond both Textual can only end the app.
    """

    @functools.wraps(handler)
    def handled(self: Any, *words: Any) -> T | None:  # noqa: ANN401  whatever the handler takes
        try:
            return handler(self, *words)
        except Exception as error:
            self.app.complain(error)
            return None

    return handled


def leave_record(folder: Path | None, error: Exception) -> str:
    """Write down where in the program an error came up; words that say where, empty if it could not be."""
    if folder is None:
        return ""
    record = folder / RECORD
    try:
        record.write_text(display_text("".join(traceback.format_exception(error))), encoding="utf-8")
    except OSError:
        return ""
    return f"details are in {record}; "
