"""The run `probe`: what an adapter forgot, falls into and gives away, and how far its instrument can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import polars as pl

from curate.errors import ConfigError
from curate.example import digest
from curate.workspace import Workspace, code_version
from evalharness.asking.arms import Base, Tuned
from evalharness.asking.pool import Pool
from evalharness.asking.predict import Answerer
from evalharness.asking.unfinished import alone, key_of
from evalharness.deciding.probed import ACTS, KIND, ROLE
from evalharness.probes import forgetting, harness, noise, regurgitation
from evalharness.probes.drafts import Drafts
from evalharness.probes.items import GENERAL, PASSAGES, RED_TEAM, Question, Trap, passages, questions, traps
from evalharness.probes.red_team import ask, condition, passed
from evalharness.statistics.paired import Rules

if TYPE_CHECKING:
    from evalharness.asking.answerers import Adapter, Local
    from evalharness.tuning.measure import Measure

PARTS = ("forgetting", "held-out loss", "red team", "instrument")
ROWS = pl.Schema(
    {
        "kind": pl.String, "ask": pl.String, "other": pl.String,
        "base": pl.String, "base_passed": pl.Boolean, "tuned": pl.String, "tuned_passed": pl.Boolean,
    }
)  # fmt: skip
NO_LIKELIHOOD = "an endpoint gives no likelihoods of a text: probe the weights on this machine"


@dataclass(frozen=True)
class Sets:
    """Files of the user's own; they are asked beside what is shipped, so that no easy set stands for it."""

    general: tuple[Path, ...] = ()
    passages: tuple[Path, ...] = ()
    red_team: tuple[Path, ...] = ()

    def read(self) -> tuple[list[Question], list[str], list[Trap]]:
        """All that is asked; SourceError for a line that is no item."""
        return (
            [each for path in (GENERAL, *self.general) for each in questions(path)],
            [each for path in (PASSAGES, *self.passages) for each in passages(path)],
            [each for path in (RED_TEAM, *self.red_team) for each in traps(path)],
        )


@dataclass(frozen=True)
class Probing:
    """What is to be looked at, and how."""

    parts: tuple[str, ...] = PARTS
    sets: Sets = field(default_factory=Sets)
    tasks: tuple[str, ...] = ()  # of lm-evaluation-harness
    tasks_limit: int | None = None
    alpha: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        for part in self.parts:
            if part not in PARTS:
                raise ConfigError(f"--only {part}", hint=f"it is one of {', '.join(PARTS)}")


class Probed(NamedTuple):
    """What a probe found."""

    digest: str
    run_id: str
    found: dict[str, Any]
    rows: pl.DataFrame  # ROWS
    fresh: bool


