"""The run `tune`: which settings each baseline answers the validation rows best with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, cast

from curate.errors import ConfigError
from curate.example import digest
from curate.progress import Progress
from curate.workspace import Workspace, code_version
from evalharness.asking.arms import BASE, FEW_SHOT, RAG, Arm, Base
from evalharness.asking.instructions import Instruction
from evalharness.asking.pool import Pool
from evalharness.asking.predict import Answerer, Asking, questions
from evalharness.asking.unfinished import alone, key_of
from evalharness.metrics import recorded
from evalharness.tuning.grid import Grid, from_json, to_json, words_of
from evalharness.tuning.halving import LEAST, cost
from evalharness.tuning.measure import measure_of
from evalharness.tuning.trials import Trials

VALIDATION = "validation"
LIMIT = 96
TUNING = "tuning"  # role of what was chosen
DOCUMENTS = "documents"  # role of the passages that were given


@dataclass(frozen=True)
class Plan:
    """How much is asked, and what is chosen by."""

    limit: int = LIMIT  # validation rows
    budget: int | None = None  # answers in all; fewer rows are asked where it would be exceeded
    metric: str | None = None  # None: what decides the comparison
    max_new_tokens: int | None = None


class Tuned(NamedTuple):
    """What a tuning found."""

    digest: str
    run_id: str
    found: dict[str, Any]
    fresh: bool

    def arm(self, name: str) -> Arm | None:
        """The chosen settings of a baseline; None where it was not tuned."""
        told = self.found["chosen"].get(name)
        return from_json(told) if told else None

    def words(self, name: str) -> dict[str, Any]:
        """What a report says of how a baseline was tuned."""
        part = self.found["arms"][name]
        return {
            "candidates": len(part["tried"]),
            "chosen": words_of(from_json(self.found["chosen"][name])),
            "metric": self.found["metric"],
            "content": self.found.get("content"),
            "rows": self.found["rows"],
            "value": part["value"],
            "untuned": part["untuned"],
            "run": self.run_id,
            "tuning": self.digest,
        }


def tune(
    workspace: Workspace,
    dataset: str,
    answerer: Answerer,
    grid: Grid,
    plan: Plan,
    pool: Pool,
    made_of: Mapping[str, str],
    *,
    again: bool = False,
) -> Tuned:
    """Choose prompt, shots and retrieval on the validation rows, or take what is recorded for these settings.

    With `again` everything is asked anew, of an endpoint too.
    The metric is the plan's, else what was declared to decide, else the task's usual. The test split is not
    read. ConfigError without validation or train rows, for a metric by which nothing can be chosen, or where
    the budget is too small for the grid.
    """
    examples = workspace.examples(dataset)
    if not pool.solved:
        raise ConfigError("there are no train rows to show", hint="seatrial split makes a train part")
    measure = measure_of(workspace, dataset, pool.task, plan.metric)
    asking = Asking(VALIDATION, limit=rows_within(grid, plan), max_new_tokens=plan.max_new_tokens)
    asked = sorted(questions(examples, asking), key=lambda each: each.query.example_id)
    settings, _ = answerer.identity(Base())
    params: dict[str, object] = {
        **settings, **asdict(plan), **_grid_params(grid), "metric": measure.name, "split": VALIDATION,
        "measured": recorded(measure.metric), "decoding": "greedy",
    }  # fmt: skip
    inputs = {"dataset": dataset, **made_of}
    if not again and (known := workspace.recorded("tune", params, inputs)):
        run_id, outputs = known
        found = cast("dict[str, Any]", workspace.json(outputs[TUNING]))
        return Tuned(outputs[TUNING], run_id, found, fresh=False)
    key = key_of(params, inputs, code_version())
    with alone(workspace.root, "tune", key), workspace.run("tune", params, inputs) as run:
        trials = Trials(workspace, examples, asked, pool, answerer, asking, measure, key, again)
        with Progress("tune", total=expected(grid, len(asked))) as progress:
            found = _chosen(grid, trials, progress)
        found |= {"base": settings, "metric": measure.name, "content": measure.content}
        found |= {"more_is_better": "taken" if measure.guessed else "known"}
        found |= {"rows": len(asked), "split": VALIDATION}
        run.outputs[TUNING] = workspace.put_json(TUNING, found)
    for draft in trials.drafts:
        draft.forget()
    return Tuned(run.outputs[TUNING], run.run_id, found, fresh=True)


def _chosen(grid: Grid, trials: Trials, progress: Progress) -> dict[str, Any]:
    """The prompt by the base arm; then the examples, under that prompt and under the rows' own."""
    chosen: dict[str, Any] = {}
    told: dict[str, Any] = {}
    prompts: tuple[Instruction | None, ...] = (None,)
    for name in (BASE, FEW_SHOT, RAG):
        best, tried = trials.best(grid.arms(name, prompts), progress)
        chosen[name] = to_json(tried[best].arm)
        told[name] = {
            "value": tried[best].rounds[-1]["mean"],
            "untuned": tried[0].rounds[-1]["mean"],
            "tried": [each.told(chosen=at == best, default=at == 0) for at, each in enumerate(tried)],
        }
        if name == BASE:
            prompts = tuple(dict.fromkeys((None, tried[best].arm.instruction)))
    return {"chosen": chosen, "arms": told}


