"""What checks look at: the rows of a run, the run itself, and short trainings made for the checks alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from evalharness.encoding.encode import Encoded, Template
from evalharness.encoding.questions import Questions
from evalharness.models.loaded import LoadedModel
from train import checks, sft
from train.recipe import ALONE, Recipe
from train.sft import Asked, Built, Rows
from train.trainer import build, go, save

# What a check trains leaves chance out too.
SHORT: dict[str, Any] = {
    **ALONE, "dropout": 0.0, "schedule": "constant", "warmup": 0.0, "weight_decay": 0.0, "log_every": 1, "accumulate": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Given:
    """The rows that go into a run."""

    recipe: Recipe
    template: Template
    loaded: LoadedModel  # its weights are not looked at, and need not be there
    examples: pl.DataFrame  # training and validation rows as they were given
    rows: Rows
    validation: Rows
    asked: Questions | None = None  # at each evaluation

    def few(self, count: int) -> list[Encoded]:
        """So many rows (or pairs) of unlike lengths, none longer than the median; all if there are fewer."""
        size = 2 if self.recipe.pairs else 1
        every = (self.rows[at : at + size] for at in range(0, len(self.rows), size))
        units = list({unit[0].example_id: unit for unit in every}.values())  # copies of a row count once
        units.sort(key=lambda unit: (max(len(row.ids) for row in unit), unit[0].example_id))
        short = units[: max(count, len(units) // 2)]
        chosen = [short[at * len(short) // count] for at in range(min(count, len(short)))]
        return [row for unit in chosen for row in unit]


@dataclass
class Underway:
    """A run from the moment that its trainer is built. `folder` holds what it saved in the end."""

    loaded: LoadedModel
    recipe: Recipe
    rows: Rows
    built: Built
    sharded: bool = False  # each process holds a part of the weights
    folder: Path = Path()
    digest: str = ""  # of the base's weights, and the probe's logits, before the first step
    plain: Any = None

    @property
    def model(self) -> Any:  # noqa: ANN401  one of transformers or PEFT
        """The model that is trained."""
        return self.built.trainer.model

    @property
    def now(self) -> LoadedModel:
        """The base with what was trained so far, as the harness asks it."""
        self.model.eval()
        return replace(self.loaded, model=self.model)

    @cached_property
    def probe(self) -> dict[str, Any]:
        """A small batch of the shortest rows, side by side; without labels for a model that gives scores."""
        from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

        trainer = self.built.trainer
        collator = DataCollatorForLanguageModeling(pad_token_id=trainer.processing_class.pad_token_id)
        batch = collator([{"input_ids": list(r.ids), "labels": r.labels} for r in sft.probes(self.rows)])
        if self.recipe.objective == "reward":
            del batch["labels"]
        return {key: value.to(trainer.args.device) for key, value in batch.items()}

    def go(self, checkpoint: Path | None = None) -> None:
        """Train it."""
        go(self.built.trainer, checkpoint)

    def save(self, folder: Path) -> None:
        """Save it as the real run does."""
        save(self.model, folder, self.recipe)
        self.folder = folder

    def mark(self) -> None:
        """Remember what the base is and says, after the checks of gradients: an evaluation can ruin those."""
        self.digest = checks.frozen_digest(self.model)
        self.plain = checks.logits(self.model, self.probe)


@dataclass
class Trial:
    """What --prove trains for its checks; `load` gives the base anew each time."""

    given: Given
    work: Path
    load: Callable[[], LoadedModel]
    kept: dict[str, Any] = field(default_factory=dict)  # what one check has made and another compares

    def short(self, rows: Rows, name: str, checkpoint: Path | None = None, **settings: Any) -> Underway:  # noqa: ANN401
        """A run like the real one that is built and not begun, short by its settings, in a folder of its own."""
        recipe, loaded = replace(self.given.recipe, **{**SHORT, **settings}), self.load()
        sft.still(loaded.model)
        built = build(Asked(loaded, recipe, rows), self.work / name, checkpoint)
        if not recipe.evaluate_every:
            built.trainer.args.save_strategy = "no"
        return Underway(loaded, recipe, rows, built)


def logged(trainer: Any, key: str) -> list[float]:  # noqa: ANN401
    """What the log has of each step."""
    return [float(each[key]) for each in trainer.state.log_history if key in each and "loss" in each]
