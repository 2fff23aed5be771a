"""A model behind an OpenAI-compatible endpoint, as something that arms can ask."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from curate.errors import ConfigError
from curate.workspace import Workspace
from evalharness.asking.arms import TUNED, TUNED_RAG, Arm, Pool, is_tuned
from evalharness.asking.endpoint import Endpoint, Reply
from evalharness.asking.inflight import AT_MOST, Flight, Outcome, Pace
from evalharness.asking.predict import LONGEST, Asking, row_of
from evalharness.asking.prompts import Prompt, Prompter
from evalharness.asking.replies import key_of
from evalharness.asking.unfinished import Row, Unfinished


@dataclass
class Served:
    """It gives free answers only: no label likelihoods."""

    endpoint: Endpoint
    tuned_model: str | None = None  # the fine-tune's name there
    at_most: int = AT_MOST  # requests in flight
    stream: bool = True  # to time the first token
    told: dict[str, int] = field(default_factory=dict, init=False)  # counts of the last arm

    def _named(self, arm: Arm) -> Endpoint:
        if not is_tuned(arm.name):
            return self.endpoint
        if self.tuned_model is None or arm.name not in (TUNED, TUNED_RAG):
            raise ConfigError(
                f"the arm {arm.name} needs the name of the served fine-tune", hint="--tuned-model NAME"
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

    def rows(
        self, arm: Arm, prompts: Sequence[Prompt], pool: Pool, asking: Asking, draft: Unfinished
    ) -> Iterator[list[Row]]:
        """Free answers as they come in; a request that was given up is an error of its row.

        A request whose reply is kept is not sent again, and equal requests are sent once.
        """
        endpoint, longest = self._named(arm), self.max_new_tokens(pool, asking)
        by_body: dict[bytes, list[Prompt]] = {}
        for prompt in prompts:
            by_body.setdefault(endpoint.body(prompt.turns, longest), []).append(prompt)
        with draft.replies(endpoint) as replies:
            keys = {body: key_of(endpoint.address, body) for body in by_body}
            new = [body for body, key in keys.items() if key not in replies.known]
            for body, key in keys.items():
                if key in replies.known:
                    yield [_row(arm, prompt, replies.known[key]) for prompt in by_body[body]]
            flight = Flight(endpoint, new, Pace(self.at_most), self.stream, known=bool(replies.known))
            for number, outcome in flight.outcomes():
                if isinstance(outcome, Reply):
                    replies.add(keys[new[number]], outcome)
                yield [_row(arm, prompt, outcome) for prompt in by_body[new[number]]]
            self.told = {
                "requests": flight.requests,
                "from_before": len(keys) - len(new),
                "refused": flight.refusals,
            }

    def facts(self) -> dict[str, Any]:
        """Address, name, and how the last arm's requests went."""
        return {"endpoint": self.endpoint.url, "base": self.endpoint.model, **self.told}


def asked_at(workspace: Workspace, dataset: str, arm: str) -> tuple[str, str] | None:
    """(address, model) that this arm was asked at last, of this version; None where it answered here or never."""
    query = """select params from run join run_end using (run_id) join run_artifact i using (run_id)
               where kind = 'predict' and error is null and i.direction = 'in' and i.digest = ?
               order by ended_at desc, run.run_id desc"""
    for row in workspace.ledger.rows(query, dataset):
        params = json.loads(row["params"])
        if params.get("arm") == arm:
            return (params["endpoint"], params["base"]) if params.get("endpoint") else None
    return None


def _row(arm: Arm, prompt: Prompt, outcome: Outcome) -> Row:
    if not isinstance(outcome, Reply):
        return row_of(arm, prompt, finish_reason="error", error=outcome.message)
    return row_of(
        arm,
        prompt,
        answer=outcome.text.strip(),
        finish_reason=outcome.finish_reason,
        prompt_tokens=outcome.prompt_tokens,
        answer_tokens=outcome.answer_tokens,
        seconds=outcome.seconds,
        first_token_seconds=outcome.first_token_seconds,
    )
