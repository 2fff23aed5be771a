"""One file, whatever it is, as records."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from curate.errors import ResourceError, SourceError
from curate.formats.encodings import EACH, UTF8, guessed, is_utf8, marked, recoded, spoiled
from curate.formats.records import Record, lines_of_json, whole_json
from curate.formats.sniff import head_of, open_unpacked, sniff, unpack_errors
from curate.formats.tables import parquet, separated

BLOCK = 1 << 20
DELIMITERS = {"csv": ",", "tsv": "\t"}


class Opened(NamedTuple):
    """A file that is being read."""

    records: Iterator[Record]
    container: str  # jsonl, json, csv, tsv, parquet or datasets
    note: str = ""  # what is to be said of it
    share: Callable[[], float] | None = None  # of the file that was read so far; None where that is unknown
    remarks: Sequence[str] = ()  # more to be said, once all was read


def _records(stream: IO[bytes], container: str, where: str, encoding: str) -> Opened:
    said = f"read as {encoding}" if encoding else ""
    if container == "jsonl":
        return Opened(lines_of_json(stream, encoding), container, said, _share(stream))
    if container in DELIMITERS:
        remarks: list[str] = []
        rows = separated(stream, DELIMITERS[container], where, encoding, remarks)
        return Opened(rows, container, said, remarks=remarks)
    try:
        data = stream.read()
    except unpack_errors() as error:
        raise SourceError(
            f"{where} is a damaged archive: {error}", hint="was the download cut off?"
        ) from error
    if container == "parquet":
        return Opened(parquet(io.BytesIO(data), where), container)
    records, note = whole_json(data, where)
    return Opened(records, container, "; ".join(each for each in (said, note) if each))


def _share(stream: IO[bytes]) -> Callable[[], float] | None:
    """How much of a plain file was read: of a packed one or a pipe nobody knows the size."""
    raw = getattr(stream, "raw", None)
    if not isinstance(raw, io.FileIO) or not raw.seekable():
        return None
    size = max(1, os.fstat(raw.fileno()).st_size)
    return lambda: stream.tell() / size


@contextmanager
def open_file(path: Path, where: str, encoding: str = "") -> Iterator[Opened]:
    """The records of a file, while it is open; `where` names it in errors.

    `encoding` is what its text is in; empty: what its byte order mark says, or UTF-8, or where it is not
    that, Windows-1252 where that is likely, which the note says. SourceError where it holds no rows for us.
    """
    try:
        stream, suffix = open_unpacked(path)
        with stream:
            begin = stream.read(4)
        if encoding and begin == b"PAR1":
            raise SourceError(f"{where} is Parquet, which is UTF-8 always", hint="leave out --encoding")
        asked, encoding = encoding, "" if encoding == UTF8 else encoding
        encoding = encoding or marked(begin)
        guess = told = ""
        if not (asked or encoding or begin == b"PAR1"):
            encoding = guess = _guess(path)
        elif asked and encoding and not encoding.startswith(EACH):
            told = _spoiled(path, encoding)
        with _as_utf8(path, encoding, where) as stream:
            container = sniff(head_of(stream), where, suffix)
        with _as_utf8(path, encoding, where) as stream:
            opened = _records(stream, container, where, encoding)
            note = _of_guess(guess, opened.note) if guess else opened.note
            yield opened._replace(note="; ".join(each for each in (note, told) if each))
    except unpack_errors() as error:
        raise SourceError(
            f"{where} is a damaged archive: {error}", hint="was the download cut off?"
        ) from error
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise SourceError(f"{where}: {error.strerror}", hint="check the path and its permissions") from error
    except OSError as error:
        raise ResourceError(f"{where}: {error}") from error


def _guess(path: Path) -> str:
    """The encoding that a file without a mark is taken for, where it is no UTF-8; empty for UTF-8 and where none is likely."""
    try:
        with open_unpacked(path)[0] as stream:
            if is_utf8(iter(lambda: stream.read(BLOCK), b"")):
                return ""
        with open_unpacked(path)[0] as stream:
            return guessed(stream)
    except unpack_errors():
        return ""  # its rows are read as far as they go, and the break is told there


def _spoiled(path: Path, encoding: str) -> str:
    try:
        with open_unpacked(path)[0] as stream:
            return spoiled(stream, encoding)
    except unpack_errors():
        return ""  # as above


def _of_guess(encoding: str, note: str) -> str:
    other = encoding.removeprefix(EACH)
    said = f"not UTF-8: read as {other}, a guess from its bytes; --encoding NAME overrules it"
    return said + note.removeprefix(f"read as {encoding}")


def _as_utf8(path: Path, encoding: str, where: str) -> IO[bytes]:
    """The file, unpacked and as UTF-8."""
    stream = open_unpacked(path)[0]
    return recoded(stream, encoding, where) if encoding else stream


@contextmanager
def open_stream(stream: io.BufferedReader, where: str, encoding: str = "") -> Iterator[Opened]:
    """The records that come down a pipe, JSONL read as it comes."""
    encoding = "" if encoding == UTF8 else encoding
    encoding = encoding or marked(stream.peek(4)[:4])
    if encoding:
        stream = recoded(stream, encoding, where)  # type: ignore[assignment]
    head = stream.peek(1)
    container = "jsonl" if head.lstrip().startswith(b"{") else sniff(head, where, "")
    yield _records(stream, container, where, encoding)
