"""Rows -> tokens, and which of them are trained on; found two ways that must agree.

    ids      [begin] system ... user ... answer  end  ...     token ids of the whole conversation
    trained     0       0         0        1      1   0       1 where the loss looks

The trained tokens are the assistant's turns, each with its end token. The first way reads the
template's own generation marks (or, in a template without them, places in the rendered text); the
second compares the tokens up to a turn with the tokens after it. A row on which they differ stops
the run: a mask that is wrong by one token trains a model that never stops, or nothing at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from curate.errors import ConfigError
from evalharness.chat import SWITCHES, UNTOLD_CALLS, Chat, calls_alone
from evalharness.models import LoadedModel

IGNORED = -100  # the label of a token that the loss does not look at
MARKS = re.compile(r"\{%-?\s*generation\b")


class UnusableRowError(Exception):
    """Says why one row cannot be trained on; the caller decides what that means."""


@dataclass(frozen=True)
class Encoded:
    """One row as tokens; `trained` is as long as `ids`."""

    example_id: str
    where: str  # source file and row
    ids: tuple[int, ...]
    trained: tuple[bool, ...]

    @property
    def labels(self) -> list[int]:
        """The ids where they are trained on, else IGNORED."""
        return [token if on else IGNORED for token, on in zip(self.ids, self.trained, strict=True)]


@dataclass(frozen=True)
class Template:
    """A base's tokenizer as far as masks need it."""

    tokenizer: Any
    end_ids: frozenset[int]  # any of these ends a turn
    train_on: str = "assistant"  # all assistant turns, or `last`
    folds_system: bool = False  # the template has no system role: its text leads the first question

    @property
    def marked(self) -> bool:
        """Whether the chat template says itself which part the assistant generates."""
        return bool(MARKS.search(self.tokenizer.chat_template or ""))

    @property
    def ways(self) -> str:
        """The two ways by which masks are found, for the record."""
        first = "the template's generation marks" if self.marked else "places in the rendered text"
        return f"{first} against prefix difference of tokens"


def template_of(loaded: LoadedModel, train_on: str) -> Template:
    """The template of a base; raises ConfigError if its tokenizer cannot tell places in a text."""
    if not loaded.tokenizer.is_fast:
        raise ConfigError(
            "the base's tokenizer cannot tell where a token lies in the text",
            hint="choose a base with a tokenizer.json",
        )
    chat = Chat(loaded)
    return Template(loaded.tokenizer, chat.stops, train_on, chat._folds_system)


def conversation(messages: Sequence[Mapping[str, str | None]]) -> list[dict[str, Any]]:
    """Messages as chat templates take them: no nulls, tool calls as values rather than JSON text.

    UnusableRowError for tool calls that are no JSON.
    """
    chat = []
    for message in messages:
        turn: dict[str, Any] = {"role": message["role"], "content": message["content"] or ""}
        if message.get("tool_calls"):
            try:
                turn["tool_calls"] = json.loads(message["tool_calls"] or "[]")
            except ValueError as error:
                raise UnusableRowError(f"its tool calls are no JSON: {error}") from error
        for key in ("name", "tool_call_id"):
            if message.get(key):
                turn[key] = message[key]
        chat.append(turn)
    return chat


