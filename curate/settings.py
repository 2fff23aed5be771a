"""Settings as a frozen dataclass: from a TOML file and `key=value` words, each looked at where it was given.

A field is made by `setting`, with its range or its choices; what it is for stands beside it.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from curate.errors import ConfigError

SWITCH = ("auto", "on", "off")
KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "tuple[str, ...]": "a string or a list of strings",
}


def setting(
    default: Any,  # noqa: ANN401  a setting may be of any of the KINDS
    about: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:  # noqa: ANN401  as dataclasses.field itself
    """A field of settings."""
    metadata = {"about": about, "low": low, "high": high, "choices": choices}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Given:
    """One setting that a person gave, and where, as an error should name it."""

    key: str
    value: Any
    where: str


def read(path: Path) -> list[Given]:
    """The settings of a TOML file. Raises ConfigError with file and line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}", hint="it should be a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}", hint="a recipe is TOML: `key = value` on each line") from error
    return [Given(key, value, f"{path}:{_line(text, key)}") for key, value in values.items()]


def _line(text: str, key: str) -> int:
    pattern = re.compile(rf"""^\s*\[*\s*["']?{re.escape(key)}["']?\s*[=.\]]""")
    return next((n for n, line in enumerate(text.splitlines(), start=1) if pattern.match(line)), 1)


def parse(words: Sequence[str]) -> list[Given]:
    """The settings of `--set key=value` flags; a value that is not TOML is taken as a string."""
    given = []
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise ConfigError(
                f"--set {word}: no `=`", hint="write --set key=value, for example --set epochs=5"
            )
        try:
            value: Any = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text.strip()
        given.append(Given(key.strip(), value, f"--set {word}"))
    return given


def checked(kind: type, given: Given) -> Any:  # noqa: ANN401  the value, in its field's type
    """The value in its field's type and range; raises ConfigError that says what would be right."""
    known = {each.name: each for each in fields(kind)}
    if given.key not in known:
        close = difflib.get_close_matches(given.key, known, n=1, cutoff=0.5)
        hint = f"did you mean `{close[0]}`?" if close else f"the settings are: {', '.join(known)}"
        raise ConfigError(f"{given.where}: no setting is called `{given.key}`", hint=hint)
    type_name, limits, value = str(known[given.key].type), known[given.key].metadata, given.value
    if limits["choices"] == SWITCH and isinstance(value, bool):
        value = "on" if value else "off"
    if type_name == "float" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type_name.startswith("tuple"):
        value = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value
        right = isinstance(value, tuple) and bool(value) and all(isinstance(each, str) for each in value)
    else:
        right = type(value).__name__ == type_name
    if not right:
        raise ConfigError(
            f"{given.where}: `{given.key}` is {given.value!r}, not {KINDS[type_name]}",
            hint=about(kind, given.key),
        )
    if not _inside(value, limits):
        raise ConfigError(
            f"{given.where}: `{given.key}` cannot be {given.value!r}", hint=about(kind, given.key)
        )
    return value


def _inside(value: Any, limits: Mapping[str, Any]) -> bool:  # noqa: ANN401
    if limits["choices"]:
        return set(value if isinstance(value, tuple) else (value,)) <= set(limits["choices"])
    if isinstance(value, str):
        return bool(value.strip())
    low, high = limits["low"], limits["high"]
    return (low is None or value >= low) and (high is None or value <= high)


def about(kind: type, key: str) -> str:
    """One line on a setting: what it is, and what it may be."""
    each = {each.name: each for each in fields(kind)}[key]
    limits = each.metadata
    if limits["choices"]:
        allowed = " or ".join(limits["choices"])
    elif limits["low"] is not None:
        low, high = (
            f"{each:,}" if isinstance(each, int) else f"{each:g}" for each in (limits["low"], limits["high"])
        )
        allowed = f"from {low} to {high}"
    else:
        allowed = KINDS[str(each.type)]
    return f"{key}: {limits['about']}; {allowed}"
