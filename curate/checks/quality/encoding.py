"""Characters that no reader sees or that stand where another was lost."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from curate.checks.quality.mojibake import MAYBE, repaired
from curate.checks.quality.text import Problem, Rule, Text

_ANSI = r"\x1b\[[0-9;?]*[A-Za-z]"
_CONTROL_CLASS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff"
_CONTROL = re.compile(f"{_ANSI}|[{_CONTROL_CLASS}]")
# LaTeX whose backslash was taken for an escape: \\frac came out as a form feed and `rac`
_ESCAPED = {"\x07": "\\a", "\x08": "\\b", "\x0b": "\\v", "\x0c": "\\f"}
_BROKEN_COMMAND = re.compile(
    "\x07(?=lpha|pprox|ngle)|\x08(?=egin|ar\\b|eta|oldsymbol|inom|ullet|ig)|\x0b(?=ec|arepsilon|ert|dots)|\x0c(?=rac|orall|lat)"
)
_INVISIBLE_CLASS = (
    "\u00ad\u200b\u2060-\u2064\ufeff\u202a-\u202e\u2066-\u2069\u180e\U000e0001\U000e0020-\U000e007e"
)
# a black flag with tags behind it is one of the sub-national flags
_INVISIBLE = re.compile(f"\U0001f3f4[\U000e0020-\U000e007f]+|[{_INVISIBLE_CLASS}\U000e007f]")
_FLAG = "\U0001f3f4"
_DIRECTED = re.compile("[\u0590-\u08ff\ufb1d-\ufefc]")  # scripts that are read from the right
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")  # a zero-width space parts words there
_LOST = re.compile("\ufffd+|锟斤拷|烫烫烫")


def without_controls(text: str) -> str:
    """The text without terminal sequences and control characters; a form feed becomes a line's end."""
    whole = _BROKEN_COMMAND.sub(lambda found: _ESCAPED[found.group()], text)
    return _CONTROL.sub("", whole.replace("\x0c", "\n").replace("\x0b", "\n"))


def without_invisible(text: str) -> str:
    """The text without characters that have no width and no work to do in its script."""
    spared = _spared(text)
    return _INVISIBLE.sub(lambda m: m.group() if m.group()[0] in spared else "", text)


def _spared(text: str) -> frozenset[str]:
    """The invisible characters that have work to do in this text."""
    spared = frozenset(_FLAG)
    if _DIRECTED.search(text):
        spared |= _DIRECTION
    return spared | {"\u200b"} if _UNSPACED.search(text) else spared


def _damage(text: Text) -> Iterator[Problem]:
    """The first place of each kind of damage, with the repair where there is one."""
    misread = False
    if MAYBE.search(text.raw):
        better = repaired(text.raw)
        misread = better != text.raw
        if misread:
            place = next(at for at, (a, b) in enumerate(zip(text.raw, better + "\0", strict=False)) if a != b)
            yield _edit("mojibake", text, place, place + 1, 0.95, "UTF-8 read in another encoding")
    controls = [
        found for found in _CONTROL.finditer(text.raw) if not (misread and "\x80" <= found.group() <= "\x9f")
    ]
    if controls:
        first = controls[0]
        yield _edit("control-character", text, *first.span(), 0.9, "control characters", len(controls))
    spared = _spared(text.raw)
    hidden = [found for found in _INVISIBLE.finditer(text.raw) if found.group()[0] not in spared]
    if hidden:
        first = hidden[0]
        yield _edit("invisible-character", text, *first.span(), 0.8, "characters of no width", len(hidden))
    lost = [found.span() for found in _LOST.finditer(text.raw)]
    if lost:
        counted: dict[str, object] = {"places": len(lost)}
        yield Problem(
            "replacement-character", *lost[0], 0.9, "characters were lost in reading", measured=counted
        )


REPAIR = {"mojibake": "mojibake", "control-character": "controls", "invisible-character": "invisible"}


def _edit(
    label: str, text: Text, start: int, end: int, score: float, reason: str, places: int = 1
) -> Problem:
    """A finding that proposes the repair, or a look where the text is JSON and must stay so."""
    measured: dict[str, object] = {"places": places}
    if text.role == "call":
        return Problem(label, start, end, score, reason, measured=measured)
    return Problem(label, start, end, score, reason, "edit", {"repair": REPAIR[label]}, measured)


RULES = (
    Rule(
        pl.col("text").str.contains(f"[{_CONTROL_CLASS}]")
        | (
            (pl.col("text").str.len_bytes() != pl.col("text").str.len_chars())
            & pl.col("text").str.contains(f"[{_INVISIBLE_CLASS}\ufffd]|锟斤拷|烫烫烫|{MAYBE.pattern}")
        ),
        _damage,
    ),
)
