"""Which `<b>` is a tag: not every letter between two signs of order is one."""

from __future__ import annotations

import re

_INLINE = "b|i|u|s|em|strong|span|font|center|a|small|big|sup|sub|tt|code"
_OTHER = "p|li|td|th|tr"
_WRITTEN = re.compile(
    rf"<(?P<close>/?)(?P<name>{_INLINE}|{_OTHER})(?P<rest>\s+[\w:-]+\s*=[^<>]*|\s*)>", re.IGNORECASE
)
# between dollars as pandoc reads them: no blank inside beside them and no digit behind the second
_MATHS = re.compile(
    r"\$\$(?:(?!\$\$).){1,2000}?\$\$|\$(?![\s$])[^$\n]{0,500}?[^\s$\\]\$(?!\d)"
    r"|\\\((?:(?!\\\)).){1,1000}\\\)|\\\[(?:(?!\\\]).){1,2000}\\\]",
    re.DOTALL,
)
_LOWER, _HIGHER = "\ufdd0", "\ufdd1"  # characters that no text may hold


def shielded(text: str) -> str:
    """The text with other characters for `<` and `>` that are no tag's; every place stays.

    No tags are: any within mathematics, those for letters, words and links without their partner
    (`a<b>c`), and one of a paragraph, an item or a cell between two letters or numbers.
    """
    if "<" not in text:
        return text
    marks = [span for found in _MATHS.finditer(text) for span in _marks(text, *found.span())]
    for found in _single(text):
        marks += [found.start(), found.end() - 1]
    if not marks:
        return text
    letters = list(text)
    for at in marks:
        letters[at] = _LOWER if text[at] == "<" else _HIGHER
    return "".join(letters)


def unshielded(text: str) -> str:
    """What was shielded as it was."""
    return text.replace(_LOWER, "<").replace(_HIGHER, ">")


def _marks(text: str, start: int, end: int) -> list[int]:
    return [at for at in range(start, end) if text[at] in "<>"]


def _single(text: str) -> list[re.Match[str]]:
    """The tags without a partner that cannot be any."""
    single: list[re.Match[str]] = []
    open_: dict[str, list[re.Match[str]]] = {}
    for found in _WRITTEN.finditer(text):
        name = found["name"].lower()
        if not found["close"]:
            open_.setdefault(name, []).append(found)
        elif open_.get(name):
            open_[name].pop()
        else:
            single.append(found)
    single += [found for each in open_.values() for found in each]
    return [found for found in single if _doubtful(text, found)]


def _doubtful(text: str, found: re.Match[str]) -> bool:
    """Whether a tag that stands alone is rather two signs of order: `a<b>c`, `3 <p> q`."""
    if found["rest"].strip() or found["close"]:
        return False
    if found["name"].lower() not in _OTHER.split("|"):
        return True
    before, behind = text[: found.start()][-1:], text[found.end() :][:1]
    return before.isalnum() and behind.isalnum()
