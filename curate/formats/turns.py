"""One column of a source row as messages, and back: text, one message, a list, pairs, joined texts.

What a message has no column for (weight, reasoning ...) is an *extra*; it goes into `meta` under the
column's name, so that checks look at it. The *turn* says how to build the value again; it holds key
names, role names and counts, never text, since nothing looks for personal data in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from curate.errors import SourceError

Message = dict[str, str | None]
Turn = dict[str, Any]

KNOWN = {
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "model", "chatgpt", "function_call"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "observation", "function", "function_response"), "tool"),
}
SHAREGPT = {"user": "human", "assistant": "gpt", "system": "system", "tool": "observation"}
ROLE_KEYS = ("role", "from")
CONTENT_KEYS = ("content", "value", "text")
PLAIN = ["role", "content"]
ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False
)  # one for all: making it costs as much as a row
GAP = "\n\n"  # between texts that were apart in the source and are one message here


class Taken(NamedTuple):
    """The messages of a column, how to build the column again, and what they have no place for."""

    messages: list[Message]
    turn: Turn
    extras: dict[str, dict[str, Any]]  # by the message's index in the column


def dump(value: object) -> str:
    """A JSON value as one line, as it is kept in `meta` and `layout`."""
    return ENCODER.encode(value)


def kind(value: object) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"


def said(role: str, content: str | None, tool_calls: str | None = None) -> Message:
    """A message with only these set."""
    return {"role": role, "content": content, "name": None, "tool_calls": tool_calls, "tool_call_id": None}


def join(texts: Sequence[str]) -> tuple[str, list[int]]:
    """The texts with an empty line between, and how many lines each has."""
    return GAP.join(texts), [text.count("\n") + 1 for text in texts]


def part(text: str, counts: Sequence[int]) -> list[str]:
    """The texts that were joined.

    An edit within a line changes no count. Where an edit changed the number of lines in one of two
    texts, the other's count still finds the gap; failing that, all of it is the first text.
    """
    lines = text.split("\n")
    if len(counts) == 2:
        first, second = counts[0], len(lines) - counts[1] - 1
        for gap in (first, second):
            if 0 < gap < len(lines) - 1 and lines[gap] == "":
                return ["\n".join(lines[:gap]), "\n".join(lines[gap + 1 :])]
        return [text, ""]
    if sum(counts) + len(counts) - 1 != len(lines):
        return [text, *[""] * (len(counts) - 1)]
    texts, at = [], 0
    for count in counts:
        texts.append("\n".join(lines[at : at + count]))
        at += count + 1
    return texts


def _is_json(text: str) -> bool:
    """Whether a text is a JSON object or list."""
    try:
        return isinstance(json.loads(text), (dict, list))
    except (ValueError, RecursionError):
        return False


def _role(item: dict[str, Any], where: str, roles: Mapping[str, str]) -> tuple[str, str, str]:
    """(key, role as it is spelled there, role)."""
    key = next((key for key in ROLE_KEYS if key in item), None)
    if key is None:
        raise SourceError(f"{where} has no `role` or `from`")
    spelled = item[key]
    if not isinstance(spelled, str):
        raise SourceError(f"{where}: `{key}` is {kind(spelled)}, not a text")
    role = roles.get(spelled) or KNOWN.get(spelled.lower())
    if role is None:
        raise SourceError(
            f"{where} has role `{spelled[:40]}`",
            hint=f"known roles are system, user, assistant and tool; map others with --role {spelled[:40]}=assistant",
        )
    return key, spelled, role


def _text(content: object, where: str) -> tuple[str | None, list[int] | None]:
    """The text of a message's content, and the line counts of its parts if it is a list of them."""
    if content is None or isinstance(content, str):
        return content, None
    if not isinstance(content, list):
        raise SourceError(f"{where}: the content is {kind(content)}, not a text")
    texts = []
    for number, piece in enumerate(content, start=1):
        if (
            not isinstance(piece, dict)
            or piece.get("type") != "text"
            or not isinstance(piece.get("text"), str)
        ):
            if not isinstance(piece, dict):
                raise SourceError(f"{where}: part {number} of the content is {kind(piece)}, not an object")
            what = piece.get("type")
            raise SourceError(f"{where}: part {number} of the content is `{what}`; only text is read")
        if len(piece) != 2:
            raise SourceError(f"{where}: part {number} of the content has more than `type` and `text`")
        texts.append(piece["text"])
    return join(texts) if texts else ("", [])


