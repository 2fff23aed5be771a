"""What a training or a search is asked to do: its settings, and the rows of a version as the trainer takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.dividing.resample import times_of
from curate.errors import ConfigError
from curate.runs import trainable
from curate.workspace import Workspace
from evalharness.adapters.registry import must_be_a_name
from evalharness.encoding.encode import template_of
from evalharness.encoding.questions import questions
from evalharness.encoding.rows import Gate, encode_rows, fit
from evalharness.encoding.shown import Masks
from evalharness.models.loaded import LoadedModel
from train import recipe
from train.outline import Settled, outline, settled
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

    @property
    def judged(self) -> pl.DataFrame:
        """The rows of an evaluation."""
        return self.validation if self.resolved.recipe.evaluate else self.validation.clear()


def settings_of(
    path: Path | None, settings: list[str], flags: dict[str, Any], *, allow_unclean: bool
) -> Resolved:
    """File, then --set, then flags of their own; a later word wins.

    Rows that cannot be trained on are part of unclean data: where that is allowed they are left out,
    by name, unless file or --set say otherwise.
    """
    unclean = [recipe.Given(key, "drop", "--allow-unclean") for key in recipe.LEAVES_OUT if allow_unclean]
    words = [*(recipe.read(path) if path else []), *recipe.parse(settings)]
    own = [recipe.Given(key, value, f"--{key} {value}") for key, value in flags.items() if value is not None]
    return recipe.resolve([*unclean, *words, *own])


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
    validation = examples.filter(pl.col("split") == "validation")
    against = trainable.objections(workspace, digest, examples)
    called = f"{known}-adapter" if name is None else name
    must_be_a_name(called)
    return Job(workspace, resolved, digest, known, called, rows, validation, against, prove)


class Ready(NamedTuple):
    """A job whose rows are tokens that fit."""

    given: Given  # what the checks of a run look at
    choice: Settled
    gate: Gate
    gate_validation: Gate


def encoded(job: Job, loaded: LoadedModel) -> Ready:
    """The rows as tokens. ConfigError where a row is refused, or none is left."""
    recipe = job.resolved.recipe
    template, context = template_of(loaded, recipe.turns), recipe.room(loaded.context)
    parts = (encode_rows(template, each, **recipe.policies) for each in (job.rows, job.judged))
    fits = (fit(rows, context, recipe.over_long, out, pairs=recipe.pairs) for rows, out in parts)
    (kept, gate), (held, held_gate) = fits
    if not kept:
        what = "no training row is left that can be trained on and fits the context"
        raise ConfigError(what, hint="seatrial train --plan says why")
    asks = [key for key in VALIDATION if getattr(recipe, key) != getattr(Recipe, key)]
    if recipe.evaluate and not held and asks:
        what = f"{asks[0]}={getattr(recipe, asks[0])} goes by validation rows, and there is none"
        raise ConfigError(what, hint="seatrial split makes some; --plan says which are left out")
    single = held[::2] if recipe.pairs else held  # of a pair the chosen answer
    asked = questions(single, job.rows, job.validation, recipe.metric_rows)
    choice = settled(loaded, recipe, max(len(row.ids) for row in kept))
    examples = pl.concat([job.rows, job.judged])
    return Ready(Given(choice.recipe, template, loaded, examples, kept, held, asked), choice, gate, held_gate)


def masks_of(examples: pl.DataFrame, recipe: Recipe) -> Masks:
    """Of the training and validation rows among the examples."""
    return Masks(examples, recipe.policies, lambda: template_of(outline(recipe), recipe.turns))


def recipe_of(params: Mapping[str, Any]) -> Recipe:
    """The recipe that a run has recorded; settings that it did not know yet are the defaults."""
    told = params.get("recipe", {})
    kept: dict[str, Any] = {key: told[key] for key in recipe.FIELDS.keys() & told.keys()}
    lists = {key: tuple(value) for key, value in kept.items() if isinstance(value, list)}
    return Recipe(**{**kept, **lists})
