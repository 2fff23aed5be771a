"""What is decided on the screens reaches the disk while its key is painted, not before.

Each act is in the ledger's file before its key is painted, so that a process that is killed loses none.
That the file is on the disk as well is for when the power fails; a disk may take its time for it, which
nobody should wait for. The next act waits for it: at most the newest one is ever on its way.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from curate.workspace.ledger import Ledger

PATIENCE = 5_000  # milliseconds that a key waits for another process that writes; then it is said


class Synced:
    """Brings a ledger to the disk behind the back of those who write to it."""

    def __init__(self, ledger: Ledger, failed: Callable[[OSError], object]) -> None:
        self.ledger, self.failed = ledger, failed  # `failed` is called in a thread
        # what SQLite adds to, until it takes it over into the ledger
        self.words = self.ledger.path.with_name(f"{self.ledger.path.name}-wal")
        self.file = self.ledger.path.stat()
        self.thread = ThreadPoolExecutor(1, "ledger")
        self.pending: Future[None] | None = None
        with self.ledger.alone:
            self.ledger.db.execute(f"pragma busy_timeout = {PATIENCE}")
            if self.ledger.db.execute("pragma journal_mode").fetchone()[0] == "wal":
                # SQLite then brings to the disk what it takes over, and not each act by itself
                self.ledger.db.execute("pragma synchronous = normal")
                self.ledger.committed = self.begin

    def begin(self) -> None:
        """Another act is in the file. Waits until the one before is on the disk."""
        if self.pending is not None:
            self.pending.result()
        self.pending = self.thread.submit(self._sync)

    def _sync(self) -> None:
        try:
            # no lock stands on this file, so that closing it gives up none
            handle = os.open(self.words, os.O_RDWR)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
            if not os.path.samestat(self.ledger.path.stat(), self.file):
                raise OSError(errno.ENOENT, "it is another file now", str(self.ledger.path))
        except OSError as error:
            self.failed(error)