def _canonical(key: str, role: str) -> str:
    """How a role is spelled under `role` or `from` where nothing else was said."""
    return SHAREGPT[role] if key == "from" else role


class _Read(NamedTuple):
    """One message; how its role was spelled where not as usual; and what it has no column for."""

    message: Message
    spelled: str | None
    parts: list[int] | None  # line counts, where its content was a list of texts
    text_calls: bool  # its tool calls were JSON text and not JSON
    extras: dict[str, Any]


def _read(item: dict[str, Any], where: str, roles: Mapping[str, str]) -> _Read:
    role_key, spelling, role = _role(item, where, roles)
    content_key = next((key for key in CONTENT_KEYS if key in item), None)
    content, parts = _text(item[content_key], where) if content_key else (None, None)
    message = said(role, content)
    own = {role_key, content_key}
    if spelling == "function_call" and content and "tool_calls" not in item and _is_json(content):
        message["content"], message["tool_calls"] = None, content
    for key in ("name", "tool_call_id"):
        if key in item and (item[key] is None or isinstance(item[key], str)):
            message[key] = item[key]
            own.add(key)
    calls = item.get("tool_calls")
    if isinstance(calls, str) and not _is_json(calls):
        calls = None  # not JSON: an extra like any other
    elif "tool_calls" in item:
        own.add("tool_calls")
        message["tool_calls"] = calls if calls is None or isinstance(calls, str) else dump(calls)
    return _Read(
        message,
        None if spelling == _canonical(role_key, role) else spelling,
        parts,
        isinstance(calls, str),
        {key: value for key, value in item.items() if key not in own},
    )


def read_messages(items: Sequence[object], at: str, roles: Mapping[str, str]) -> Taken:
    """The messages of a list, in their order; raises SourceError for what is not a message."""
    read: list[_Read] = []
    keys: list[list[str]] = []
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict):
            raise SourceError(f"message {number} is {kind(item)}, not an object")
        read.append(_read(item, f"message {number}", roles))
        keys.append(list(item))
    turn: Turn = {"at": at, "as": "list", "n": len(items)}
    if any(row != keys[0] for row in keys):
        turn["keys"] = keys
    elif keys[0] != PLAIN:
        turn["keys"] = keys[0]
    if any(one.spelled for one in read):
        turn["roles"] = [one.spelled for one in read]
    if parts := {str(index): one.parts for index, one in enumerate(read) if one.parts is not None}:
        turn["parts"] = parts
    if calls := [index for index, one in enumerate(read) if one.text_calls]:
        turn["text_calls"] = calls
    extras = {str(index): one.extras for index, one in enumerate(read) if one.extras}
    return Taken([one.message for one in read], turn, extras)


def read_value(value: object, at: str, role: str, roles: Mapping[str, str]) -> Taken:
    """The messages of a column of any shape; a plain text is said by `role`."""
    if isinstance(value, str):
        return Taken([said(role, value)], {"at": at}, {})
    if isinstance(value, list):
        if not value:
            raise SourceError(f"`{at}` is an empty list")
        if all(isinstance(item, str) for item in value):
            turn = {"at": at, "as": "strings", "n": len(value)}
            return Taken([said(role, item) for item in value], turn, {})
        return read_messages(value, at, roles)
    if isinstance(value, dict):
        taken = read_messages([value], at, roles)
        return taken._replace(turn={**taken.turn, "as": "one"})
    raise SourceError(f"`{at}` is {kind(value)}, not a text or messages")


def read_scalar(value: object, at: str, role: str) -> Taken:
    """A text, number or truth value as one message; the type is kept."""
    if isinstance(value, str):
        return Taken([said(role, value)], {"at": at}, {})
    if isinstance(value, (bool, int, float)):
        return Taken([said(role, dump(value))], {"at": at, "as": "value"}, {})
    raise SourceError(f"`{at}` is {kind(value)}, not a text")


def read_pairs(value: object, at: str) -> Taken:
    """Alpaca's history: a list of [question, answer]."""
    if not isinstance(value, list):
        raise SourceError(f"`{at}` is {kind(value)}, not a list of [question, answer]")
    messages = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            raise SourceError(f"`{at}` holds something other than [question, answer]")
        messages += [said("user", pair[0]), said("assistant", pair[1])]
    return Taken(messages, {"at": at, "as": "pairs", "n": len(messages)}, {})


