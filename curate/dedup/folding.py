"""The form in which texts are compared: case, white space, sentence marks and Unicode forms folded.

A text becomes code points, by a table where each character can be folded on its own, and by
`unicodedata` where it cannot (combining marks, which meet their neighbours). Both ways give the same.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint32]

SPACE, MARK, ALNUM, OTHER, CHARACTER, HAN = range(6)  # classes of code points; the last two stand alone
MARKS = frozenset(".,;:!?'\"«»…–—")  # dropped, unless a letter or digit stands on either side of one
LAST = 0x110000
UNKNOWN, DROPPED, SLOW = np.uint64(0), np.uint64(1 << 63), np.uint64(1 << 62)
WIDE = 21  # bits of a code point

SEPARATORS = {mark: " " for mark in "、。，！？；：「」『』【】〈〉《》・؟،؛।"}
QUOTES = {mark: "'" for mark in "‘’‚‛`´"} | {mark: '"' for mark in "“”„‟"}
# format characters that no reader sees: joiners, directions, variation selectors, soft hyphen
UNSEEN = (0xAD, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065),
          *range(0xFE00, 0xFE10))  # fmt: skip
_FOLDED = str.maketrans({**SEPARATORS, **QUOTES, **{chr(code): None for code in UNSEEN}})
_IS_FOLDED = re.compile(f"[{re.escape(''.join(map(chr, _FOLDED)))}]")
_UNSPACED = ((0xE00, 0xEFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF),
             (0x20000, 0x3FFFF))  # fmt: skip
_HAN = ((0x3400, 0x9FFF), (0x20000, 0x3FFFF))
# what stands in most texts: a text with a character that is not in the table yet is folded by hand, 50 times slower
_USUAL = ((0x80, 0x24F), (0x370, 0x45F), (0x2010, 0x2027), (0x2030, 0x205E), (0x20A0, 0x20BF), (0x2190, 0x21FF),
          (0x2400, 0x2426), (0x3000, 0x30FF), (0xFF01, 0xFF5E))  # fmt: skip
_JAMO = ((0x1100, 0x11FF), (0xA960, 0xA97F), (0xD7B0, 0xD7FF))


class Table(NamedTuple):
    """What each code point becomes; filled as code points are met."""

    becomes: NDArray[np.uint64]  # up to three code points of WIDE bits; or UNKNOWN, DROPPED, SLOW
    kind: NDArray[np.uint8]  # the class of a folded code point


def fold(text: str) -> str:
    """The text in NFKC and without case, unseen characters and kinds of quotes; marks and spaces stay."""
    if text.isascii():
        return text.lower().replace("`", "'")
    return _unified(unicodedata.normalize("NFKC", _unified(text))).casefold()


def _unified(text: str) -> str:
    """One kind of quotes and separators, nothing unseen; to look for some is 20 times quicker than to put them."""
    return text.translate(_FOLDED) if _IS_FOLDED.search(text) else text


def codes_of(text: str) -> Codes:
    """The folded text as code points; a lone surrogate stays one."""
    return np.frombuffer(fold(text).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def kind_of(code: int) -> int:
    """The class of a folded code point."""
    letter = chr(code)
    if letter.isspace():
        return SPACE
    if letter in MARKS:
        return MARK
    if any(first <= code <= last for first, last in _UNSPACED):
        return HAN if any(first <= code <= last for first, last in _HAN) else CHARACTER
    return ALNUM if letter.isalnum() else OTHER


@cache
def table() -> Table:
    """The table of this process, of which the usual letters and signs are filled; pages never met take no memory."""
    made = Table(np.zeros(LAST, dtype=np.uint64), np.zeros(LAST, dtype=np.uint8))
    for code in range(128):
        made.becomes[code] = np.uint64(ord(fold(chr(code))))
        made.kind[code] = kind_of(code)
    for first, last in _USUAL:
        for code in range(first, last + 1):
            made.becomes[code] = _becomes(code, made)
    return made


def learn(codes: Codes) -> None:
    """Fill the table for these code points of verbatim texts."""
    known = table()
    for code in np.unique(codes).tolist():
        if known.becomes[code] == UNKNOWN:
            known.becomes[code] = _becomes(code, known)


def learn_kinds(folded: Codes) -> NDArray[np.uint8]:
    """The class of each of these folded code points."""
    kinds = table().kind
    missing = np.unique(folded[(folded > 127) & (kinds[folded] == SPACE)])
    for code in missing.tolist():
        kinds[code] = kind_of(code)
    return kinds[folded]


def _becomes(code: int, known: Table) -> np.uint64:
    """The entry of one code point: SLOW for what meets its neighbours."""
    letter = chr(code)
    jamo = any(first <= code <= last for first, last in _JAMO)
    if 0xD800 <= code < 0xE000 or jamo:
        return SLOW
    folded = fold(letter)
    if any(unicodedata.category(c).startswith("M") for c in letter + folded) or len(folded) > 3:
        return SLOW
    if not folded:
        return DROPPED
    entry = 0
    for at, c in enumerate(folded):
        known.kind[ord(c)] = kind_of(ord(c))
        entry |= ord(c) << (WIDE * at)
    return np.uint64(entry)
