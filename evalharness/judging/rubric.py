"""A rubric: what a judge is asked, as a text file that people can read and argue about.

It has criteria. A criterion is judged by a model on described levels, or checked by a rule. Each gives a
value from 0 (its lowest level, or failed) to 1; the rubric's is their mean by weight.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

import polars as pl

from curate.errors import ConfigError
from curate.example import digest
from evalharness.metrics.form import Format
from evalharness.metrics.schema import Schema

SHIPPED = Path(__file__).parent / "rubrics"
KEYS = ("name", "reference", "criteria", "examples")
ONE_KEYS = ("name", "criterion", "reference", "low", "high", "anchors", "examples")  # one criterion, older
OF_CRITERION = ("name", "asks", "weight", "levels", "regex", "contains", "lacks", "schema")
CHECKS = ("regex", "contains", "lacks", "schema")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
ONLY = "score"  # the key of an older rubric's one criterion
TAKEN = ("reason", "winner")
LARGE = 1e15  # a score from which on its digits tell nothing; a whole number may have hundreds of them

Levels = tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Rule:
    """A check that needs no model.

    regex: the whole answer matches; contains: every one of the words is in it; lacks: none is (both
    whatever their case); schema: the answer is JSON that the schema allows.
    """

    kind: str
    words: tuple[str, ...]  # one regex, one schema as text, or the words

    def passed(self, answers: Sequence[str]) -> list[bool]:
        """Of each answer, whether it passes."""
        if self.kind in ("contains", "lacks"):
            wanted = [word.casefold() for word in self.words]
            inside = [[word in answer.casefold() for word in wanted] for answer in answers]
            return [all(each) if self.kind == "contains" else not any(each) for each in inside]
        form = Format(regex=self.words[0]) if self.kind == "regex" else Format(schema=self.words[0])
        names = [str(number) for number in range(len(answers))]
        rows = pl.DataFrame(
            {"example_id": names, "answer": list(answers)}, schema_overrides={"answer": pl.String}
        )
        return [value == 1 for value in form.score(rows.with_columns(error=pl.lit(None, pl.String)))["value"]]


@dataclass(frozen=True)
class Criterion:
    """One thing that is asked of an answer: with a rule it is checked, else a model names a level."""

    name: str  # the key in the judge's reply
    asks: str = ""
    levels: Levels = ()  # (score, meaning), the lowest first
    weight: float = 1.0
    between: bool = False  # any number from the lowest level to the highest will do
    rule: Rule | None = None

    @property
    def low(self) -> float:
        """The lowest level's score."""
        return self.levels[0][0] if self.levels else 0.0

    @property
    def high(self) -> float:
        """The highest level's score."""
        return self.levels[-1][0] if self.levels else 1.0

    def fault(self, score: object) -> str | None:
        """Why a value of the judge's reply is no score of this criterion; None where it is one."""
        if isinstance(score, bool) or not isinstance(score, int | float):
            return f"the judge's `{self.name}` is not a number"
        if isinstance(score, float) and not math.isfinite(score):
            return f"the judge's `{self.name}` is not a number"
        if not self.low <= score <= self.high:
            told = f"{score:g}" if abs(score) < LARGE else "far too large"
            return f"the judge's `{self.name}` is {told}, not within {self.low:g} to {self.high:g}"
        if not self.between and all(score != level for level, _ in self.levels):
            return f"the judge's `{self.name}` is {score:g}, which is no level"
        return None


