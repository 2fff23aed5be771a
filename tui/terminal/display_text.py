"""The one way by which dataset text reaches a terminal: made harmless, and nothing lost from sight.

A row may hold anything: escape sequences that write the clipboard, bidi overrides that reorder what
one reads, half a surrogate pair that no encoder takes. Each such character is shown as a glyph that
names it. Printable text comes out as it went in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from curate.visible import visible

if TYPE_CHECKING:
    from textual.content import Content


def display_text(text: str, *, lines: bool = True) -> str:
    """The text with each character that acts or hides shown as a glyph; safe to write to a terminal.

    Line feeds stay where `lines`, else they show as ⏎ on the one line; tabs become spaces; a carriage
    return before a line feed is part of the line's end. Brackets are left alone: whoever draws the
    result must not read it as markup (`plain` does not).
    """
    return visible(text, lines=lines, pictures=True)


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


def name_text(name: str) -> str:
    """A label or the like on one line; blanks at its ends show as ␠, since two may differ in nothing else."""
    inner = name.strip(" ")
    if inner == name or not inner:
        return display_text(name, lines=False)
    before, after = name.index(inner), len(name) - len(inner) - name.index(inner)
    return "␠" * before + display_text(inner, lines=False) + "␠" * after


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