def folded(chat: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The system message put before the first question, as the harness asks where a template has no such role."""
    if not chat or chat[0]["role"] != "system":
        return chat
    system, *turns = chat
    first = next((index for index, turn in enumerate(turns) if turn["role"] == "user"), None)
    if first is not None:
        turns[first] = {**turns[first], "content": f"{system['content']}\n\n{turns[first]['content']}"}
    return turns


def encode(template: Template, example_id: str, where: str, chat: list[dict[str, Any]]) -> Encoded:
    """One conversation as tokens, its mask found both ways; raises ConfigError where they differ.

    Raises UnusableRowError where the row itself is at fault.
    """
    if any(calls_alone(turn) for turn in chat):
        _must_tell_calls(template, chat)
    ids = _ids(template, chat)
    turns = _turns(template, chat)
    second, unlearned = _by_prefix(template, chat, ids, turns)
    first = _by_marks(template, chat, ids) if template.marked else _by_text(template, chat, ids, turns)
    blank = [
        turn for turn in turns if not str(chat[turn]["content"])[:1].strip() and not calls_alone(chat[turn])
    ]
    if first != second and blank:
        # transformers finds no token at a mark that begins with white space, where the tokenizer drops that
        first = _by_text(template, chat, ids, turns)
    if blank and (unlearned or first != second):  # no fault of the template: other rows would show that
        raise UnusableRowError(
            f"message {blank[0] + 1} is empty or begins with white space that cannot be told "
            "from the chat template's own"
        )
    if unlearned:
        raise ConfigError(
            f"{where}: message {unlearned[0] + 1} is an answer that the base's chat template tells otherwise once more follows, "
            "so it cannot be trained on",
            hint=_remedy(template),
        )
    if first != second:
        raise ConfigError(_difference(template, where, ids, first, second), hint=_remedy(template))
    return Encoded(example_id, where, tuple(ids), tuple(second))


def _must_tell_calls(template: Template, chat: list[dict[str, Any]]) -> None:
    """UnusableRowError if the template leaves out the tool calls of a turn that holds nothing else."""
    told = _text(template, chat)
    without = [{key: value for key, value in turn.items() if key != "tool_calls"} for turn in chat]
    try:
        untold = _text(template, without)
    except UnusableRowError:  # a template that refuses the rest without the calls does look at them
        return
    if told == untold:
        raise UnusableRowError(UNTOLD_CALLS)


def _rendered(template: Template, chat: list[dict[str, Any]], **more: Any) -> Any:  # noqa: ANN401
    """What the chat template makes of a conversation, in the same way as the harness asks."""
    from jinja2 import TemplateError

    try:
        return template.tokenizer.apply_chat_template(chat, **more, **SWITCHES)
    except (TemplateError, TypeError, ValueError) as error:
        raise UnusableRowError(f"the base's chat template refuses it: {str(error)[:200]}") from error


def _ids(template: Template, chat: list[dict[str, Any]], *, ask: bool = False) -> list[int]:
    """Token ids of a conversation; with `ask`, as the base is asked for its next turn."""
    out = _rendered(template, chat, add_generation_prompt=ask, return_dict=True)
    return [int(each) for each in out["input_ids"]]


def _text(template: Template, chat: list[dict[str, Any]], *, ask: bool = False) -> str:
    return str(_rendered(template, chat, add_generation_prompt=ask, tokenize=False))


def _turns(template: Template, chat: list[dict[str, Any]]) -> list[int]:
    """Places of the turns to train on."""
    turns = [index for index, turn in enumerate(chat) if turn["role"] == "assistant"]
    return turns[-1:] if template.train_on == "last" else turns


def _by_marks(template: Template, chat: list[dict[str, Any]], ids: list[int]) -> list[bool]:
    """The mask that the template's generation marks give."""
    out = _rendered(template, chat, return_dict=True, return_assistant_tokens_mask=True)
    if list(out["input_ids"]) != ids:
        return [False] * len(ids)
    mask = [bool(each) for each in out["assistant_masks"]]
    if template.train_on == "last" and any(mask):
        end = len(mask) - mask[::-1].index(True)
        length = len(list(takewhile(bool, reversed(mask[:end]))))
        mask = [end - length <= index < end for index in range(len(mask))]
    return mask


def _by_prefix(
    template: Template, chat: list[dict[str, Any]], ids: list[int], turns: list[int]
) -> tuple[list[bool], list[int]]:
    """The mask by what each turn adds to the tokens before it, up to its last end token.

    With it the turns that add nothing, since the whole conversation does not hold them as they were.
    """
    mask, unlearned = [False] * len(ids), []
    for turn in turns:
        before = _ids(template, chat[:turn], ask=True)
        after = ids if turn + 1 == len(chat) else _ids(template, chat[: turn + 1])
        start, stop = len(before), _common(after, ids)
        if _common(before, ids) < start or stop <= start:
            unlearned.append(turn)
            continue
        ends = [index for index in range(start, stop) if ids[index] in template.end_ids]
        for index in range(start, ends[-1] + 1 if ends else stop):
            mask[index] = True
    return mask, unlearned


def _by_text(template: Template, chat: list[dict[str, Any]], ids: list[int], turns: list[int]) -> list[bool]:
    """The mask by where each turn lies in the rendered text, up to its last end token's text."""
    text = _text(template, chat)
    out = template.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    if list(out["input_ids"]) != ids:
        return [False] * len(ids)
    spans = []
    words = [template.tokenizer.convert_ids_to_tokens(each) for each in template.end_ids]
    for turn in turns:
        start, stop = len(_text(template, chat[:turn], ask=True)), len(_text(template, chat[: turn + 1]))
        place, word = max((text.rfind(word, start, stop), word) for word in words)
        spans.append((start, place + len(word) if place >= 0 else stop))
    return [
        any(start < right and left < stop and left < right for start, stop in spans)
        for left, right in out["offset_mapping"]
    ]


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    """How many leading tokens are equal."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))


def _difference(template: Template, where: str, ids: list[int], first: list[bool], second: list[bool]) -> str:
    """What each way would train that the other would not."""
    names = template.tokenizer.convert_ids_to_tokens(ids)
    only = [
        " ".join(name for name, here, there in zip(names, mine, other, strict=True) if here and not there)
        for mine, other in ((first, second), (second, first))
    ]
    return (
        f"{where}: the two ways to find the trained tokens differ ({template.ways}): "
        f"only the first trains `{only[0][:200] or 'nothing'}`, only the second `{only[1][:200] or 'nothing'}`"
    )


def _remedy(template: Template) -> str:
    if template.train_on == "assistant":
        return (
            "a template that retells earlier turns can train the last one alone: --set train_on=last; "
            "else mend the base's chat template: its marks must hold the answer and its end token"
        )
    return "mend the base's chat template: its marks must hold the answer and its end token"


def mask_lines(template: Template, row: Encoded) -> list[str]:
    """One row for a person: its tokens in order, the trained ones marked by a word."""
    names = template.tokenizer.convert_ids_to_tokens(list(row.ids))
    lines = [
        f"{row.where}: {sum(row.trained)} of {len(row.ids)} tokens are trained on ({template.ways} agree)"
    ]
    for index, (name, on) in enumerate(zip(names, row.trained, strict=True)):
        plain = "".join(each if each.isprintable() else repr(each)[1:-1] for each in name)
        lines.append(f"{index:6}  {'train' if on else '     '}  {plain}")
    return lines
