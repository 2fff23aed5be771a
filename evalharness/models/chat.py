"""Messages to tokens, by the tokenizer's chat template; and how an answer begins and ends in it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any

from curate.errors import ConfigError, SourceError
from evalharness.asking.task import Turn
from evalharness.models.loaded import PLAIN_TEMPLATE, LoadedModel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MARKS = re.compile(r"\{%-?\s*generation\b")
PLAIN_STOP = re.compile(r"\n\n(User|System|Assistant|Tool):\n")
PARTED = re.compile(r" ?_ ?")
THOUGHTS = ("<think>", "</think>")
THOUGHT = re.compile(rf"\s*{THOUGHTS[0]}.*?{THOUGHTS[1]}", re.DOTALL)
# Templates with a switch for reasoning show and ask for answers without it; others ignore the word.
# Training and asking must have the same, else an adapter is asked for what it never saw.
SWITCHES = {"enable_thinking": False}


UNTOLD_CALLS = "an assistant turn only calls tools, and the chat template leaves tool calls out"


@dataclass(frozen=True)
class Chat:
    """The chat format of one model."""

    loaded: LoadedModel

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The model's."""
        return self.loaded.tokenizer

    @property
    def marked(self) -> bool:
        """Whether the template says itself which part the assistant generates."""
        return bool(MARKS.search(self.tokenizer.chat_template or ""))

    def prompt(self, turns: Sequence[Turn]) -> str:
        """The turns as text, up to where the answer begins. SourceError if the template refuses them."""
        for turn in turns:
            if found := self.control.search(str(turn.get("content") or "")):
                raise SourceError(f"the text spells the control token {found.group()}")
        if any(calls_alone(turn) for turn in turns):
            self.must_tell_calls(turns)
        return self.render(turns, opened=True)

    def told(self, turns: Sequence[Turn]) -> str:
        """A whole conversation as text. SourceError if the template refuses it."""
        return self.render(turns, opened=False)

    def must_tell_calls(self, turns: Sequence[Turn]) -> None:
        """SourceError if the template leaves out the tool calls of a turn that holds nothing else."""
        told = self.render(turns, opened=False)
        without = [{key: value for key, value in turn.items() if key != "tool_calls"} for turn in turns]
        try:
            untold = self.render(without, opened=False)
        except SourceError:  # a template that refuses the rest without the calls does look at them
            return
        if told == untold:
            raise SourceError(UNTOLD_CALLS)

    def ids(self, text: str) -> list[int]:
        """The tokens of a text that the template made."""
        return list(self.tokenizer(text, add_special_tokens=False, verbose=False).input_ids)

    def answer(self, ids: Sequence[int]) -> str:
        """The text of an answer's tokens, without one block of reasoning that may lead it."""
        begin, end = (self.tokenizer.convert_tokens_to_ids(word) for word in THOUGHTS)
        special = set(self.tokenizer.all_special_ids)
        if begin in special and end in special and list(ids[:1]) == [begin] and end in ids:
            ids = ids[ids.index(end) + 1 :]  # decoding would drop the words and keep what is between them
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=True)
        if self._parts_words:
            text = PARTED.sub("_", text)
        if thought := THOUGHT.match(text):
            text = text[thought.end() :]
        if self.tokenizer.chat_template == PLAIN_TEMPLATE and (end := PLAIN_STOP.search(text)):
            text = text[: end.start()]  # a model without a chat format goes on to write the next turn
        return text.strip()

    @cached_property
    def _parts_words(self) -> bool:
        """Whether the tokenizer reads `a_b` and `a _ b` alike and writes the second for both, as BERT's do.

        Which of them a model meant is then lost, and words tied by `_` (labels, names of fields) are what is written.
        """
        tied, parted = "a_b", "a _ b"
        ids = self.ids(tied)
        return ids == self.ids(parted) and self.tokenizer.decode(ids).strip() == parted

    @cached_property
    def stops(self) -> frozenset[int]:
        """The tokens that end an answer: the tokenizer's, the model's, and the template's own."""
        said = "qanswerq"  # no end token spells it, as `<|endoftext|>` spells an x
        turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": said}]
        _, found, rest = self.render(turns, opened=False).rpartition(said)
        tail = self.ids(rest)[:1] if found else []
        special = set(self.tokenizer.all_special_ids)
        ends: list[object] = [self.tokenizer.eos_token_id, *(token for token in tail if token in special)]
        for settings in (self.loaded.model.config, getattr(self.loaded.model, "generation_config", None)):
            named = getattr(settings, "eos_token_id", None)
            ends += named if isinstance(named, list) else [named]
        return frozenset(token for token in ends if isinstance(token, int))

    def candidates(self, labels: Sequence[str], *, whole: bool) -> list[list[int]]:
        """The tokens that each label would be as an answer's beginning, right after the prompt.

        A label before a reply is told up to the token that ends its colon, so that no candidate begins
        another (`card`, `card arrival`) and their likelihoods are those of events that exclude each other.
        Labels that are whole answers need their end token only where one's tokens begin another's. All
        are given it or none, so that none is put at a disadvantage.
        """
        if whole:
            bare = [self._continuation(label, whole=whole, closed=False) for label in labels]
            if not _nested(bare):
                return bare
        closed = [self._continuation(label, whole=whole, closed=True) for label in labels]
        if _nested(closed):
            same = _alike(labels, closed)
            raise ConfigError(
                f"two labels are the same to this model's tokenizer: {' and '.join(map(repr, same))}",
                hint="seatrial scan, then seatrial apply --safe give a label one spelling; then split and train anew",
            )
        return closed

    def _continuation(self, label: str, *, whole: bool, closed: bool) -> list[int]:
        """Tokens of a label after the generation prompt, with what the template puts before it.

        They are cut from the tokens of a whole answer, as a label's last mark may be one token with what
        follows it (`):`). `closed` takes the first token that reaches past the label too.
        """
        asked = [{"role": "user", "content": "x"}]
        opened = self.render(asked, opened=True)
        said = label if whole else f"{label}: x"
        full = self.render([*asked, {"role": "assistant", "content": said}], opened=False)
        if not full.startswith(opened):  # the template opens an answer otherwise than it shows one
            full = opened + label + full[full.rindex(said) + len(label) :]
        start = len(opened)
        end = full.index(label, start) + len(label) - start  # in what follows the prompt
        tokens, spans = self._after(opened, full[start:])
        count = sum(1 for _ in takewhile(lambda span: span[0] < end, spans))
        if closed:
            reach = (place + 1 for place, (_, right) in enumerate(spans) if right > end)
            count = next(reach, len(tokens))
        return tokens[:count]

    def _after(self, opened: str, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Tokens of a text after the prompt, and the characters of the text that each of them spans."""
        prompt, both = self.ids(opened), self._spanned(opened + text)
        if both[0][: len(prompt)] != prompt:
            return self._spanned(text)
        size = len(opened)
        return both[0][len(prompt) :], [(left - size, right - size) for left, right in both[1][len(prompt) :]]

    def _spanned(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Tokens of a text and the characters that each spans."""
        if self.tokenizer.is_fast:
            out = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
            return list(out.input_ids), [(left, right) for left, right in out.offset_mapping]
        ids = self.ids(text)
        ends = [_place(text, self.tokenizer.decode(ids[: count + 1])) for count in range(len(ids))]
        return ids, list(zip([0, *ends], ends, strict=False))

    @cached_property
    def control(self) -> re.Pattern[str]:
        """Texts that the tokenizer reads as control tokens, wherever they stand."""
        added = {token.content for token in self.tokenizer.added_tokens_decoder.values() if token.special}
        words = sorted(added | set(self.tokenizer.all_special_tokens), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, words)) or r"(?!)")

    @cached_property
    def _folds_system(self) -> bool:
        """Whether the template has no place for a system message, which then leads the first question."""
        from jinja2 import TemplateError

        try:
            text = self.tokenizer.apply_chat_template(
                [{"role": "system", "content": "qsystemq"}, {"role": "user", "content": "x"}],
                tokenize=False,
                **SWITCHES,
            )
        except TemplateError:
            return True
        return "qsystemq" not in str(text)

    @cached_property
    def _joins_arguments(self) -> bool:
        """Whether the template puts a tool call's arguments into its text as they are: as values they would be no JSON."""
        from jinja2 import TemplateError

        call = {"type": "function", "function": {"name": "f", "arguments": {"qkeyq": "v"}}}
        turns = [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": "", "tool_calls": [{**call, "id": "call00001"}]},
        ]
        try:
            return "'qkeyq'" in str(self.tokenizer.apply_chat_template(turns, tokenize=False, **SWITCHES))
        except (TemplateError, TypeError, ValueError):
            return True

    def folded(self, turns: Sequence[Turn]) -> list[Turn]:
        """The turns; where the template has no system role, with that text before the first question.

        Arguments of tool calls are values, whichever way the row had them: a template writes them as JSON, and
        would write JSON text as a string once more. Where it does not, they are text.
        """
        turns = [
            {
                **turn,
                "tool_calls": [_argued(call, as_text=self._joins_arguments) for call in turn["tool_calls"]],
            }
            if turn.get("tool_calls")
            else turn
            for turn in turns
        ]
        if not turns or turns[0]["role"] != "system" or not self._folds_system:
            return list(turns)
        system, *messages = turns
        for position, turn in enumerate(messages):
            if turn["role"] == "user":
                messages[position] = {**turn, "content": f"{system['content']}\n\n{turn['content']}"}
                break
        return messages

    def render(self, turns: Sequence[Turn], *, opened: bool) -> str:
        """The turns as text; `opened`: up to where an answer begins. SourceError if the template refuses them."""
        from jinja2 import TemplateError

        try:
            text = self.tokenizer.apply_chat_template(
                self.folded(turns), tokenize=False, add_generation_prompt=opened, **SWITCHES
            )
        except (TemplateError, TypeError, ValueError) as error:
            raise SourceError(f"the chat template refuses the messages: {str(error)[:200]}") from error
        return str(text)


