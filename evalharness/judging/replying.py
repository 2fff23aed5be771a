"""What a judge's reply says: one JSON object, read strictly, or the reason why it cannot be read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from evalharness.judging.quoting import FIRST, SECOND, TIE
from evalharness.judging.rubric import Rubric

FENCE = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)
SIDES = {FIRST: 1.0, SECOND: -1.0, TIE: 0.0}


class Reading(NamedTuple):
    """What each criterion got and the judge's reason; or why there is neither."""

    values: Mapping[str, float] | None  # by criterion: a score, or 1 for the first, -1 for the second, 0
    said: str | None = None
    failure: str | None = None


def read_scores(rubric: Rubric, text: str) -> Reading:
    """The scores in a reply to `scoring`."""

    def one(name: str, value: object) -> float | str:
        criterion = next(each for each in rubric.judged if each.name == name)
        fault = criterion.fault(value)
        return fault or float(value)  # type: ignore[arg-type]

    return _read(rubric, text, one)


def read_winners(rubric: Rubric, text: str) -> Reading:
    """The winners in a reply to `comparing`."""

    def one(name: str, value: object) -> float | str:
        side = SIDES.get(value) if isinstance(value, str) else None
        return f"the judge's `{name}` is not {FIRST}, {SECOND} or {TIE}" if side is None else side

    return _read(rubric, text, one)


def _read(rubric: Rubric, text: str, one: Callable[[str, object], float | str]) -> Reading:
    fenced = FENCE.fullmatch(text.strip())
    try:
        value: Any = json.loads(fenced.group(1) if fenced else text, object_pairs_hook=_once)
    except _TwiceError as error:
        return Reading(None, None, f"the judge's reply says `{error}` twice")
    except (ValueError, RecursionError):
        return Reading(None, None, "the judge's reply is not JSON")
    if not isinstance(value, dict):
        return Reading(None, None, "the judge's reply is no JSON object")
    found: dict[str, float] = {}
    for criterion in rubric.judged:
        if criterion.name not in value:
            return Reading(None, None, f"the judge's reply has no `{criterion.name}`")
        told = one(criterion.name, value[criterion.name])
        if isinstance(told, str):
            return Reading(None, None, told)
        found[criterion.name] = told
    said = value.get("reason")
    return Reading(found, said if isinstance(said, str) else None)


class _TwiceError(ValueError):
    """A key that stands twice: which of the two is meant cannot be told."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [key for key, _ in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1))
    return found
