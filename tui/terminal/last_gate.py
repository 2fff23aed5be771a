"""The last gate before the terminal: nothing acts, and what a terminal may draw wider stays in its place.

`NothingActs` takes control characters out of every line that any part of a screen draws. `held` works
on what is about to be written: terminals do not agree how wide joined emoji, flags and the vowel signs
of many scripts are, and one cell more would push the rest of the line aside, borders and all. Each such
run is drawn with the cursor's place kept, and the cursor then set where the screens count it to be.
"""

from __future__ import annotations

import codecs
import re
import sys
import unicodedata
from functools import lru_cache, partial
from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.driver import Driver
from textual.filter import LineFilter

QUIET, CHOSEN = 150, 55  # of 255: text so near to its ground is quiet; a ground so light is the cursor's

# C0, DEL, C1; and what turns the direction of text: none of them has a width
CONTROLS = dict.fromkeys(
    [*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)]
)

# what terminals count differently: marks of all scripts, scripts with vowel signs, conjoining jamo,
# joiners and selectors, emoji with what may follow them, and all beyond the first plane but ideographs
_UNSURE = (
    "\u0300-\u036f\u0483-\u0489\u0590-\u05cf\u0600-\u061f\u064b-\u065f\u0670\u06d6-\u06ed\u070f\u0711\u0730-\u074a"
    "\u07a6-\u07b0\u07eb-\u07f3\u0816-\u082d\u0859-\u085b\u0890-\u109f\u1100-\u11ff\u135d-\u135f\u1700-\u18af"
    "\u1900-\u1cff\u1dc0-\u1dff\u200d\u20d0-\u20ff\u231a\u231b\u23e9-\u23f3\u25fd\u25fe\u2614\u2615\u2630-\u2637"
    "\u2648-\u2653\u267f\u268a-\u268f\u2693\u26a1\u26aa\u26ab\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2-\u26fd"
    "\u2705\u270a\u270b\u2728\u274c\u274e\u2753-\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55\u2cef-\u2cf1"
    "\u2d7f\u2de0-\u2dff\u2ffc-\u2fff\u302a-\u302f\u3099\u309a\u31e4-\u31ef\u4dc0-\u4dff\ua66f-\ua67d\ua69e\ua69f\ua6f0\ua6f1\ua800-\ua95f"
    "\ua960-\uabff\ud7b0-\ud7ff\ue000-\uf8ff\ufa6e\ufa6f\ufada-\ufaff\ufb1e\ufbc3-\ufbd2\ufdcf-\ufdff\ufe00-\ufe0f\ufe20-\ufe2f"
    "\U00010000-\U0001ffff\U0002a6de-\U0010ffff"
)
_DOUBT = re.compile(f"[{_UNSURE}]")
# ideographs of planes that terminals know in part: each is a run of its own, for it pushes the next aside
_ALONE = "\U0002a6de-\U0003ffff"
_AFTER = "\u0300-\u036f\u200d\u20d0-\u20ff\ufe00-\ufe0f\U000e0100-\U000e01ef"  # what may stand on one
_MORE = rf"(?:(?![{_ALONE}])[{_UNSURE}])"
# a run begins with what its first mark stands on, and goes on with what a joiner at its end joins to it
_RUN = re.compile(
    rf"[{_ALONE}][{_AFTER}]*|[^\x00-\x1f\x7f{_UNSURE}]?{_MORE}+(?:(?<=\u200d)[^\x00-\x1f\x7f{_UNSURE}]{_MORE}*)*"
)
_LINES = re.compile("[\r\n]+")
_MOVED = re.compile(r"\x1b\[[0-9]*;?([0-9]*)H")
_SEQUENCE = re.compile(r"(\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[^\[\]]))")


class NothingActs(LineFilter):
    """No control character passes, whichever widget let it through."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments without control characters; they have no width, so nothing moves."""
        return [
            segment
            if segment.text.isprintable() or segment.control
            else Segment(segment.text.translate(CONTROLS), segment.style)
            for segment in segments
        ]


class NoColour(LineFilter):
    """With NO_COLOR no colour is sent, not even a grey: the terminal's own two, bold, dim and reverse are left.

    It comes behind the library's filter, which makes greys of colours.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments in the terminal's own colours."""
        return [Segment(text, style and _uncoloured(style), control) for text, style, control in segments]


