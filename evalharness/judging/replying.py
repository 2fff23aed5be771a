"""What a judge's reply says: one JSON object, read strictly, or the reason why it cannot be read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from evalharness.asking.endpoint import joined
from evalharness.judging.quoting import FIRST, SECOND, TIE
from evalharness.judging.rubric import Rubric

FENCE = "```"
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
    try:
        value: Any = json.loads(_bare(text), object_pairs_hook=_once)
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
    return Reading(found, joined(said) if isinstance(said, str) else None)


def _bare(text: str) -> str:
    """What stands in one code fence, if the text is one. No regex: blanks without an end would take forever."""
    told = text.strip()
    if told.startswith(FENCE) and told.endswith(FENCE) and len(told) >= 2 * len(FENCE):
        return told[len(FENCE) : -len(FENCE)].removeprefix("json").strip()
    return text


class _TwiceError(ValueError):
    """A key that stands twice: which of the two is meant cannot be told."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        many = Counter(key for key, _ in pairs)
        raise _TwiceError(joined(next(key for key, count in many.items() if count > 1)[:80]))
    return found
