"""Files as records: one for each row of a JSONL, JSON, CSV, TSV or Parquet file, packed or not."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, Never

import polars as pl

from curate.errors import ResourceError, SourceError
from curate.formats.turns import kind

HEAD = 65_536  # bytes looked at to tell what a file is
LONGEST_CELL = 16_000_000
SPACE = re.compile(r"[\s\ufeff]*")
BOM = b"\xef\xbb\xbf"


class Record(NamedTuple):
    """One row of a file. `value` is null where `reason` says why it could not be read."""

    row: int  # line of a text file, else 1-based row
    value: dict[str, Any] | None
    reason: str = ""
    text: str = ""  # of a row that could not be read


# what a file is


FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive or a spreadsheet", "unpack it, or save the sheet as CSV"),
    (b"%PDF", "a PDF document", "rows cannot be read from it"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save the sheet as CSV"),
    (b"SQLite format 3", "an SQLite database", "write the table out as CSV first"),
    (b"BZh", "a bzip2 archive", "unpack it first, or pack it with gzip"),
    (b"\xfd7zXZ", "an xz archive", "unpack it first, or pack it with gzip"),
    (b"ARROW1", "an Arrow file", "give the folder that `save_to_disk` wrote, or write it as Parquet"),
    (b"version https://git-lfs", "a Git LFS pointer, not the data itself", "fetch the data with: git lfs pull"),
    (b"\x80\x02", "a Python pickle, which can run code", "it is never opened; write the rows as JSONL"),
    (b"\x80\x03", "a Python pickle, which can run code", "it is never opened; write the rows as JSONL"),
    (b"\x80\x04", "a Python pickle, which can run code", "it is never opened; write the rows as JSONL"),
    (b"\x80\x05", "a Python pickle, which can run code", "it is never opened; write the rows as JSONL"),
    (b"\xff\xfe", "text in UTF-16", "save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16", "save it as UTF-8"),
    (b"\x89PNG", "a picture", "give a file of rows"),
    (b"\xff\xd8\xff", "a picture", "give a file of rows"),
)


def _refuse_foreign(head: bytes, where: str) -> None:
    """SourceError where the file is something else altogether."""
    for magic, what, hint in FOREIGN:
        if head.startswith(magic):
            raise SourceError(f"{where} looks like {what}", hint=hint)
    start = head.removeprefix(BOM).lstrip()[:200].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<!doctype")):
        raise SourceError(
            f"{where} looks like a web page (HTML), not data",
            hint="it was likely saved from the page that shows the file; download the file itself "
            "(on GitHub or the Hugging Face hub: the raw or download link)",
        )
    if start.startswith((b"<?xml", b"<")):
        raise SourceError(f"{where} looks like XML, not rows", hint="write the rows as JSONL or CSV first")
    if not start:
        raise SourceError(f"{where} is empty", hint="was the download or the export cut off?")


def _whole_json(line: bytes) -> object:
    """The JSON value on a line; Ellipsis where it is not one."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return ...


def sniff(head: bytes, where: str, suffix: str) -> str:
    """What the bytes are: parquet, jsonl, json, csv or tsv. The content counts before the ending.

    Raises SourceError, which says what it looks like, where it is none of these.
    """
    if head.startswith(b"PAR1"):
        return "parquet"
    _refuse_foreign(head, where)
    lines = [line for line in head.removeprefix(BOM).splitlines() if line.strip()]
    if len(lines) > 1 and len(head) == HEAD:
        lines.pop()  # likely cut in two
    start = lines[0].strip()[:1]
    first = _whole_json(lines[0])
    if isinstance(first, dict) and (len(lines) > 1 or suffix != ".json"):
        return "jsonl"
    if isinstance(first, list):
        return "jsonl" if len(lines) > 1 and isinstance(_whole_json(lines[1]), (dict, list)) else "json"
    if suffix in (".csv", ".tsv"):
        return suffix[1:]
    if suffix in (".jsonl", ".ndjson"):
        opens = start in (b"[", b"{") and len(lines) > 1 and not lines[1].lstrip().startswith(b"{\"")
        return "json" if opens and lines[0].strip() in (b"[", b"{") else "jsonl"
    if start in (b"[", b"{"):
        later = any(isinstance(_whole_json(line), dict) for line in lines[1:20])
        return "jsonl" if later and start == b"{" else "json"
    if any(isinstance(_whole_json(line), dict) for line in lines[:20]):
        return "jsonl"
    for mark, what in ((b"\t", "tsv"), (b",", "csv")):
        if mark in lines[0] and suffix != ".json":
            return what
    shown = lines[0][:60].decode("utf-8", "replace")
    raise SourceError(
        f"{where} is not JSON, CSV, TSV or Parquet; it begins `{shown}`",
        hint="if it is text in lines, write it as JSONL: one JSON object a line",
    )


