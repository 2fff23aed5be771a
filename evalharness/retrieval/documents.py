"""Given documents -> passages of about a hundred words, each with its heading."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from curate.errors import SourceError

SUFFIXES = (".txt", ".md", ".markdown", ".jsonl")
WORDS = 120  # of a passage, about; a paragraph is divided only where it alone has more
HEADING = re.compile(r"#{1,6}\s+(.*\S)\s*$")
SENTENCE = re.compile(r"(?<=[.!?])\s+")
KEYS = ("text", "content", "body")  # of a JSON line, the first that it has


class Passage(NamedTuple):
    """A piece of a document."""

    source: str  # the file's name
    title: str  # its heading or the line's title; empty where there is none
    text: str

    @property
    def whole(self) -> str:
        """Title and text."""
        return f"{self.title}\n{self.text}" if self.title else self.text


def passages_in(place: Path) -> list[Passage]:
    """The passages of a file, or of a folder's files in the order of their names, each text once.

    SourceError where there is nothing to read.
    """
    files = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
    known = [path for path in files if path.suffix.lower() in SUFFIXES]
    if not known:
        raise SourceError(
            f"--documents {place}: no document", hint=f"files in {', '.join(SUFFIXES)} are read"
        )
    found: dict[str, Passage] = {}
    for path in known:
        for passage in _of_file(path):
            found.setdefault(passage.whole, passage)
    if not found:
        raise SourceError(f"--documents {place}: no text in {len(known):,} files")
    return list(found.values())


def _of_file(path: Path) -> Iterator[Passage]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: {error}", hint="documents are text in UTF-8") from error
    if path.suffix.lower() == ".jsonl":
        yield from _of_lines(path, text)
    else:
        yield from _of_text(path.name, "", text)


def _of_lines(path: Path, text: str) -> Iterator[Passage]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise SourceError(f"{path}:{number}: not JSON: {error}") from error
        told = (
            next((row[key] for key in KEYS if isinstance(row.get(key), str)), None)
            if isinstance(row, dict)
            else row
        )
        if not isinstance(told, str):
            raise SourceError(
                f"{path}:{number}: no text in it", hint=f"a string, or an object with {', '.join(KEYS)}"
            )
        title = row.get("title") if isinstance(row, dict) else None
        yield from _of_text(path.name, title if isinstance(title, str) else "", told)


def _of_text(source: str, title: str, text: str) -> Iterator[Passage]:
    """Paragraphs under one heading, put together up to WORDS."""
    gathered: list[str] = []
    for block in re.split(r"\n\s*\n", text):
        first, _, rest = block.strip().partition("\n")
        if heading := HEADING.match(first):
            yield from _gathered(source, title, gathered)
            title, block = heading.group(1), rest
        for piece in _pieces(" ".join(block.split())):
            if gathered and sum(len(each.split()) for each in (*gathered, piece)) > WORDS:
                yield from _gathered(source, title, gathered)
            gathered.append(piece)
    yield from _gathered(source, title, gathered)


def _gathered(source: str, title: str, gathered: list[str]) -> Iterator[Passage]:
    """The passage that was gathered, if there is one; empties the list."""
    if gathered:
        yield Passage(source, title, "\n".join(gathered))
        gathered.clear()


def _pieces(paragraph: str) -> Iterator[str]:
    """The paragraph, or sentences of it of up to WORDS together; a longer sentence stays whole."""
    if len(paragraph.split()) <= WORDS:
        if paragraph:
            yield paragraph
        return
    part: list[str] = []
    for sentence in SENTENCE.split(paragraph):
        if part and sum(len(each.split()) for each in (*part, sentence)) > WORDS:
            yield " ".join(part)
            part = []
        part.append(sentence)
    yield " ".join(part)
