"""One pass of the model over the references: how likely each is after its own question."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import polars as pl

from curate.errors import ConfigError, SeatrialError
from curate.progress import Progress
from curate.workspace import Workspace
from evalharness.asking.arms import BASE, TUNED
from evalharness.asking.task import Solved, queries
from evalharness.models.likelihood import IGNORED, log_probabilities

if TYPE_CHECKING:
    from evalharness.models.chat import Chat
    from evalharness.models.loaded import Device, LoadedModel, Quantization

LOGPROBS = pl.Schema(
    {"example_id": pl.String(), "reference_logprob": pl.Float64(), "reference_tokens": pl.Int64()}
)


class Asked(NamedTuple):
    """A reference as tokens after its prompt's."""

    example_id: str
    prompt: list[int]
    answer: list[int]

    @property
    def size(self) -> int:
        """Tokens of both."""
        return len(self.prompt) + len(self.answer)


def reference_logprobs(
    workspace: Workspace, dataset: str, predictions: Mapping[str, str]
) -> dict[str, pl.DataFrame]:
    """For each arm a table of LOGPROBS, filled for base and tuned, of the rows that they answered.

    Both see the row's own messages, as the trainer shows them, and nothing else: so the two differ by the
    adapter alone. Few-shot and rag are the base with other prompts, and their tables are empty. A row that
    does not fit, or that the template refuses, has none. ConfigError for answers from an endpoint.
    """
    found = {arm: pl.DataFrame(schema=LOGPROBS) for arm in predictions}
    measured = [arm for arm in (BASE, TUNED) if arm in predictions]
    if not measured:
        raise ConfigError("--perplexity: neither base nor tuned has answered", hint="seatrial predict")
    loaded = _loaded(workspace, predictions[measured[-1]], measured[-1])
    from evalharness.models.chat import Chat

    chat = Chat(loaded)
    for arm in measured:
        ids = workspace.table(predictions[arm]).select("example_id")
        rows = workspace.examples(dataset).join(ids, on="example_id", how="semi")
        asked = [each for row in queries(rows) if (each := asked_row(chat, row)) is not None]
        with loaded.without_adapter() if arm == BASE else nullcontext():
            sums = dict(measure(loaded, asked, arm))
        table = [(each.example_id, sums[each.example_id], len(each.answer)) for each in asked]
        found[arm] = pl.DataFrame(table, schema=LOGPROBS, orient="row")
    return found


def _loaded(workspace: Workspace, predictions: str, arm: str) -> LoadedModel:
    """The model that gave these answers."""
    from evalharness.models.loaded import load_model

    query = """select run.run_id, params from run join run_end using (run_id) join run_artifact using (run_id)
               where digest = ? and direction = 'out' and kind = 'predict' and error is null
               order by ended_at desc limit 1"""
    for row in workspace.ledger.rows(query, predictions):
        params: dict[str, Any] = json.loads(row["params"])
        if params.get("endpoint") or "base" not in params:
            break
        adapter = workspace.ledger.run_artifacts(row["run_id"], "in").get("adapter") if arm == TUNED else None
        held = "auto" if params["quantization"] == "as-saved" else params["quantization"]
        return load_model(
            params["base"],
            quantization=cast("Quantization", held),
            device=cast("Device", params.get("device") or "auto"),
            adapter=workspace.files(adapter) if adapter else None,
        )
    raise ConfigError(
        f"--perplexity: the model that answered as {arm} is not on this machine",
        hint="an endpoint gives no log probabilities of a text; seatrial predict with --base",
    )


def asked_row(chat: Chat, row: Solved) -> Asked | None:
    """The tokens of the prompt and of the reference up to the token that ends it; None where there are none."""
    system = [{"role": "system", "content": row.query.system}] if row.query.system else []
    turns = [*system, *row.query.turns]
    if not row.answer or not row.query.turns:
        return None
    try:
        opened = chat.prompt(turns)
        whole = chat.told([*turns, {"role": "assistant", "content": row.answer}])
    except SeatrialError:
        return None
    prompt, both = chat.ids(opened), chat.ids(whole)
    if not whole.startswith(opened):  # the template shows an answer otherwise than it opens one
        answer = chat.ids(row.answer)
    else:
        answer = both[len(prompt) :] if both[: len(prompt)] == prompt else chat.ids(whole[len(opened) :])
    end = next((place + 1 for place, token in enumerate(answer) if token in chat.stops), len(answer))
    asked = Asked(row.query.example_id, prompt, answer[:end])
    return asked if prompt and answer and asked.size <= chat.loaded.context else None


def measure(loaded: LoadedModel, asked: Sequence[Asked], arm: str) -> Iterator[tuple[str, float]]:
    """The id and the log probability of each reference."""
    rows = [([*each.prompt, *each.answer], [IGNORED] * len(each.prompt) + each.answer) for each in asked]
    with Progress(f"perplexity {arm}", total=len(asked)) as progress:
        for part in log_probabilities(loaded.model, rows, loaded.device):
            yield from ((asked[at].example_id, logprob) for at, logprob, _ in part)
            progress.step(len(part))
