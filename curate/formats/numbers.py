"""Numbers that JSON does not have: NaN and the infinities, which Python and Parquet write all the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

NAMES = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _name(number: float) -> str:
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def lift(value: Any, at: str, found: dict[str, str]) -> Any:  # noqa: ANN401
    """The value with null for each such number; `found` gets its JSON pointer and name."""
    if isinstance(value, float) and not math.isfinite(value):
        found[at] = _name(value)
        return None
    if isinstance(value, dict):
        return {
            key: lift(item, f"{at}/{key.replace('~', '~0').replace('/', '~1')}", found)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [lift(item, f"{at}/{index}", found) for index, item in enumerate(value)]
    return value


def lower(value: Any, found: Mapping[str, str]) -> Any:  # noqa: ANN401
    """The value with those numbers back in their places; a place that is gone, or not null now, is passed by."""
    for pointer, name in found.items():
        node = value
        *path, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
        for step in path:
            node = _step(node, step)
        if _step(node, last) is None:
            if isinstance(node, dict) and last in node:
                node[last] = NAMES[name]
            elif isinstance(node, list) and int(last) < len(node):
                node[int(last)] = NAMES[name]
    return value


def _step(node: Any, step: str) -> Any:  # noqa: ANN401
    if isinstance(node, dict):
        return node.get(step)
    return node[int(step)] if isinstance(node, list) and int(step) < len(node) else None
