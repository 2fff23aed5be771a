"""Where texts come from: lines of JSONL (packed or not), Parquet, JSON, or texts at hand.

A source gives pieces, always the same ones in the same order, as often as it is asked; a piece is
read by the thread that works on it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from curate.errors import ConfigError, SourceError

PIECE = 4 << 20  # bytes of a file that are worked on at once
ROWS = 8_192  # texts of a table that are
PAD = 64  # bytes past the end of a piece that may be read

Bytes = NDArray[np.uint8]


class Piece(NamedTuple):
    """Some texts of a source: JSON lines, or UTF-8 texts that stand one after the other."""

    data: Bytes  # PAD longer than what it holds
    size: int
    bounds: NDArray[np.int64] | None  # where each text begins, and the end; None of JSON lines


class Source(Protocol):
    """Texts that can be read again and again."""

    @property
    def key(self) -> bytes:
        """The field of JSON lines that is the text; empty where pieces are texts."""
        ...

    def pieces(self) -> Iterator[Callable[[], Piece]]:
        """What reads each piece, in order."""
        ...

    def text_of(self, line: bytes) -> str:
        """The text of a line that only Python can read; SourceError where there is none."""
        ...


@dataclass(frozen=True)
class Lines:
    """A file of JSON lines."""

    path: Path
    fields: tuple[str, ...]

    @property
    def key(self) -> bytes:
        """The field, as it stands in the file; of several fields none is looked for (see text_of)."""
        return self.fields[0].encode() if len(self.fields) == 1 else b"\0"

    def pieces(self) -> Iterator[Callable[[], Piece]]:
        """Whole lines of about PIECE bytes."""
        if self.path.suffix in (".gz", ".zst", ".zstd"):
            yield from (partial(_whole, block) for block in self._unpacked())
            return
        with self.path.open("rb") as file:
            size, at = os.fstat(file.fileno()).st_size, 0
            while at < size:
                end = _line_end(file.fileno(), min(at + PIECE, size), size)
                yield partial(_read, self.path, at, end)
                at = end

    def _unpacked(self) -> Iterator[bytes]:
        """Whole lines of about PIECE bytes of a packed file."""
        rest = b""
        with open_packed(self.path) as file:
            while block := file.read(PIECE):
                block = rest + block
                cut = block.rfind(b"\n") + 1
                rest = block[cut:]
                yield block[:cut]
        if rest:
            yield rest

    def text_of(self, line: bytes) -> str:
        """The text of a line; of several fields, one a line. An absent or null one is empty."""
        try:
            row = json.loads(line)
        except ValueError as error:
            raise SourceError(
                f"{self._place(line)} is not JSON: {error}", hint="each line holds one JSON object"
            ) from error
        if not isinstance(row, dict):
            raise SourceError(f"{self._place(line)} is no JSON object", hint="each line holds one object")
        if not any(field in row for field in self.fields):
            raise SourceError(
                f"{self._place(line)} has no field `{', '.join(self.fields)}`",
                hint=f"--text FIELD; there are: {', '.join(row)}",
            )
        return "\n".join(self._said(row, field, line) for field in self.fields)

    def _said(self, row: dict[str, Any], field: str, line: bytes) -> str:
        value = row.get(field)
        if isinstance(value, list):
            value = _spoken(value)
        elif value is None:
            value = ""
        if not isinstance(value, str):
            raise SourceError(
                f"{self._place(line)}: `{field}` is no text",
                hint="--text names a field of strings, or of messages",
            )
        return value

    def _place(self, line: bytes) -> str:
        """File and line, looked for when there is something to say of it."""
        with open_packed(self.path) as file:
            for number, other in enumerate(file, 1):
                if other.strip() == line.strip():
                    return f"{self.path}:{number}"
        return str(self.path)


@dataclass(frozen=True)
class Table:
    """A column of a Parquet file."""

    path: Path
    field: str
    key: ClassVar[bytes] = b""

    def pieces(self) -> Iterator[Callable[[], Piece]]:
        """ROWS texts each."""
        import pyarrow.parquet as parquet  # type: ignore[import-untyped]

        with parquet.ParquetFile(self.path) as file:
            if self.field not in file.schema_arrow.names:
                names = ", ".join(file.schema_arrow.names)
                raise SourceError(
                    f"{self.path} has no column `{self.field}`", hint=f"--text NAME; there are: {names}"
                )
            for batch in file.iter_batches(ROWS, columns=[self.field], use_threads=False):
                yield partial(_of_arrow, batch.column(0))

    def text_of(self, line: bytes) -> str:
        """The text itself."""
        return line.decode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Texts:
    """Texts at hand; null is empty."""

    texts: Sequence[str | None]
    key: ClassVar[bytes] = b""

    def pieces(self) -> Iterator[Callable[[], Piece]]:
        """ROWS texts each."""
        for at in range(0, len(self.texts), ROWS):
            yield partial(_joined, self.texts[at : at + ROWS])

    def text_of(self, line: bytes) -> str:
        """The text itself."""
        return line.decode("utf-8", "surrogatepass")


def source_of(what: str | Path | Iterable[str | None], text: str) -> Source:
    """The source behind a path, a polars series, or texts; `text` names a field or several, by commas."""
    if not isinstance(what, str | Path):
        return Texts(what if isinstance(what, list | tuple) else list(what))
    path = Path(what)
    if not path.is_file():
        raise SourceError(f"there is no file {path}", hint="a .jsonl, .json or .parquet file")
    fields = tuple(name.strip() for name in text.split(","))
    name = plain_name(path)
    if name.endswith((".jsonl", ".ndjson")):
        if len(fields) > 1:  # of one field each row is asked for it
            with open_packed(path) as file:
                _all_there(path, fields, (_keys(line) for line in file))
        return Lines(path, fields)
    if name.endswith(".parquet"):
        if len(fields) > 1:
            raise ConfigError(f"--text {text} of a Parquet file", hint="name one column")
        return Table(path, fields[0])
    if name.endswith(".json"):
        return Texts(_of_array(path, fields))
    raise _not_read(path, name)


def _not_read(path: Path, name: str) -> SourceError:
    """What to do with a file of another kind; its name tells which it is."""
    if name.endswith((".csv", ".tsv", ".xlsx", ".xls", ".ods", ".txt")):
        kind = name.rpartition(".")[2]
        if kind in ("csv", "tsv", "txt"):
            hint = (
                f"`seatrial import {path}`, then `seatrial scan --check near-duplicate`; or write it as JSONL"
            )
        else:
            hint = (
                "save the sheet as CSV, then `seatrial import` it and `seatrial scan --check near-duplicate`"
            )
        return SourceError(f"{path}: dedup reads JSONL, JSON and Parquet, not {kind.upper()}", hint=hint)
    return SourceError(
        f"{path} is named neither .jsonl, .json nor .parquet",
        hint="the name's ending tells what a file is; JSONL may also be .ndjson, and packed as .gz or .zst",
    )


def _of_array(path: Path, fields: tuple[str, ...]) -> list[str]:
    """The texts of a file that is one JSON list of objects."""
    lines = Lines(path, fields)
    with open_packed(path) as file:
        try:
            rows = json.load(file)
        except ValueError as error:
            raise SourceError(f"{path} is not JSON: {error}", hint="is it JSONL? name it .jsonl") from error
    if not isinstance(rows, list):
        raise SourceError(f"{path} is no list of rows", hint="one JSON list of objects")
    _all_there(path, fields, (row for row in rows if isinstance(row, dict)))
    return [lines.text_of(json.dumps(row).encode()) for row in rows]


def _all_there(path: Path, fields: Sequence[str], rows: Iterable[Iterable[str]]) -> None:
    """Raise ConfigError for a field that no row has: it is misspelt, and rows would differ in it unseen."""
    missing: dict[str, None] = dict.fromkeys(fields)
    seen: dict[str, None] = {}
    for row in rows:
        for name in row:
            missing.pop(name, None)
            seen[name] = None
        if not missing:
            return
    if seen:
        name = next(iter(missing))
        near = get_close_matches(name, seen, n=1)
        meant = f"did you mean `{near[0]}`? " if near else ""
        raise ConfigError(
            f"no row of {path} has a field `{name}`", hint=f"{meant}there are: {', '.join(list(seen)[:20])}"
        )


def _keys(line: bytes) -> Iterable[str]:
    """The fields of a JSON line; none of one that is no object, of which its reader will tell."""
    try:
        row = json.loads(line)
    except ValueError:
        return ()
    return row if isinstance(row, dict) else ()


def _spoken(turns: list[Any]) -> str | None:
    """What is said in a list of messages, one a line; None where it is no such list."""
    said = [turn.get("content", turn.get("value")) if isinstance(turn, dict) else None for turn in turns]
    if not all(
        isinstance(text, str) or (text is None and isinstance(turn, dict))
        for text, turn in zip(said, turns, strict=True)
    ):
        return None
    return "\n".join(text for text in said if text)


def plain_name(path: Path) -> str:
    """The file's name as if it were not packed."""
    return path.name.removesuffix(".gz").removesuffix(".zst").removesuffix(".zstd")


