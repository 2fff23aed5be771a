"""What a prediction run has answered so far, so that a killed one goes on where it stopped."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from curate.errors import ConfigError
from evalharness.asking.endpoint import Endpoint
from evalharness.asking.replies import Replies

Row = dict[str, Any]  # the columns of PREDICTIONS
REPLIES = "replies"  # folder of what endpoints said, beside the drafts


class Unfinished:
    """A file with one line of JSON for each batch that was answered whole.

    `key` names the run by its settings, inputs and code, so that nothing of another run is taken up.
    A line that was cut by a kill, or spoilt, is dropped, and its batch is answered again. What endpoints said is kept
    by its request for all runs; with `again` for this one alone, until it is done.
    """

    def __init__(self, root: Path, key: str, *, again: bool = False) -> None:
        folder = root / "unfinished"
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"predict-{key}.jsonl"
        self.kept = root / REPLIES
        self.own = folder / f"predict-{key}-{REPLIES}" if again else None

    def read(self) -> dict[int, list[Row]]:
        """Batch number to its rows."""
        done: dict[int, list[Row]] = {}
        if not self.path.is_file():
            return done
        whole = 0
        with self.path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                try:
                    batch = json.loads(line)
                    done[batch["batch"]] = batch["rows"]
                except (ValueError, KeyError, TypeError):
                    break  # spoilt: this one and what follows is asked again
                whole += len(line)
        os.truncate(self.path, whole)
        return done

    def add(self, number: int, rows: list[Row]) -> None:
        """Keep a batch; on return it is on the disk."""
        line = json.dumps({"batch": number, "rows": rows}, ensure_ascii=True) + "\n"
        with self.path.open("ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def replies(self, endpoint: Endpoint) -> Iterator[Replies]:
        """What this endpoint said before, to look up and to add to."""
        found = Replies.of(self.own or self.kept, endpoint)
        try:
            yield found
        finally:
            found.close()

    def forget(self) -> None:
        """The run is recorded; its draft is not needed, and what was asked anew takes the old replies' place."""
        self.path.unlink(missing_ok=True)
        if self.own is None or not self.own.is_dir():
            return
        self.kept.mkdir(exist_ok=True)
        for file in self.own.iterdir():
            with (self.kept / file.name).open("ab") as kept:
                kept.write(b"\n" + file.read_bytes())
            file.unlink()
        self.own.rmdir()


@contextmanager
def alone(root: Path, what: str, key: str) -> Iterator[None]:
    """Hold the run of this key: two processes would write into one draft.

    ConfigError where another holds it, with its number; a kill lets it go.
    """
    folder = root / "unfinished"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{what}-{key}.lock"
    with _held(path, what) as file:
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _held(path: Path, what: str) -> IO[str]:
    """The lock's file, locked. One that was removed between opening and locking holds nobody off."""
    while True:
        file = path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            number = file.read().strip()
            file.close()
            raise ConfigError(
                f"another process{f' ({number})' if number else ''} is at this very {what}",
                hint="wait for it to end, or end it: what it has done is kept, and is not done again",
            ) from error
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()


def key_of(params: Mapping[str, object], inputs: Mapping[str, str], code: str) -> str:
    """Names a run by all that decides its answers."""
    from curate.example import digest

    return digest(json.dumps(params, sort_keys=True), json.dumps(inputs, sort_keys=True), code)
