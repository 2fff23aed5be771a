"""Secrets whose name stands apart from them: in pairs of a name and a value, and in tables with a column."""

from __future__ import annotations

import re
from collections.abc import Iterator

from curate.checks.secrets.dummy import placeholder
from curate.checks.secrets.value import drawn, password

# what says that the word is the name of something: `- name: DB_`, `<add key="Db`, `variable "db_`
_NAME_LEAD = re.compile(
    r"(?i)\b(?:name|key|variable|parameter|parameter_?key|parameter_?name|property|setting|field|label|title)"
    r"(?:\\?[\"'])?(?:\s*[:=>,]\s*|\s+)(?:\\?[\"'])?[\w.:/-]{0,60}\Z"
)
_VALUE = re.compile(
    r"(?i)\b(?:value|default|default_?value|string|secret_?value|parameter_?value|content)(?:\\?[\"'])?"
    r"(?:\s{0,20}(?:=>|[:=>])\s{0,20})(?P<open>\\?[\"'])?(?P<value>[^\s\"'<>\\]{4,200})"
)
_OTHER_NAME = re.compile(
    r"(?i)(?<!/)\b(?:name|key|variable|property|field)\b[\"']?\s*[:=>]|\n\s*\n|\n[ \t]*\}"
)
NEAR = 240  # characters between a name and its value, at most
LINES = 3  # of them, at most, before that of the value

_SEPARATORS = ",;\t|"
_TITLE = re.compile(r"[\"'*_` ]{0,4}[^\W\d_][\w .#/()-]{0,40}[\"'*_` ]{0,4}")
_RULE = re.compile(r"[\s|:+-]+")
_BEFORE = re.compile(r"[,;\t|\n]")
WIDEST = 2_000  # characters of a line of titles
MOST = 60  # columns


def paired(text: str, at: int, end: int, *, is_password: bool) -> tuple[int, int] | None:
    """Where the value stands that goes with the name at `at`, a line or some words further on."""
    if not _NAME_LEAD.search(text, max(0, at - 100), at):
        return None
    found = _VALUE.search(text, end, min(len(text), end + NEAR))
    if found is None:
        return None
    between = text[end : found.start()]
    if between.count("\n") > LINES or _OTHER_NAME.search(between):
        return None
    value = found["value"] if found["open"] else found["value"].rstrip(",;}")
    if not _good(value, text[at:end], is_password=is_password):
        return None
    start = found.start("value")
    return start, start + len(value)


def in_column(text: str, at: int, end: int, *, is_password: bool) -> Iterator[tuple[int, int]]:
    """Where the secrets stand below a title."""
    title = _BEFORE.split(text[max(0, at - 60) : at])[-1].strip(" \"'*_`") + text[at:end]
    for start, value in column(text, at, end):
        if _good(value, title, is_password=is_password):
            yield start, start + len(value)


def column(text: str, at: int, end: int) -> Iterator[tuple[int, str]]:
    """The values below the title at `at`, in lines with as many separators as the line of titles has."""
    begin = text.rfind("\n", max(0, at - WIDEST), at) + 1
    stop = text.find("\n", end, end + WIDEST)
    if stop < 0 or (begin == 0 and at > WIDEST):
        return
    titles = text[begin:stop]
    mark = next((each for each in _SEPARATORS if each in titles), None)
    if mark is None:
        return
    columns = titles.strip("\r").split(mark)
    named = [column for column in columns if column.strip()]
    if (
        not 2 <= len(columns) <= MOST
        or len(named) < 2
        or not all(map(_TITLE.fullmatch, map(str.strip, named)))
    ):
        return
    above = text[text.rfind("\n", 0, max(0, begin - 1)) + 1 : max(0, begin - 1)]
    if above.count(mark) == len(columns) - 1:  # not the first line of its table, or no table
        return
    number = text.count(mark, begin, at)
    if len(columns[number].strip(" \"'*_`").split()) > 4:
        return
    yield from _below(text, stop + 1, mark, number, len(columns))


def _below(text: str, at: int, mark: str, number: int, columns: int) -> Iterator[tuple[int, str]]:
    """The values of one column, from the line at `at` on, as long as the lines have that many columns."""
    while at < len(text):
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop
        line = text[at:stop]
        cells = line.split(mark)
        if len(cells) != columns:
            return
        if not _RULE.fullmatch(line):
            cell = cells[number]
            start = (
                at + sum(len(each) + 1 for each in cells[:number]) + len(cell) - len(cell.lstrip(" \t\"'`*"))
            )
            yield start, cell.strip(" \t\r\"'`*")
        at = stop + 1


def _good(value: str, name: str, *, is_password: bool) -> bool:
    if " " in value or placeholder(value):
        return False
    return password(value) if is_password else drawn(name, value)
