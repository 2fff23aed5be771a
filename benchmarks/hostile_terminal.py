"""What reaches a terminal, taken apart: sequences that nobody but the screens may send, and where cells are.

`acts` judges a stream by a short list of what the screens themselves write; all else came from data.
`Grid` is a screen model small enough to check by reading, drawn by one of several rules of width: real
terminals differ in how wide they draw joined emoji, flags and vowel signs, and a line must hold in all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import NamedTuple

from rich.cells import split_graphemes

SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[\]PX^_](?:(?!\x1b\\)[^\x07])*(?:\x07|\x1b\\)?"  # OSC, DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]|\x1b"
    r"|[\x00-\x1a\x1c-\x1f\x7f-\x9f]"
)
# what Textual sends when it takes the terminal and gives it back, and at no other time
ENDS = re.compile(
    r"\x1b\[\?(?:1000|1003|1004|1006|1015|1016|1049|2004|2026|2048|25|7)[hl]"
    r"|\x1b\[\?(?:2026|2048)\$p|\x1b\[>\d*u|\x1b\[<u|\x1b\[\?1049[hl]"
)
BETWEEN = re.compile(
    r"\x1b\[\?(?:2026|25)[hl]|\x1b\]22;[a-z-]+\x07"
)  # frames, the cursor, the pointer's form
# a run held to its cells: the place kept, as many spaces as cells gone on by; nothing else keeps a place
HOLD = re.compile(r"\x1b\[\?7l\x1b7( +)\x1b8([^\x00-\x1f\x7f-\x9f]+)\x1b8\x1b\[(\d+)C\x1b\[\?7h")
LINE = re.compile(r"\r?\n(?=\x1b\[\d+;1?\d*H)")  # a line of a whole picture ends; the next begins with a move
PROGRESS = re.compile(r"\r\x1b\[K")
COLOURS = {"0", "1", "2", "3", "4", "7", "9", "22", "23", "24", "27", "29", "39", "49"}
MOVE = re.compile(r"\x1b\[(\d+);(\d+)H")
STYLE = re.compile(r"\x1b\[([\d;]*)m")
# nothing a terminal does, but what one would not see, or see elsewhere than it stands
HIDES = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)


class Act(NamedTuple):
    """A sequence that no screen sends, and what stood about it."""

    what: str
    around: str


def styled(parameters: str) -> bool:
    """Whether a style is one that the screens use: attributes and colours by red, green and blue."""
    left = re.sub(r"(?:^|;)[34]8;2;\d{1,3};\d{1,3};\d{1,3}", "", parameters)
    return all(each in COLOURS or not each for each in left.split(";"))


def acts(stream: str, *, columns: int = 0, lines: int = 0, ends: bool = False) -> list[Act]:
    """What in a stream acts or hides.

    Of a screen of so many columns and lines moves within it and styles are fine, and with `ends` what
    begins and ends a session too; without columns it is the output of a command: only line feeds are.
    """
    found = []
    if columns:
        stream = HOLD.sub(lambda m: m[2] if len(m[1]) == int(m[3]) else m.group(), stream)
        stream = LINE.sub("", stream)
    else:
        # a library that compiles loops sets the colours back as the program ends
        stream = PROGRESS.sub("", stream.replace("\r\n", "\n")).removesuffix("\x1b[0m")
    for match in SEQUENCE.finditer(stream):
        if not _fine(match.group(), columns, lines, ends):
            found.append(
                Act(ascii(match.group()[:60]), ascii(stream[max(0, match.start() - 40) : match.end() + 40]))
            )
    for match in HIDES.finditer(stream):
        found.append(Act(ascii(match.group()), ascii(stream[max(0, match.start() - 40) : match.end() + 40])))
    return found


def _fine(said: str, columns: int, lines: int, ends: bool) -> bool:
    if not columns:
        return said == "\n"
    if move := MOVE.fullmatch(said):
        return 1 <= int(move[1]) <= lines and 1 <= int(move[2]) <= columns
    if style := STYLE.fullmatch(said):
        return styled(style[1])
    return bool(BETWEEN.fullmatch(said) or (ends and ENDS.fullmatch(said)))


# rules of width: a text as (cells, width) one after the other

Rule = Callable[[str], Iterator[tuple[str, int]]]


def as_counted(text: str) -> Iterator[tuple[str, int]]:
    """As the screens count."""
    for start, end, width in split_graphemes(text)[0]:
        yield text[start:end], width


def one_by_one(text: str) -> Iterator[tuple[str, int]]:
    """As terminals do that know no clusters: each character has its width, a mark that takes space has one."""
    for character in text:
        kind = unicodedata.category(character)
        if kind in ("Mn", "Me", "Cf") or 0x1160 <= ord(character) <= 0x11FF:
            yield character, 0
        elif kind != "Cn" and unicodedata.east_asian_width(character) in "WF":
            yield character, 2
        else:
            yield character, 1


def clustered(text: str) -> Iterator[tuple[str, int]]:
    """As newer terminals do: joined emoji, flags and letters with their signs are one; at most two wide."""
    cluster = ""
    for character in text:
        code = ord(character)
        kind = unicodedata.category(character)
        flag = 0x1F1E6 <= code <= 0x1F1FF and len(cluster) == 1 and 0x1F1E6 <= ord(cluster) <= 0x1F1FF
        joins = kind[0] == "M" or kind == "Cf" or 0x1F3FB <= code <= 0x1F3FF or 0x1160 <= code <= 0x11FF
        if cluster and (joins or flag or cluster[-1] == "\u200d"):
            cluster += character
            continue
        if cluster:
            yield cluster, _together(cluster)
        cluster = character
    if cluster:
        yield cluster, _together(cluster)


def _together(cluster: str) -> int:
    if "\ufe0f" in cluster or (len(cluster) == 2 and 0x1F1E6 <= ord(cluster[0]) <= 0x1F1FF):
        return 2
    return min(sum(width for _, width in one_by_one(cluster)), 2) or 0


RULES: dict[str, Rule] = {"one by one": one_by_one, "clustered": clustered}


def doubtful(cell: str) -> bool:
    """Whether terminals differ about a cell's content."""
    return any(
        ord(c) > 0x2FF
        and (
            unicodedata.category(c) in ("Mn", "Me", "Mc", "Cf", "Cn", "Co")
            or 0x900 <= ord(c) <= 0x109F  # within a word of these scripts letters move with the signs
            or 0x1100 <= ord(c) <= 0x11FF
            or 0x1700 <= ord(c) <= 0x18AF
            or 0x1900 <= ord(c) <= 0x1CFF
            or 0xA800 <= ord(c) <= 0xABFF
            or 0x10000 <= ord(c) < 0x20000
            or (0x2300 <= ord(c) <= 0x2BFF and unicodedata.east_asian_width(c) == "W")
            or 0x2630 <= ord(c) <= 0x2637  # these became wide with Unicode 16
            or 0x268A <= ord(c) <= 0x268F
            or 0x4DC0 <= ord(c) <= 0x4DFF
            or 0xD7B0 <= ord(c) <= 0xD7FF
        )
        for c in cell
    )


