"""Postal addresses made whole: their parts joined, the numbers beside them taken in."""

from __future__ import annotations

import re

from curate.names.span import Span
from curate.names.tokens import BIT, Lexicon

# Between two parts of one address stand marks, and at most one number, of a flat or a postal code
_BETWEEN = re.compile(
    r"[\s,.;#/-]*(?:(?:apt|apartment|suite|ste|unit|flat|floor|room|box|bldg|no|nr)?[\s.#]*[A-Za-z]?\d{1,6}[A-Za-z]?[\s,.;#/-]*)?\Z",
    re.IGNORECASE,
)
_ITEM = re.compile(r"\n\s*(?:\d+[.)]|[-*])\s")  # the next line of a list is no part of an address
_NUMBER_BEFORE = re.compile(r"(?<![\w$€£.,:/-])\d{1,6}[A-Za-z]?,?[ ]\Z")
_CODE_AFTER = re.compile(
    r",?(?:[ ]|[ ]*\n[ ]*)(?:[A-Z]{2}(?:[ ]|[ ]*\n[ ]*))?\d{4,6}(?:-\d{4})?(?![\w.,:/%-]*\d)\b"
)
_ROAD = BIT["ending"] | BIT["road"]
LONGEST = 14  # characters between two parts of one address
_WORD = re.compile(r"[^\W\d_]+")


def whole(spans: list[Span], text: str, lexicon: Lexicon) -> list[Span]:
    """The spans with the parts of each address as one LOCATION."""
    made: list[Span] = []
    for at, (start, end, kind, score) in enumerate(spans):
        if kind != "LOCATION":
            made.append(Span(start, end, kind, score))
            continue
        value = text[start:end]
        has_number = any(map(str.isdigit, value))
        floor = made[-1][1] if made else 0
        if not value[0].isdigit() and (has_number or _is_road(value, lexicon)):
            before = _NUMBER_BEFORE.search(text, floor, start)
            start = before.start() if before else start
        ceiling = spans[at + 1][0] if at + 1 < len(spans) else len(text)
        if has_number:
            after = _CODE_AFTER.match(text, end, ceiling)
            end = after.end() if after else end
        if made and made[-1][2] == "LOCATION" and _one(text, made[-1], start):
            first = made.pop()
            start, score = first[0], round((first[3] + score) / 2, 3)
        made.append(Span(start, end, kind, score))
    return made


def _one(text: str, first: Span, start: int) -> bool:
    """Whether a place that begins at `start` goes on with the address before it."""
    between = text[first[1] : start]
    is_address = any(map(str.isdigit, text[first[0] : first[1]]))
    return (
        is_address
        and len(between) <= LONGEST
        and "\n\n" not in between
        and _BETWEEN.match(between) is not None
    )


def _is_road(value: str, lexicon: Lexicon) -> bool:
    """Whether a name ends or begins as streets do."""
    words = _WORD.findall(value)
    return (
        bool(words) and bool((lexicon.flags(words[-1]) | lexicon.flags(words[0])) & _ROAD) and len(words) > 1
    )
