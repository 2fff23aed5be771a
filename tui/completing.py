"""A line to type a command in: the word before the cursor, completed to a command or a file's name."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from tui.jobs import TYPED

MOST = 8  # names told where several fit


def completed(line: str) -> tuple[str, list[str]]:
    """The line with its last word as far as it is sure, and the names it may become where it is not."""
    start, word = last_word(line)
    names = files(word) if line[:start].strip() else sorted(name for name in TYPED if name.startswith(word))
    sure = names[0] if names else word
    for name in names:
        while not name.startswith(sure):
            sure = sure[:-1]
    if sure == word and len(names) != 1:
        return line, names[:MOST]
    said = shlex.quote(sure)
    if len(names) == 1 and not sure.endswith(os.sep):
        return f"{line[:start]}{said} ", []
    # the quotes stay open: one types on
    return line[:start] + said.removesuffix("'"), names[:MOST] if len(names) > 1 else []


def last_word(line: str) -> tuple[int, str]:
    """(where it begins, what it says): the word that a line ends with, as a shell reads it; a quote may be open."""
    start, quote, letters, escaped = 0, "", "", False
    for at, letter in enumerate(line):
        if escaped:
            letters, escaped = letters + letter, False
        elif quote:
            letters, quote = (letters, "") if letter == quote else (letters + letter, quote)
        elif letter in "'\"":
            quote = letter
        elif letter == "\\":
            escaped = True
        elif letter.isspace():
            start, letters = at + 1, ""
        else:
            letters += letter
    return start, letters


def files(word: str) -> list[str]:
    """The files and folders whose names begin with a word, as it would be typed; hidden ones where it does."""
    folder, begin = os.path.split(word)
    folder = os.path.expanduser(folder)  # noqa: PTH111  leaves the name of nobody as it is, where Path raises
    place = Path(folder) if "\0" not in word else Path()
    if not place.is_dir() or not os.access(place, os.R_OK | os.X_OK):
        return []
    # no shell reads the line: what `~` means has to stand in it
    before = (
        f"{folder.rstrip(os.sep)}{os.sep}" if word[:1] == "~" and folder else word[: len(word) - len(begin)]
    )
    return sorted(
        before + entry.name + (os.sep if entry.is_dir() else "")
        for entry in os.scandir(place)
        if entry.name.startswith(begin) and (begin or entry.name[:1] != ".") and entry.name.isprintable()
    )
