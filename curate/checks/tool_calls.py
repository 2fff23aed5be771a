"""Calls of tools in a conversation: read, held against the tools that the row declares, and answered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Message = dict[str, str | None]
Tools = Mapping[str, Mapping[str, Any]]  # {name: JSON schema of its arguments}
BROKEN = object()  # what no JSON is read as
DECLARED = ("tools", "functions")  # columns that declare them
_ARGUMENTS = ("arguments", "parameters", "input")  # of a call, by the names that programs give them


class Problem(NamedTuple):
    """One thing wrong with a row; `drop` where it cannot be trained on."""

    label: str
    message: int | None = None
    field: str | None = None
    start: int | None = None
    end: int | None = None
    drop: bool = True
    evidence: dict[str, object] | None = None


def declared(meta: str | None) -> Tools | None:
    """The tools that a row declares, of its other columns; None where it declares none that can be read."""
    if not meta or not any(f'"{name}"' in meta for name in DECLARED):
        return None
    columns = json.loads(meta)
    listed = next((columns[name] for name in DECLARED if columns.get(name)), None)
    listed = _read(listed) if isinstance(listed, str) else listed
    if not isinstance(listed, list):
        return None
    tools = {}
    for item in listed:
        function = item.get("function", item) if isinstance(item, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            return None  # in a form of its own: nothing can be said of what is missing
        schema = function.get("parameters") or function.get("input_schema")
        tools[function["name"]] = schema if isinstance(schema, dict) else {}
    return tools


def calls_of(messages: Sequence[Message], tools: Tools | None) -> Iterator[Problem]:
    """All that is wrong with the calls of one row and with the answers to them."""
    asked: set[str] = set()  # ids of calls so far
    waiting: dict[str, int] = {}  # those without an answer yet: the message they stand in
    for at, message in enumerate(messages):
        answered = message["tool_call_id"] if message["role"] == "tool" else None
        if answered and asked and answered not in asked:
            yield Problem(
                "tool-not-called", at, "content", drop=False, evidence={"tool_call_id": answered[:80]}
            )
        waiting.pop(answered or "", None)
        if not message["tool_calls"]:
            continue
        calls = _read(message["tool_calls"])
        if calls is BROKEN:
            yield Problem("broken-tool-call", at, "tool_calls")
            continue
        calls = calls if isinstance(calls, list) else [calls]
        if not all(isinstance(call, dict) for call in calls):
            yield Problem("broken-tool-call", at, "tool_calls", evidence={"why": "a call is an object"})
            continue
        yield from _held_against(at, calls, tools)
        ids = [call["id"] for call in calls if isinstance(call.get("id"), str)]
        asked.update(ids)
        waiting |= dict.fromkeys(ids, at)
    for at in sorted({at for at in waiting.values() if at < len(messages) - 1 and _answers(messages)}):
        yield Problem("tool-unanswered", at, "tool_calls", drop=False)


def _answers(messages: Sequence[Message]) -> bool:
    """Whether answers of tools bear ids at all: without them none can be missed."""
    return any(message["role"] == "tool" and message["tool_call_id"] for message in messages)


def _held_against(at: int, calls: Sequence[Mapping[str, Any]], tools: Tools | None) -> Iterator[Problem]:
    """Arguments that cannot be read; calls of tools that are not declared, or without what they require."""
    for call in calls:
        function = call.get("function", call)
        if not isinstance(function, dict):
            continue
        key = next((each for each in _ARGUMENTS if each in function), "")
        given = function.get(key)
        arguments = _read(given or "{}") if isinstance(given, str) else given
        name = function.get("name")
        if arguments is BROKEN:
            yield Problem("broken-tool-call", at, "tool_calls", drop=False, evidence={"why": "arguments"})
            return
        if tools is None or not isinstance(name, str):
            continue
        if name not in tools:
            evidence: dict[str, object] = {"tool": name[:80], "declared": len(tools)}
            yield Problem("undeclared-tool", at, "tool_calls", drop=False, evidence=evidence)
            continue
        required = tools[name].get("required")
        names = [each for each in required if isinstance(each, str)] if isinstance(required, list) else []
        if key and (
            missing := [each for each in names if not isinstance(arguments, dict) or each not in arguments]
        ):
            evidence = {"tool": name[:80], "missing": missing[:8]}
            yield Problem("missing-argument", at, "tool_calls", drop=False, evidence=evidence)


def _read(text: str) -> Any:  # noqa: ANN401  any JSON
    """The JSON value; BROKEN where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return BROKEN
