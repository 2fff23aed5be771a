"""CSV, TSV and Parquet files as records, one a row."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import polars as pl

from curate.errors import SourceError
from curate.formats.encodings import hint_of, not_utf8
from curate.formats.records import KEPT, Record, broken_stream
from curate.formats.sniff import unpack_errors

LONGEST_CELL = 16_000_000
HEAD = 12  # lines among which a header is looked for
LONGEST_NAME = 60  # characters of a column's name above which stands a title
TOLD = 5  # renamed columns that are named


# a spreadsheet runs such a cell; a quote before it makes it text, and one more marks a quote that was there
ACTIVE = re.compile(r"'*[=+\-@\t\r]")
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?%?")


def guarded(cell: str) -> str:
    """The cell, with a quote before it where a spreadsheet would run it. `unguarded` takes it away."""
    return "'" + cell if ACTIVE.match(cell) and not NUMBER.fullmatch(cell) else cell


def unguarded(cell: str) -> str:
    """The cell that `guarded` was given."""
    return cell[1:] if cell.startswith("'") and ACTIVE.match(cell) else cell


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
        """The first of the lines taken for this row; the others will come again."""
        first, *rest = self.taken
        self.again.extend(reversed(rest))
        self.number -= len(rest)
        return first


def _delimiter(first: str, usual: str) -> str:
    """The usual delimiter, unless the header lacks it and has another (spreadsheets of many countries write `;`)."""
    return usual if usual in first else max(";\t|,", key=first.count) if set(first) & set(";\t|,") else usual


def separated(
    stream: IO[bytes], delimiter: str, where: str, encoding: str = "", remarks: list[str] | None = None
) -> Iterator[Record]:
    """A record for each row of a CSV or TSV file, by the line it begins on; all cells are texts.

    `encoding` is what the stream was made UTF-8 from, for the reasons of rows; empty where it came so.
    What is to be said of the header is added to `remarks` once it was read.
    """
    told = [] if remarks is None else remarks
    csv.field_size_limit(LONGEST_CELL)
    with io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        head = list(itertools.islice(text, HEAD))
        above = _above(head, delimiter)
        if above:
            told.append(f"the header is in line {above + 1:,}: what stands above it was left out")
        lines = _Lines(itertools.chain(head[above:], text))
        lines.number = above
        first = head[above] if head else ""
        yield from _rows(lines, _delimiter(first, delimiter), where, encoding, told)


def _above(head: Sequence[str], usual: str) -> int:
    """How many lines stand above the header: a title, a date, blank ones, as spreadsheets export them.

    Each has at most one cell that is filled. The header is then the first line with several cells that
    read as names, and the rows below it have as many cells. Where that is not so, there is no title.
    """
    quotes = 0
    for number, line in enumerate(head):
        before, quotes = quotes, quotes + line.count('"')
        if before % 2:
            continue  # within a quoted cell
        delimiter = _delimiter(line, usual)
        try:
            cells, *below = csv.reader(head[number:], delimiter=delimiter)
        except csv.Error:  # of a row, which is told when it is read
            return 0
        filled = [cell for cell in cells if cell.strip()]
        if len(filled) < 2:
            continue
        named = all(len(cell) <= LONGEST_NAME and not NUMBER.fullmatch(cell.strip()) for cell in filled)
        alike = named and below and {len(row) for row in below[:-1]} <= {len(cells)}  # the last may be cut
        padded = number > 0 and line.count(delimiter) == head[0].count(delimiter)
        return number if alike and (padded or len(cells) > 2) else 0
    return 0


def _rows(lines: _Lines, delimiter: str, where: str, encoding: str, remarks: list[str]) -> Iterator[Record]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] = []
    names: list[str] = []  # the header as it stands
    while True:
        lines.taken = []
        begin = lines.number + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            if not header:
                raise SourceError(
                    f"{where}: the header is not CSV: {error}", hint="quote it or save it again"
                ) from error
            yield _unquoted(begin, header, lines.give_back(), delimiter, error, encoding)
            continue
        except unpack_errors() as error:
            yield broken_stream(begin, error)
            return
        if cells is None:
            return
        if not cells:
            continue
        if not header:
            header, names = _header(cells, where, begin, encoding), cells
            remarks += _renamed(cells, header)
        elif len(cells) > 1 and (cells == names or not any(cells)):
            why = "is the header once more" if cells == names else "has nothing in any cell"
            yield Record(begin, None, why, "".join(lines.taken)[:KEPT])
        else:
            yield _cells(begin, header, cells, "".join(lines.taken), encoding)


def _header(cells: list[str], where: str, line: int, encoding: str) -> list[str]:
    raw = ",".join(cells).encode("utf-8", "surrogateescape")
    if not _is_utf8(raw):
        raise SourceError(
            f"{where}:{line}: the header {not_utf8(raw, encoding).partition(';')[0]}",
            hint=f"{hint_of(raw).removeprefix('; ')}; or save the file as UTF-8".removeprefix("; "),
        )
    return _each_once(cells)


def _each_once(cells: list[str]) -> list[str]:
    """The names of a header; one that was there before gets the next number that makes it a new one: `Answer_2`."""
    names: list[str] = []
    taken = set(cells)
    seen: set[str] = set()
    for cell in cells:
        name = cell
        if cell in seen:
            name = next(one for n in itertools.count(2) if (one := f"{cell}_{n}") not in taken)
            taken.add(name)
        seen.add(cell)
        names.append(name)
    return names


def _renamed(cells: list[str], names: list[str]) -> list[str]:
    """What is said of columns that got another name."""
    other = [(cell, name) for cell, name in zip(cells, names, strict=True) if cell != name]
    if not other:
        return []
    told = ", ".join(f"`{cell}` again as `{name}`" for cell, name in other[:TOLD])
    more = f" and {len(other) - TOLD:,} more" if len(other) > TOLD else ""
    return [f"the header names columns twice: {told}{more}; --column PART=NAME picks one"]


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unquoted(
    begin: int, header: list[str], line: str, delimiter: str, error: csv.Error, encoding: str
) -> Record:
    """A row whose quotes do not match. A TSV seldom quotes: there a quote is a letter like any other."""
    plain = line.rstrip("\r\n").split(delimiter)
    if delimiter == "\t" and len(plain) == len(header):
        return _cells(begin, header, plain, line, encoding)
    return _cells(begin, header, [], line, encoding)._replace(reason=f"is not CSV: {error}")


def _cells(begin: int, header: list[str], cells: list[str], text: str, encoding: str) -> Record:
    try:
        text.encode()
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "surrogateescape")
        return Record(begin, None, not_utf8(raw, encoding), raw.decode("utf-8", "replace")[:KEPT])
    if len(cells) != len(header):
        return Record(begin, None, f"has {len(cells)} cells, the header has {len(header)}", text[:KEPT])
    if "\x00" in text:
        return Record(begin, None, "holds NUL bytes", text[:KEPT])
    return Record(begin, dict(zip(header, map(unguarded, cells), strict=True)))


def _plain(value: object) -> Any:  # noqa: ANN401
    """A table's value as JSON has it: times and decimals as text, bytes as text if they are UTF-8."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, (Decimal, timedelta)):
        return str(value)
    if isinstance(value, (date, time)):
        return value.isoformat()
    raise TypeError(f"holds a {type(value).__name__}, not a text, number, list or object")


