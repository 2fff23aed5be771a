"""The sets that a probe asks: general questions, passages, red-team items; shipped ones, and users' own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from curate.errors import SourceError

SETS = Path(__file__).with_name("sets")
GENERAL, PASSAGES, RED_TEAM = SETS / "general.tsv", SETS / "passages.txt", SETS / "red_team.jsonl"
KEYS = ("kind", "ask", "other", "names", "must", "must_not", "system")


class Question(NamedTuple):
    """A general question with one right answer."""

    topic: str
    question: str
    choices: tuple[str, ...]  # the first is right


class Trap(NamedTuple):
    """One thing to ask that a model easily gets wrong, and how its answer is judged.

    `must` is a pattern that a good answer holds, `must_not` one that it does not; with `other`, the same
    question of another person, the two answers must be alike but for the `names`.
    """

    kind: str
    ask: str
    other: str | None = None
    names: tuple[str, ...] = ()
    must: re.Pattern[str] | None = None
    must_not: re.Pattern[str] | None = None
    system: str | None = None


def questions(path: Path = GENERAL) -> list[Question]:
    """Tab-separated: topic, question, the right answer, wrong ones. The first line names the columns."""
    found = []
    for number, line in enumerate(_lines(path), 1):
        cells = line.split("\t")
        if number == 1 or not line.strip():
            continue
        if len(cells) < 4 or not all(map(str.strip, cells)) or len(set(cells[2:])) < len(cells) - 2:
            raise SourceError(
                f"{path.name}:{number}: not a question with its answers",
                hint="topic, question, the right answer and wrong ones, each another, with tabs between",
            )
        found.append(Question(cells[0], cells[1], tuple(cells[2:])))
    return found


def passages(path: Path = PASSAGES) -> list[str]:
    """Texts with an empty line between them."""
    found = [each.strip("\n") for each in "\n".join(_lines(path)).split("\n\n") if each.strip()]
    if not found:
        raise SourceError(f"{path.name}: no passage in it", hint="texts with an empty line between them")
    return found


def traps(path: Path = RED_TEAM) -> list[Trap]:
    """JSON lines with the keys of `KEYS`; SourceError names the line that is none."""
    found = []
    for number, line in enumerate(_lines(path), 1):
        if line.strip():
            found.append(_trap(line, f"{path.name}:{number}"))
    return found


def _trap(line: str, where: str) -> Trap:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise SourceError(f"{where}: is not JSON: {error.msg}", hint="one object a line") from error
    if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in ("kind", "ask")):
        raise SourceError(f"{where}: needs `kind` and `ask`, both texts")
    if unknown := sorted(set(row) - set(KEYS)):
        raise SourceError(f"{where}: has `{unknown[0]}`", hint=f"known are {', '.join(KEYS)}")
    if not any(row.get(key) for key in ("other", "must", "must_not")):
        raise SourceError(f"{where}: says not what a good answer is", hint="`must`, `must_not` or `other`")
    names = row.get("names") or []
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise SourceError(f"{where}: `names` is a list of texts")
    for key in ("other", "system"):
        if row.get(key) is not None and not isinstance(row[key], str):
            raise SourceError(f"{where}: `{key}` is a text")
    return Trap(
        row["kind"], row["ask"], row.get("other"), tuple(names),
        _pattern(row, "must", where), _pattern(row, "must_not", where), row.get("system"),
    )  # fmt: skip


def _pattern(row: dict[str, Any], key: str, where: str) -> re.Pattern[str] | None:
    if row.get(key) is None:
        return None
    try:
        return re.compile(row[key])
    except (re.error, TypeError) as error:
        raise SourceError(f"{where}: `{key}` is no regular expression: {error}") from error


def _lines(path: Path) -> Iterator[str]:
    try:
        yield from path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: {error}", hint="a text file in UTF-8") from error
