"""JSON files as records, one a row: what can be read, and for the rest where and why not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from curate.errors import SourceError
from curate.formats.encodings import hint_of, not_utf8
from curate.formats.sniff import BOM, unpack_errors
from curate.formats.turns import kind

SPACE = re.compile(r"\s*")
KEPT = 4_000  # characters of a row that could not be read; the rejects keep fewer


class Record(NamedTuple):
    """One row of a file. `value` is null where `reason` says why it could not be read."""

    row: int  # line of a text file, else 1-based row
    value: dict[str, Any] | None
    reason: str = ""
    text: str = ""  # of a row that could not be read


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:40]} is beyond what a double holds")
    return number


DECODER = json.JSONDecoder(parse_float=_float)


def _parsed(row: int, value: object, text: str) -> Record:
    """A record of a JSON value: rows are objects."""
    if not isinstance(value, dict):
        return Record(row, None, f"is {kind(value)}, not an object", text)
    return Record(row, value)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON: {error.msg.removesuffix(' at')} at character {error.pos + 1}"
    if "integer string conversion" in str(error):
        return "holds a whole number of more digits than can be read"
    return f"is not JSON: {error}"


def broken_stream(row: int, error: Exception) -> Record:
    """The record that stands for all that a damaged packed file no longer gives."""
    reason = f"the packed file breaks off or is damaged here ({error}); nothing after it could be read"
    return Record(row, None, reason)


def _line(number: int, line: bytes, encoding: str) -> Record:
    shown = line[: KEPT * 4].decode("utf-8", "replace").strip()[:KEPT]
    if b"\x00" in line:
        return Record(number, None, "holds NUL bytes", shown)
    try:
        text = line.decode("utf-8")
        return _parsed(number, DECODER.decode(text), shown)
    except UnicodeDecodeError:
        return Record(number, None, not_utf8(line, encoding), shown)
    except (ValueError, RecursionError) as error:
        return Record(number, None, _reason(error), shown)


def lines_of_json(lines: Iterable[bytes], encoding: str = "") -> Iterator[Record]:
    """A record for each line that is not blank; one line in memory at a time.

    `encoding` is what the lines were made UTF-8 from, for the reasons; empty where they came so.
    """
    number = 0
    try:
        for line in lines:
            number += 1
            stripped = (line.removeprefix(BOM) if number == 1 else line).strip()
            if stripped:
                yield _line(number, stripped, encoding)
    except unpack_errors() as error:
        yield broken_stream(number + 1, error)


def _skip(text: str, at: int) -> int:
    match = SPACE.match(text, at)
    return match.end() if match else at


def array(text: str, at: int) -> Iterator[Record]:
    """A record for each item of the array that begins at `at`; where it breaks, the rest is one reject."""
    row = 0
    at = _skip(text, at + 1)
    while text[at : at + 1] not in ("", "]"):
        row += 1
        begin = at
        try:
            value, at = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            reason = f"{_reason(error)}; nothing after it in the array could be read"
            yield Record(row, None, reason, text[begin : begin + KEPT])
            return
        yield _parsed(row, value, "" if isinstance(value, dict) else text[begin:at][:KEPT])
        at = _skip(text, at)
        if text[at : at + 1] != ",":
            break
        at = _skip(text, at + 1)
    if text[at : at + 1] != "]":
        reason = "the array breaks off here; nothing after it could be read"
        yield Record(row + 1, None, reason, text[at : at + KEPT])
    elif rest := text[_skip(text, at + 1) :][:KEPT]:
        yield Record(row + 1, None, "stands after the end of the array", rest)


def _values(text: str) -> Iterator[Record]:
    """A record for each of the values that stand one after the other."""
    row, at = 0, _skip(text, 0)
    while at < len(text):
        row += 1
        begin = at
        try:
            value, at = DECODER.raw_decode(text, begin)
        except (ValueError, RecursionError) as error:
            yield Record(
                row, None, f"{_reason(error)}; nothing after it could be read", text[begin : begin + KEPT]
            )
            return
        yield _parsed(row, value, "" if isinstance(value, dict) else text[begin:at][:KEPT])
        at = _skip(text, at)


def _envelope(row: dict[str, Any]) -> str | None:
    """The key whose list holds the rows, where an object is a file of rows and not itself a row."""
    lists = [
        key for key, value in row.items() if isinstance(value, list) and value and isinstance(value[0], dict)
    ]
    if len(lists) != 1 or {"prompt", "instruction", "text"} & set(row):
        return None
    first = row[lists[0]][0]
    return None if {"role", "from"} & set(first) else lists[0]


def whole_json(data: bytes, where: str) -> tuple[Iterator[Record], str]:
    """The records of a JSON file, and what is to be said of where they stood in it.

    An array of rows, an object that holds one list of rows, or objects one after the other.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        around = data[max(0, error.start - 200) : error.start + 200]
        looks = hint_of(around).removeprefix("; ") or "--encoding NAME says what it is in"
        raise SourceError(
            f"{where}:{line}: not UTF-8: byte 0x{data[error.start]:02x}",
            hint=f"{looks}; or save the file as UTF-8",
        ) from error
    start = _skip(text, 0)
    if text[start : start + 1] == "[":
        return array(text, start), ""
    values = _values(text)
    first, second = next(values), next(values, None)
    at = _envelope(first.value) if first.value is not None and second is None else None
    if at is not None and first.value is not None:
        items = first.value.pop(at)
        rest = ", ".join(first.value)
        note = f"the rows stand under `{at}`" + (
            f"; the file's other keys are left out: {rest}" if rest else ""
        )
        return (_parsed(row, item, json.dumps(item)[:KEPT]) for row, item in enumerate(items, start=1)), note

    def all_of_them() -> Iterator[Record]:
        yield first
        if second is not None:
            yield second
        yield from values

    return all_of_them(), ""
