"""What a model is, beside its name: a digest of its files. A name may come to mean another model tomorrow."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from curate.errors import ConfigError, MissingExtraError

WEIGHTS = (".safetensors", ".bin")
KNOWN = (*WEIGHTS, ".json", ".txt", ".model")  # and what tells how weights and texts are to be read
SHOWN = 12  # hex digits that stand beside a name
_MARKED = re.compile(rf"(?P<name>.+)@(?P<mark>[0-9a-f]{{{SHOWN}}})\Z", re.DOTALL)
PART = 1 << 20  # bytes of a file in memory at once


def folder_digest(folder: Path, *, how: str = "", name: str = "") -> str:
    """128 bits, in hex, of a model's weights, configuration and tokenizer; of `how` it is run as well.

    Names within the folder count, its own name and a card do not. Raises ConfigError where there are
    no weights; `name` is what the error calls the model.
    """
    files = sorted(file for file in folder.rglob("*") if file.suffix in KNOWN)
    if not any(file.suffix in WEIGHTS for file in files):
        raise ConfigError(f"no weights in the folder of {name or folder.name}", hint="it needs *.safetensors")
    hasher = blake2b(how.encode(), digest_size=16)
    for file in files:
        hasher.update(file.relative_to(folder).as_posix().encode())
        with file.open("rb") as opened:
            while part := opened.read(PART):
                hasher.update(part)
    return hasher.hexdigest()


def text_digest(text: str) -> str:
    """The same of a text that is all there is to know, as a tokenizer's JSON."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def told(name: str, digest: str) -> str:
    """Name and digest as records show them; of a path only its last part."""
    path = name.startswith((".", "/", "~")) or name.count("/") != 1
    return f"{Path(name).name if path else name}@{digest[:SHOWN]}"


def marked(name: str, digest: str) -> str:
    """A setting's model with its digest behind it; the name is whole, so that it can be loaded by it."""
    return f"{name}@{digest[:SHOWN]}"


def parted(name: str) -> tuple[str, str]:
    """A model's name without its digest, and that; empty where it has none."""
    found = _MARKED.match(name)
    return (found["name"], found["mark"]) if found else (name, "")


@lru_cache(maxsize=8)
def snapshot(name: str) -> Path:
    """The folder of a model of the hub: as it lies on disk, else fetched. Raises ConfigError where it cannot be had."""
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise MissingExtraError("huggingface_hub", "train") from error
    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        try:
            return Path(snapshot_download(name))
        except (OSError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
            raise ConfigError(
                f"the model `{name}` cannot be loaded",
                hint="give a hub id or a folder with config and weights",
            ) from error
