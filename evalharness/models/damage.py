"""Whether the files of an adapter are whole: told before anything is said of what they fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from curate.errors import SourceError

CONFIGS = ("adapter_config.json", "training.json", "config.json")
LENGTH = 8  # bytes that say how long the header is
LONGEST = 100_000_000  # bytes of a header, by the format's own rule
HINT = "copy or fetch it again; of one that was trained here seatrial verify lists what is damaged"


def must_be_whole(folder: Path) -> None:
    """SourceError for the first file of an adapter, or of all weights anew, that is cut off or is something else."""
    for name in CONFIGS:
        if (folder / name).is_file():
            read_json(folder / name)
    for path in sorted(folder.glob("*.safetensors")):
        if why := damage(path):
            raise _damaged(path, why)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file; SourceError where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, f"no JSON: {error}") from error
    if not isinstance(found, dict):
        raise _damaged(path, f"no JSON object: {type(found).__name__}")
    return found


def _damaged(path: Path, why: str) -> SourceError:
    return SourceError(f"damaged: {path}, {why}", hint=HINT)


def damage(path: Path) -> str | None:
    """What is wrong with a file of weights by its header and its length; None where nothing is.

    The format: 8 bytes with the header's length, the header as JSON, the tensors without gaps.
    """
    from safetensors import SafetensorError, safe_open

    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH), "little")
        if size < LENGTH or length > LONGEST:
            return "no safetensors file" if size else "it is empty"
        head = file.read(length)
    if len(head) < length:
        return f"cut off, or no safetensors file: it has {size:,} bytes, its header alone {LENGTH + length:,}"
    try:
        tensors = json.loads(head)
        ends = [each["data_offsets"][1] for name, each in tensors.items() if name != "__metadata__"]
        whole = LENGTH + length + max(ends, default=0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return "no safetensors file: its header is no list of tensors"
    if size != whole:
        return f"{'cut off' if size < whole else 'something was added'}: it has {size:,} bytes of {whole:,}"
    try:
        with safe_open(str(path), framework="np"):
            return None
    except SafetensorError as error:
        return str(error).strip()[:200]