@lru_cache(4096)
def _uncoloured(style: Style) -> Style:
    ground = style.bgcolor.get_truecolor().red if style.bgcolor else 0
    text = style.color.get_truecolor().red if style.color else 255
    return Style(
        bold=style.bold,
        italic=style.italic,
        underline=style.underline,
        strike=style.strike,
        dim=style.dim or (not style.reverse and text - ground < QUIET) or None,
        reverse=style.reverse or ground > CHOSEN or None,
        link=style.link,
    )


def held(output: str, columns: int = 1 << 16) -> tuple[str, bool]:
    """(what is written to the terminal, with each run of doubtful width held to its cells; whether one is loose).

    Around a run: no wrapping, the place kept, its cells cleared, the run, back to the place, so many
    cells on. Nothing is added where all terminals agree. A run is loose where a terminal may draw it
    wider and nothing that is written after it covers what is too much; the end of a screen of `columns`
    cuts it off.
    """
    if output.isascii() or not _DOUBT.search(output):
        return output, False
    parts = _SEQUENCE.split(output)
    loose = _loose(parts, columns)
    parts[::2] = [_RUN.sub(_run, part) for part in parts[::2]]
    return "".join(parts), loose


def _run(match: re.Match[str]) -> str:
    text = match.group()
    cells = cell_len(text)
    if not cells:  # it would be drawn over what stands before it
        return ""
    return f"\x1b[?7l\x1b7{' ' * cells}\x1b8{text}\x1b8\x1b[{cells}C\x1b[?7h"


def _loose(parts: list[str], columns: int) -> bool:
    """Whether a run may be drawn wider than what is written after it on its line, and not past the screen."""
    column, open_until = 0, 0  # the cells written so far end here; a run may have been drawn up to there
    for at, part in enumerate(parts):
        pieces = _LINES.split(part) if not at % 2 else [""] * (1 + part.endswith("H"))
        for number, piece in enumerate(pieces):
            if number:  # a new line, or the cursor set elsewhere
                if min(open_until, columns) > column:
                    return True
                column = open_until = 0
            for run in _RUN.finditer(piece):
                end = column + cell_len(piece[: run.end()])
                open_until = max(open_until, end + _apart(run.group()) - cell_len(run.group()))
            column += cell_len(piece)
        moved = _MOVED.fullmatch(part) if at % 2 else None
        if moved:
            column = open_until = int(moved.group(1) or 1) - 1
    return min(open_until, columns) > column


def overhang(text: str) -> int:
    """The cells by which a terminal may draw a line farther to the right than it is counted."""
    if text.isascii() or not _DOUBT.search(text):
        return 0
    over = [
        cell_len(text[: run.end()]) + _apart(run.group()) - cell_len(run.group())
        for run in _RUN.finditer(text)
    ]
    return max(0, max(over, default=0) - cell_len(text))


def _apart(text: str) -> int:
    """The cells of a text in a terminal that draws each character on its own, at most."""
    return sum(map(_alone, text))


def _alone(character: str) -> int:
    """Colours of skin and signs of vowels, which are counted as nothing, have cells of their own there."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def lenient(encoding: str) -> partial[codecs.IncrementalDecoder]:
    """What makes decoders that raise nothing: what is no text in the encoding is a character that says so."""
    return partial(codecs.getincrementaldecoder(encoding), "replace")


def guarded(driver: Driver, app: App[Any]) -> Driver:
    """A driver that holds what it writes; the screen is drawn once more where a run was loose.

    Bytes typed or pasted that are no UTF-8, and old ways to tell of the mouse, would end the app in the
    thread that reads them.
    """
    reading = sys.modules[type(driver).__module__]
    if hasattr(reading, "getincrementaldecoder"):
        reading.getincrementaldecoder = lenient  # type: ignore[attr-defined]
    write = driver.write
    waiting = False

    def again() -> None:
        nonlocal waiting
        waiting = False
        app.screen.refresh()

    def written(data: str) -> None:
        nonlocal waiting
        output, loose = held(data, app.size.width)
        write(output)
        if loose and not waiting:
            waiting = True
            app.call_next(again)

    driver.write = written  # type: ignore[method-assign]
    return driver