def probe(
    workspace: Workspace,
    dataset: str,
    answerer: Answerer,
    probing: Probing,
    *,
    seeds: Sequence[Adapter] = (),
    again: bool = False,
) -> Probed:
    """Probe the fine-tune that the answerer holds, or take what is recorded for these settings.

    `seeds` are further adapters that the answerer holds, of other seeds. The test split is not read.
    A condition that was left out reads not measured, as the newest probe of an adapter is the one that
    counts.
    """
    general, texts, asked = probing.sets.read()
    settings, inputs = answerer.identity(Tuned())
    base, _ = answerer.identity(Base())
    params: dict[str, object] = {
        **settings, "against": base["base"], "parts": list(probing.parts), "tasks": list(probing.tasks), "tasks_limit": probing.tasks_limit,
        "alpha": probing.alpha, "seed": probing.seed, "seeds": [each.digest for each in seeds],
        "sets": [digest(repr(general)), digest(repr(texts)), digest(repr(asked))],
    }  # fmt: skip
    examples = workspace.examples(dataset)
    pool = Pool(examples)
    measured = noise.measured_by(workspace, dataset, pool) if seeds else None
    if measured:
        params["seeds_by"] = [measured[0].name, measured[0].content]
    inputs = {"dataset": dataset, **inputs}
    if not again and (known := workspace.recorded(KIND, params, inputs)):
        run_id, outputs = known
        found = cast("dict[str, Any]", workspace.json(outputs[ROLE]))
        return Probed(outputs[ROLE], run_id, found, workspace.table(outputs["traps"]), fresh=False)
    key = key_of(params, inputs, code_version())
    drafts = Drafts(workspace.root, key)
    with alone(workspace.root, KIND, key), workspace.run(KIND, params, inputs) as run:
        rules = Rules(alpha=probing.alpha, seed=probing.seed)
        work = _Work(answerer, pool, examples, drafts, rules, measured)
        found = {}
        if "forgetting" in probing.parts:
            found["forgetting"] = work.forgetting(general)
        if "held-out loss" in probing.parts:
            found["held-out loss"] = work.held_out(texts)
        rows = pl.DataFrame(schema=ROWS)
        if "red team" in probing.parts:
            found["red team"], rows = work.red_team(asked)
        if "instrument" in probing.parts:
            found["instrument"] = work.instrument(seeds)
            if "endpoint" in settings:
                told = found["instrument"].get("value") or 0.0
                found[ACTS] = noise.acts(answerer, pool, examples, drafts, told)
        if probing.tasks:
            found["tasks"] = harness.tasks(work.local(), probing.tasks, probing.tasks_limit, work.rules)
            if "forgetting" in found:
                found["forgetting"] = harness.counted(found["forgetting"], found["tasks"])
        run.outputs[ROLE] = workspace.put_json("probes", found)
        run.outputs["traps"] = workspace.put_table("traps", rows)
    drafts.forget()
    return Probed(run.outputs[ROLE], run.run_id, found, rows, fresh=True)


@dataclass
class _Work:
    answerer: Answerer
    pool: Pool
    examples: pl.DataFrame
    drafts: Drafts
    rules: Rules
    measured: tuple[Measure, str] | None  # what tells seeds apart, and why it is not what decides

    def local(self) -> Local:
        """The answerer, where it is a model on this machine."""
        from evalharness.asking.answerers import Local

        if not isinstance(self.answerer, Local):
            raise ConfigError("lm-evaluation-harness tasks", hint=NO_LIKELIHOOD)
        return self.answerer

    def forgetting(self, asked: Sequence[Question]) -> dict[str, Any]:
        try:
            return forgetting.general(self.local(), asked, self.rules)
        except ConfigError as error:
            return {"state": "not measured", "detail": error.hint or error.message}

    def held_out(self, texts: Sequence[str]) -> dict[str, Any]:
        try:
            return forgetting.held_out(self.local(), texts, self.rules)
        except ConfigError as error:
            return {"state": "not measured", "detail": error.hint or error.message}

    def red_team(self, asked: Sequence[Trap]) -> tuple[dict[str, Any], pl.DataFrame]:
        """The traps, and what the train rows would give away, as one condition."""
        base, tuned = ask(self.answerer, self.pool, asked, self.drafts)
        found = condition(passed(base), passed(tuned), [trap.kind for trap in asked], self.rules)
        kept = regurgitation.given_away(self.answerer, self.pool, self.drafts)
        found = regurgitation.with_kept(found, kept)
        rows = [
            (trap.kind, trap.ask, trap.other, one.answer, one.passed, other.answer, other.passed)
            for trap, one, other in zip(asked, base, tuned, strict=True)
        ]
        return found, pl.DataFrame(rows, schema=ROWS, orient="row")

    def instrument(self, seeds: Sequence[Adapter]) -> dict[str, Any]:
        found = noise.decoding(self.answerer, self.pool, self.examples, self.drafts)
        told = "one seed only: the spread between seeds is not known"
        if seeds and self.measured:
            arms = [Tuned(), *(Tuned(f"tuned:{each.name}") for each in seeds)]
            told = noise.spread(self.answerer, arms, self.pool, self.examples, self.drafts, self.measured)
        found["seeds"] = told
        found["detail"] += f"; {told}"
        return found
