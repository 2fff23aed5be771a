"""What a model that is named in the settings is made of, so that a changed one is not taken for the same."""

from __future__ import annotations

from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path

from curate.errors import ConfigError
from curate.scanning.fingerprint import SHOWN, snapshot

_PASSED = ("__pycache__", ".git", ".cache")  # folders that are no part of a model


def fingerprint(kind: str, model: str) -> str:
    """A digest of all files of a model of that kind (`spacy`, `hf`, `gliner`), by name or path.

    A model of the hub that is not on this disk is fetched. Raises ConfigError where there is none.
    """
    folder = Path(model).expanduser()
    if not folder.is_dir():
        folder = _package(model) if kind == "spacy" else snapshot(model)
    return _digest(folder)


def _digest(folder: Path) -> str:
    """Of the names and contents of all files, in order."""
    hasher = blake2b(digest_size=16)
    for file in sorted(folder.rglob("*")):
        within = file.relative_to(folder)
        if file.is_file() and not set(within.parts) & set(_PASSED):
            name = within.as_posix().encode()
            hasher.update(b"%d:%s:%d:" % (len(name), name, file.stat().st_size))
            with file.open("rb") as opened:
                while block := opened.read(1 << 20):
                    hasher.update(block)
    return hasher.hexdigest()[:SHOWN]


def _package(name: str) -> Path:
    """The folder of an installed spaCy pipeline."""
    spec = find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            f"there is no spaCy pipeline `{name}`", hint=f"python -m spacy download {name}, or give a path"
        )
    return Path(next(iter(spec.submodule_search_locations)))
