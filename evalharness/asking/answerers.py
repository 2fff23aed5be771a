"""A model on this machine, as something that arms can ask."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from curate.errors import ConfigError, GateError
from evalharness.asking.arms import NAMED_TUNED, Arm, Pool, is_tuned
from evalharness.asking.predict import LONGEST, Asking, row_of
from evalharness.asking.prompts import Prompt, Prompter
from evalharness.asking.task import Task
from evalharness.asking.unfinished import Row, Unfinished
from evalharness.models.candidates import Candidates
from evalharness.models.chat import Chat
from evalharness.models.continuous import generate as by_continuous_batching
from evalharness.models.continuous import objection
from evalharness.models.generation import Prefix, generate, read_prefix, shared
from evalharness.models.loaded import (
    Device,
    LoadedModel,
    Quantization,
    choose_device,
    choose_quantization,
    load_config,
    load_model,
)
from evalharness.models.model_files import digest_of, find_base

BATCH_ROWS = {"cpu": 16, "cuda": 64}
CONTINUOUS_ROWS = 256  # given to continuous batching at a time, and kept together
BATCH_TOKENS = {"cpu": 8_192, "cuda": 65_536}  # with padding
SLACK = 8  # tokens that an answer may have beyond the 99th percentile of the train answers
SHORTEST = 16  # of that rule; LONGEST is its other bound
SHARED = 4  # tokens of a shared beginning cost a batch as much as one that is read for each prompt
ACTS = 1e-4  # least change of a logit, of those of a whole prompt, for an adapter to count as acting


class Adapter(NamedTuple):
    """A further adapter on the same base."""

    name: str  # of its arm, `tuned:` and this
    folder: Path
    digest: str  # of the artifact


@dataclass
class Local:
    """A base model on this machine, loaded once; an adapter acts for its own arms alone."""

    base: str = "tiny"
    quantization: Quantization = "auto"
    device: Device = "auto"
    threads: int | None = None
    adapter: Path | None = None
    adapter_digest: str | None = None  # of the artifact
    more: tuple[Adapter, ...] = ()
    continuous: bool = False  # answers without labels by continuous batching, where the model can
    _checked: set[str] = field(default_factory=set, init=False)  # digests of adapters that were seen to act
    _made: dict[Task, Candidates] = field(default_factory=dict, init=False)

    @cached_property
    def loaded(self) -> LoadedModel:
        """The model, with the adapters on it if there are any."""
        held: Quantization = "nf4" if self.held[0] == "nf4" else "none" if self.held[0] == "none" else "auto"
        found = load_model(
            self.base,
            quantization=held,
            adapter=self.adapter,
            device=self.device,
            threads=self.threads,
        )
        for each in self.more:
            found.put_further(each.folder, each.name)
        return found

    @cached_property
    def held(self) -> tuple[str, str]:
        """(nf4, none or as-saved, why)."""
        config, place = load_config(find_base(self.base), self.base), choose_device(self.device)
        found = choose_quantization(config, self.quantization, place, self.adapter)
        for each in self.more:
            other = choose_quantization(config, self.quantization, place, each.folder)
            if other[0] != found[0]:
                raise ConfigError(
                    f"the adapter {each.name} was trained on another precision ({other[0]}, not {found[0]})",
                    hint="ask it by itself: --adapter once; --quantization none holds the base for both",
                )
        return found

    @cached_property
    def base_digest(self) -> str:
        """Of the base's files."""
        return digest_of(find_base(self.base))

    @cached_property
    def chat(self) -> Chat:
        """The model's chat format."""
        return Chat(self.loaded)

    def identity(self, arm: Arm) -> tuple[dict[str, object], dict[str, str]]:
        """The base by its digest, how it is held and where; for a tuned arm, its adapter."""
        settings: dict[str, object] = {
            "base": self.base,
            "base_digest": self.base_digest,
            "quantization": self.held[0],
            "device": choose_device(self.device),
        }
        if self.continuous:
            settings["generation"] = "continuous"
        if not is_tuned(arm.name):
            return settings, {}
        digest = self._digest(arm)
        if digest is None:
            raise ConfigError(
                f"the arm {arm.name} needs an adapter", hint="seatrial train makes one; --adapter names one"
            )
        return settings, {"adapter": digest}

    def _digest(self, arm: Arm) -> str | None:
        """The adapter that acts in a tuned arm."""
        if not arm.name.startswith(NAMED_TUNED):
            return self.adapter_digest if self.adapter else None
        return next((each.digest for each in self.more if NAMED_TUNED + each.name == arm.name), None)

    def prompter(self, arm: Arm, pool: Pool, asking: Asking) -> Prompter:
        """Prompts that leave room for the answer in the model's context."""
        room = self.loaded.context - self.max_new_tokens(pool, asking)
        if room < 1:
            raise ConfigError(
                f"the model's context is {self.loaded.context:,} tokens",
                hint="use a smaller --max-new-tokens",
            )
        return Prompter(arm, pool, asking.instruction, self.chat, room)

    def max_new_tokens(self, pool: Pool, asking: Asking) -> int:
        """As asked; else the train answers' 99th percentile of length and some slack, within bounds."""
        if asking.max_new_tokens is not None:
            return asking.max_new_tokens
        lengths = sorted(len(self.chat.ids(each.answer)) for each in pool.solved)
        if not lengths:
            return min(32, self.loaded.context // 2)
        usual = lengths[min(len(lengths) - 1, int(0.99 * len(lengths)))] + SLACK
        return min(max(SHORTEST, usual), LONGEST, self.loaded.context // 2)

    def batches(self, prompts: Sequence[Prompt], *, continuous: bool = False) -> list[list[int]]:
        """Longest first, so that memory runs out at once if at all, and like lengths share a batch."""
        order = sorted(range(len(prompts)), key=lambda position: (-len(prompts[position].ids), position))
        if continuous:
            return [order[start : start + CONTINUOUS_ROWS] for start in range(0, len(order), CONTINUOUS_ROWS)]
        common = shared([prompt.ids for prompt in prompts])
        batches: list[list[int]] = []
        for position in order:
            longest = len(prompts[batches[-1][0]].ids) - common + common // SHARED if batches else 0
            full = not batches or len(batches[-1]) >= BATCH_ROWS[self.loaded.device]
            if full or (len(batches[-1]) + 1) * longest > BATCH_TOKENS[self.loaded.device]:
                batches.append([])
            batches[-1].append(position)
        return batches

    def rows(
        self, arm: Arm, prompts: Sequence[Prompt], pool: Pool, asking: Asking, draft: Unfinished
    ) -> Iterator[list[Row]]:
        """Greedy answers, and the likeliest label where the task has labels; a batch at a time, always the same.

        What all prompts begin with is read once.
        """
        done, prefix, read = draft.read(), None, False
        continuous = self._continuously(pool.task)
        with self._acting(arm):
            for number, batch in enumerate(self.batches(prompts, continuous=continuous)):
                if number not in done:
                    if not read:
                        self._must_act(arm, prompts[0])
                        every = [] if continuous else [prompt.ids for prompt in prompts]
                        prefix, read = read_prefix(self.loaded, every), True
                    some = [prompts[at] for at in batch]
                    done[number] = self._batch(arm, some, pool, asking, prefix, continuous=continuous)
                    draft.add(number, done[number])
                yield done[number]

    def _continuously(self, task: Task) -> bool:
        """Whether answers are asked for by continuous batching: not where labels' likelihoods are read as well."""
        return self.continuous and not task.labels and objection(self.loaded) is None

    def _acting(self, arm: Arm) -> AbstractContextManager[None]:
        """The arm's own adapter, or none."""
        if not is_tuned(arm.name):
            return self.loaded.without_adapter()
        return self.loaded.acting(arm.name.removeprefix(NAMED_TUNED) if NAMED_TUNED in arm.name else None)

    def _batch(
        self,
        arm: Arm,
        prompts: Sequence[Prompt],
        pool: Pool,
        asking: Asking,
        prefix: Prefix | None,
        *,
        continuous: bool = False,
    ) -> list[Row]:
        began, first = time.monotonic(), [0.0]
        task, longest = pool.task, self.max_new_tokens(pool, asking)
        ids = [prompt.ids for prompt in prompts]
        at_once = (
            by_continuous_batching(self.loaded, ids, stops=self.chat.stops, max_new_tokens=longest)
            if continuous
            else None
        )
        said = at_once or generate(
            self.loaded,
            ids,
            stops=self.chat.stops,
            max_new_tokens=longest,
            candidates=self._candidates(task),
            prefix=prefix,
            began=lambda: first.append(time.monotonic() - began),
        )
        share = (time.monotonic() - began) / len(prompts)
        return [
            row_of(
                arm,
                prompt,
                answer=self.chat.answer(each.ids),
                choice=task.labels[each.choice] if each.choice is not None else None,
                finish_reason=each.finish_reason,
                prompt_tokens=len(prompt.ids),
                answer_tokens=len(each.ids),
                seconds=share,
                first_token_seconds=max(first) / len(prompts) or None,
            )
            for prompt, each in zip(prompts, said, strict=True)
        ]

    def _candidates(self, task: Task) -> Candidates | None:
        """The labels as this model's tokens, made once for a task."""
        if not task.labels:
            return None
        if task not in self._made:
            self._made[task] = Candidates(self.chat.candidates(task.labels, whole=task.whole))
        return self._made[task]

    def _must_act(self, arm: Arm, prompt: Prompt) -> None:
        """Refuse an adapter that changes nothing: its scores would be the base's under another name."""
        digest = self._digest(arm) if is_tuned(arm.name) else None
        if digest is None or digest in self._checked:
            return
        import torch

        tokens = torch.tensor([prompt.ids], device=self.loaded.device)
        with torch.inference_mode():
            there = self.loaded.model(input_ids=tokens).logits
            with self.loaded.without_adapter():
                gone = self.loaded.model(input_ids=tokens).logits
        change = float((there[:, -gone.shape[1] :] - gone).abs().max())  # learned tokens stand before
        if not change > ACTS:
            raise GateError(
                f"the adapter changes nothing: no logit of a whole prompt moves by more than {change:.1g}",
                hint="was it trained at all? seatrial log shows its run; train again with more steps",
            )
        self._checked.add(digest)

    def facts(self) -> dict[str, Any]:
        """As `load_model` found them, with the reason for the quantisation that was taken."""
        return {**self.loaded.facts, "quantization_reason": self.held[1]}
