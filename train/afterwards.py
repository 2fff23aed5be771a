"""What is asked of a trained model at the end of a run: a few answers, and a general text that it should still know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from evalharness import diagnosis
from evalharness.likelihood import general_loss
from evalharness.models import LoadedModel
from evalharness.task import Task
from train import metric
from train.batches import Encoded
from train.recipe import Recipe

SAMPLED = 4  # validation rows that are answered
LONGEST = 64  # tokens of such an answer


def diagnosed(
    trainer: Any,  # noqa: ANN401  one of TRL's
    loaded: LoadedModel,
    recipe: Recipe,
    validation: Sequence[Encoded],
    log: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """The diagnosis of a finished run, with what was asked for it."""
    now = replace(loaded, model=trainer.model)
    answers: tuple[tuple[int, ...], ...] = ()
    unfinished = 0
    general = None
    if recipe.objective != "reward":
        mode = trainer.model.training
        trainer.model.eval()
        general = _general(now, recipe)
        single = validation[::2] if recipe.pairs else validation
        rows = sorted(single, key=lambda row: row.example_id)[:SAMPLED]
        if rows:
            said = metric.answers(now, rows, Task(), longest=LONGEST)
            answers = tuple(tuple(each.ids) for each in said)
            unfinished = sum(each.finish_reason == "length" for each in said)
        trainer.model.train(mode)
    kept = trainer.state.best_global_step if trainer.args.load_best_model_at_end else None
    facts = diagnosis.Facts(recipe.best_by, kept, general, answers, unfinished)
    told: dict[str, Any] = {"diagnosis": diagnosis.record(diagnosis.diagnose(log, facts))}
    if general:
        told["general_loss"] = {"base": round(general[0], 4), "trained": round(general[1], 4)}
    return told


def _general(loaded: LoadedModel, recipe: Recipe) -> tuple[float, float] | None:
    """Mean loss a token on general text, of the base and of the trained model.

    None where all weights are trained, since the base is no longer there to ask, and where the tokenizer
    does not know the text.
    """
    if recipe.method == "full" or not hasattr(loaded.model, "disable_adapter"):
        return None
    asked = (loaded.model, loaded.tokenizer, loaded.context, loaded.device)
    with loaded.without_adapter():
        base = general_loss(*asked)
    now = general_loss(*asked)
    return None if base is None or now is None else (base, now)
