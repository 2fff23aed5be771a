"""A project's label set: a TOML file with the questions that people answer row by row.

    [tasks.queue]
    kind = "choice"                 # choice, several, scale or text
    instructions = "Who answers this?"
    column = "label"                # what is answered: label, or meta:NAME
    show = "prompt"                 # what the card shows: prompt, or all
    [[tasks.queue.options]]
    name = "billing"
    key = "1"
    description = "Money, invoices, refunds."

A scale has `low` and `high` instead of options. `gold` is a column (meta:NAME) or a file of JSON lines
with the right answers of some rows; every `gold_every`-th card is one of them. `people` and `overlap`
divide the rows: of the share `overlap` everyone answers all, the rest goes to one person each.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import polars as pl

from curate.errors import ConfigError, NotFoundError
from curate.workspace import Workspace

FILE = "labels.toml"
KINDS = ("choice", "several", "scale", "text")
SHOWN = ("prompt", "all")
SUGGESTED = ("label", "model", "none")
KEYS = "1234567890"
MOST_OPTIONS = 200
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")

Value = str | int | list[str]  # what is answered: a choice or text, a point on a scale, several choices


@dataclass(frozen=True)
class Option:
    """One of the answers that may be chosen; `key` is a digit, or empty for one chosen by name."""

    name: str
    key: str = ""
    description: str = ""


@dataclass(frozen=True)
class Task:
    """One question about each row. `low` and `high` are of a scale, both ends included."""

    name: str
    kind: str = "choice"
    options: tuple[Option, ...] = ()
    instructions: str = ""
    column: str = "label"
    show: str = "all"
    low: int = 1
    high: int = 5
    gold: str = ""
    gold_every: int = 10
    people: tuple[str, ...] = ()
    overlap: float = 1.0
    suggest: str = "label"  # what is pre-filled: label (the column, then the model), model or none
    encoder: str = "auto"  # what the model judges by: as in scan, auto, none, a hub id or a path
    retrain: int = 20  # answers after which the model is trained again; 0: only by hand

    @property
    def key(self) -> str:
        """The key of its annotations."""
        return f"label:{self.name}"

    @property
    def names(self) -> tuple[str, ...]:
        """What may be chosen."""
        return tuple(option.name for option in self.options)

    def checked(self, value: object) -> Value:
        """The value, if it answers the question. Raises ConfigError that says what would."""
        if self.kind == "choice" and isinstance(value, str) and value in self.names:
            return value
        if self.kind == "several" and isinstance(value, list) and all(each in self.names for each in value):
            return [name for name in self.names if name in value]  # in the order of the options, each once
        if self.kind == "scale" and type(value) is int and self.low <= value <= self.high:
            return value
        if self.kind == "text" and isinstance(value, str) and value.strip():
            return value
        raise ConfigError(f"{json.dumps(value)[:60]} does not answer {self.name}", hint=self.asks())

    def asks(self) -> str:
        """What an answer is."""
        if self.kind == "scale":
            return f"a whole number from {self.low} to {self.high}"
        if self.kind == "text":
            return "a text"
        return ("any of " if self.kind == "several" else "one of ") + ", ".join(self.names[:12])

    def read(self, text: str | None) -> Value | None:
        """What a column holds, as an answer; None where it is none. The reverse of `written`."""
        if text is None:
            return None
        value: object = text
        if self.kind == "scale":
            whole = re.fullmatch(r"\s*([0-9]{1,3})(\.0)?\s*", text)
            value = int(whole[1]) if whole else None
        elif self.kind == "several":
            try:
                value = json.loads(text)
            except ValueError:
                value = [part.strip() for part in text.split(",")]
        try:
            return self.checked(value)
        except ConfigError:
            return None

    def written(self, value: Value) -> str:
        """An answer as the label column holds it: several choices as a JSON list."""
        return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)


def path_of(workspace: Workspace) -> Path:
    """Where a workspace's own label set is."""
    return workspace.root / FILE


