"""Files out: the examples in the form that a trainer takes, or in the one they came in."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.dividing.resample import repeated
from curate.errors import ConfigError, GateError, ResourceError
from curate.example import digest
from curate.formats.writers import INFO, WRITERS, Part
from curate.workspace.store import folder_digest

FORMATS = tuple(WRITERS)
SPLITS = ("train", "validation", "test")
UNSPLIT = "unsplit"
REPLACES = "--overwrite (in a recipe: overwrite = true under [export]) replaces it"
NAME = re.compile(r"""\w[^/\\<>:"|?*\x00-\x1f\x7f]{0,200}""")


class Written(NamedTuple):
    """A file (or saved folder) that was written, and how many rows it holds; 0 for a side file."""

    path: Path
    rows: int


def parts_of(examples: pl.DataFrame, name: str, *, splits: bool) -> list[Part]:
    """The examples by split, train first; one part where no split is set or none is wanted."""
    found = set(examples["split"].drop_nulls())
    if not splits or not found:
        return [Part(name, None, examples)]
    order = [split for split in SPLITS if split in found] + sorted(found - set(SPLITS))
    parts = [Part(f"{name}-{split}", split, examples.filter(pl.col("split") == split)) for split in order]
    rest = examples.filter(pl.col("split").is_null())
    return [*parts, Part(f"{name}-{UNSPLIT}", UNSPLIT, rest)] if rest.height else parts


def _same(draft: Path, final: Path) -> bool:
    """Whether a file or folder is there already, to the byte."""
    if draft.is_dir():
        return final.is_dir() and folder_digest("", draft) == folder_digest("", final)
    return final.is_file() and draft.read_bytes() == final.read_bytes()


def _merge_info(draft: Path, final: Path, *, overwrite: bool) -> None:
    """Our entries of dataset_info.json among those that are there; no other entry is touched."""
    if not final.is_file():
        return
    try:
        there: Any = json.loads(final.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(
            f"{final} is not JSON: {error}", hint="mend it, or export to another folder"
        ) from error
    if not isinstance(there, dict):
        raise ConfigError(f"{final} is not a JSON object", hint="mend it, or export to another folder")
    ours = json.loads(draft.read_text(encoding="utf-8"))
    clash = [name for name, entry in ours.items() if there.get(name, entry) != entry]
    if clash and not overwrite:
        raise ConfigError(
            f"{final} has another entry called `{clash[0]}`",
            hint=f"{REPLACES}; or give another name",
        )
    text = json.dumps(there | ours, ensure_ascii=False, indent=2) + "\n"
    draft.write_text(text, encoding="utf-8")


def _must_be_free(draft: Path, final: Path, *, overwrite: bool) -> None:
    if not final.exists() or _same(draft, final):
        return
    saved = final.is_dir() and any((final / name).is_file() for name in ("state.json", "dataset_dict.json"))
    if final.is_dir() and not (saved and draft.is_dir()):
        raise ConfigError(
            f"{final} is a folder, and not a saved dataset", hint="export to another folder or name"
        )
    if not overwrite:
        raise ConfigError(
            f"{final} is there already, with other content; nothing was written",
            hint=f"{REPLACES}; or export to another folder or under another name",
        )


def _sync(path: Path) -> None:
    """Have what was written on the disk before it gets its name."""
    for file in [path, *path.rglob("*")]:
        if file.is_file():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())


def _drafted(
    examples: pl.DataFrame, draft: Path, format: str, name: str, *, splits: bool
) -> list[tuple[str, int]]:
    parts = parts_of(repeated(examples), name, splits=splits)
    try:
        return list(WRITERS[format](parts, draft, name))
    except (ConfigError, GateError) as error:
        if len(parts) == 1:
            raise
        words = f"{error.message}; {examples.height:,} rows in all parts"
        raise type(error)(words, hint=error.hint) from error


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder and those above it; where what follows fails, those that stay empty go again."""
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for each in new:
            if each.is_dir() and not any(each.iterdir()):
                each.rmdir()
        raise


def _drafts() -> str:
    """How this machine's folders of unfinished exports begin; the writing process comes behind it."""
    return f".export-{digest(platform.node())[:8]}-"


def _sweep(folder: Path) -> None:
    """Take away what exports left that were killed: their process is gone."""
    for draft in folder.glob(f"{_drafts()}*") if folder.is_dir() else ():
        process = int(draft.name.removeprefix(_drafts()).split("-")[0])
        if not _alive(process):
            _take_away(draft)


def _take_away(draft: Path) -> None:
    """Remove a folder of a killed export; one that another export removes just now is no error."""
    try:
        shutil.rmtree(draft)
    except FileNotFoundError:
        if draft.exists():
            raise


def _alive(process: int) -> bool:
    """Whether a process of this machine is there, whosever it is."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _move(draft: Path, final: Path) -> None:
    if _same(draft, final):
        return
    if final.is_dir():
        shutil.rmtree(final)
    draft.replace(final)


def must_be_known(format: str) -> None:
    """ConfigError where no export format is called so."""
    if format not in WRITERS:
        raise ConfigError(f"no export format is called `{format}`", hint=f"formats: {', '.join(FORMATS)}")


def export_dataset(
    examples: pl.DataFrame,
    folder: Path,
    *,
    format: str,
    splits: bool = True,
    name: str,
    overwrite: bool = False,
) -> list[Written]:
    """Write the examples under `folder`, one file a split where splits are set, and say what was written.

    Training rows that a balanced split repeats stand in the file so many times.
    All files or none: each is written beside its place and renamed at the end. A row that the format
    cannot hold stops the export (GateError: how many, why, and the first), as does a file that is
    there already with other content, unless `overwrite`. Equal examples give equal bytes.
    """
    must_be_known(format)
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"`{name}` cannot name a file",
            hint="begin with a letter or digit, and leave out / \\ : and the like",
        )
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file", hint="name a folder; it is made where it is not there")
    try:
        _sweep(folder)
        with (
            _made(folder),
            tempfile.TemporaryDirectory(prefix=f"{_drafts()}{os.getpid()}-", dir=folder) as place,
        ):
            draft = Path(place)
            written = _drafted(examples, draft, format, name, splits=splits)
            for file, _ in written:
                if file == INFO:
                    _merge_info(draft / file, folder / file, overwrite=overwrite)
                else:
                    _must_be_free(draft / file, folder / file, overwrite=overwrite)
                _sync(draft / file)
            for file, _ in written:
                _move(draft / file, folder / file)
    except OSError as error:
        raise ResourceError(
            f"{folder}: {error}", hint="free some disk space or choose another folder"
        ) from error
    return [Written(folder / file, rows) for file, rows in written]
