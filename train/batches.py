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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import polars as pl

from curate.errors import ConfigError
from evalharness.chat import Chat
from evalharness.models import LoadedModel

IGNORED = -100  # the label of a token that the loss does not look at
MARKS = re.compile(r"\{%-?\s*generation\b")
SHOWN = 5  # rows that a message names before it only counts


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
    """Messages as chat templates take them: no nulls, tool calls as values rather than JSON text."""
    chat = []
    for message in messages:
        turn: dict[str, Any] = {"role": message["role"], "content": message["content"] or ""}
        if message.get("tool_calls"):
            turn["tool_calls"] = json.loads(message["tool_calls"] or "[]")
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
    """One conversation as tokens, its mask found both ways; raises ConfigError where they differ."""
    try:
        ids = _ids(template, chat)
        turns = _turns(template, chat)
        second, unlearned = _by_prefix(template, chat, ids, turns)
        first = _by_marks(template, chat, ids) if template.marked else _by_text(template, chat, ids, turns)
    except Exception as error:
        if "jinja2" not in type(error).__module__:
            raise
        raise ConfigError(
            f"{where}: the base's chat template refuses this row: {error}",
            hint="mend the row's roles, or drop it: seatrial scan --check structure",
        ) from error
    if unlearned:
        raise ConfigError(
            f"{where}: message {unlearned[0] + 1} is an answer that the base's chat template tells otherwise once more follows, "
            "so it cannot be trained on",
            hint=_remedy(template),
        )
    if first != second:
        raise ConfigError(_difference(template, where, ids, first, second), hint=_remedy(template))
    return Encoded(example_id, where, tuple(ids), tuple(second))


def _ids(template: Template, chat: list[dict[str, Any]], *, ask: bool = False) -> list[int]:
    """Token ids of a conversation; with `ask`, as the base is asked for its next turn."""
    out = template.tokenizer.apply_chat_template(chat, add_generation_prompt=ask, return_dict=True)
    return [int(each) for each in out["input_ids"]]


def _text(template: Template, chat: list[dict[str, Any]], *, ask: bool = False) -> str:
    return str(template.tokenizer.apply_chat_template(chat, add_generation_prompt=ask, tokenize=False))


def _turns(template: Template, chat: list[dict[str, Any]]) -> list[int]:
    """Places of the turns to train on."""
    turns = [index for index, turn in enumerate(chat) if turn["role"] == "assistant"]
    return turns[-1:] if template.train_on == "last" else turns


def _by_marks(template: Template, chat: list[dict[str, Any]], ids: list[int]) -> list[bool]:
    """The mask that the template's generation marks give."""
    out = template.tokenizer.apply_chat_template(chat, return_dict=True, return_assistant_tokens_mask=True)
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
        before, after = _ids(template, chat[:turn], ask=True), _ids(template, chat[: turn + 1])
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


# The rows of a dataset


@dataclass(frozen=True)
class Gate:
    """What was done about rows that cannot be trained on as they are; nothing of it in silence."""

    context: int  # tokens
    policy: str
    dropped: tuple[str, ...] = ()  # places of rows left out
    truncated: tuple[str, ...] = ()  # places of rows cut
    lost: int = 0  # trained tokens in dropped rows and cut ends

    def record(self) -> dict[str, object]:
        """For training.json: every row by name."""
        return {
            "context": self.context,
            "over_long": self.policy,
            "dropped": list(self.dropped),
            "truncated": list(self.truncated),
            "trained_tokens_lost": self.lost,
        }


def places(rows: pl.DataFrame) -> list[str]:
    """`file:row` of each row."""
    return [f"{source}:{row}" for source, row in rows.select("source", "source_row").iter_rows()]