@dataclass(frozen=True)
class Rubric:
    """Criteria with what they weigh; `examples` are worked ones."""

    name: str
    criteria: tuple[Criterion, ...]
    examples: tuple[tuple[tuple[str, str], ...], ...] = ()  # (key, text) pairs
    reference: bool = True  # whether the judge sees the answer in the data

    @property
    def digest(self) -> str:
        """Of all that the rubric says; two rubrics of one name can be told apart by it."""
        return digest(json.dumps(asdict(self), sort_keys=True, ensure_ascii=False))

    @property
    def judged(self) -> list[Criterion]:
        """The criteria that a model is asked."""
        return [each for each in self.criteria if each.rule is None]

    @property
    def low(self) -> float:
        """The lowest score: that of its one criterion, or 0."""
        return self.criteria[0].low if len(self.criteria) == 1 else 0.0

    @property
    def high(self) -> float:
        """The highest score: that of its one criterion, or 1."""
        return self.criteria[0].high if len(self.criteria) == 1 else 1.0

    def score(self, found: Mapping[str, float]) -> float:
        """The rubric's score of all criteria's scores (a rule's is 0 or 1), from `low` to `high`."""
        total = sum(each.weight for each in self.criteria)
        shares = [
            each.weight * (found[each.name] - each.low) / (each.high - each.low) for each in self.criteria
        ]
        return self.low + (self.high - self.low) * sum(shares) / total

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
                hint=f"shipped: {', '.join(known)}; or give a TOML file like those in evalharness/judging/rubrics",
            )
        return cls.read(path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """The rubric in a file; ConfigError says what is wrong with it."""
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{path.name}: {error}", hint="a rubric is a TOML file") from error
        one = "criteria" not in values
        _must_know(values, ONE_KEYS if one else KEYS, path.name, sorted({*KEYS, *ONE_KEYS}))
        name = _text(values, "name", path.name)
        criteria = (_one(values, path),) if one else _several(values, path)
        examples = tuple(
            tuple((key, str(text)) for key, text in sorted(each.items()))
            for each in _tables(values, "examples", path.name)
        )
        reference = values.get("reference", True)
        if not isinstance(reference, bool):
            raise ConfigError(f"{path.name}: `reference` must be true or false")
        return cls(name, criteria, examples, reference)


def _one(values: dict[str, Any], path: Path) -> Criterion:
    """The criterion of a rubric as they were before there could be several."""
    asks = _text(values, "criterion", path.name)
    low, high = _number(values, "low", path.name), _number(values, "high", path.name)
    if low >= high:
        raise ConfigError(f"{path.name}: low is {low:g} and high is {high:g}")
    anchors = _levels(values, "anchors", path.name)
    if any(not low <= score <= high for score, _ in anchors):
        raise ConfigError(f"{path.name}: an anchor is not within {low:g} to {high:g}")
    ends = [(score, "") for score in (low, high) if score not in dict(anchors)]
    return Criterion(ONLY, asks, tuple(sorted((*anchors, *ends))), between=True)


def _several(values: dict[str, Any], path: Path) -> tuple[Criterion, ...]:
    tables = _tables(values, "criteria", path.name)
    if not tables:
        raise ConfigError(f"{path.name}: a rubric needs at least one of [[criteria]]")
    found = tuple(_criterion(each, path) for each in tables)
    names = [each.name for each in found]
    if len(set(names)) < len(names):
        raise ConfigError(f"{path.name}: two criteria have one name", hint=", ".join(names))
    return found


def _criterion(values: dict[str, Any], path: Path) -> Criterion:
    name = _text(values, "name", path.name)
    where = f"{path.name}, criterion {name}"
    _must_know(values, OF_CRITERION, where)
    if not NAME.fullmatch(name) or name in TAKEN:
        raise ConfigError(
            f"{where}: not a name that can stand in a reply",
            hint=f"small letters, digits, _ and -; not {' or '.join(TAKEN)}",
        )
    weight = _number(values, "weight", where) if "weight" in values else 1.0
    if weight <= 0:
        raise ConfigError(f"{where}: `weight` must be above 0")
    rules = [key for key in CHECKS if key in values]
    if len(rules) + ("levels" in values) != 1:
        raise ConfigError(
            f"{where}: it needs `levels` for a model, or one check", hint=f"checks: {', '.join(CHECKS)}"
        )
    if rules:
        return Criterion(name, str(values.get("asks", "")), weight=weight, rule=_rule(rules[0], values, path))
    return Criterion(
        name, _text(values, "asks", where), tuple(sorted(_levels(values, "levels", where))), weight
    )


def _rule(kind: str, values: dict[str, Any], path: Path) -> Rule:
    """The check of a criterion; `schema` is a table, or the name of a file beside the rubric."""
    told, where = values[kind], f"{path.name}, {kind}"
    if kind in ("contains", "lacks"):
        words = [told] if isinstance(told, str) else told
        if not isinstance(words, list) or not words or not all(isinstance(w, str) and w for w in words):
            raise ConfigError(f"{where}: a word or a list of words is needed")
        return Rule(kind, tuple(words))
    if kind == "regex":
        try:
            re.compile(told)
        except (re.error, TypeError) as error:
            raise ConfigError(f"{where}: {error}", hint="the whole answer must match it") from error
        return Rule(kind, (told,))
    try:
        text = (
            json.dumps(told, sort_keys=True)
            if isinstance(told, dict)
            else (path.parent / str(told)).read_text(encoding="utf-8")
        )
    except (OSError, UnicodeDecodeError, TypeError) as error:
        raise ConfigError(f"{where}: {error}", hint="a table, or a JSON file beside the rubric") from error
    Schema.read(text)
    return Rule(kind, (text,))


def _must_know(values: Mapping[str, Any], keys: Sequence[str], where: str, more: Sequence[str] = ()) -> None:
    for key in values:
        if key not in keys:
            near = get_close_matches(key, more or keys, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(keys)}"
            raise ConfigError(f"{where}: unknown key `{key}`", hint=hint)


def _tables(values: dict[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    found = values.get(key, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ConfigError(f"{where}: `{key}` must be tables, as [[{key}]]")
    return found


def _levels(values: dict[str, Any], key: str, where: str) -> Levels:
    found = tuple(
        (_number(each, "score", where), str(each.get("meaning", ""))) for each in _tables(values, key, where)
    )
    if len({score for score, _ in found}) < max(2, len(found)) or not all(text for _, text in found):
        raise ConfigError(
            f"{where}: at least two {key} are needed, each with a score of its own and a meaning"
        )
    return found


def _text(values: Mapping[str, Any], key: str, where: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{where}: `{key}` must be a text")
    return value


def _number(values: Mapping[str, Any], key: str, where: str) -> float:
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"{where}: `{key}` must be a number")
    return float(value)
