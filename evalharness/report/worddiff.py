"""Which words of an answer the reference does not have, as HTML with those words marked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from curate.visible import visible

if TYPE_CHECKING:
    from markupsafe import Markup

_PARTS = re.compile(r"\s+|\w+|[^\w\s]")
ALIKE = 0.2  # share of words in common below which marking nearly everything would show nothing
LONGEST = 4000  # characters that are compared


def marked(answer: str, reference: str) -> Markup:
    """The answer, harmless and escaped, with `<mark>` around runs of words that the reference lacks.

    Words are held against each other in order (longest common subsequence), whatever their case. An answer
    that has little in common with the reference is left unmarked.
    """
    from markupsafe import Markup, escape
    from rapidfuzz.distance import LCSseq

    text = visible(answer)
    if not reference or len(text) > LONGEST:
        return escape(text)
    parts = _PARTS.findall(text)
    places = [place for place, part in enumerate(parts) if not part.isspace()]
    ours = [parts[place].lower() for place in places]
    theirs = [part.lower() for part in _PARTS.findall(visible(reference)[:LONGEST]) if not part.isspace()]
    if ours == theirs:
        return escape(text)
    same: set[int] = set()
    for block in LCSseq.opcodes(ours, theirs):
        if block.tag == "equal":
            same.update(places[block.src_start : block.src_end])
    if len(same) < ALIKE * max(len(ours), 1):
        return escape(text)
    return Markup("".join(_runs(parts, same)))  # every run was escaped


def _runs(parts: list[str], same: set[int]) -> list[str]:
    """Runs of parts, escaped; those of words that differ, with the spaces between them, are marked."""
    from markupsafe import escape

    out: list[str] = []
    place = 0
    while place < len(parts):
        start, differs = place, place not in same and not parts[place].isspace()
        while place < len(parts) and (
            (place not in same and not parts[place].isspace()) == differs
            or (differs and parts[place].isspace() and place + 1 < len(parts) and place + 1 not in same)
        ):
            place += 1
        run = str(escape("".join(parts[start:place])))
        out.append(f"<mark>{run}</mark>" if differs else run)
    return out