def _unpacked(path: Path) -> tuple[IO[bytes], str]:
    """The file open for reading, unpacked as it is read, and its ending without .gz or .zst."""
    with path.open("rb") as file:
        magic = file.read(4)
    name = path.name.lower()
    for ending in (".gz", ".zst", ".zstd"):
        name = name.removesuffix(ending)
    suffix = Path(name).suffix
    if magic.startswith(b"\x1f\x8b"):
        return gzip.open(path, "rb"), suffix
    if magic == b"\x28\xb5\x2f\xfd":
        import zstandard

        reader = zstandard.ZstdDecompressor().stream_reader(path.open("rb"), closefd=True, read_across_frames=True)
        return io.BufferedReader(reader, HEAD), suffix
    return path.open("rb"), suffix


def _broken_stream(error: Exception) -> str:
    return f"the packed file breaks off or is damaged here ({error}); nothing after it could be read"


BROKEN: tuple[type[Exception], ...] = (EOFError, gzip.BadGzipFile, OSError, ValueError)


def unpack_errors() -> tuple[type[Exception], ...]:
    """What reading a damaged packed file raises."""
    import zlib

    import zstandard

    return (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError)


# JSON


def _no_number(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:40]} is beyond what a double holds")
    return number


DECODER = json.JSONDecoder(parse_float=_no_number)


def _parsed(row: int, value: object, text: str) -> Record:
    """A record of a JSON value: rows are objects."""
    if not isinstance(value, dict):
        return Record(row, None, f"is {kind(value)}, not an object", text)
    return Record(row, value)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON: {error.msg} at character {error.pos + 1}"
    return f"is not JSON: {error}"


def lines_of_json(lines: Iterable[bytes]) -> Iterator[Record]:
    """A record for each line that is not blank."""
    number = 0
    iterator = iter(lines)
    while True:
        number += 1
        try:
            line = next(iterator, None)
        except unpack_errors() as error:
            yield Record(number, None, _broken_stream(error), "")
            return
        if line is None:
            return
        if number == 1:
            line = line.removeprefix(BOM)
        if not line.strip():
            continue
        if b"\x00" in line:
            yield Record(number, None, "holds NUL bytes", line.decode("utf-8", "replace").strip())
            continue
        try:
            text = line.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            reason = f"is not UTF-8: byte {error.start + 1} is 0x{line[error.start]:02x}"
            yield Record(number, None, reason, line.decode("utf-8", "replace").strip())
            continue
        try:
            value = DECODER.decode(text)
        except (ValueError, RecursionError) as error:
            yield Record(number, None, _reason(error), text)
            continue
        yield _parsed(number, value, text)


def _skip(text: str, at: int) -> int:
    match = SPACE.match(text, at)
    return match.end() if match else at


def _array(text: str, at: int) -> Iterator[Record]:
    """A record for each item of the array that begins at `at`; where it breaks, the rest is one reject."""
    row = 0
    at = _skip(text, at + 1)
    while at < len(text) and text[at] != "]":
        row += 1
        begin = at
        try:
            value, at = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            reason = f"{_reason(error)}; nothing after it in the array could be read"
            yield Record(row, None, reason, text[begin : begin + 4000])
            return
        yield _parsed(row, value, text[begin : min(at, begin + 4000)] if not isinstance(value, dict) else "")
        at = _skip(text, at)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "]":
            break
    if text[at : at + 1] != "]":
        reason = "the array breaks off here; nothing after it could be read"
        yield Record(row + 1, None, reason, text[at : at + 4000])
    elif rest := text[_skip(text, at + 1) :][:4000]:
        yield Record(row + 1, None, "stands after the end of the array", rest)


def _values(text: str) -> Iterator[Record]:
    """A record for each of the values that stand one after the other."""
    row, at = 0, _skip(text, 0)
    while at < len(text):
        row += 1
        try:
            value, end = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            reason = f"{_reason(error)}; nothing after it could be read"
            yield Record(row, None, reason, text[at : at + 4000])
            return
        yield _parsed(row, value, "" if isinstance(value, dict) else text[at : min(end, at + 4000)])
        at = _skip(text, end)


