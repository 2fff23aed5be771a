"""Preference tuning from pairs of a chosen and a rejected answer: DPO, KTO and ORPO by TRL.

TRL makes tokens of texts itself here, by the prompt's length, with what a template puts after an answer.
Ours are made and checked as for any other row, so its trainers are built on one row and then given ours.
The reference is the base: the adapter off, or for full fine-tuning a copy.
"""

from __future__ import annotations

import copy
import random
import warnings
from typing import Any

from evalharness.encoding.encode import IGNORED
from evalharness.encoding.losses import in_pairs
from train.methods import peft_config
from train.recipe import Recipe
from train.sft import Asked, Built, Rows, still

# apart at a line's end, where tokenizers do not join: TRL would warn of a prompt that is no beginning
SPECIMEN = {"prompt": ["a"], "chosen": ["\nb"], "rejected": ["\nc"]}


def build(asked: Asked, shared: dict[str, Any]) -> Built:
    """The trainer of the recipe's objective."""
    import trl
    from datasets import Dataset

    loaded, recipe, rows, validation = asked
    name, table = KINDS[recipe.objective]
    shared = settings(recipe, shared)
    still(loaded.model)  # the reference's pass is one of training, too: its own dropout would move it
    own: dict[str, Any] = {}
    package: Any = trl
    if recipe.objective == "orpo":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is experimental stands in our docs
            from trl.experimental import orpo

            package = orpo
        longest = max(len(row.ids) for row in [*rows, *validation])  # it has a limit of its own
        shared |= {"max_length": longest, "remove_unused_columns": False}
    elif recipe.method == "full":
        own["ref_model"] = copy.deepcopy(loaded.model)
    specimen = Dataset.from_dict(SPECIMEN)
    trainer = getattr(package, f"{name}Trainer")(
        model=loaded.model,
        args=getattr(package, f"{name}Config")(**shared),
        train_dataset=specimen,
        eval_dataset=specimen if validation else None,
        processing_class=loaded.tokenizer,
        peft_config=peft_config(recipe),
        **own,
    )
    trainer.train_dataset = Dataset.from_dict(table(rows, recipe))
    trainer.eval_dataset = Dataset.from_dict(table(validation, recipe)) if validation else None
    return Built(trainer, {"reference": "none" if recipe.objective == "orpo" else "the base"})


def settings(recipe: Recipe, shared: dict[str, Any]) -> dict[str, Any]:
    """What all trainers have, and what preferences need."""
    # KTO's estimate of the drift from the base pairs each row with the next one of the pass
    order = "sequential" if recipe.objective == "kto" else "random"
    # TRL would switch the adapter's off too; the reference's pass goes without adapter
    return {**shared, "train_sampling_strategy": order, "beta": recipe.beta, "disable_dropout": False}


def dpo_table(rows: Rows, recipe: Recipe) -> dict[str, list[Any]]:
    """The columns that TRL's collator for pairs reads."""
    prompts, chosen, rejected = zip(*in_pairs(rows), strict=True)
    return {"prompt_ids": list(prompts), "chosen_ids": list(chosen), "rejected_ids": list(rejected)}


def kto_table(rows: Rows, recipe: Recipe) -> dict[str, list[Any]]:
    """Each answer by itself, good or bad, shuffled once; with the answer of another row for the drift."""
    pairs = in_pairs(rows)
    single = [(prompt, said, said is chosen) for prompt, chosen, bad in pairs for said in (chosen, bad)]
    random.Random(recipe.seed).shuffle(single)
    prompts, answers, good = (list(column) for column in zip(*single, strict=True))
    passes = (answers[at : at + recipe.batch_size] for at in range(0, len(answers), recipe.batch_size))
    others = [answer for each in passes for answer in (each[-1], *each[:-1])]
    return {"prompt_ids": prompts, "completion_ids": answers, "KL_completion_ids": others, "label": good}


def orpo_table(rows: Rows, recipe: Recipe) -> dict[str, list[Any]]:
    """Both answers behind their prompt, with labels on the answer alone."""
    table: dict[str, list[Any]] = {}
    for prompt, *answers in in_pairs(rows):
        for name, answer in zip(("chosen", "rejected"), answers, strict=True):
            table.setdefault(f"{name}_input_ids", []).append(prompt + answer)
            table.setdefault(f"{name}_attention_mask", []).append([1] * len(prompt + answer))
            table.setdefault(f"{name}_labels", []).append([IGNORED] * len(prompt) + answer)
    return table


# by objective: what TRL calls it, and the columns that its collator reads
KINDS = {"dpo": ("DPO", dpo_table), "kto": ("KTO", kto_table), "orpo": ("ORPO", orpo_table)}
