"""Which words of an answer the reference does not have, as HTML with those words marked."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from curate.visible import visible

if TYPE_CHECKING:
    from markupsafe import Markup

_PARTS = re.compile(r"\s+|\w+|[^\w\s]")
LONGEST = 4000  # characters that are compared


def marked(answer: str, reference: str) -> Markup:
    """The answer, harmless and escaped, with `<mark>` around runs of words that the reference lacks.

    Words are held against each other in order (longest common subsequence), whatever their case.
    """
    from markupsafe import Markup, escape
    from rapidfuzz.distance import LCSseq

    text = visible(answer)
    if not reference or len(text) > LONGEST:
        return escape(text)
    parts = _PARTS.findall(text)
    places = [place for place, part in enumerate(parts) if not part.isspace()]
    ours = [parts[place].lower() for place in places]
    theirs = _words(reference)
    if ours == theirs:
        return escape(text)
    same: set[int] = set()
    for block in LCSseq.opcodes(ours, theirs):
        if block.tag == "equal":
            same.update(places[block.src_start : block.src_end])
    differs = [place for place in places if place not in same]
    following = dict(pairwise(places))
    return Markup(_with_marks(parts, differs, following))  # every run was escaped


@lru_cache(maxsize=64)
def _words(reference: str) -> list[str]:
    """The words of a reference, lower case; arms are held against the same one in turn."""
    return [part.lower() for part in _PARTS.findall(visible(reference)[:LONGEST]) if not part.isspace()]


def _with_marks(parts: list[str], differs: list[int], following: dict[int, int]) -> str:
    """The parts, escaped; runs of words that differ are marked, with the space between them.

    `following`: for each word's place, that of the next word.
    """
    from markupsafe import escape

    out: list[str] = []
    done = at = 0
    while at < len(differs):
        start = end = differs[at]
        while at + 1 < len(differs) and following[end] == differs[at + 1]:
            at += 1
            end = differs[at]
        out.append(str(escape("".join(parts[done:start]))))
        out.append(f"<mark>{escape(''.join(parts[start : end + 1]))}</mark>")
        done, at = end + 1, at + 1
    out.append(str(escape("".join(parts[done:]))))
    return "".join(out)