def label_set(workspace: Workspace, path: Path | None = None) -> dict[str, Task]:
    """The tasks of a label set, by name. Raises NotFoundError where there is none yet."""
    place = path or path_of(workspace)
    try:
        text = place.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise NotFoundError(
            f"no label set: {place.name} is not there",
            hint="seatrial label init --task NAME --options A,B,C writes one",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{place}: {error}") from error
    return parsed(text, place.name)


def task_of(tasks: Mapping[str, Task], name: str = "") -> Task:
    """The task of that name; the only one where no name is given. Raises ConfigError."""
    if not name and len(tasks) == 1:
        return next(iter(tasks.values()))
    if name in tasks:
        return tasks[name]
    near = get_close_matches(name, tasks, n=1, cutoff=0.5)
    asked = f"no task `{name}`" if name else f"there are {len(tasks)} tasks"
    hint = f"did you mean `{near[0]}`?" if near else f"--task {', --task '.join(tasks)}"
    raise ConfigError(asked, hint=hint)


def parsed(text: str, file: str = FILE) -> dict[str, Task]:
    """The tasks in a label set's text. Raises ConfigError with the nearest name for one not known."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: {error}", hint="it is TOML; see docs/labelling.md") from error
    _known(file, values, ("tasks",))
    tables = values.get("tasks")
    if not isinstance(tables, dict) or not tables or not all(isinstance(t, dict) for t in tables.values()):
        raise ConfigError(f"{file}: no task in it", hint="a task is a table: [tasks.queue]")
    return {name: _task(f"{file}: [tasks.{name}]", name, table) for name, table in tables.items()}


def _task(where: str, name: str, table: Mapping[str, Any]) -> Task:
    known = [field.name for field in fields(Task) if field.name != "name"]
    _known(where, table, known)
    if not NAME.fullmatch(name):
        raise ConfigError(f"{where}: a name is letters, digits, _ and -, at most 60")
    values: dict[str, Any] = dict(table)
    wanted: dict[str, tuple[type, ...]] = {
        **dict.fromkeys(("kind", "instructions", "column", "show", "gold", "suggest", "encoder"), (str,)),
        **dict.fromkeys(("low", "high", "gold_every", "retrain"), (int,)),
        **dict.fromkeys(("people", "options"), (list,)), "overlap": (int, float),
    }  # fmt: skip
    for key, value in values.items():
        if not isinstance(value, wanted[key]) or isinstance(value, bool):
            raise ConfigError(f"{where}: `{key}` must be {' or '.join(t.__name__ for t in wanted[key])}")
    values["options"] = _options(where, values.get("options", []))
    if not all(isinstance(each, str) and each for each in values.get("people", [])):
        raise ConfigError(f"{where}: `people` are names")
    values["people"] = tuple(dict.fromkeys(values.get("people", [])))
    task = Task(name, **values)
    _fits(where, task)
    return task


def _options(where: str, listed: Sequence[object]) -> tuple[Option, ...]:
    """The options, each with a key of its own as long as there are digits."""
    made: list[Option] = []
    for number, each in enumerate(listed, start=1):
        values = {"name": each} if isinstance(each, str) else each
        if not isinstance(values, dict):
            raise ConfigError(f"{where}: option {number} is neither a name nor a table")
        _known(f"{where}, option {number}", values, [field.name for field in fields(Option)])
        if not all(isinstance(value, str) for value in values.values()) or not values.get("name", "").strip():
            raise ConfigError(f"{where}: option {number} needs a name, and all of it is text")
        if len(values.get("key", "")) > 1 or values.get("key", "") not in KEYS:
            raise ConfigError(
                f"{where}: option {number} has the key `{values['key']}`", hint="a key is a digit"
            )
        made.append(Option(**values))
    for what in ("name", "key"):
        said = [getattr(option, what) for option in made if getattr(option, what)]
        twice = [each for each in dict.fromkeys(said) if said.count(each) > 1]
        if twice:
            raise ConfigError(f"{where}: two options have the {what} `{twice[0]}`")
    free = [key for key in KEYS if key not in {option.key for option in made}]
    return tuple(
        option if option.key else Option(option.name, free.pop(0) if free else "", option.description)
        for option in made
    )


def _fits(where: str, task: Task) -> None:
    """Raise ConfigError where the settings of a task do not fit one another."""
    chosen = task.kind in ("choice", "several")
    for key, known in (("kind", KINDS), ("show", SHOWN), ("suggest", SUGGESTED)):
        value = getattr(task, key)
        if value not in known:
            near = get_close_matches(value, known, n=1)
            raise ConfigError(
                f"{where}: no {key} `{value}`",
                hint=f"did you mean `{near[0]}`?" if near else f"one of {', '.join(known)}",
            )
    if chosen and not (2 if task.kind == "choice" else 1) <= len(task.options) <= MOST_OPTIONS:
        raise ConfigError(f"{where}: a {task.kind} needs 2 to {MOST_OPTIONS} options")
    if not chosen and task.options:
        raise ConfigError(
            f"{where}: a {task.kind} has no options", hint="low and high are the ends of a scale"
        )
    if not 0 <= task.low < task.high <= 9:
        raise ConfigError(f"{where}: a scale runs from 0 to 9 at most, and low is below high")
    if task.column != "label" and not (task.column.startswith("meta:") and len(task.column) > 5):
        raise ConfigError(f"{where}: no column `{task.column}`", hint="label, or meta:NAME")
    if task.gold and task.gold == task.column:
        raise ConfigError(f"{where}: gold is the column that is answered", hint="gold is another: meta:NAME")
    if not 0 <= task.overlap <= 1:
        raise ConfigError(f"{where}: overlap is a share, from 0 to 1")
    if task.gold_every < 2 or task.retrain < 0:
        raise ConfigError(f"{where}: gold_every is 2 or more, retrain 0 or more")


def _known(where: str, table: Mapping[str, object], known: Iterable[str]) -> None:
    for key in table:
        if key not in known:
            near = get_close_matches(key, list(known), n=1, cutoff=0.5)
            hint = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(known)}"
            raise ConfigError(f"{where}: no setting `{key}`", hint=hint)


def lines_of(task: Task) -> list[str]:
    """A task as TOML, to be read by people."""
    plain = Task(task.name)
    names = [f.name for f in fields(Task) if f.name not in ("name", "options", "low", "high")]
    if task.kind == "scale":
        names[2:2] = ["low", "high"]
    lines = [f"[tasks.{task.name}]"]
    for name in names:
        value = getattr(task, name)
        if value != getattr(plain, name) or name in ("kind", "column", "show", "low", "high"):
            lines.append(f"{name} = {_toml(value)}")
    for option in task.options:
        lines += [f"[[tasks.{task.name}.options]]", f"name = {_toml(option.name)}"]
        lines += [f"key = {_toml(option.key)}"] if option.key else []
        lines += [f"description = {_toml(option.description)}"]
    return lines


def _toml(value: object) -> str:
    """A string, number or list of strings as TOML has it."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False).replace(
        "\x7f", "\\u007f"
    )


def add_task(path: Path, task: Task) -> None:
    """Write a task into a label set, at its end; what people wrote there stays as it is.

    Raises ConfigError where the file has such a task, or is no label set.
    """
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    if before.strip() and task.name in parsed(before, path.name):
        raise ConfigError(f"{path.name} has a task {task.name}", hint=f"change it there: {path}")
    text = (before.rstrip("\n") + "\n\n" if before.strip() else "") + "\n".join(lines_of(task)) + "\n"
    parsed(text, path.name)
    temporary = path.with_suffix(".part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def column_of(column: str) -> pl.Expr:
    """What a task's column holds, as text."""
    if column == "label":
        return pl.col("label")
    name = column.removeprefix("meta:").replace("\\", "\\\\").replace('"', '\\"')
    return pl.col("meta").str.json_path_match(f'$["{name}"]')
