"""Text from data made harmless to read: what acts or hides is shown as a glyph that names it.

A row may hold anything: escape sequences that write the clipboard, bidi overrides that reorder what
one reads, half a surrogate pair that no encoder takes. Printable text comes out as it went in.
"""

from __future__ import annotations

import re
import unicodedata

TAB = "    "
NEWLINE = "⏎"

# C0 but tab and line feed, DEL and C1; format characters that hide or turn the direction of text;
# line and paragraph separators; tag characters; halves of surrogate pairs; noncharacters
_HARMFUL = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\ud800-\udfff"
    "\U00013430-\U0001345f\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)
# a joiner between two emoji and the mark that asks for an emoji's picture are part of how it is
# written; anywhere else they hide
_PICTURES = "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_EMOJI = re.compile(f"[{_PICTURES}]")
_JOINER, _PICTURE, _KEYCAP = "\u200d", "\ufe0f", "\u20e3"
_KEYS = "0123456789#*"
_JOINED = 3  # joiners in the longest emoji there is; a longer chain hides what is in it
_CHAIN = re.compile(f"(?:[{_PICTURES}]{{1,2}}{_PICTURE}?{_JOINER}){{{_JOINED + 1},}}")
# more than so many marks on one letter climb over the lines above and below; scripts whose letters
# carry several marks are given more room
_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_FLOOD = re.compile(f"({_MARK}{{4}})({_MARK}+)")
_MOST = 8
# neither letters, digits nor spaces, nor signs that are surely none: what marks are among
_PERHAPS = r"[^\w\s\x00-\u02ff\u2000-\u20cf\u2100-\u2bff\u3000-\u3029\u3030-\u303f\ufe30-\uffef]"
_MANY = re.compile(f"{_PERHAPS}{{{_MOST + 1},}}")
_ORPHAN = re.compile(rf"(?:^|(?<=[ \n])){_PERHAPS}")
_STAND_IN = "◌"  # what a mark stands on where there is no letter; else it is drawn over a border


def visible(text: str, *, lines: bool = True, pictures: bool = False) -> str:
    """The text with each character that acts or hides shown as a glyph; safe to write to a terminal.

    Line feeds stay where `lines`, else they show as ⏎ on the one line; tabs become spaces; a carriage
    return before a line feed is part of the line's end. With `pictures` a control character is ␛ and
    not ⟦U+001B⟧. Brackets are left alone: whoever draws the result must not read it as markup.
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\t", TAB)
    if not lines:
        text = text.replace("\n", NEWLINE)
    if _JOINER in text:
        text = _CHAIN.sub(_unchained, text)
    text = _HARMFUL.sub(_picture if pictures else _named, text)
    if text.isascii():
        return text
    text = _FLOOD.sub(lambda match: f"{match.group(1)}{_left(len(match.group(2)))}", text)
    return _ORPHAN.sub(_stood, _MANY.sub(_thinned, text))


def _named(match: re.Match[str]) -> str:
    character = match.group()
    if character in (_JOINER, _PICTURE) and _belongs(character, match):
        return character
    return f"⟦U+{ord(character):04X}⟧"


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)  # the control pictures: ␀ … ␛ … ␟
    return "␡" if code == 0x7F else _named(match)


def _belongs(character: str, match: re.Match[str]) -> bool:
    """Whether a joiner or a selector is part of an emoji."""
    before, after = match.string[: match.start()][-2:], match.string[match.end() :][:1]
    if character == _PICTURE:
        return bool(_EMOJI.match(before[-1:])) or (before[-1:] in _KEYS and bool(before) and after == _KEYCAP)
    drawn = _EMOJI.match(before[-1:]) or (before[-1:] == _PICTURE and _EMOJI.match(before[:1]))
    return bool(drawn and _EMOJI.match(after))


def _unchained(match: re.Match[str]) -> str:
    parts = match.group().split(_JOINER)
    kept = _JOINER.join(parts[: _JOINED + 1])
    return kept + "".join(f"⟦U+{ord(_JOINER):04X}⟧{part}" for part in parts[_JOINED + 1 :])


def _left(count: int) -> str:
    return f"⟦+{count} marks⟧"


def _thinned(match: re.Match[str]) -> str:
    """At most so many marks in a row; how many more there were is told."""
    out: list[str] = []
    marks = over = 0
    for character in match.group():
        if unicodedata.category(character) in ("Mn", "Me"):
            marks += 1
            if marks > _MOST:
                over += 1
                continue
        else:
            if over:
                out.append(_left(over))
            marks = over = 0
        out.append(character)
    return "".join(out) + (_left(over) if over else "")


def _stood(match: re.Match[str]) -> str:
    character = match.group()
    return _STAND_IN + character if unicodedata.category(character)[0] == "M" else character
