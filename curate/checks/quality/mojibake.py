"""UTF-8 that was read in another encoding, read back; only where the result is sure to be what was meant.

A pair or more of odd characters is turned to the bytes that it came from and read as UTF-8. Some pairs may
well be meant (a German quotation ends in Ä“), so a text is touched only if one of its pairs is beyond doubt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

TIMES = 3  # text that went through the same mistake again and again


def _byte_table(encoding: str) -> dict[str, int]:
    """Character to byte, for the upper half of a one-byte encoding; holes are read as C1 controls."""
    table = {}
    for byte in range(0x80, 0x100):
        try:
            table[bytes([byte]).decode(encoding)] = byte
        except UnicodeDecodeError:
            table[chr(byte)] = byte
    return table


_WESTERN = {chr(byte): byte for byte in range(0x80, 0x100)} | _byte_table("cp1252")
_RUSSIAN = _byte_table("cp1251")
_MAC = _byte_table("mac_roman")


def _class_of(table: Mapping[str, int], first: int, last: int) -> str:
    """A class of a regular expression: the characters that stand for these bytes."""
    return "[" + "".join(re.escape(c) for c, byte in sorted(table.items()) if first <= byte <= last) + "]"


def _sequences(table: Mapping[str, int]) -> str:
    """One character of UTF-8 as it looks when each of its bytes was read alone."""
    trail = _class_of(table, 0x80, 0xBF)
    two, three, four = (_class_of(table, *ends) for ends in ((0xC2, 0xDF), (0xE0, 0xEF), (0xF0, 0xF4)))
    return f"(?:{two}{trail}|{three}{trail}{{2}}|{four}{trail}{{3}})"


_ONE = re.compile(_sequences(_WESTERN))
_RUN = re.compile(_sequences(_WESTERN) + "+")
_RUSSIAN_RUN = re.compile(_sequences(_RUSSIAN) + "{4,}")
_MAC_MARK = re.compile("‚Ä[ôúùìîòÆ¶¢°]|(?<=[a-z])√[©®†¢±¥ß∂∫≠º¥ºàâåç´≤≥]")
_CUT_QUOTE = re.compile(
    "â€(?=[\\s.,;:!?)]|\\Z)"
)  # the last byte of ” has no character in cp1252 and was lost
_MARKS = "\u2013\u2014\u2018\u2019\u201a\u201c\u201d\u201e\u2026\u2039\u203a\u00ab\u00bb\u00a0"
# what UTF-8 that was meant for readers is made of: letters of living scripts, marks, signs, emoji
PLAUSIBLE = re.compile(
    "[\u0080-\u017f\u0218-\u021b\u0370-\u03ff\u0400-\u04ff\u05d0-\u05ea\u0600-\u06ff\u0900-\u0dff\u0e00-\u0e7f\u1e00-\u1eff"
    "\u2000-\u206f\u20a0-\u20bf\u2100-\u22ff\u2500-\u27bf\u3000-\u30ff\u3400-\u9fff\uac00-\ud7a3\ufe0f\uff00-\uffee\ufeff"
    "\U0001f000-\U0001faff]+"
)
# a first look, in words that Rust's regular expressions know as well
MAYBE = re.compile(
    "[ÂÃ][\u0080-\u00bfŒœŠšŽžŸƒˆ˜€‚„…†‡‰‹›‘’“”•–—™]|â€|ðŸ|â[\u0080-\u0099„†]"
    "|(?:[\u00c4\u00c5\u00ce-\u00d1\u00d7-\u00db\u00e0-\u00ef][\u0080-\u00bfŒœŠšŽžŸƒˆ˜€‚„…†‡‰‹›‘’“”•–—™]{1,2}){2}"
    "|[ÄÅ][\u0080-\u009f\u00a1-\u00bf]|[РС][\u0402-\u040f\u0452-\u045f°±ІіґµёјЅѕї‚-›][РС]|‚Ä|√[©®†¢±ß∂∫≠ºàâåç´≤≥]"
)


def repaired(text: str) -> str:
    """The text with what was misread read again; the same text where nothing is beyond doubt."""
    for _ in range(TIMES):
        better = _once(text)
        if better == text:
            return text
        text = better
    return text


def _once(text: str) -> str:
    """One reading taken back."""
    runs = list(_RUN.finditer(text))
    if any(_sure(text, run) for run in runs) or _CUT_QUOTE.search(text):
        text = _CUT_QUOTE.sub("”", _RUN.sub(lambda run: _ONE.sub(_western, run.group()), text))
    text = _RUSSIAN_RUN.sub(lambda run: _read(run.group(), _RUSSIAN), text)
    return _MAC_MARK.sub(lambda mark: _read(mark.group(), _MAC), text)


def _western(found: re.Match[str]) -> str:
    return _read(found.group(), _WESTERN)


def _read(run: str, table: Mapping[str, int]) -> str:
    """The run read as UTF-8; itself where that gives nothing that a person would write."""
    try:
        meant = bytes(table[character] for character in run).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return run
    return meant if PLAUSIBLE.fullmatch(meant) else run


def _sure(text: str, run: re.Match[str]) -> bool:
    """Whether a run of odd pairs can be nothing but misread UTF-8."""
    meant = _ONE.sub(_western, run.group())
    if meant == run.group():
        return False
    pairs = _ONE.findall(run.group())
    changed = [pair for pair in pairs if _read(pair, _WESTERN) != pair]
    if len(changed) >= 3 or any(len(pair) == 4 or pair.startswith(("â€", "â\u0080")) for pair in changed):
        return True
    before, after = text[run.start() - 1 : run.start()], text[run.end() : run.end() + 1]
    beside = (before.isalpha() and before.islower()) or (after.isalpha() and after.islower())
    return any(_sure_pair(pair, beside=beside) for pair in changed if len(pair) == 2)


def _sure_pair(pair: str, *, beside: bool) -> bool:
    """Whether two characters are one that was misread; `beside` says that a small letter stands next to them."""
    if pair == "Â\u00a0" or "\x80" <= pair[1] <= "\x9f":
        return True
    if pair == "Å\u00a0":
        return beside
    if pair[1] in _MARKS:
        return beside and pair[0] == "Ã" and pair[1] not in "\u00ab\u00bb"
    return pair[0] in "ÂÃ" or (pair[0] in "ÄÅ" and beside)
