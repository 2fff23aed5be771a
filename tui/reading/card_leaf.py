"""A card broken into lines for the room there is, and the next card made while one reads this one."""

from __future__ import annotations

from typing import NamedTuple

from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget

from tui.desk.desk import Desk, Finding
from tui.reading.card_view import Card, anchor, card
from tui.widgets.page import Leaf, beside, lines_of

GAP = 3  # cells between two texts side by side
TWO_SIDES = 70  # cells of a screen from which two texts stand side by side


class Look(NamedTuple):
    """All that a card's lines depend on beside the card: cells, lines, one above the other, air."""

    width: int
    height: int
    stacked: bool
    small: bool


class Ahead(NamedTuple):
    """A card made before it is asked for, and what it was made of: it holds only while that is so."""

    place: int
    finding: Finding
    look: Look
    card: Card
    leaf: Leaf


def leaf(widget: Widget, made: Card, look: Look) -> Leaf:
    """The lines of a card: what was found stays at the top, the texts move under it."""
    width = look.width
    fixed = lines_of(widget, made.facts, width)[: 2 if look.small else max(2, look.height // 3)]
    empty = Strip([], 0)
    if not look.small:
        fixed.append(empty)
    lines: list[Strip] = []
    if made.members is not None:
        lines += [*lines_of(widget, made.members, width, wrap=False), empty]
    side = width
    if made.right is None:
        lines += lines_of(widget, made.left, width)
    elif look.stacked:
        lines += [*lines_of(widget, made.left, width), empty, *lines_of(widget, made.right, width)]
    else:
        side = (width - GAP) // 2
        left, right = lines_of(widget, made.left, side), lines_of(widget, made.right, width - GAP - side)
        lines += beside(widget, left, right, side + GAP)
    # of a cluster the members come first: who goes and who stays is the question there
    at = anchor(made.left) if made.members is None else None
    return Leaf(fixed, lines, _line(made.left, at, side) if at else 0)


def _line(text: Content, at: int, width: int) -> int:
    """The line in which a character of a text stands."""
    return max(text[:at].get_height({}, max(width, 1)) - 1, 0)


def fitting(known: Ahead | None, place: int, finding: Finding, look: Look) -> Ahead | None:
    """What was made ahead, if it is of this finding as it is now.

    Of a cluster's card it is not: what that says of the other members may have changed since.
    """
    if known is None or finding["shape"] == "cluster":
        return None
    return known if (known.place, known.finding, known.look) == (place, finding, look) else None


def ahead(desk: Desk, place: int, widget: Widget, look: Look, *, narrow: bool) -> Ahead:
    """The card of a finding, made before it is shown."""
    finding = desk.finding(place)
    made = card(desk, place, finding, narrow=narrow)
    return Ahead(place, finding, look, made, leaf(widget, made, look))
