"""OpenAI's published rules for fine-tuning files, looked at in a file as it was written.

From its guides on supervised fine-tuning and on preference optimisation, the schema of a line in its OpenAPI
description (FineTuneChatRequestInput, FineTunePreferenceRequestInput) and the checks in its cookbook, as of 2026;
what only its servers know (tokens of a row, their moderation) is not looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

FEWEST = 10  # rows
LARGEST = 512 << 20  # bytes
MOST_TOOLS = 128
ROLES = ("system", "user", "assistant", "tool", "function")  # of a line; `developer` is only for asking
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
KEYS = {"role", "content", "name", "tool_calls", "tool_call_id", "function_call", "weight", "refusal"}
PARTS = ("text", "image_url", "refusal")


def objections(path: Path) -> list[str]:
    """What OpenAI would refuse in a file, each kind once with how many lines and the first of them."""
    found: dict[str, list[int]] = {}
    count = 0
    with path.open(encoding="utf-8") as file:
        for count, line in enumerate(file, start=1):
            for reason in dict.fromkeys(_line(line)):
                found.setdefault(reason, []).append(count)
    told = [f"{reason}: {len(lines):,} lines, the first is {lines[0]:,}" for reason, lines in found.items()]
    if count < FEWEST:
        told.append(f"{count} rows, and at least {FEWEST} are asked for")
    if path.stat().st_size > LARGEST:
        told.append(f"{path.stat().st_size >> 20:,} MiB, and at most {LARGEST >> 20} are taken")
    return told


def _line(line: str) -> Iterator[str]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        yield "no JSON"
        return
    if not isinstance(row, dict):
        yield "no object"
    elif "input" in row:
        yield from _preference(row)
    else:
        yield from _chat(row, row.get("messages"))
        if not any(_trained(message) for message in _objects(row.get("messages"))):
            yield "no assistant message to learn from"
        for key in ("tools", "functions"):
            if len(_objects(row.get(key))) > MOST_TOOLS:
                yield f"more than {MOST_TOOLS} `{key}`"


def _objects(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _trained(message: dict[str, Any]) -> bool:
    return message.get("role") == "assistant" and message.get("weight", 1) != 0


def _preference(row: dict[str, Any]) -> Iterator[str]:
    asked = row["input"] if isinstance(row["input"], dict) else {}
    yield from _chat(asked, asked.get("messages"))
    for key in ("preferred_output", "non_preferred_output"):
        said = _objects(row.get(key))
        if len(said) != 1 or said[0].get("role") != "assistant":
            yield f"`{key}` is not one assistant message"


def _chat(row: dict[str, Any], messages: Any) -> Iterator[str]:  # noqa: ANN401
    turns = _objects(messages)
    if not turns or len(turns) != len(messages):
        yield "`messages` is no list of messages"
        return
    for turn in turns:
        yield from _turn(turn)
    called = {str(call.get("id")) for turn in turns for call in _objects(turn.get("tool_calls"))}
    if any(str(turn.get("tool_call_id")) not in called for turn in turns if turn.get("role") == "tool"):
        yield "a tool's answer names no call that was made"
    for tool in _objects(row.get("tools")):
        function = tool.get("function")
        if not isinstance(function, dict) or not NAME.fullmatch(str(function.get("name", ""))):
            yield "a tool without a function name of letters, digits, _ and -"


def _turn(turn: dict[str, Any]) -> Iterator[str]:
    if turn.get("role") not in ROLES:
        yield f"no role is called `{turn.get('role')}`"
    if strange := sorted(set(turn) - KEYS):
        yield f"a message has no `{strange[0]}`"
    content = turn.get("content")
    calls = _objects(turn.get("tool_calls"))
    called = calls or turn.get("function_call")
    if not isinstance(content, (str, list)) and not (content is None and called):
        yield "a message without content"
    if any(part.get("type") not in PARTS for part in _objects(content)):
        yield "content that is neither text nor an image"
    if "name" in turn and not NAME.fullmatch(str(turn["name"])):
        yield "a `name` that is not of letters, digits, _ and -, at most 64"
    if "weight" in turn and (turn.get("role") != "assistant" or turn["weight"] not in (0, 1)):
        yield "a `weight` that is not 0 or 1, of an assistant message"
    for call in calls:
        function = call.get("function")
        if (
            not (call.get("id") and isinstance(call["id"], str))
            or not isinstance(function, dict)
            or not NAME.fullmatch(str(function.get("name", "")))
        ):
            yield "a tool call without an id or a function name"
        elif not isinstance(function.get("arguments"), str):
            yield "a tool call whose arguments are no text"


def lines(written: Sequence[tuple[Path, int]], formats: Sequence[str]) -> list[str]:
    """For a person, of the files of an export: what OpenAI would refuse in the parts that it trains on."""
    if "openai" not in formats:
        return []
    files = [path for path, rows in written if rows and (len(formats) == 1 or path.parent.name == "openai")]
    return [
        f"  OpenAI's service would refuse {path.name}: {reason}"
        for path in files
        if not path.stem.endswith("-test")
        for reason in objections(path)
    ]
