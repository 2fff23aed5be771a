"""A source row as an example, and back to the row it was, with what the example says now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from curate.errors import SourceError
from curate.example import digest
from curate.formats.known import Format, Part, Row, column_of
from curate.formats.numbers import lower
from curate.formats.trees import fill_tree, read_tree
from curate.formats.turns import (
    Message,
    Taken,
    Turn,
    dump,
    kind,
    read_joined,
    read_messages,
    read_pairs,
    read_scalar,
    read_value,
    retyped,
    write_messages,
    write_turn,
)

EMPTY: tuple[object, ...] = (None, "", [])
CLASSES = "classification"


class Draft(NamedTuple):
    """What a row says, before it has ids. `meta` and `layout` are JSON values."""

    messages: list[Message]
    chosen: str | None
    rejected: str | None
    label: str | None
    meta: dict[str, Any]
    layout: dict[str, Any]


def as_text(value: object) -> str | None:
    """A column's value as text: a text as it is, null as null, anything else as JSON."""
    return value if value is None or isinstance(value, str) else dump(value)


def label_mark(label: str | None) -> str:
    """A short digest, by which an edit of the label is seen later."""
    return digest(label or "")[:8]


def _values(known: Format, row: Row, columns: Mapping[str, str]) -> dict[str, tuple[Part, str]]:
    """(part, column) for each part of the format that the row has and that is not empty."""
    found = {}
    for part in known.parts:
        column = column_of(part, row, columns)
        if column is None:
            if part.required:
                raise SourceError(f"has no `{columns.get(part.name, part.columns[0])}`")
            continue
        # an absent answer stays in `meta`; an empty one is a message that says nothing
        empty = (None,) if part.role == "assistant" else EMPTY
        if part.required or row[column] not in empty:
            found[part.name] = (part, column)
    return found


def _turns(known: Format, row: Row, columns: Mapping[str, str], roles: Mapping[str, str]) -> list[Taken]:
    """The messages column by column, in the order of the conversation."""
    found = _values(known, row, columns)
    used: set[str] = set()
    turns = []
    for name, (part, column) in found.items():
        if column in used:
            continue
        used.add(column)
        value = row[column]
        asked = "instruction" if "instruction" in found else "prompt"
        if name == asked and "input" in found and isinstance(value, str):
            other = found["input"][1]
            if other not in used and isinstance(row[other], str):
                used.add(other)
                # an empty instruction stays in `meta`, and the input alone is what was asked
                turns.append(
                    read_joined((column, value), (other, row[other]), part.role)
                    if value
                    else read_value(row[other], other, part.role, roles)
                )
                continue
        if name == "history":
            turns.append(read_pairs(value, column))
        elif known.name == "classification":
            turns.append(read_scalar(value, column, part.role))
        else:
            turns.append(read_value(value, column, part.role, roles))
    return turns


def _shared(chosen: object, rejected: object) -> int:
    """How many messages two lists begin with that are the same in both; never the last of either."""
    if not isinstance(chosen, list) or not isinstance(rejected, list):
        return 0
    limit = min(len(chosen), len(rejected)) - 1
    count = 0
    while count < limit and dump(chosen[count]) == dump(rejected[count]):
        count += 1
    return count


def _answer(value: object, at: str, roles: Mapping[str, str]) -> tuple[str | None, Turn, dict[str, Any]]:
    """(text, how to build it again, extras) of `chosen` or `rejected`.

    More than one message, or one that is not just an assistant's text, is kept as JSON.
    """
    if value is None or isinstance(value, str):
        return value, {}, {}
    if not isinstance(value, (list, dict)):
        raise SourceError(f"`{at}` is {kind(value)}, not a text or messages")
    taken = read_value(value, at, "assistant", roles)
    only = taken.messages[0]
    plain = len(taken.messages) == 1 and only["role"] == "assistant" and only["content"] is not None
    if plain and all(only[key] is None for key in ("name", "tool_calls", "tool_call_id")):
        return only["content"], taken.turn, taken.extras
    return dump(value), {"as": "json"}, {}


def _answers(row: Row, meta: dict[str, Any], roles: Mapping[str, str]) -> tuple[Taken | None, dict[str, Any]]:
    """The prompt that `chosen` and `rejected` share, if any, and {column: (text, turn)}."""
    chosen, rejected = row.get("chosen"), row.get("rejected")
    count = _shared(chosen, rejected)
    prefix = None
    if count and isinstance(chosen, list) and isinstance(rejected, list):
        prefix = read_messages(chosen[:count], "chosen", roles)
        chosen, rejected = chosen[count:], rejected[count:]
        if prefix.extras:
            meta["chosen"] = {"prompt": prefix.extras}
    answers = {}
    for at, value in (("chosen", chosen), ("rejected", rejected)):
        text, turn, extras = _answer(value, at, roles)
        if at in row:
            answers[at] = (text, turn)
        if extras:
            meta[at] = {**meta.get(at, {}), **extras}
    return prefix, answers


class _Sorted(NamedTuple):
    """A row taken apart: its conversation, its answers, and the columns that these own."""

    turns: list[Taken]
    answers: dict[str, tuple[str | None, Turn]]
    owned: set[str]
    rest: Row  # the row whose other columns go into `meta`