def read_joined(first: tuple[str, str], second: tuple[str, str], role: str) -> Taken:
    """Two columns (name, text) as one message, with an empty line between."""
    text, lines = join([first[1], second[1]])
    return Taken([said(role, text)], {"at": first[0], "with": second[0], "lines": lines}, {})


def _written(
    turn: Turn, index: int, keys: Sequence[str], message: Message, extras: Mapping[str, Any]
) -> dict[str, Any]:
    """One message with the keys it came with."""
    spelled = turn["roles"][index] if "roles" in turn else None
    role_key = next(key for key in ROLE_KEYS if key in keys)
    content_key = next((key for key in CONTENT_KEYS if key in keys), None)
    content: Any = message["content"]
    if spelled == "function_call" and content is None and "tool_calls" not in keys:
        content = message["tool_calls"]
    counts = turn.get("parts", {}).get(str(index))
    if counts is not None and content is not None:
        texts = part(content, counts) if counts else [content] if content else []
        content = [{"type": "text", "text": text} for text in texts]
    values: dict[str, Any] = {
        role_key: spelled or _canonical(role_key, message["role"] or ""),
        "name": message["name"],
        "tool_call_id": message["tool_call_id"],
    }
    if content_key:
        values[content_key] = content
    if "tool_calls" in keys and "tool_calls" not in extras:
        calls = message["tool_calls"]
        as_text = calls is None or index in turn.get("text_calls", ())
        values["tool_calls"] = calls if as_text else json.loads(calls or "null")
    values |= extras
    return {key: values[key] for key in keys if key in values}


def write_messages(
    turn: Turn, messages: Sequence[Message], extras: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The list as it came. If the number of messages has changed, each has only role and content."""
    if len(messages) != turn["n"]:
        turn, extras = {"keys": PLAIN}, {}
    keys = turn.get("keys", PLAIN)
    each = keys if isinstance(keys[0], list) else [keys] * len(messages)
    return [
        _written(turn, index, each[index], message, extras.get(str(index), {}))
        for index, message in enumerate(messages)
    ]


def write_turn(turn: Turn, messages: Sequence[Message], extras: Mapping[str, Any]) -> dict[str, Any]:
    """The column or columns that a turn came from, with what its messages say now."""
    at, form = turn["at"], turn.get("as", "text")
    texts = [message["content"] for message in messages]
    if form == "list":
        return {at: write_messages(turn, messages, extras)}
    if form == "one":
        return {at: write_messages(turn, messages, extras)[0]}
    if form == "strings":
        return {at: texts}
    if form == "pairs":
        return {at: [list(pair) for pair in zip(texts[::2], texts[1::2], strict=True)]}
    if form == "value":
        return {at: retyped(texts[0])}
    if "with" in turn:
        first, second = part(texts[0] or "", turn["lines"])
        return {at: first, turn["with"]: second}
    return {at: texts[0]}


def shortened(
    layout: Mapping[str, Any], meta: Mapping[str, Any], count: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The layout and meta of a row whose last `count` messages, of a list, are gone."""
    turns = layout.get("turns") or []
    if not turns or turns[-1].get("as") != "list":
        return dict(layout), dict(meta)
    turn = dict(turns[-1])
    length = turn["n"] = turn["n"] - count
    for name in ("keys", "roles"):
        if name in turn and (name == "roles" or isinstance(turn[name][0], list)):
            turn[name] = turn[name][:length]
    if "parts" in turn:
        turn["parts"] = {at: part for at, part in turn["parts"].items() if int(at) < length}
    if "text_calls" in turn:
        turn["text_calls"] = [at for at in turn["text_calls"] if at < length]
    kept = dict(meta)
    if isinstance(extras := meta.get(turn["at"]), dict):
        kept[turn["at"]] = {at: value for at, value in extras.items() if not at.isdigit() or int(at) < length}
    return {**layout, "turns": [*turns[:-1], turn]}, kept


def retyped(text: str | None) -> Any:  # noqa: ANN401
    """A number or truth value that was kept as text; an edit may have made it a text."""
    try:
        return json.loads(text or "null")
    except ValueError:
        return text