def expected(grid: Grid, limit: int) -> int:
    """Answers that a tuning takes at most."""
    both = tuple(dict.fromkeys((None, *grid.prompts)))[:2]
    return sum(cost(len(grid.arms(name, both)), limit) for name in (BASE, FEW_SHOT, RAG))


def rows_within(grid: Grid, plan: Plan) -> int:
    """Rows that may be asked: the limit, or fewer where the budget asks for that."""
    limit = plan.limit
    while plan.budget is not None and expected(grid, limit) > plan.budget:
        limit -= 1
        if limit < LEAST:
            raise ConfigError(
                f"--budget {plan.budget:,}: {expected(grid, LEAST):,} answers are the least for these candidates",
                hint="a larger budget, or fewer candidates: --shots 4,8 --neighbours 6",
            )
    if limit < 1:
        raise ConfigError(f"--limit {limit}: at least 1 is needed")
    return limit


def _grid_params(grid: Grid) -> dict[str, object]:
    """For the ledger: prompts only by name and digest."""
    told: dict[str, object] = {k: v for k, v in asdict(grid).items() if k != "prompts"}
    told["prompts"] = [[each.name, digest(each.text)] for each in grid.prompts if each]
    return told


def newest(workspace: Workspace, dataset: str, settings: Mapping[str, object]) -> Tuned | None:
    """The newest tuning of this dataset version on this base or model; None where there is none."""
    return next(_tunings(workspace, dataset, settings), None)


def tried_in_all(workspace: Workspace, dataset: str, settings: Mapping[str, object]) -> tuple[int, int]:
    """(tunings, candidates) that this version's validation rows have chosen among on this base or model.

    Each tuning that ended counts with all its candidates: asked again, one may win by chance.
    """
    found = list(_tunings(workspace, dataset, settings))
    return len(found), sum(len(part["tried"]) for each in found for part in each.found["arms"].values())


def _tunings(workspace: Workspace, dataset: str, settings: Mapping[str, object]) -> Iterator[Tuned]:
    """Those of this dataset version on this base or model, newest first."""
    query = """select run.run_id, params, o.digest from run join run_end using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.digest = ?
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'tuning'
               where run.kind = 'tune' and error is null order by run_end.ended_at desc, run.run_id desc"""
    for row in workspace.ledger.rows(query, dataset):
        digest = str(row["digest"])
        if same_model(json.loads(row["params"]), settings) and workspace.store.holds(digest):
            found = cast("dict[str, Any]", workspace.json(digest))
            yield Tuned(digest, str(row["run_id"]), found, fresh=False)


def same_model(params: Mapping[str, object], settings: Mapping[str, object]) -> bool:
    """Whether the same weights were asked: by their digest, or by name at an address."""
    if "base_digest" in settings:
        return params.get("base_digest") == settings["base_digest"]
    return all(params.get(key) == settings.get(key) for key in ("endpoint", "base"))


def passages_of(workspace: Workspace, tuned: Tuned) -> str | None:
    """The passages that a tuning was given; None where it retrieved from the train rows."""
    return workspace.ledger.run_artifacts(tuned.run_id, "in").get(DOCUMENTS)
