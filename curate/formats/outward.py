"""An example as a row of a format that a trainer takes; SourceError says why where it cannot be one.

Nothing is dropped on the way to make a row fit: what the format has no place for stops the row.
Columns of `meta` stay behind, but for `tools`, KTO's truth value and a message's `weight`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from curate.errors import SourceError
from curate.formats.turns import SHAREGPT, dump, part

Example = dict[str, Any]
Row = dict[str, Any]


def kind_of(example: Example) -> str:
    """What an example teaches: text, preference, kto or messages."""
    if example["chosen"] is not None or example["rejected"] is not None:
        return "preference"
    known = json.loads(example["layout"] or "{}").get("format")
    return known if known in ("text", "kto") else "messages"


def _held(text: str, what: str) -> Any:  # noqa: ANN401  any JSON
    """The value of JSON that a row holds as a text; SourceError where it is none, or one that no file can hold."""
    try:
        value = json.loads(text)
        if "\\ud" in text.casefold():
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise SourceError(f"has {what} with half of a surrogate pair, which is no text") from error
    except RecursionError as error:
        raise SourceError(f"has {what} nested too deeply") from error
    except ValueError as error:
        raise SourceError(f"has {what} that is not JSON: {error}") from error
    return value


def _call(call: Any, number: int) -> dict[str, Any]:  # noqa: ANN401
    """One tool call as OpenAI has it: an id, and the arguments as JSON text."""
    if not isinstance(call, dict):
        raise SourceError("has a tool call that is not an object")
    function = call.get("function", call)
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise SourceError("has a tool call without a function name")
    arguments = function.get("arguments", {})
    return {
        "id": call.get("id") or f"call_{number}",
        "type": "function",
        "function": {
            "name": function["name"],
            "arguments": arguments if isinstance(arguments, str) else dump(arguments),
        },
    }


def _calls(text: str, number: int) -> list[dict[str, Any]]:
    calls = _held(text, "a tool call")
    calls = calls if isinstance(calls, list) else [calls]
    return [_call(call, number + index) for index, call in enumerate(calls)]


def chat(messages: Sequence[dict[str, Any]]) -> list[Row]:
    """The messages with role, content and tool calls as OpenAI has them.

    A tool's answer that names no call is given the id of the oldest call that is not answered yet.
    """
    rows: list[Row] = []
    made = 0
    waiting: list[str] = []
    for message in messages:
        row: Row = {"role": message["role"], "content": message["content"]}
        if message["name"] is not None:
            row["name"] = message["name"]
        if message["tool_calls"] is not None:
            row["tool_calls"] = _calls(message["tool_calls"], made)
            made += len(row["tool_calls"])
            waiting += [call["id"] for call in row["tool_calls"]]
        if message["role"] == "tool":
            answered = message["tool_call_id"] or (waiting[0] if waiting else None)
            if answered is not None:
                row["tool_call_id"] = answered
            if answered in waiting:
                waiting.remove(answered)
        rows.append(row)
    return rows


def _meta(example: Example) -> dict[str, Any]:
    meta = json.loads(example["meta"] or "{}")
    return meta if isinstance(meta, dict) else {}


def tools(example: Example) -> list[dict[str, Any]]:
    """The tools that `meta` lists, as OpenAI has them; empty where there are none."""
    listed = _meta(example).get("tools")
    if isinstance(listed, str):
        listed = _held(listed, "a text of `tools`") if listed.strip() else []
    if not listed:
        return []
    if not isinstance(listed, list) or not all(isinstance(tool, dict) for tool in listed):
        raise SourceError("has `tools` that are not a list of objects")
    return [tool if "function" in tool else {"type": "function", "function": tool} for tool in listed]


def _answer(example: Example, which: str) -> list[Row]:
    """`chosen` or `rejected` as messages."""
    text = example[which]
    if text is None:
        raise SourceError(f"has no `{which}`")
    turn = json.loads(example["layout"] or "{}").get("answers", {}).get(which, {})
    if turn.get("as") == "json":
        raise SourceError(f"has `{which}` of several messages")
    return [{"role": "assistant", "content": text}]


def _teachable(messages: Sequence[dict[str, Any]]) -> None:
    if not messages or messages[-1]["role"] != "assistant":
        raise SourceError("does not end with the assistant's answer")
    if len(messages) < 2:
        raise SourceError("has an answer and no question")
    for number, message in enumerate(messages, start=1):
        if message["content"] is None and message["tool_calls"] is None:
            raise SourceError(f"message {number} says nothing and calls nothing")


def openai(example: Example) -> Row:
    """A line of OpenAI's fine-tuning files: messages, or input with two outputs for preferences."""
    listed = tools(example)
    if kind_of(example) == "preference":
        asked = {"messages": chat(example["messages"]), **({"tools": listed} if listed else {})}
        if not asked["messages"]:
            raise SourceError("has no prompt")
        return {
            "input": asked,
            "preferred_output": _answer(example, "chosen"),
            "non_preferred_output": _answer(example, "rejected"),
        }
    if kind_of(example) == "kto" and not kto_label(example):
        raise SourceError("is an answer that was not liked (label false), which must not be taught")
    _teachable(example["messages"])
    rows = chat(example["messages"])
    for index, weight in _weights(example).items():
        rows[index]["weight"] = weight
    return {"messages": rows, **({"tools": listed} if listed else {})}