def encode_rows(template: Template, rows: pl.DataFrame, *, control_tokens: str = "refuse") -> list[Encoded]:
    """Each row as tokens, in order; refuses rows without a trained token, an end, or with two begins."""
    encoded = []
    spelled = []
    specials = _specials(template.tokenizer)
    for example_id, where, messages in zip(rows["example_id"], places(rows), rows["messages"], strict=True):
        chat = conversation(messages)
        chat = folded(chat) if template.folds_system else chat
        content = json.dumps(chat, ensure_ascii=False)
        spelled += [f"{where} ({word})" for word in specials if word in content][:1]
        encoded.append(encode(template, example_id, where, chat))
    if spelled and control_tokens == "refuse":
        raise ConfigError(
            f"{named(spelled)}: the text spells a control token of the base, which would act as one",
            hint="edit or drop the rows, or say --set control_tokens=allow",
        )
    _must(encoded, _learns, "no assistant turn, so nothing to train on", "drop them, or mend their roles")
    _must(
        encoded,
        lambda row: _ends(row, template.end_ids),
        "a trained turn without an end token: the model would learn never to stop",
        "mend the base's chat template so that an assistant's turn ends in its end token",
    )
    begin = template.tokenizer.bos_token_id
    _must(
        encoded,
        lambda row: row.ids[:2] != (begin, begin),
        "two begin tokens",
        "the chat template and the tokenizer both add one: take it out of the template",
    )
    return encoded


def _specials(tokenizer: Any) -> list[str]:  # noqa: ANN401
    """Texts that the tokenizer reads as control tokens wherever they stand, longest first."""
    added = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    return sorted(added | set(tokenizer.all_special_tokens), key=len, reverse=True)


def _must(rows: Sequence[Encoded], holds: Any, what: str, hint: str) -> None:  # noqa: ANN401
    wrong = [row.where for row in rows if not holds(row)]
    if wrong:
        raise ConfigError(f"{named(wrong)}: {what}", hint=hint)


def _learns(row: Encoded) -> bool:
    return any(row.trained)


def _ends(row: Encoded, end_ids: frozenset[int]) -> bool:
    """Whether each stretch of trained tokens stops at an end token."""
    following = (*row.trained[1:], False)
    lasts = [
        token
        for token, on, next_on in zip(row.ids, row.trained, following, strict=True)
        if on and not next_on
    ]
    return all(token in end_ids for token in lasts)


def named(wheres: Sequence[str]) -> str:
    """The first rows by name and how many more there are."""
    more = f" and {len(wheres) - SHOWN:,} more" if len(wheres) > SHOWN else ""
    return ", ".join(wheres[:SHOWN]) + more


def fit(rows: Sequence[Encoded], context: int, policy: str) -> tuple[list[Encoded], Gate]:
    """The rows that fit into `context` tokens. Longer ones: refused by name, dropped or cut, as told."""
    over = [row for row in rows if len(row.ids) > context]
    if over and policy == "refuse":
        longest = max(len(row.ids) for row in over)
        raise ConfigError(
            f"{len(over):,} of {len(rows):,} rows are longer than {context:,} tokens (longest {longest:,}): "
            f"{named([row.where for row in over])}",
            hint="--set over_long=drop leaves them out, --set over_long=truncate cuts them (end tokens go too)",
        )
    cut = {row.where: _cut(row, context) for row in over} if policy == "truncate" else {}
    kept, dropped, truncated = [], [], []
    for row in rows:
        now = cut.get(row.where, row)
        if len(now.ids) <= context and any(now.trained):
            kept.append(now)
            truncated += [row.where] if now is not row else []
        else:
            dropped.append(row.where)
    lost = _count(rows) - _count(kept)
    return kept, Gate(context, policy, tuple(dropped), tuple(truncated), lost)


def _cut(row: Encoded, context: int) -> Encoded:
    return replace(row, ids=row.ids[:context], trained=row.trained[:context])


def _count(rows: Iterable[Encoded]) -> int:
    return sum(sum(row.trained) for row in rows)


def token_counts(rows: Sequence[Encoded]) -> dict[str, int]:
    """Rows, tokens and trained tokens."""
    return {"rows": len(rows), "tokens": sum(len(row.ids) for row in rows), "trained": _count(rows)}


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
