"""System messages to try: the rows' own, ours, and the user's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from curate.errors import ConfigError
from evalharness.asking.task import Task

OWN = "own"
CAREFUL = (
    "Read the whole message before you answer. Decide by what is asked for, not by its tone or by a single "
    "word. Keep to the form that was asked for and add nothing."
)
BRIEF = "Answer what is asked, directly and briefly, and say nothing else."
SUFFIXES = (".txt", ".md")


@dataclass(frozen=True)
class Instruction:
    """How a system message is made: `text` in place of the row's own, or after it."""

    name: str
    text: str
    mode: Literal["replace", "append"] = "replace"

    def over(self, own: str | None) -> str:
        """The system message for a row with this message of its own, or one made for it."""
        return self.text if self.mode == "replace" or not own else f"{own}\n\n{self.text}"


def shipped(task: Task) -> list[Instruction | None]:
    """What is tried for every task; None is the row's own message or, without one, that made from the task."""
    found: list[Instruction | None] = [None]
    if made := task.instruction():
        found.append(Instruction("labels", made, "append"))
        found.append(Instruction("labels, carefully", f"{made} {CAREFUL}", "append"))
    else:
        found.append(Instruction("carefully", CAREFUL, "append"))
        found.append(Instruction("briefly", BRIEF, "append"))
    return found


def given(places: Sequence[Path]) -> list[Instruction]:
    """The user's own, each a file, or all text files of a folder. ConfigError for one that cannot be read."""
    found: list[Instruction] = []
    for place in places:
        files = sorted(p for p in place.iterdir() if p.suffix in SUFFIXES) if place.is_dir() else [place]
        if not files:
            raise ConfigError(
                f"--prompt {place}: no text file in it", hint="one system message a file, .txt or .md"
            )
        found += [
            Instruction(path.name, text, "replace") for path in files if (text := read(path, "--prompt"))
        ]
    return found


def read(path: Path, option: str) -> str:
    """The text of a file without the space around it; ConfigError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{option} {path}: {error}", hint="it names a text file in UTF-8") from error