def _weights(example: Example) -> dict[int, Any]:
    """The weights of messages that came with one, where the messages are all of one list."""
    turns = json.loads(example["layout"] or "{}").get("turns", [])
    if len(turns) != 1 or turns[0].get("as") != "list" or turns[0]["n"] != len(example["messages"]):
        return {}
    extras = _meta(example).get(turns[0]["at"]) or {}
    return {int(index): extra["weight"] for index, extra in extras.items() if "weight" in extra}


def trl(example: Example) -> Row:
    """A row of TRL's: text, prompt with chosen and rejected, prompt with completion and label, or messages."""
    kind = kind_of(example)
    listed = tools(example)
    more = {"tools": listed} if listed else {}
    if kind == "text":
        return {"text": _only(example)}
    if kind == "preference":
        rows = chat(example["messages"])
        prompt = {"prompt": rows} if rows else {}
        return {
            **prompt,
            "chosen": _answer(example, "chosen"),
            "rejected": _answer(example, "rejected"),
            **more,
        }
    _teachable(example["messages"])
    rows = chat(example["messages"])
    if kind == "kto":
        return {"prompt": rows[:-1], "completion": rows[-1:], "label": kto_label(example), **more}
    return {"messages": rows, **more}


def kto_label(example: Example) -> bool:
    """Whether the answer was liked."""
    meta = _meta(example)
    for name in ("label", "kto_tag"):
        if isinstance(meta.get(name), bool):
            return bool(meta[name])
    raise SourceError("has no true or false `label`")


def _only(example: Example) -> str:
    texts = [message["content"] or "" for message in example["messages"]]
    if len(texts) != 1:
        raise SourceError(f"has {len(texts)} messages and not one text")
    return texts[0]


def axolotl(example: Example) -> Row:
    """A row for Axolotl's chat_template: messages, with one chosen and one rejected answer for preferences."""
    row = trl(example)
    if kind_of(example) == "preference":
        rest = {key: value for key, value in row.items() if key not in ("prompt", "chosen", "rejected")}
        return {
            "messages": row.get("prompt", []),
            "chosen": row["chosen"][0],
            "rejected": row["rejected"][0],
            **rest,
        }
    return row


def _called(text: str) -> str:
    """Tool calls as ShareGPT has them: name and arguments as JSON, alone or in a list."""
    calls = []
    for call in _calls(text, 0):
        function = call["function"]
        try:
            arguments = _held(function["arguments"], "arguments")
        except SourceError:
            arguments = function["arguments"]
        calls.append({"name": function["name"], "arguments": arguments})
    return dump(calls[0] if len(calls) == 1 else calls)


