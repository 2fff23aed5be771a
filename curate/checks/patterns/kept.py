"""Hyperscan's compiled patterns as files of the user's cache: to compile them takes .5 s, to load them 1 ms.

A file is only ever taken for what it was made of: it is named by a digest of the patterns and of
Hyperscan's version, and begins with a digest of what stands in it. One that is damaged, or was made on
another kind of processor, is made again; where none can be written, they are compiled each time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

DIGEST = 16  # bytes
MOST = 16  # files; the oldest go
_SUFFIX = ".hyperscan"


class Kept(NamedTuple):
    """A database and the numbers of the patterns in it: the others are more than it can tell."""

    database: Any
    ids: list[int]


def key_of(patterns: Sequence[tuple[str, int]], made_by: Sequence[Path]) -> str:
    """What (pattern, flags), Hyperscan's version and the source that prepares them are called together."""
    said = [version("hyperscan"), [file.read_text(encoding="utf-8") for file in made_by], list(patterns)]
    return blake2b(json.dumps(said).encode(), digest_size=DIGEST).hexdigest()


def load(key: str) -> Kept | None:
    """What was kept under this name; None where nothing was, or it is damaged or of another processor."""
    import hyperscan as hs

    try:
        data = _place(key).read_bytes()
    except OSError:
        return None
    told, body = data[:DIGEST], data[DIGEST:]
    if told != blake2b(key.encode() + body, digest_size=DIGEST).digest():
        return None
    ids, _, packed = body.partition(b"\n")
    try:
        database = hs.loadb(packed, hs.HS_MODE_BLOCK)
        database.scratch = hs.Scratch(database)
    except (hs.error, ValueError):  # whole, but not for this processor
        return None
    return Kept(database, json.loads(ids))


def keep(key: str, kept: Kept) -> None:
    """Keep it for other processes, if the cache can be written."""
    import hyperscan as hs

    body = json.dumps(kept.ids).encode() + b"\n" + hs.dumpb(kept.database)
    place = _place(key)
    draft = place.with_suffix(f".{os.getpid()}.part")
    with suppress(OSError):  # a full disk or a home that is not ours: it is compiled again next time
        place.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(blake2b(key.encode() + body, digest_size=DIGEST).digest() + body)
        draft.replace(place)
        known = sorted(place.parent.glob(f"*{_SUFFIX}"), key=lambda file: file.stat().st_mtime_ns)
        for file in known[:-MOST]:
            file.unlink(missing_ok=True)


def _place(key: str) -> Path:
    """The file of that name: in XDG_CACHE_HOME, by default ~/.cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "seatrial" / "patterns" / f"{key}{_SUFFIX}"