class Grid:
    """The cells of a screen, as a terminal with one rule of width would show them."""

    def __init__(self, columns: int, lines: int, rule: Rule = as_counted) -> None:
        self.columns, self.lines, self.rule = columns, lines, rule
        self.cells = [[" "] * columns for _ in range(lines)]
        self.x = self.y = 0
        self.wraps, self.waiting = True, False  # waiting: at the edge, the next character wraps
        self.saved = (0, 0, True)

    def feed(self, stream: str) -> None:
        """Draw what is sent."""
        at = 0
        for match in SEQUENCE.finditer(stream):
            self._text(stream[at : match.start()])
            self._sequence(match.group())
            at = match.end()
        self._text(stream[at:])

    def _sequence(self, said: str) -> None:
        if move := MOVE.fullmatch(said):
            self._go(int(move[2]) - 1, int(move[1]) - 1)
        elif said == "\x1b[?7l":
            self.wraps = False
        elif said == "\x1b[?7h":
            self.wraps = True
        elif said == "\x1b7":
            self.saved = (self.x, self.y, self.waiting)
        elif said == "\x1b8":
            self.x, self.y, self.waiting = self.saved
        elif said.startswith("\x1b[") and said.endswith("C"):
            self._go(self.x + int(said[2:-1] or 1), self.y)
        elif said == "\r":
            self._go(0, self.y)
        elif said == "\n":
            self._go(self.x, self.y + 1)

    def _go(self, x: int, y: int) -> None:
        self.x, self.y, self.waiting = min(x, self.columns - 1), min(y, self.lines - 1), False

    def _text(self, text: str) -> None:
        if text.isascii():
            pieces: Iterator[tuple[str, int]] = ((character, 1) for character in text)
        else:
            pieces = self.rule(text)
        for piece, width in pieces:
            self._put(piece, width)

    def _put(self, piece: str, width: int) -> None:
        if not width:
            at = self.x if self.waiting else self.x - 1
            if at >= 0:
                self.cells[self.y][at] += piece
            return
        if self.waiting and self.wraps:
            self._go(0, self.y + 1)
        room = self.columns - self.x
        if width > room:
            if self.wraps:
                self._go(0, self.y + 1)
            else:
                self.x = self.columns - width
        row = self.cells[self.y]
        if row[self.x] == "" and self.x:  # the right half of a wide one is overwritten: its left half goes
            row[self.x - 1] = " "
        after = self.x + width
        if after < self.columns and row[after] == "":
            row[after] = " "
        row[self.x] = piece
        for x in range(self.x + 1, after):
            row[x] = ""
        self.waiting = after >= self.columns
        self.x = min(after, self.columns - 1)

    def text(self) -> str:
        """All that is shown, line by line."""
        return "\n".join("".join(row).rstrip() for row in self.cells)


def moved(counted: Grid, other: Grid) -> list[str]:
    """Cells about which all terminals agree and that stand elsewhere under another rule, as words."""
    found = []
    for y, (row, there) in enumerate(zip(counted.cells, other.cells, strict=True)):
        unsure = False
        for x, (cell, beside) in enumerate(zip(row, there, strict=True)):
            unsure = doubtful(cell) if cell else unsure
            if not unsure and cell != beside:
                found.append(f"line {y + 1}, column {x + 1}: {cell!r} is {beside!r} in {''.join(row)!r}")
    return found
