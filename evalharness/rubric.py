"""A rubric: what a judge is asked, as a text file that people can read and argue about."""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

from curate.errors import ConfigError
from curate.example import digest

SHIPPED = Path(__file__).parent / "rubrics"
KEYS = ("name", "criterion", "reference", "low", "high", "anchors", "examples")


@dataclass(frozen=True)
class Rubric:
    """One criterion with its scale. `anchors` are (score, meaning); examples are worked ones."""

    name: str
    criterion: str
    low: float
    high: float
    anchors: tuple[tuple[float, str], ...]
    examples: tuple[tuple[tuple[str, str], ...], ...] = ()  # (key, text) pairs
    reference: bool = True  # whether the judge sees the answer in the data

    @property
    def digest(self) -> str:
        """Of all that the rubric says; two rubrics of one name can be told apart by it."""
        return digest(json.dumps(asdict(self), sort_keys=True, ensure_ascii=False))

    @classmethod
    def find(cls, word: str) -> Self:
        """The shipped rubric of that name, or the one in that file."""
        path = Path(word)
        if path.suffix != ".toml" and not path.is_file():
            path = SHIPPED / f"{word}.toml"
        if not path.is_file():
            known = sorted(each.stem for each in SHIPPED.glob("*.toml"))
            raise ConfigError(
                f"--rubric {word}: no such rubric",
                hint=f"shipped: {', '.join(known)}; or give a TOML file like those in evalharness/rubrics",
            )
        return cls.read(path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """The rubric in a file; ConfigError says what is wrong with it."""
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{path.name}: {error}", hint="a rubric is a TOML file") from error
        for key in values:
            if key not in KEYS:
                near = get_close_matches(key, KEYS, n=1)
                raise ConfigError(
                    f"{path.name}: unknown key `{key}`",
                    hint=f"did you mean `{near[0]}`?" if near else f"known: {', '.join(KEYS)}",
                )
        name, criterion = values.get("name"), values.get("criterion")
        if not isinstance(name, str) or not name or not isinstance(criterion, str) or not criterion:
            raise ConfigError(f"{path.name}: `name` and `criterion` must be texts")
        low, high = _number(values, "low", path), _number(values, "high", path)
        if low >= high:
            raise ConfigError(f"{path.name}: low is {low:g} and high is {high:g}")
        anchors = tuple(
            (_number(each, "score", path), str(each.get("meaning", ""))) for each in values.get("anchors", [])
        )
        if len(anchors) < 2 or any(not low <= score <= high or not text for score, text in anchors):
            raise ConfigError(
                f"{path.name}: at least two anchors within {low:g} to {high:g} are needed, each with a meaning"
            )
        examples = tuple(
            tuple((key, str(text)) for key, text in sorted(each.items()))
            for each in values.get("examples", [])
        )
        return cls(name, criterion, low, high, anchors, examples, bool(values.get("reference", True)))


def _number(values: dict[str, Any], key: str, path: Path) -> float:
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"{path.name}: `{key}` must be a number")
    return float(value)
