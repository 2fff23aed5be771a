"""A model that says what a function of the prompt says: for tests of what stands around a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from evalharness.asking.predict import row_of
from evalharness.asking.prompts import Prompt, Prompter


@dataclass
class Scripted:
    """`says(prompt)` gives the answer; an exception in it is a crash of the model."""

    says: Callable[[Prompt], str]
    batch: int = 4
    asked: list[Prompt] = field(default_factory=list)

    def identity(self, arm):
        return {"base": "scripted", "base_digest": "0" * 32, "device": "none"}, {}

    def prompter(self, arm, pool, asking):
        return Prompter(arm, pool, asking.instruction)

    def max_new_tokens(self, pool, asking):
        return asking.max_new_tokens or 16

    def rows(self, arm, prompts, pool, asking, draft):
        done = draft.read()
        for number, start in enumerate(range(0, len(prompts), self.batch)):
            if number not in done:
                done[number] = [self._one(arm, prompt) for prompt in prompts[start : start + self.batch]]
                draft.add(number, done[number])
            yield done[number]

    def _one(self, arm, prompt):
        self.asked.append(prompt)
        return row_of(arm, prompt, answer=self.says(prompt), finish_reason="stop", seconds=0.01)

    def facts(self):
        return {"base": "scripted", "quantization": "none", "device": "none", "quantization_reason": "none"}
