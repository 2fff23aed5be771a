"""The masks of a run's rows, by its recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import polars as pl

from evalharness.encoding.encode import template_of
from evalharness.encoding.shown import Masks
from train.outline import outline
from train.recipe import Recipe


def masks_of(examples: pl.DataFrame, recipe: Recipe) -> Masks:
    """Of the training and validation rows among the examples."""
    return Masks(examples, recipe.policies, lambda: template_of(outline(recipe), recipe.turns))


def recipe_of(params: Mapping[str, Any]) -> Recipe:
    """The recipe that a run has recorded; settings that it did not know yet are the defaults."""
    known = {each.name for each in fields(Recipe)}
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in params.get("recipe", {}).items()
        if key in known
    }
    return Recipe(**given)
