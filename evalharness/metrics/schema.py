"""The part of JSON Schema that says what a model's answer must look like.

Known: type, enum, const, properties, required, additionalProperties (true or false), items,
minItems, maxItems, minLength, maxLength, pattern, minimum, maximum; and the words that only describe
($schema, $id, title, description, examples, default). Any other word is an error, for a check that
skips a rule would pass answers that break it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Self

from curate.errors import ConfigError

RULES = [
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
]
WORDS = ("$schema", "$id", "title", "description", "examples", "default")
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


@dataclass(frozen=True)
class Schema:
    """A schema whose every word is known."""

    rules: Any  # the schema as parsed: an object, or true or false

    @classmethod
    def read(cls, text: str) -> Self:
        """The schema in a text; ConfigError where it is not JSON or has a word that is not known."""
        try:
            rules = json.loads(text)
        except ValueError as error:
            raise ConfigError(
                f"the schema is not JSON: {error}", hint="--format-schema names a file"
            ) from error
        _check(rules, "")
        return cls(rules)

    def allows(self, value: object) -> bool:
        """Whether a JSON value obeys the schema."""
        return _allows(self.rules, value)


def _check(rules: object, at: str) -> None:
    if isinstance(rules, bool):
        return
    if not isinstance(rules, dict):
        raise ConfigError(f"the schema at {at or '/'} is not an object")
    for word in rules:
        if word not in RULES and word not in WORDS:
            raise ConfigError(
                f"the schema at {at or '/'} has `{word}`, which is not known here",
                hint=f"known: {', '.join(RULES)}",
            )
    types = rules.get("type", [])
    unknown = [name for name in ([types] if isinstance(types, str) else types) if name not in TYPES]
    if unknown:
        raise ConfigError(f"the schema at {at or '/'} has the type {unknown[0]!r}", hint=", ".join(TYPES))
    if not isinstance(rules.get("additionalProperties", True), bool):
        raise ConfigError(f"the schema at {at or '/'}: additionalProperties must be true or false")
    for name, inner in rules.get("properties", {}).items():
        _check(inner, f"{at}/properties/{name}")
    if "items" in rules:
        _check(rules["items"], f"{at}/items")
    if "pattern" in rules:
        try:
            re.compile(rules["pattern"])
        except re.error as error:
            raise ConfigError(f"the schema at {at or '/'}: pattern: {error}") from error


def _allows(rules: Any, value: Any) -> bool:  # noqa: ANN401  any JSON
    if isinstance(rules, bool):
        return rules
    types = rules.get("type")
    if types is not None and not any(
        _is(value, name) for name in ([types] if isinstance(types, str) else types)
    ):
        return False
    if "enum" in rules and not any(_same(value, each) for each in rules["enum"]):
        return False
    if "const" in rules and not _same(value, rules["const"]):
        return False
    if isinstance(value, dict):
        return _object(rules, value)
    if isinstance(value, list):
        inner = rules.get("items", True)
        return _between(rules, "Items", len(value)) and all(_allows(inner, each) for each in value)
    if isinstance(value, str):
        right = "pattern" not in rules or re.search(rules["pattern"], value) is not None
        return right and _between(rules, "Length", len(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return bool(rules.get("minimum", value) <= value <= rules.get("maximum", value))
    return True


def _object(rules: dict[str, Any], value: dict[str, Any]) -> bool:
    known = rules.get("properties", {})
    if any(name not in value for name in rules.get("required", [])):
        return False
    if rules.get("additionalProperties") is False and any(name not in known for name in value):
        return False
    return all(_allows(known[name], each) for name, each in value.items() if name in known)


def _between(rules: dict[str, Any], what: str, size: int) -> bool:
    return bool(rules.get(f"min{what}", 0) <= size <= rules.get(f"max{what}", size))


def _is(value: object, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(value, TYPES[name])


def _same(left: object, right: object) -> bool:
    """Equal as JSON: true is not 1."""
    return isinstance(left, bool) == isinstance(right, bool) and left == right