def _sorted_out(
    row: Row, known: Format, meta: Row, columns: Mapping[str, str], roles: Mapping[str, str]
) -> _Sorted:
    if known.name == "oasst":
        at = "prompt" if isinstance(row.get("prompt"), dict) else ""
        taken, tree = read_tree(row[at] if at else row, at, roles)
        return _Sorted([taken], {}, set(), {**row, at: tree} if at else tree)
    turns = _turns(known, row, columns, roles)
    # a column may be called "": that of the row numbers which pandas writes into a CSV
    owned = {taken.turn[part] for taken in turns for part in ("at", "with") if part in taken.turn}
    if known.name != "preference":
        if not turns:
            raise SourceError("has no conversation")
        return _Sorted(turns, {}, owned, row)
    prefix, answers = _answers(row, meta, roles)
    if not answers:
        raise SourceError("has no `chosen` and no `rejected`")
    if prefix:
        turns.append(prefix._replace(turn={**prefix.turn, "as": "prefix"}, extras={}))
    return _Sorted(turns, answers, owned | set(answers), row)


def read_row(
    row: Row, known: Format, *, columns: Mapping[str, str], roles: Mapping[str, str], label: str | None = None
) -> Draft:
    """What a row says. Raises SourceError where it is not in the format.

    `label` names the column whose value is copied into the label. All columns that are not messages,
    chosen or rejected stay in `meta`, as they are.
    """
    meta: Row = {}
    turns, answers, owned, rest = _sorted_out(row, known, meta, columns, roles)
    meta |= {key: value for key, value in rest.items() if key not in owned}
    meta |= {taken.turn["at"]: taken.extras for taken in turns if taken.extras}
    messages = [message for taken in turns for message in taken.messages]
    layout: dict[str, Any] = {
        "format": known.name,
        "keys": list(row),
        "turns": [taken.turn for taken in turns],
    }
    if answers:
        layout["answers"] = {at: turn for at, (_, turn) in answers.items()}
    marked = None
    if known.name == CLASSES and len(turns) > 1:
        marked = messages[-1]["content"]
        layout["label"] = {"was": label_mark(marked)}
    if label is not None and label in row:
        marked = as_text(row[label]) or None
        layout["label"] = {"was": label_mark(marked), **({} if label in owned else {"from": label})}
    chosen, rejected = (answers[at][0] if at in answers else None for at in ("chosen", "rejected"))
    return Draft(messages, chosen, rejected, marked, meta, layout)


def _write_answer(text: str | None, turn: Turn, extras: Mapping[str, Any]) -> Any:  # noqa: ANN401
    if not turn or text is None:
        return text
    if turn["as"] == "json":
        return json.loads(text)
    message: Message = {
        "role": "assistant",
        "content": text,
        "name": None,
        "tool_calls": None,
        "tool_call_id": None,
    }
    written = write_messages(turn, [message], extras)
    return written[0] if turn["as"] == "one" else written


def _spread(turns: list[Turn], count: int) -> list[int]:
    """How many messages each turn has, of `count`; a list takes up what was added or taken away."""
    sizes = [turn.get("n", 1) for turn in turns]
    missing = count - sum(sizes)
    if missing:
        elastic = [index for index, turn in enumerate(turns) if turn.get("as") == "list"]
        if not elastic or sizes[elastic[-1]] + missing < 0:
            raise SourceError(f"has {count} messages where its source had {sum(sizes)}")
        sizes[elastic[-1]] += missing
    return sizes


def _relabelled(draft: Draft) -> tuple[list[Message], str | None]:
    """The messages with an edited label in its place, and the column that the new label goes to, if any."""
    mark = draft.layout.get("label")
    if mark is None or draft.label is None or label_mark(draft.label) == mark["was"]:
        return draft.messages, None
    if "from" in mark:
        return draft.messages, str(mark["from"])
    if draft.layout["format"] == CLASSES and len(draft.messages) > 1:
        return [*draft.messages[:-1], {**draft.messages[-1], "content": draft.label}], None
    return draft.messages, None


def _rebuilt(draft: Draft, messages: list[Message]) -> tuple[Row, list[tuple[Turn, list[Message]]]]:
    """The columns that messages and answers own, and the trees that are filled when the row stands."""
    meta, turns = draft.meta, draft.layout["turns"]
    values: Row = {}
    trees: list[tuple[Turn, list[Message]]] = []
    prefix: list[Any] = []
    at = 0
    for turn, size in zip(turns, _spread(turns, len(messages)), strict=True):
        part, at = messages[at : at + size], at + size
        if turn.get("as") == "tree":
            trees.append((turn, part))
        elif turn.get("as") == "prefix":
            prefix = write_messages(turn, part, (meta.get("chosen") or {}).get("prompt") or {})
        else:
            values |= write_turn(turn, part, meta.get(turn["at"]) or {})
    for column, turn in draft.layout.get("answers", {}).items():
        text = draft.chosen if column == "chosen" else draft.rejected
        answer = _write_answer(text, turn, meta.get(column) or {})
        values[column] = [*prefix, *answer] if prefix and isinstance(answer, list) else answer
    return values, trees


def write_row(draft: Draft) -> Row:
    """The row as its source had it, with what the example says now.

    Raises SourceError where an edit made that impossible (a tool call that is no longer JSON, a
    message that was added to a format that has no place for it).
    """
    layout, meta = draft.layout, draft.meta
    messages, label_column = _relabelled(draft)
    try:
        values, trees = _rebuilt(draft, messages)
    except ValueError as error:
        raise SourceError(f"holds a tool call or an answer that is no longer JSON: {error}") from error
    row: Row = {
        key: values[key] if key in values else meta[key]
        for key in layout["keys"]
        if key in values or key in meta
    }
    for turn, part in trees:
        row = json.loads(dump(row))
        fill_tree(turn, row, part)
    if label_column is not None and label_column in row:
        former = row[label_column]
        row[label_column] = draft.label if isinstance(former, str) else retyped(draft.label)
    if missing := layout.get("nan"):
        lower(row, missing)
    return row
