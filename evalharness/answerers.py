"""Models that arms can ask: one on this machine, or one behind an endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from curate.errors import ConfigError, GateError, ResourceError
from evalharness.arms import TUNED, Arm, Pool
from evalharness.candidates import Candidates
from evalharness.chat import Chat
from evalharness.endpoint import Endpoint
from evalharness.generation import generate
from evalharness.model_files import digest_of, find_base
from evalharness.models import (
    Device,
    LoadedModel,
    Quantization,
    choose_device,
    choose_quantization,
    load_config,
    load_model,
)
from evalharness.predict import Asking
from evalharness.prompts import Prompt, Prompter
from evalharness.task import Task
from evalharness.unfinished import Row

BATCH_ROWS = {"cpu": 16, "cuda": 64}
BATCH_TOKENS = {"cpu": 8_192, "cuda": 65_536}  # with padding
SLACK = 8  # tokens that an answer may have beyond the 99th percentile of the train answers
SHORTEST, LONGEST = 16, 512  # bounds of that rule
SERVED_AT_ONCE = 4
ACTS = 1e-4  # least change of a logit, of those of a whole prompt, for an adapter to count as acting


@dataclass
class Local:
    """A base model on this machine, loaded once; the adapter acts for the arm `tuned` alone."""

    base: str = "tiny"
    quantization: Quantization = "auto"
    device: Device = "auto"
    threads: int | None = None
    adapter: Path | None = None
    adapter_digest: str | None = None  # of the artifact
    _checked: bool = field(default=False, init=False)
    _made: dict[Task, Candidates] = field(default_factory=dict, init=False)

    @cached_property
    def loaded(self) -> LoadedModel:
        """The model, with the adapter on it if there is one."""
        held: Quantization = "nf4" if self.held[0] == "nf4" else "none" if self.held[0] == "none" else "auto"
        return load_model(
            self.base,
            quantization=held,
            adapter=self.adapter,
            device=self.device,
            threads=self.threads,
        )

    @cached_property
    def held(self) -> tuple[str, str]:
        """(nf4, none or as-saved, why)."""
        config = load_config(find_base(self.base), self.base)
        return choose_quantization(config, self.quantization, choose_device(self.device), self.adapter)

    @cached_property
    def base_digest(self) -> str:
        """Of the base's files."""
        return digest_of(find_base(self.base))

    @cached_property
    def chat(self) -> Chat:
        """The model's chat format."""
        return Chat(self.loaded)

    def identity(self, arm: Arm) -> tuple[dict[str, object], dict[str, str]]:
        """The base by its digest, how it is held and where; for `tuned`, the adapter."""
        settings: dict[str, object] = {
            "base": self.base,
            "base_digest": self.base_digest,
            "quantization": self.held[0],
            "device": choose_device(self.device),
        }
        if arm.name != TUNED:
            return settings, {}
        if self.adapter is None or self.adapter_digest is None:
            raise ConfigError(
                "the arm tuned needs an adapter", hint="seatrial train makes one; --adapter names one"
            )
        return settings, {"adapter": self.adapter_digest}

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

    def batches(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        """Longest first, so that memory runs out at once if at all, and like lengths share a batch."""
        order = sorted(range(len(prompts)), key=lambda position: (-len(prompts[position].ids), position))
        batches: list[list[int]] = []
        for position in order:
            longest = len(prompts[batches[-1][0]].ids) if batches else 0
            full = not batches or len(batches[-1]) >= BATCH_ROWS[self.loaded.device]
            if full or (len(batches[-1]) + 1) * longest > BATCH_TOKENS[self.loaded.device]:
                batches.append([])
            batches[-1].append(position)
        return batches

    def answer(self, arm: Arm, prompts: Sequence[Prompt], pool: Pool, asking: Asking) -> list[Row]:
        """Greedy answers, and the likeliest label where the task has labels."""
        tuned = arm.name == TUNED
        if tuned and not self._checked:
            self._must_act(prompts[0])
            self._checked = True
        quiet = nullcontext() if tuned or self.adapter is None else self.loaded.without_adapter()
        task = pool.task
        with quiet:
            said = generate(
                self.loaded,
                [prompt.ids for prompt in prompts],
                stops=self.chat.stops,
                max_new_tokens=self.max_new_tokens(pool, asking),
                candidates=self._candidates(task),
            )
        return [
            {
                "answer": self.chat.answer(each.ids),
                "choice": task.labels[each.choice] if each.choice is not None else None,
                "finish_reason": each.finish_reason,
                "prompt_tokens": len(prompt.ids),
                "answer_tokens": len(each.ids),
                "error": None,
            }
            for prompt, each in zip(prompts, said, strict=True)
        ]

    def _candidates(self, task: Task) -> Candidates | None:
        """The labels as this model's tokens, made once for a task."""
        if not task.labels:
            return None
        if task not in self._made:
            self._made[task] = Candidates(self.chat.candidates(task.labels, whole=task.whole))
        return self._made[task]

    def _must_act(self, prompt: Prompt) -> None:
        """Refuse an adapter that changes nothing: its scores would be the base's under another name."""
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

    def facts(self) -> dict[str, Any]:
        """As `load_model` found them, with the reason for the quantisation that was taken."""
        return {**self.loaded.facts, "quantization_reason": self.held[1]}


@dataclass
class Served:
    """A model behind an OpenAI-compatible endpoint. It gives free answers only: no label likelihoods."""

    endpoint: Endpoint
    tuned_model: str | None = None  # the fine-tune's name there

    def _named(self, arm: Arm) -> Endpoint:
        if arm.name != TUNED:
            return self.endpoint
        if self.tuned_model is None:
            raise ConfigError(
                "the arm tuned needs the name of the served fine-tune", hint="--tuned-model NAME"
            )
        return replace(self.endpoint, model=self.tuned_model)

    def identity(self, arm: Arm) -> tuple[dict[str, object], dict[str, str]]:
        """Address and model; what lies behind them cannot be told."""
        endpoint = self._named(arm)
        return {"endpoint": endpoint.url, "base": endpoint.model}, {}

    def prompter(self, arm: Arm, pool: Pool, asking: Asking) -> Prompter:
        """Prompts as messages; the endpoint has the template and refuses what is too long."""
        return Prompter(arm, pool, asking.instruction)

    def max_new_tokens(self, pool: Pool, asking: Asking) -> int:
        """As asked, else the most that is ever asked for: the endpoint's tokens are not known here."""
        return asking.max_new_tokens or LONGEST

    def batches(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        """As many as are asked at once, in order."""
        return [
            list(range(start, min(start + SERVED_AT_ONCE, len(prompts))))
            for start in range(0, len(prompts), SERVED_AT_ONCE)
        ]

    def answer(self, arm: Arm, prompts: Sequence[Prompt], pool: Pool, asking: Asking) -> list[Row]:
        """Free answers; a request that was given up is an error of its row."""
        endpoint, longest = self._named(arm), self.max_new_tokens(pool, asking)
        with ThreadPoolExecutor(SERVED_AT_ONCE) as threads:
            return list(threads.map(lambda prompt: self._one(endpoint, prompt, longest), prompts))

    def _one(self, endpoint: Endpoint, prompt: Prompt, longest: int) -> Row:
        row: Row = {"choice": None, "answer": None, "prompt_tokens": None, "answer_tokens": None}
        try:
            reply = endpoint.ask(endpoint.body(prompt.turns, longest))
        except ResourceError as error:
            return {**row, "finish_reason": "error", "error": error.message}
        return {
            **row,
            "answer": reply.text.strip(),
            "finish_reason": reply.finish_reason,
            "prompt_tokens": reply.prompt_tokens,
            "answer_tokens": reply.answer_tokens,
            "error": None,
        }

    def facts(self) -> dict[str, Any]:
        """Where the model is."""
        return {"endpoint": self.endpoint.url, "base": self.endpoint.model, "quantization": "unknown"}
