"""The hand-written texts with the places of their names, read from `held_out.txt`."""

from __future__ import annotations

import re
from pathlib import Path

_MARK = re.compile(r"\[([^\[\]|]+)\|([A-Z_]+)\]")


def read() -> list[tuple[str, set[tuple[int, int, str]]]]:
    """(text, {(start, end, label)}) of each."""
    blocks = Path(__file__).with_name("held_out.txt").read_text(encoding="utf-8").partition("\n")[2]
    made = []
    for block in blocks.strip("\n").split("\n%%\n"):
        text, spans, at = "", set(), 0
        for mark in _MARK.finditer(block):
            text += block[at : mark.start()]
            spans.add((len(text), len(text) + len(mark[1].rstrip()), mark[2]))
            text += mark[1]
            at = mark.end()
        made.append((text + block[at:], spans))
    return made
