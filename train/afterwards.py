"""What is asked of a trained model at the end of a run: a few answers, and a general text that it should still know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from evalharness import diagnosis
from evalharness.models import LoadedModel
from evalharness.task import Task
from train import metric
from train.batches import Encoded
from train.recipe import Recipe

SAMPLED = 4  # validation rows that are answered
LONGEST = 64  # tokens of such an answer
# Plain general text, of our own words: what a language model of any kind knows before it is trained on a task.
GENERAL = (
    "Water boils at one hundred degrees Celsius at sea level, and at a lower temperature on a high mountain.",
    "The capital of France is Paris, which lies on the river Seine.",
    "If Anna is older than Ben, and Ben is older than Carla, then Anna is older than Carla.",
    "def add(a, b):\n    return a + b\n",
    "To make bread you need flour, water, salt and yeast; let the dough rest before you bake it.",
    "Der Zug nach Berlin kommt heute zehn Minuten später an.",
    "A triangle has three sides, and its angles add up to one hundred and eighty degrees.",
    "Dear Sir or Madam, thank you for your letter of the third of May. We will reply within two weeks.",
)


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
    """Mean loss a token on GENERAL, of the base and of the trained model.

    None where all weights are trained, since the base is no longer there to ask, and where the tokenizer
    does not know the text.
    """
    if recipe.method == "full" or not hasattr(loaded.model, "disable_adapter"):
        return None
    unknown = loaded.tokenizer.unk_token_id
    ids = [loaded.tokenizer(text, add_special_tokens=True).input_ids for text in GENERAL]
    flat = [token for each in ids for token in each]
    if flat.count(unknown) > len(flat) // 10:
        return None
    with loaded.without_adapter():
        base = _loss(loaded, ids)
    return base, _loss(loaded, ids)


def _loss(loaded: LoadedModel, texts: Sequence[Sequence[int]]) -> float:
    import torch

    total, count = 0.0, 0
    with torch.no_grad():
        for ids in texts:
            row = torch.tensor([list(ids)[: loaded.context]], device=loaded.device)
            logits = loaded.model(input_ids=row, attention_mask=torch.ones_like(row), use_cache=False).logits
            logits = logits[0, -row.shape[1] : -1].float()  # learned tokens stand before the row's own
            total += float(torch.nn.functional.cross_entropy(logits, row[0, 1:], reduction="sum"))
            count += row.shape[1] - 1
    return total / max(count, 1)
