"""Text from data made harmless to read: what acts or hides is shown as a glyph that names it."""

from __future__ import annotations

import re

# C0 but tab and line feed, DEL and C1; format characters that hide or turn the direction of text;
# line and paragraph separators; tag characters; halves of surrogate pairs; noncharacters
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
_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
# more than this many combining marks on one letter climb over the lines above and below
_FLOOD = re.compile(f"({_MARK}{{4}})({_MARK}+)")


def _glyph(match: re.Match[str]) -> str:
    character = match.group()
    before, after = match.string[: match.start()][-2:], match.string[match.end() :][:1]
    drawn = bool(_EMOJI.match(before[-1:]) or (before[-1:] == _PICTURE and _EMOJI.match(before[:1])))
    if drawn and (character == _PICTURE or (character == _JOINER and _EMOJI.match(after))):
        return character
    return f"⟦U+{ord(character):04X}⟧"


def visible(text: str, *, lines: bool = True) -> str:
    """The text with each character that acts or hides as a glyph; without `lines` on one line."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\t", "    ")
    if not lines:
        text = text.replace("\n", "⏎")
    shown = _HARMFUL.sub(_glyph, text)
    return _FLOOD.sub(lambda match: f"{match.group(1)}⟦+{len(match.group(2))} marks⟧", shown)
