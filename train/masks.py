"""Which tokens of a row a run trains on, as the trainer's own collator hands them to the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import polars as pl

from curate.errors import NotFoundError
from curate.workspace import Workspace
from train.recipe import Recipe


@dataclass(frozen=True)
class Masked:
    """One row; without tokens where it cannot be trained on, and then `why`."""

    where: str
    tokens: tuple[str, ...] = ()
    trained: tuple[bool, ...] = ()
    why: str = ""


def recipe_of(params: Mapping[str, Any]) -> Recipe:
    """The recipe that a run has recorded; settings that it did not know yet are the defaults."""
    known = {each.name for each in fields(Recipe)}
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in params.get("recipe", {}).items()
        if key in known
    }
    return Recipe(**given)


class Masks:
    """The training and validation rows of a version, by position. The base's tokenizer is read at the first row."""

    def __init__(self, workspace: Workspace, dataset: str, recipe: Recipe) -> None:
        self.recipe = recipe
        examples = workspace.examples(dataset)
        self.rows = pl.concat([examples.filter(pl.col("split") == part) for part in ("train", "validation")])
        if self.rows.is_empty():
            raise NotFoundError("this version has no training and no validation rows", hint="seatrial split")

    def __len__(self) -> int:
        return self.rows.height

    @cached_property
    def _tools(self) -> tuple[Any, Any]:
        """(template, collator)."""
        from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

        from train import batches
        from train.outline import outline

        template = batches.template_of(outline(self.recipe), self.recipe.turns)
        pad = template.tokenizer.pad_token_id
        return template, DataCollatorForLanguageModeling(pad_token_id=0 if pad is None else pad)

    def row(self, position: int) -> Masked:
        """The row at a position, from 0; of a pair its chosen answer."""
        from train.batches import IGNORED
        from train.rows import encode_rows, places
        from train.watch import quiet

        template, collator = self._tools
        one = self.rows[position]
        with quiet():
            found, out = encode_rows(template, one, **{**self.recipe.policies, "unusable": "drop"})
        if not found:
            return Masked(places(one)[0], why=out[0])
        row = found[0]
        batch = collator([{"input_ids": list(row.ids), "labels": row.labels}])
        ids = batch["input_ids"][0].tolist()
        names = template.tokenizer.convert_ids_to_tokens(ids)
        return Masked(
            row.where, tuple(names), tuple(label != IGNORED for label in batch["labels"][0].tolist())
        )
