"""A name's place in a text."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """Characters `start` to `end` (half open) of a text, what stands there, and how sure that is: 0 to 1."""

    start: int
    end: int
    label: str
    score: float
