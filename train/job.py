"""What a training or a search is asked to do: its settings, and the rows of a version as the trainer takes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from curate.dividing.resample import times_of
from curate.errors import ConfigError
from curate.runs import trainable
from curate.workspace import Workspace
from evalharness.encoding.encode import template_of
from evalharness.encoding.questions import Questions, questions
from evalharness.encoding.rows import Gate, encode_rows, fit
from evalharness.models.loaded import LoadedModel
from train import recipe
from train.outline import Settled, settled
from train.proofs.subject import Given
from train.recipe import Recipe, Resolved

VALIDATION = ("best_by", "early_stopping", "metric_rows")  # settings that say nothing without such rows


@dataclass(frozen=True)
class Job:
    """What a command line asks for, with the data it names."""

    workspace: Workspace
    resolved: Resolved
    dataset: str  # digest
    name: str  # of the dataset
    adapter_name: str
    rows: pl.DataFrame  # split train
    validation: pl.DataFrame
    objections: list[str]
    prove: bool = False


def settings_of(
    path: Path | None, settings: list[str], flags: dict[str, Any], *, allow_unclean: bool
) -> Resolved:
    """File, then --set, then flags of their own; a later word wins.

    Rows that cannot be trained on are part of unclean data: where that is allowed they are left out,
    by name, unless file or --set say otherwise.
    """
    given = [recipe.Given(key, "drop", "--allow-unclean") for key in recipe.LEAVES_OUT if allow_unclean]
    given += recipe.read(path) if path else []
    given += recipe.parse(settings)
    given += [
        recipe.Given(key, value, f"--{key} {value}") for key, value in flags.items() if value is not None
    ]
    return recipe.resolve(given)


def job_of(
    workspace: Workspace, reference: str | None, resolved: Resolved, name: str | None, *, prove: bool = False
) -> Job:
    """The job on the training and validation rows of a version; ConfigError where it was not split."""
    digest = workspace.dataset(reference)
    known = workspace.name_of(digest) or digest[:12]
    examples = workspace.examples(digest)
    trainable.need_split(examples, known)
    once = examples.filter(pl.col("split") == "train")
    # of a balanced split: a copy is its row, once more
    rows = once[[at for at, times in enumerate(times_of(once)) for _ in range(times)]]
    return Job(
        workspace,
        resolved,
        digest,
        known,
        name or f"{known}-adapter",
        rows,
        examples.filter(pl.col("split") == "validation"),
        trainable.objections(workspace, digest, examples),
        prove,
    )


@dataclass(frozen=True)
class Ready:
    """A job whose rows are tokens that fit."""

    given: Given  # what the checks of a run look at
    choice: Settled
    gate: Gate
    gate_validation: Gate
    asked: Questions | None  # at each evaluation


def encoded(job: Job, loaded: LoadedModel) -> Ready:
    """The rows as tokens. ConfigError where a row is refused, or none is left."""
    recipe = job.resolved.recipe
    template, context, pairs = template_of(loaded, recipe.turns), recipe.room(loaded.context), recipe.pairs
    judged = job.validation if recipe.evaluate else job.validation.clear()
    (rows, out), (held, held_out) = (
        encode_rows(template, each, **recipe.policies) for each in (job.rows, judged)
    )
    kept, gate = fit(rows, context, recipe.over_long, out, pairs=pairs)
    held_kept, held_gate = fit(held, context, recipe.over_long, held_out, pairs=pairs)
    if not kept:
        raise ConfigError(
            "no training row is left that can be trained on and fits the context",
            hint="seatrial train --plan says why",
        )
    asks = [key for key in VALIDATION if getattr(recipe, key) != getattr(Recipe, key)]
    if recipe.evaluate and not held_kept and asks:
        raise ConfigError(
            f"{asks[0]}={getattr(recipe, asks[0])} goes by validation rows, and there is none",
            hint="seatrial split makes some; seatrial train --plan says which are left out",
        )
    single = held_kept[::2] if pairs else held_kept  # of a pair the chosen answer
    asked = questions(single, job.rows, job.validation, recipe.metric_rows)
    choice = settled(loaded, recipe, max(len(row.ids) for row in kept))
    given = Given(choice.recipe, template, loaded, pl.concat([job.rows, judged]), kept, held_kept)
    return Ready(given, choice, gate, held_gate, asked)
