"""The one way by which dataset text reaches a terminal: made harmless, and nothing lost from sight.

A row may hold anything: escape sequences that write the clipboard, bidi overrides that reorder what
one reads, half a surrogate pair that no encoder takes. Each such character is shown as a glyph that
names it. Printable text comes out as it went in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.content import Content

# what acts, hides or cannot be encoded: C0, DEL and C1; invisible and direction-changing format
# characters; line and paragraph separators; tag characters; surrogates; noncharacters
_HARMFUL = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\ud800-\udfff"
    "\U000e0000-\U000e0fff\U0001fffe\U0001ffff\U0010fffe\U0010ffff"
    "]"
)
# a joiner between two emoji and the mark that asks for an emoji's picture are part of how it is
# written; anywhere else they hide
_EMOJI = re.compile("[\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]")
_JOINER, _PICTURE = "\u200d", "\ufe0f"
# more than this many combining marks on one letter climb over the lines above and below
_FLOOD = re.compile("([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4})"
                    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+)")  # fmt: skip

TAB = "    "
NEWLINE = "⏎"


def _glyph(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # the control pictures: ␀ … ␛ … ␟
    if code == 0x7F:
        return "␡"
    return f"⟦U+{code:04X}⟧"


def _shown(match: re.Match[str]) -> str:
    character = match.group()
    before, after = match.string[: match.start()][-2:], match.string[match.end() :][:1]
    drawn = bool(_EMOJI.match(before[-1:]) or (before[-1:] == _PICTURE and _EMOJI.match(before[:1])))
    if character == _PICTURE and drawn:
        return character
    if character == _JOINER and drawn and _EMOJI.match(after):
        return character
    return _glyph(character)


def _flooded(match: re.Match[str]) -> str:
    return match.group(1) + f"⟦+{len(match.group(2))} marks⟧"


def display_text(text: str, *, lines: bool = True) -> str:
    """The text with each character that acts or hides shown as a glyph; safe to write to a terminal.

    Line feeds stay where `lines`, else they show as ⏎ on the one line; tabs become spaces; a carriage
    return before a line feed is part of the line's end. Brackets are left alone: whoever draws the
    result must not read it as markup (`plain` does not).
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\t", TAB)
    if not lines:
        text = text.replace("\n", NEWLINE)
    return _FLOOD.sub(_flooded, _HARMFUL.sub(_shown, text))


def displayed(text: str, offsets: list[int]) -> tuple[str, list[int]]:
    """(`display_text(text)`, where each of the character `offsets` of `text` lies in it).

    `offsets` are in rising order. Each piece is made harmless on its own, so that a mark drawn over a
    span covers the glyphs of what is in the span and no others.
    """
    pieces: list[str] = []
    places: list[int] = []
    at = length = 0
    for offset in [*offsets, len(text)]:
        stop = min(max(offset, at), len(text))
        piece = display_text(text[at:stop])
        pieces.append(piece)
        length += len(piece)
        places.append(length)
        at = stop
    return "".join(pieces), places[:-1]


def plain(text: str, style: str = "", *, lines: bool = True) -> Content:
    """The text made harmless, as content that Textual draws without reading markup in it."""
    from textual.content import Content

    return Content.styled(display_text(text, lines=lines), style)


def fit(text: str, cells: int) -> str:
    """One line of harmless text cut or filled to exactly `cells` terminal cells; … where it was cut."""
    from rich.cells import cell_len, set_cell_size

    # what is far beyond the edge need not be made harmless first: a row may be a megabyte long
    line = display_text(text[: 4 * cells + 8], lines=False)
    if cell_len(line) <= cells:
        return set_cell_size(line, cells)
    return set_cell_size(line, max(cells - 1, 0)) + "…" if cells else ""


def excerpt(text: str, cells: int = 200) -> str:
    """The beginning of a text on one line, for a list; white space runs are one space."""
    return display_text(" ".join(text[: 4 * cells].split()), lines=False)[:cells]