def table_rows(rows: Iterable[dict[str, Any]]) -> Iterator[Record]:
    """A record for each row of a table."""
    return (_table_row(number, row) for number, row in enumerate(rows, start=1))


def any_rows(rows: Iterable[object]) -> Iterator[Record]:
    """A record for each item of a list in memory; what is no mapping is no row."""
    for number, row in enumerate(rows, start=1):
        if isinstance(row, Mapping):
            yield _table_row(number, row)
        else:
            reason = f"is of type {type(row).__name__}, not a mapping of column to value"
            yield Record(number, None, reason, str(row)[:KEPT])


def _table_row(number: int, row: Mapping[str, Any]) -> Record:
    try:
        if strange := next((key for key in row if not isinstance(key, str)), None):
            raise TypeError(f"has a column that is called {strange!r}, which is no text")
        return Record(number, {key: _plain(value) for key, value in row.items()})
    except UnicodeDecodeError:
        return Record(number, None, "holds bytes that are not text", str(dict(row))[:KEPT])
    except TypeError as error:
        return Record(number, None, str(error), str(dict(row))[:KEPT])


def parquet(source: Path | IO[bytes], where: str) -> Iterator[Record]:
    """A record for each row of a Parquet file."""
    try:
        table = pl.read_parquet(source)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(
            f"{where} cannot be read as Parquet: {error}", hint="was the download cut off?"
        ) from error
    return table_rows(row for part in table.iter_slices(10_000) for row in part.iter_rows(named=True))