def open_packed(path: Path) -> Any:  # noqa: ANN401
    """A packed file, open for reading bytes; a plain one as it is."""
    if path.suffix == ".gz":
        import gzip

        return gzip.open(path)
    if path.suffix in (".zst", ".zstd"):
        import zstandard

        return zstandard.open(path)
    return path.open("rb")


def _line_end(file: int, at: int, size: int) -> int:
    """The end of the line that a place is in."""
    while at < size:
        block = os.pread(file, 1 << 16, at)
        found = block.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(block)
    return size


def _read(path: Path, at: int, end: int) -> Piece:
    """The bytes of a file between two places."""
    data = np.empty(end - at + PAD, dtype=np.uint8)
    data[end - at :] = 0
    with path.open("rb") as file:
        file.seek(at)
        room = memoryview(data)[: end - at]  # type: ignore[arg-type]
        if file.readinto(room) < end - at:
            raise SourceError(f"{path} became shorter while it was read", hint="try again")
    return Piece(data, end - at, None)


def _whole(block: bytes) -> Piece:
    return Piece(np.frombuffer(bytearray(block + bytes(PAD)), dtype=np.uint8), len(block), None)


def _joined(texts: Sequence[str | None]) -> Piece:
    """Texts as UTF-8, one after the other; writable, for kernels are compiled for each kind of array."""
    encoded = [(text or "").encode("utf-8", "surrogatepass") for text in texts]
    bounds = np.concatenate([[0], np.cumsum([len(text) for text in encoded])]).astype(np.int64)
    data = np.frombuffer(bytearray(b"".join(encoded) + bytes(PAD)), dtype=np.uint8)
    return Piece(data, int(bounds[-1]), bounds)


