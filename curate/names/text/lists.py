"""The project's own lists of names and words, read from `known.txt` beside this file."""

from __future__ import annotations

from pathlib import Path


def _read() -> dict[str, list[str]]:
    """Each list by its name; items are parted by `|` where the line has one, else by white space."""
    lists: dict[str, list[str]] = {}
    for line in Path(__file__).with_name("known.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, items = line.partition(":")
            parts = items.split("|") if "|" in items else items.split()
            lists[name] = [item.strip() for item in parts]
    return lists


KNOWN = _read()
