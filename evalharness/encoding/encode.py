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
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, NamedTuple

from curate.errors import ConfigError, SourceError
from evalharness.models.chat import SWITCHES, Chat, calls_alone
from evalharness.models.likelihood import IGNORED as IGNORED
from evalharness.models.loaded import LoadedModel

AT_ONCE = 512  # rows whose texts become tokens in one call: ten times as quick as one by one

Turns = list[dict[str, Any]]
Span = tuple[int, int]


@dataclass(frozen=True)
class Encoded:
    """One row as tokens; `trained` is as long as `ids`."""

    example_id: str
    where: str  # source file and row
    ids: tuple[int, ...]
    trained: tuple[bool, ...]
    second: bytes = b""  # `trained` by the second way, a byte each; empty where it was not compared
    cut: bool = False  # lost its end to the context

    @property
    def labels(self) -> list[int]:
        """The ids where they are trained on, else IGNORED."""
        return [token if on else IGNORED for token, on in zip(self.ids, self.trained, strict=True)]


@dataclass(frozen=True)
class Template:
    """A base's chat format, and which turns of the assistant are learned: all, or the `last`."""

    chat: Chat
    train_on: str = "assistant"

    @property
    def tokenizer(self) -> Any:  # noqa: ANN401  a PreTrainedTokenizerBase
        """The base's."""
        return self.chat.tokenizer

    @property
    def end_ids(self) -> frozenset[int]:
        """Any of these ends a turn."""
        return self.chat.stops

    @property
    def ways(self) -> str:
        """The two ways by which masks are found, for the record."""
        first = "the template's generation marks" if self.chat.marked else "places in the rendered text"
        return f"{first} against prefix difference of tokens"


class Row(NamedTuple):
    """What becomes one Encoded."""

    example_id: str
    where: str
    turns: Turns


class _Texts(NamedTuple):
    """A conversation as text; up to each learned turn, and with it; and where the first way says they lie."""

    whole: str
    before: list[str]
    after: list[str]
    spans: list[Span]
    learned: list[int]  # places among the turns


def template_of(loaded: LoadedModel, train_on: str) -> Template:
    """The template of a base; raises ConfigError if its tokenizer cannot tell places in a text."""
    if not loaded.tokenizer.is_fast:
        raise ConfigError(
            "the base's tokenizer cannot tell where a token lies in the text",
            hint="choose a base with a tokenizer.json",
        )
    return Template(Chat(loaded), train_on)


def conversation(messages: Sequence[Mapping[str, str | None]]) -> Turns:
    """Messages as chat templates take them: no nulls, tool calls as values rather than JSON text.

    SourceError for tool calls that are no JSON.
    """
    chat = []
    for message in messages:
        turn: dict[str, Any] = {"role": message["role"], "content": message["content"] or ""}
        if message.get("tool_calls"):
            try:
                turn["tool_calls"] = json.loads(message["tool_calls"] or "[]")
            except (ValueError, RecursionError) as error:
                raise SourceError(f"its tool calls are no JSON: {error}") from error
        turn |= {key: message[key] for key in ("name", "tool_call_id") if message.get(key)}
        chat.append(turn)
    return chat


def encode(template: Template, rows: Sequence[Row], *, every: int = 1) -> Iterator[Encoded | SourceError]:
    """Each conversation as tokens, in order, or the fault of the row for which it cannot be trained on.

    The two ways are compared on each `every`-th row. ConfigError where they differ by the template's fault.
    """
    for first in range(0, len(rows), AT_ONCE):
        part = rows[first : first + AT_ONCE]
        compared = [(first + at) % every == 0 for at in range(len(part))]
        texts = [_texts(template, row, both) for row, both in zip(part, compared, strict=True)]
        told = [each for each in texts if isinstance(each, _Texts)]
        wholes = iter(_tokens(template, [each.whole for each in told], offsets=True))
        wanted = [
            each for each, both in zip(texts, compared, strict=True) if both and isinstance(each, _Texts)
        ]
        pieces = iter(_tokens(template, [text for each in wanted for text in (*each.before, *each.after)]))
        for row, text, both in zip(part, texts, compared, strict=True):
            if isinstance(text, SourceError):
                yield text
                continue
            ids, offsets = next(wholes)
            mask = _inside(offsets, text.spans)
            fault, second = None, b""
            if both:
                sides = [[next(pieces)[0] for _ in text.learned] for _ in range(2)]
                again, unlearned = _by_prefix(template, ids, list(zip(*sides, strict=True)))
                fault, second = _fault(template, row, text, ids, mask, again, unlearned), bytes(again)
            yield fault or Encoded(row.example_id, row.where, tuple(ids), tuple(mask), second)


