"""Supervised fine-tuning: TRL's trainer over rows that are tokens already, end to end where that is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from evalharness.adapters.checked import largest
from evalharness.encoding.encode import Encoded
from evalharness.models.loaded import LoadedModel
from train import checks
from train.methods import peft_config
from train.recipe import TOKENS_BEFORE, Recipe

PROBE_ROWS = 4  # rows of the batch that the checks compare on


Rows: TypeAlias = Sequence[Encoded]  # of pairs: a chosen answer, then its rejected one


class Built(NamedTuple):
    """A trainer that is ready, with what there is to tell of how it was made."""

    trainer: Any  # one of TRL's
    told: dict[str, str]


class Asked(NamedTuple):
    """What a program makes its trainer of."""

    loaded: LoadedModel
    recipe: Recipe
    rows: Rows
    validation: Rows = ()


def build(asked: Asked, shared: dict[str, Any]) -> Built:
    """TRL's SFTTrainer; `shared` are the settings that all trainers have."""
    from trl import SFTConfig, SFTTrainer

    loaded, recipe, rows, validation = asked
    wish, why = packing(recipe, loaded.device)
    trainer = SFTTrainer(
        model=loaded.model,
        args=SFTConfig(packing=False, padding_free=wish, **shared),
        train_dataset=_dataset(rows),
        eval_dataset=_dataset(validation) if validation else None,
        processing_class=loaded.tokenizer,
        peft_config=peft_config(recipe),
    )
    if not wish:
        return Built(trainer, {"packing": f"off: {why}"})
    apart = parity(trainer, rows) if recipe.packing == "auto" else 0.0
    if apart < checks.PACKING_LIMIT[loaded.device]:
        return Built(trainer, {"packing": f"on: {why}"})
    trainer.data_collator.padding_free = False
    why = f"this model does not keep rows of a pass apart (logits move by {apart:.2g})"
    return Built(trainer, {"packing": f"off: {why}"})


def still(model: Any) -> None:  # noqa: ANN401  one of transformers
    """Switch off the dropout that a base brings along, as GPT-2 does; that of an adapter comes later."""
    for module in model.modules():
        if type(module).__name__ == "Dropout":
            module.p = 0.0
        elif isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = 0.0


def packing(recipe: Recipe, device: str) -> tuple[bool, str]:
    """Whether rows of a pass should lie end to end, and why. A check of the model itself comes after."""
    if recipe.packing != "auto":
        return recipe.packing == "on", "asked for"
    if recipe.method in TOKENS_BEFORE:
        return False, "learned tokens would stand before the pass, not before each row"
    if device == "cpu":
        return False, "on a processor attention over a whole pass costs more than padding"
    return True, "no padding, and as many rows in a step as without"


def parity(trainer: Any, rows: Rows) -> float:  # noqa: ANN401
    """Largest difference of a logit between rows side by side and the same rows end to end."""
    few, collator, found = probes(rows), trainer.data_collator, []
    kept = collator.padding_free
    for collator.padding_free in (False, True):
        found.append(checks.logits(trainer.model, _batch(trainer, few)))
    collator.padding_free = kept
    side, end = found
    sizes = [len(row.ids) for row in few]
    ends = end[0, : sum(sizes)].split(sizes)
    pairs = zip(side, ends, strict=True)
    return largest(float((one[: len(other)] - other).abs().max()) for one, other in pairs)


def probes(rows: Rows) -> list[Encoded]:
    """The shortest rows: enough to compare on, and cheap."""
    unlike = {row.ids: row for row in rows}.values()  # copies of a row would show nothing of one another
    return sorted(unlike, key=lambda row: (len(row.ids), row.example_id))[:PROBE_ROWS]


def _batch(trainer: Any, rows: Rows) -> dict[str, Any]:  # noqa: ANN401
    """Rows as the trainer's own collator makes them, on its device."""
    batch = trainer.data_collator([{"input_ids": list(row.ids), "labels": row.labels} for row in rows])
    device = trainer.args.device
    return {key: value.to(device) if hasattr(value, "to") else value for key, value in batch.items()}


def _dataset(rows: Rows) -> Any:  # noqa: ANN401  a datasets.Dataset
    from datasets import Dataset

    return Dataset.from_dict({"input_ids": [list(r.ids) for r in rows], "labels": [r.labels for r in rows]})