def _spoken(message: dict[str, Any], number: int) -> Row:
    if message["tool_calls"] is not None:
        if message["content"]:
            raise SourceError(f"message {number} both answers and calls a tool")
        return {"from": "function_call", "value": _called(message["tool_calls"])}
    if message["content"] is None:
        raise SourceError(f"message {number} says nothing and calls nothing")
    return {"from": SHAREGPT[message["role"]], "value": message["content"]}


def sharegpt(example: Example, *, strict: bool = False) -> Row:
    """`conversations` with from and value; a system prompt and tools in columns of their own.

    With `strict`, the order that LLaMA-Factory wants: human or observation, then gpt or function_call.
    """
    kind = kind_of(example)
    if kind == "text":
        return {"text": _only(example)}
    messages = list(example["messages"])
    system = messages.pop(0)["content"] if messages and messages[0]["role"] == "system" else None
    rows = [_spoken(message, number) for number, message in enumerate(messages, start=1)]
    if kind != "preference":
        _teachable(messages)
    if strict:
        for index, row in enumerate(rows):
            if (row["from"] in ("human", "observation")) != (index % 2 == 0):
                raise SourceError(
                    f"has `{row['from']}` at turn {index + 1}, where it is the other side's turn"
                )
    elif any(row["from"] == "system" for row in rows):
        raise SourceError("has a system message after the first")
    out: Row = {"conversations": rows}
    if system is not None:
        out["system"] = system
    if listed := tools(example):
        out["tools"] = dump([tool["function"] for tool in listed])
    if kind == "preference":
        for which in ("chosen", "rejected"):
            out[which] = {"from": "gpt", "value": _answer(example, which)[0]["content"]}
    if kind == "kto":
        out["label"] = kto_label(example)
    return out


def llamafactory(example: Example) -> Row:
    """A ShareGPT row in the order of turns that LLaMA-Factory keeps; others it would pass over."""
    return sharegpt(example, strict=True)


def alpaca(example: Example) -> Row:
    """Instruction, input and output; system and history where there are any."""
    if kind_of(example) not in ("messages",):
        raise SourceError(f"is {kind_of(example)} data, not a question and an answer")
    messages = list(example["messages"])
    system = messages.pop(0)["content"] if messages and messages[0]["role"] == "system" else None
    if tools(example) or any(m["role"] == "tool" or m["tool_calls"] is not None for m in messages):
        raise SourceError("uses tools")
    _teachable(messages)
    roles = [message["role"] for message in messages]
    if roles != ["user", "assistant"] * (len(messages) // 2):
        raise SourceError("does not alternate between user and assistant")
    texts = [message["content"] or "" for message in messages]
    joined = next((t for t in json.loads(example["layout"] or "{}").get("turns", []) if "with" in t), None)
    first, second = part(texts[-2], joined["lines"]) if joined else (texts[-2], "")
    row: Row = {"instruction": first, "input": second, "output": texts[-1]}
    if system is not None:
        row["system"] = system
    if len(texts) > 2:
        row["history"] = [list(pair) for pair in zip(texts[:-2:2], texts[1:-2:2], strict=True)]
    return row


def labelled(example: Example) -> Row:
    """Text and label; the answer where it is more than the label, and the system prompt if there is one."""
    if example["label"] is None:
        raise SourceError("has no label")
    messages = list(example["messages"])
    system = messages.pop(0)["content"] if messages and messages[0]["role"] == "system" else None
    roles = [message["role"] for message in messages]
    if roles not in (["user"], ["user", "assistant"]):
        raise SourceError("is not one text and its label")
    if any(message["tool_calls"] is not None for message in messages):
        raise SourceError("uses tools")
    answer = messages[1]["content"] if len(messages) == 2 else None
    return {
        "text": messages[0]["content"] or "",
        "label": example["label"],
        "answer": None if answer == example["label"] else answer,
        "system": system,
    }
