"""Artifacts: whole folders named by the digest of what they say, never by the bytes they happen to have."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import polars as pl

from curate.errors import NotFoundError, ResourceError, WorkspaceError
from curate.example import EXAMPLES, with_content_hash
from curate.parquet import write_parquet
from curate.rows import TOGETHER

TABLE, DATASET, FILES = "table.parquet", "examples.parquet", "files"
IDENTITY = ("example_id", "content_hash", "group", "split", "source", "source_row", "layout")


def dataset_digest(examples: pl.DataFrame) -> str:
    """Digest of a dataset version: its rows in order, by identity and content hash, and its schema."""
    hasher = blake2b(json.dumps([str(EXAMPLES)]).encode(), digest_size=16)
    for row in examples.select(IDENTITY).iter_rows():
        hasher.update(json.dumps(row).encode())
    return hasher.hexdigest()


def table_digest(kind: str, table: pl.DataFrame) -> str:
    """Digest of a table: its kind, column names and types, and rows in order as JSON lines."""
    hasher = blake2b(
        json.dumps([kind, [(n, str(t)) for n, t in table.schema.items()]]).encode(), digest_size=16
    )
    for part in table.iter_slices(50_000):
        hasher.update(part.write_ndjson().encode())
    return hasher.hexdigest()


def folder_digest(kind: str, folder: Path) -> str:
    """Digest of a folder: its kind, and each file's relative path and bytes, in the paths' order."""
    hasher = blake2b(kind.encode(), digest_size=16)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            content = blake2b(digest_size=16)
            while block := file.read(1 << 20):
                content.update(block)
        hasher.update(json.dumps([path.relative_to(folder).as_posix(), content.hexdigest()]).encode())
    return hasher.hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Store:
    """The folder `artifacts/`. A name in it exists only if the content under it is whole."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def holds(self, digest: str) -> bool:
        """Whether an artifact is here: one that was purged is not, though the ledger knows it."""
        return (self.root / digest).is_dir()

    def path(self, digest: str) -> Path:
        """The folder of an artifact that is here."""
        folder = self.root / digest
        if not folder.is_dir():
            raise NotFoundError(
                f"artifact {digest} is not in {self.root}",
                hint="it was purged, or the folder is damaged: seatrial verify tells which",
            )
        return folder

    def put(self, digest: str, fill: Callable[[Path], None]) -> Path:
        """Write an artifact: into a temporary folder, flushed, then renamed. There already: kept."""
        final = self.root / digest
        if final.is_dir():
            return final
        draft = self.root / f".{digest}.{os.getpid()}.{secrets.token_hex(4)}"
        try:
            draft.mkdir()
            fill(draft)
            for path in draft.rglob("*"):
                _sync(path)
            _sync(draft)
            try:
                draft.rename(final)
            except OSError:
                if not final.is_dir():  # another process may have put the same content first
                    raise
            _sync(self.root)
        except OSError as error:
            full = error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS)
            what = "free some disk space" if full else "make the folder one that you may write in"
            raise ResourceError(f"{final}: {error}", hint=f"{what}; nothing was changed") from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return final

    def put_dataset(self, examples: pl.DataFrame) -> str:
        """Write a dataset version (columns of EXAMPLES) and return its digest."""
        if examples.schema != EXAMPLES:
            raise WorkspaceError(
                f"a dataset version has the columns {list(EXAMPLES)}, not {dict(examples.schema)}"
            )
        digest = dataset_digest(examples)
        self.put(
            digest,
            lambda draft: write_parquet(examples, draft / DATASET, row_group_size=TOGETHER),
        )
        return digest

    def put_table(self, kind: str, table: pl.DataFrame) -> str:
        """Write a table and return its digest."""
        digest = table_digest(kind, table)
        self.put(digest, lambda draft: write_parquet(table, draft / TABLE))
        return digest

    def put_files(self, kind: str, folder: Path) -> str:
        """Copy a folder of files in and return its digest."""
        digest = folder_digest(kind, folder)

        def copy(draft: Path) -> None:
            shutil.copytree(folder, draft / FILES)

        self.put(digest, copy)
        return digest

    def derive(self, digest: str, kind: str) -> str:
        """The digest of what lies under `digest`, made again from its content."""
        folder = self.path(digest)
        if kind == "dataset":
            return dataset_digest(with_content_hash(pl.read_parquet(folder / DATASET)))
        if (folder / TABLE).is_file():
            return table_digest(kind, pl.read_parquet(folder / TABLE))
        return folder_digest(kind, folder / FILES)