def piece_of(texts: Any) -> Piece:  # noqa: ANN401
    """A polars series of strings as a piece; null is empty."""
    column = texts.rechunk().to_arrow()
    return _of_arrow(column.combine_chunks() if hasattr(column, "combine_chunks") else column)


def _of_arrow(column: Any) -> Piece:  # noqa: ANN401
    """An arrow array of strings, without copying each."""
    import pyarrow

    if not (pyarrow.types.is_string(column.type) or pyarrow.types.is_large_string(column.type)):
        if not (pyarrow.types.is_string_view(column.type) or pyarrow.types.is_null(column.type)):
            raise SourceError(f"the column holds {column.type}", hint="--text names a column of strings")
        column = column.cast(pyarrow.large_string())
    if column.null_count:
        column = column.fill_null("")
    wide = np.int64 if pyarrow.types.is_large_string(column.type) else np.int32
    _, offsets, values = column.buffers()
    bounds = np.frombuffer(offsets, dtype=wide)[column.offset : column.offset + len(column) + 1]
    begin, end = int(bounds[0]), int(bounds[-1])
    data = np.zeros(end - begin + PAD, dtype=np.uint8)
    if end > begin:
        data[: end - begin] = np.frombuffer(values, dtype=np.uint8)[begin:end]
    return Piece(data, end - begin, bounds.astype(np.int64) - begin)
