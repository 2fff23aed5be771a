"""A data card's Markdown as one reads it: headings in bold, tables in columns."""

from __future__ import annotations

import re
from itertools import groupby
from textwrap import wrap

from rich.cells import cell_len
from textual.content import Content

from tui.terminal.display_text import display_text, plain

GAP = 2  # cells between two columns
LEAST = 12  # cells that the widest column keeps
_BAR = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r":?-+:?")


def drawn(text: str, width: int) -> Content:
    """Headings and tables of a Markdown text, in `width` cells; all else as it stands."""
    parts: list[Content] = []
    for table, lines in groupby(text.splitlines(), lambda line: line.startswith("|")):
        if table:
            parts += _table([_cells(line) for line in lines], width)
        else:
            parts += [_line(line) for line in lines]
    return Content("\n").join(parts)


def _line(line: str) -> Content:
    heading = line.lstrip("#")
    if heading != line and heading.startswith(" "):
        return plain(heading.strip(), "bold $primary", lines=False)
    return plain(line.replace("`", ""), lines=False)


def _cells(line: str) -> list[str]:
    """The cells of a table's line, harmless."""
    cells = _BAR.split(line.strip().strip("|"))
    return [display_text(cell.strip().replace("\\|", "|").replace("`", ""), lines=False) for cell in cells]


def _table(rows: list[list[str]], width: int) -> list[Content]:
    """A line for each row, more where the widest column has to be wrapped."""
    rules = [row for row in rows if all(_RULE.fullmatch(cell) for cell in row)]
    right = [cell.endswith(":") for cell in rules[0]] if rules else []
    rows = [row for row in rows if row not in rules]
    count = max(map(len, rows), default=0)
    rows = [row + [""] * (count - len(row)) for row in rows]
    right += [False] * (count - len(right))
    widths = [max(cell_len(row[at]) for row in rows) for at in range(count)]
    over = sum(widths) + GAP * (count - 1) - width
    if over > 0:
        widest = widths.index(max(widths))
        widths[widest] = max(widths[widest] - over, LEAST)
    lines = []
    for number, row in enumerate(rows):
        # by letters: wide ones make a line longer than its column, which moves what is after it and no more
        cells = [wrap(cell, max(cells, 1)) or [""] for cell, cells in zip(row, widths, strict=True)]
        for at in range(max(map(len, cells))):
            parts = [
                _padded(cell[at] if at < len(cell) else "", widths[column], ends=right[column])
                for column, cell in enumerate(cells)
            ]
            line = (" " * GAP).join(parts).rstrip()
            lines.append(Content.styled(line, "dim" if rules and number == 0 else ""))
    return lines


def _padded(text: str, width: int, *, ends: bool) -> str:
    blank = " " * max(width - cell_len(text), 0)
    return blank + text if ends else text + blank