def one_json(data: bytes, where: str) -> tuple[Iterator[Record], str]:
    """The records of a JSON file, and what is to be said of it: an array, an object that holds one list, or objects."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceError(
            f"{where}:{line}: not UTF-8: byte 0x{data[error.start]:02x}", hint="save the file as UTF-8"
        ) from error
    start = _skip(text, 0)
    if text[start : start + 1] == "[":
        return _array(text, start), ""
    records = list(_values(text))
    only = records[0].value if len(records) == 1 else None
    if only is not None:
        lists = [key for key, value in only.items() if isinstance(value, list) and value and isinstance(value[0], dict)]
        chat = {"role", "from"} & set(only[lists[0]][0]) if lists else set()
        if len(lists) == 1 and not chat and "prompt" not in only:
            rest = ", ".join(key for key in only if key != lists[0])
            note = f"the rows stand under `{lists[0]}`" + (f"; not rows, and left out: {rest}" if rest else "")
            items = enumerate(only[lists[0]], start=1)
            return (_parsed(row, value, json.dumps(value)) for row, value in items), note
    return iter(records), ""


# CSV


def _cells(line_number: int, header: list[str], cells: list[str], text: str) -> Record:
    if len(cells) != len(header):
        return Record(line_number, None, f"has {len(cells)} cells, the header has {len(header)}", text)
    if any("\x00" in cell for cell in cells):
        return Record(line_number, None, "holds NUL bytes", text)
    return Record(line_number, dict(zip(header, cells, strict=True)))


class _Lines:
    """Lines of text that can be given back, so that an open quote costs one row and not the rest of the file."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.source = iter(lines)
        self.again: list[str] = []
        self.taken: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.again.pop() if self.again else next(self.source)
        self.taken.append(line)
        self.number += 1
        return line

    def give_back(self) -> str:
        """Keep only the first of the lines taken since the last row; it is returned."""
        first, *rest = self.taken
        self.again.extend(reversed(rest))
        self.number -= len(rest)
        return first


def separated(stream: IO[bytes], delimiter: str, where: str) -> Iterator[Record]:
    """A record for each row of a CSV or TSV file, by the line it begins on; all cells are texts."""
    csv.field_size_limit(LONGEST_CELL)
    lines = _Lines(io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline=""))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] = []
    while True:
        lines.taken = []
        begin = lines.number + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            first = lines.give_back()
            plain = first.rstrip("\r\n").split(delimiter)
            # a TSV seldom quotes: there a quote is a letter like any other
            if delimiter == "\t" and len(plain) == len(header):
                yield _decoded(_cells(begin, header, plain, first))
            else:
                yield _decoded(Record(begin, None, f"is not CSV: {error}", first))
            continue
        except unpack_errors() as error:
            yield Record(begin, None, _broken_stream(error), "")
            return
        if cells is None:
            return
        if not cells or cells == [""] and len(header) != 1:
            continue
        if not header:
            header = _header(cells, where)
            continue
        yield _decoded(_cells(begin, header, cells, "".join(lines.taken)[:4000]))


def _header(cells: list[str], where: str) -> list[str]:
    names = [name.strip() for name in cells]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(f"{where}: the header names `{twice[0]}` more than once", hint="name each column once")
    return names


def _decoded(record: Record) -> Record:
    """The record, or why its bytes are not UTF-8."""
    strings = [*(record.value or {}), *(record.value or {}).values(), record.text]
    if not any("\udc80" <= letter <= "\udcff" for text in strings for letter in text if letter > "\ud7ff"):
        return record
    text = record.text or ",".join(record.value.values() if record.value else ())
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return Record(record.row, None, "is not UTF-8", shown)


# Parquet


def _plain(value: object) -> Any:  # noqa: ANN401
    """A Parquet value as JSON has it: times and decimals as text, bytes as text if they are UTF-8."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def table_rows(rows: Iterable[dict[str, Any]]) -> Iterator[Record]:
    """A record for each row of a table."""
    for number, row in enumerate(rows, start=1):
        try:
            yield Record(number, {key: _plain(value) for key, value in row.items()})
        except UnicodeDecodeError:
            yield Record(number, None, "holds bytes that are not text", str(row)[:4000])


def parquet(source: Path | io.BytesIO, where: str) -> Iterator[Record]:
    """A record for each row of a Parquet file."""
    try:
        table = pl.read_parquet(source)
    except pl.exceptions.PolarsError as error:
        raise SourceError(f"{where} cannot be read as Parquet: {error}", hint="was the download cut off?") from error
    return table_rows(row for part in table.iter_slices(10_000) for row in part.iter_rows(named=True))


def read_file(path: Path, where: str) -> tuple[Iterator[Record], str, str]:
    """(records, container, note) of one file; the container is jsonl, json, csv, tsv or parquet."""
    try:
        stream, suffix = _unpacked(path)
        head = stream.read(HEAD) if not isinstance(stream, io.BufferedReader) else stream.peek(HEAD)[:HEAD]
    except unpack_errors() as error:
        raise SourceError(f"{where} is a damaged archive: {error}", hint="was the download cut off?") from error
    except OSError as error:
        _unreadable(error, where)
    container = sniff(head, where, suffix)
    return *_opened(stream, container, where), container


def _unreadable(error: OSError, where: str) -> Never:
    if isinstance(error, (FileNotFoundError, PermissionError, IsADirectoryError)):
        raise SourceError(f"{where}: {error.strerror}", hint="check the path and its permissions") from error
    raise ResourceError(f"{where}: {error}") from error
