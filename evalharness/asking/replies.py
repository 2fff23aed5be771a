"""What an endpoint replied, kept by the bytes of the request: the same request is not sent twice."""

from __future__ import annotations

import json
import os
import time
from hashlib import blake2b
from pathlib import Path

from evalharness.asking.endpoint import Endpoint, Reply

SYNC_EVERY = 1.0  # seconds; a kill loses nothing that was written, only a power cut does


def key_of(address: str, body: bytes) -> str:
    """What a reply is kept under."""
    return blake2b(address.encode() + b"\n" + body, digest_size=16).hexdigest()


class Replies:
    """A file with one line of JSON for each reply, written the moment it comes in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[str, Reply] = {}
        self._synced = time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        whole = path.read_bytes()
        *lines, cut = whole.split(b"\n")
        for line in lines:
            try:
                key, *reply = json.loads(line)
                self.known[key] = Reply(*reply)
            except (ValueError, TypeError):
                continue  # cut by a kill, or spoilt: this one is asked again
        if cut:
            os.write(self._file, b"\n")

    @classmethod
    def of(cls, folder: Path, endpoint: Endpoint) -> Replies:
        """Those of one model at one address."""
        name = blake2b(f"{endpoint.address}\n{endpoint.model}".encode(), digest_size=16).hexdigest()
        return cls(folder / f"{name}.jsonl")

    def add(self, key: str, reply: Reply) -> None:
        """Keep a reply; a kill after this does not lose it."""
        self.known[key] = reply
        os.write(self._file, json.dumps([key, *reply]).encode() + b"\n")
        if time.monotonic() - self._synced > SYNC_EVERY:
            self.sync()

    def sync(self) -> None:
        """On return all of it is on the disk."""
        os.fsync(self._file)
        self._synced = time.monotonic()

    def close(self) -> None:
        """Sync, and let the file go."""
        self.sync()
        os.close(self._file)
