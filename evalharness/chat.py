"""Messages to tokens, by the tokenizer's chat template; and how an answer begins and ends in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from curate.errors import ConfigError, SourceError
from evalharness.models import PLAIN_TEMPLATE, LoadedModel
from evalharness.task import Turn

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PLAIN_STOP = re.compile(r"\n\n(User|System|Assistant|Tool):\n")


@dataclass(frozen=True)
class Chat:
    """The chat format of one model."""

    loaded: LoadedModel

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The model's."""
        return self.loaded.tokenizer

    def prompt(self, turns: Sequence[Turn]) -> str:
        """The turns as text, up to where the answer begins. SourceError if the template refuses them."""
        for turn in turns:
            if found := self._control.search(str(turn.get("content") or "")):
                raise SourceError(f"the text spells the control token {found.group()}")
        return self._render(turns, opened=True)

    def ids(self, text: str) -> list[int]:
        """The tokens of a text that the template made."""
        return list(self.tokenizer(text, add_special_tokens=False, verbose=False).input_ids)

    def answer(self, ids: Sequence[int]) -> str:
        """The text of an answer's tokens."""
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=True)
        if self.tokenizer.chat_template == PLAIN_TEMPLATE and (end := PLAIN_STOP.search(text)):
            text = text[: end.start()]  # a model without a chat format goes on to write the next turn
        return text.strip()

    @cached_property
    def stops(self) -> frozenset[int]:
        """The tokens that end an answer: the tokenizer's, the model's, and the template's own."""
        asked = [{"role": "user", "content": "x"}]
        whole = self._render([*asked, {"role": "assistant", "content": "x"}], opened=False)
        tail = self.ids(whole[whole.rindex("x") + 1 :])[:1]
        special = set(self.tokenizer.all_special_ids)
        ends: list[object] = [self.tokenizer.eos_token_id, *(token for token in tail if token in special)]
        for settings in (self.loaded.model.config, getattr(self.loaded.model, "generation_config", None)):
            named = getattr(settings, "eos_token_id", None)
            ends += named if isinstance(named, list) else [named]
        return frozenset(token for token in ends if isinstance(token, int))

    def candidates(self, labels: Sequence[str], *, whole: bool) -> list[list[int]]:
        """The tokens that each label would be as an answer's beginning, right after the prompt.

        Where one label's tokens begin another's (`card`, `card arrival`), each is given the token that
        follows it, a colon or the end: then no candidate begins another, and their likelihoods are those
        of events that exclude each other. All are given it or none, so that none is put at a disadvantage.
        """
        bare = [self._continuation(label, whole=whole, closed=False) for label in labels]
        if not _nested(bare):
            return bare
        closed = [self._continuation(label, whole=whole, closed=True) for label in labels]
        if _nested(closed):
            raise ConfigError(
                "two labels are the same to this model's tokenizer",
                hint="rename one of the labels that differ only in case or in marks",
            )
        return closed

    def _continuation(self, label: str, *, whole: bool, closed: bool) -> list[int]:
        """Tokens of a label after the generation prompt, with what the template puts before it."""
        asked = [{"role": "user", "content": "x"}]
        opened = self._render(asked, opened=True)
        said = label if whole else f"{label}: x"
        full = self._render([*asked, {"role": "assistant", "content": said}], opened=False)
        if not full.startswith(opened):  # the template opens an answer otherwise than it shows one
            full = opened + label + full[full.rindex(said) + len(label) :]
        start = len(opened)
        end = full.index(label, start) + len(label)
        tokens = self._after(opened, full[start:end])
        if not closed:
            return tokens
        longer = self._after(opened, full[start:])
        return longer[: len(tokens) + 1] if longer[: len(tokens)] == tokens else longer

    def _after(self, opened: str, text: str) -> list[int]:
        prompt, both = self.ids(opened), self.ids(opened + text)
        return both[len(prompt) :] if both[: len(prompt)] == prompt else self.ids(text)

    @cached_property
    def _control(self) -> re.Pattern[str]:
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
                [{"role": "system", "content": "qsystemq"}, {"role": "user", "content": "x"}], tokenize=False
            )
        except TemplateError:
            return True
        return "qsystemq" not in str(text)

    def _render(self, turns: Sequence[Turn], *, opened: bool) -> str:
        from jinja2 import TemplateError

        messages = list(turns)
        if messages and messages[0]["role"] == "system" and self._folds_system:
            system, *messages = messages
            for position, turn in enumerate(messages):
                if turn["role"] == "user":
                    messages[position] = {**turn, "content": f"{system['content']}\n\n{turn['content']}"}
                    break
        try:
            text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=opened)
        except (TemplateError, TypeError, ValueError) as error:
            raise SourceError(f"the chat template refuses the messages: {str(error)[:200]}") from error
        return str(text)


def _nested(candidates: Sequence[Sequence[int]]) -> bool:
    """Whether one list of tokens begins another, or equals it."""
    ordered = sorted(map(tuple, candidates))
    return any(following[: len(first)] == first for first, following in pairwise(ordered))