def _texts(template: Template, row: Row, both: bool) -> _Texts | SourceError:
    """The texts that `encode` needs of a row; the fault of the row where the template refuses it."""
    chat, turns = template.chat, row.turns
    try:
        if any(calls_alone(turn) for turn in turns):
            chat.must_tell_calls(turns)
        learned = [index for index, turn in enumerate(turns) if turn["role"] == "assistant"]
        learned = learned[-1:] if template.train_on == "last" else learned
        whole, spans = _marked(template, turns) if template.chat.marked else (chat.told(turns), [])
        before, after = [], []
        if both or not template.chat.marked:
            before = [chat.render(turns[:turn], opened=True) for turn in learned]
            after = [whole if turn + 1 == len(turns) else chat.told(turns[: turn + 1]) for turn in learned]
    except SourceError as error:
        return error
    if not template.chat.marked:
        words = [template.tokenizer.convert_ids_to_tokens(each) for each in chat.stops]
        spans = [
            (len(left), _to_end(whole, len(left), len(right), words))
            for left, right in zip(before, after, strict=True)
        ]
    return _Texts(whole, before, after, spans, learned)


def _marked(template: Template, turns: Turns) -> tuple[str, list[Span]]:
    """A conversation as text, and the characters that the template marks as generated."""
    from jinja2 import TemplateError
    from transformers.utils.chat_template_utils import render_jinja_template

    tokenizer = template.tokenizer
    try:
        texts, spans = render_jinja_template(
            [template.chat.folded(turns)],
            chat_template=tokenizer.get_chat_template(),
            return_assistant_tokens_mask=True,
            **tokenizer.special_tokens_map,
            **SWITCHES,
        )
    except (TemplateError, TypeError, ValueError) as error:
        raise SourceError(f"the chat template refuses the messages: {str(error)[:200]}") from error
    found = list(spans[0])
    if template.train_on == "last":
        joined = list(takewhile(lambda at: found[at][0] == found[at - 1][1], range(len(found) - 1, 0, -1)))
        found = found[-1 - len(joined) :]
    return texts[0], found


def _to_end(text: str, start: int, stop: int, words: Sequence[str]) -> int:
    """Where a turn's last end token ends; where the turn does, if it has none."""
    place, word = max((text.rfind(word, start, stop), word) for word in words)
    return place + len(word) if place >= 0 else stop


def _tokens(
    template: Template, texts: list[str], *, offsets: bool = False
) -> list[tuple[list[int], list[Span]]]:
    """(token ids, the characters that each spans) of each text; without `offsets` no characters."""
    if not texts:
        return []
    out = template.tokenizer(
        texts,
        add_special_tokens=False,
        return_offsets_mapping=offsets,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )
    spans = out["offset_mapping"] if offsets else [[]] * len(texts)
    return list(zip(out["input_ids"], spans, strict=True))


def _inside(offsets: Sequence[Span], spans: Sequence[Span]) -> list[bool]:
    """Which tokens lie, in part at least, in one of the spans of characters."""
    mask = [False] * len(offsets)
    lefts, rights = [left for left, _ in offsets], [right for _, right in offsets]
    for start, stop in spans:
        for at in range(bisect_right(rights, start), bisect_left(lefts, stop)):
            mask[at] = lefts[at] < rights[at]
    return mask


def _fault(
    template: Template,
    row: Row,
    text: _Texts,
    ids: list[int],
    first: list[bool],
    second: list[bool],
    unlearned: list[int],
) -> SourceError | None:
    """What the second way has against a row; ConfigError where the template is at fault."""
    if not unlearned and first == second:
        return None
    for turn in text.learned:
        if not str(row.turns[turn]["content"])[:1].strip() and not calls_alone(row.turns[turn]):
            return SourceError(  # no fault of the template: other rows would show that
                f"message {turn + 1} is empty or begins with white space that cannot be told "
                "from the chat template's own"
            )
    hint = "mend the base's chat template: its marks must hold the answer and its end token"
    if template.train_on == "assistant":
        hint = (
            "a template that retells earlier turns can train the last one alone: --set train_on=last; else "
            + hint
        )
    if unlearned:
        raise ConfigError(
            f"{row.where}: message {text.learned[unlearned[0]] + 1} is an answer that the base's chat template "
            "tells otherwise once more follows, so it cannot be trained on",
            hint=hint,
        )
    names = template.tokenizer.convert_ids_to_tokens(ids)
    only = [
        " ".join(name for name, here, there in zip(names, mine, other, strict=True) if here and not there)
        for mine, other in ((first, second), (second, first))
    ]
    raise ConfigError(
        f"{row.where}: the two ways to find the trained tokens differ ({template.ways}): "
        f"only the first trains `{only[0][:200] or 'nothing'}`, only the second `{only[1][:200] or 'nothing'}`",
        hint=hint,
    )


def _by_prefix(
    template: Template, ids: list[int], sides: Sequence[tuple[list[int], list[int]]]
) -> tuple[list[bool], list[int]]:
    """The mask by what each turn adds to the tokens before it, up to its last end token.

    `sides` are the tokens up to each learned turn, and with it. With the mask which of the turns add nothing, since the whole conversation does not hold them as they were.
    """
    mask, unlearned = [False] * len(ids), []
    for turn, (before, after) in enumerate(sides):
        start, stop = len(before), _common(after, ids)
        if _common(before, ids) < start or stop <= start:
            unlearned.append(turn)
            continue
        ends = [index for index in range(start, stop) if ids[index] in template.end_ids]
        stop = ends[-1] + 1 if ends else stop
        mask[start:stop] = [True] * (stop - start)
    return mask, unlearned


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    """How many leading tokens are equal."""
    if left == right[: len(left)]:
        return len(left)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))
