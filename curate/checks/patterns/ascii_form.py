"""A text with one ASCII character for each of its characters, of the same class for a pattern."""

from __future__ import annotations

import re

ODD = "\x00"  # stands for characters that no ASCII character can stand for
_WORD, _SPACE, _OTHER = "_", "\x0b", "\x01"
_FOLDED = "\u0130\u0131\u017f\u212a"  # equal to i, i, s and k where case is ignored
_SEPARATORS = "\x1c\x1d\x1e\x1f\x0b\x0c\x85"  # white space to some engines, not to others


class _Forms(dict[int, str]):
    """The ASCII form of a code point, found out when it is first seen."""

    def __missing__(self, code: int) -> str:
        import regex  # type: ignore[import-untyped]

        char = chr(code)
        if char in _FOLDED or char in _SEPARATORS or char == ODD:
            form = ODD
        elif code < 128:
            form = char
        elif regex.match(r"\d", char) or char.isdecimal():
            form = ODD  # a digit to \d and none to [0-9]
        elif regex.match(r"\w", char):
            form = _WORD
        elif regex.match(r"\s", char) or char.isspace():
            form = _SPACE
        else:
            form = _OTHER
        self[code] = form
        return form


_FORMS = _Forms()
_ODD_ASCII = re.compile("[\x00\x0b\x0c\x1c-\x1f]")


def ascii_form(text: str) -> str | None:
    r"""The text in ASCII, character for character; None where that could hide a match.

    What a pattern finds in the text by classes (`\w`, `\s`, `\b`, "anything but") it finds in this
    form at the same place: a letter stands as `_`, white space as a vertical tab, all else as a
    control character that no pattern names. Foreign digits and letters that are equal to an ASCII
    letter when case is ignored have no such form.
    """
    if text.isascii():
        return None if _ODD_ASCII.search(text) else text
    form = text.translate(_FORMS)
    return None if ODD in form else form
