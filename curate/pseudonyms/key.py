"""The key that fakes and hashes hang on: where it comes from, how it is named, what is drawn by it."""

from __future__ import annotations

import hmac
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from curate.errors import ConfigError

Item = TypeVar("Item")

SHORTEST_KEY = 16  # bytes
HOW = "seatrial vault key FILE makes one; --key-file FILE or --key-env NAME gives it"
# letters alone: in digits a check would see telephones and cards
LETTERS = "abcdefghijklmnop"


def read_key(file: str = "", variable: str = "") -> bytes:
    """The key in a file or in an environment variable; ConfigError says what is wrong, never what it is."""
    if bool(file) == bool(variable):
        raise ConfigError("one key is needed: from a file or from an environment variable", hint=HOW)
    if file:
        try:
            key = Path(file).expanduser().read_bytes().strip()
        except OSError as error:
            raise ConfigError(f"the key file {file}: {error.strerror}", hint=HOW) from error
    else:
        key = os.environ.get(variable, "").strip().encode()
        if not key:
            raise ConfigError(f"the environment variable {variable} holds no key", hint=HOW)
    if len(key) < SHORTEST_KEY:
        raise ConfigError(
            f"the key has {len(key)} bytes", hint=f"{SHORTEST_KEY} at least: a short one can be guessed"
        )
    return key


def said(key: bytes, *parts: str) -> bytes:
    """HMAC-SHA-256 of the parts, each with its length before it, so that no two lists read the same."""
    data = [part.encode("utf-8", "surrogatepass") for part in parts]
    return hmac.digest(key, b"".join(b"%d:%s" % (len(part), part) for part in data), "sha256")


def fingerprint(key: bytes) -> str:
    """What may be recorded of a key: it tells two keys apart and says nothing of either."""
    return said(key, "seatrial key fingerprint")[:8].hex()


def digest_of(key: bytes, label: str, value: str) -> str:
    """64 bits of the keyed hash of a value, as 16 letters from a to p."""
    return "".join(LETTERS[byte >> 4] + LETTERS[byte & 15] for byte in said(key, "hash", label, value)[:8])


class Draw:
    """Numbers by chance that a key and a purpose fix: the same ones each time."""

    def __init__(self, key: bytes, *purpose: str) -> None:
        self.key = key
        self.purpose = purpose
        self.block = 0
        self.bytes = b""

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1, each as likely."""
        while True:
            if len(self.bytes) < 8:
                self.bytes += said(self.key, *self.purpose, str(self.block))
                self.block += 1
            number, self.bytes = int.from_bytes(self.bytes[:8]), self.bytes[8:]
            if number < (1 << 64) // limit * limit:
                return number % limit

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[self.below(len(items))]

    def digits(self, size: int) -> str:
        """So many digits."""
        return "".join(str(self.below(10)) for _ in range(size))