def calls_alone(turn: Turn) -> bool:
    """Whether a turn holds tool calls and no text."""
    return bool(turn.get("tool_calls")) and not str(turn.get("content") or "").strip()


def _argued(call: Any, *, as_text: bool) -> Any:  # noqa: ANN401  what a row calls a tool call
    """A tool call with its arguments as values, or as JSON text; as it is where they are neither."""
    if not isinstance(call, dict):
        return call
    if "function" in call:
        return {**call, "function": _argued(call["function"], as_text=as_text)}
    told = call.get("arguments")
    if as_text and isinstance(told, dict):
        return {**call, "arguments": json.dumps(told, ensure_ascii=False)}
    if as_text or not isinstance(told, str):
        return call
    try:
        return {**call, "arguments": json.loads(told or "{}")}
    except (
        ValueError,
        RecursionError,
    ):  # the row's own form of arguments, which no template would read otherwise
        return call


def _place(text: str, decoded: str) -> int:
    """How far into the text its decoded beginning reaches, by all but white space, which decoding may change."""
    wanted, place = len("".join(decoded.split())), 0
    while wanted and place < len(text):
        wanted -= not text[place].isspace()
        place += 1
    return place


def _nested(candidates: Sequence[Sequence[int]]) -> bool:
    """Whether one list of tokens begins another, or equals it."""
    ordered = sorted(map(tuple, candidates))
    return any(following[: len(first)] == first for first, following in pairwise(ordered))


def _alike(labels: Sequence[str], tokens: Sequence[Sequence[int]]) -> tuple[str, str]:
    """The first two labels of which one's tokens begin the other's."""
    pairs = itertools.permutations(zip(labels, tokens, strict=True), 2)
    return next((a, b) for (a, left), (b, right) in pairs if list(right[: len(left)]) == list(left))
