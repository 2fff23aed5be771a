"""A reward model: the base with a head that gives an answer a number, learned from pairs by TRL."""

from __future__ import annotations

from typing import Any

from evalharness.encoding.losses import answered
from train.methods import peft_config
from train.sft import Asked, Built, Rows


def build(asked: Asked, shared: dict[str, Any]) -> Built:
    """TRL's RewardTrainer."""
    from datasets import Dataset
    from trl import RewardConfig, RewardTrainer

    loaded, recipe, rows, validation = asked
    trainer = RewardTrainer(
        model=loaded.model,
        args=RewardConfig(**{**shared, "train_sampling_strategy": "random", "disable_dropout": False}),
        train_dataset=Dataset.from_dict(_table(rows)),
        eval_dataset=Dataset.from_dict(_table(validation)) if validation else None,
        processing_class=loaded.tokenizer,
        peft_config=peft_config(recipe),
    )
    return Built(trainer, {})


def _table(rows: Rows) -> dict[str, list[Any]]:
    """The columns that TRL's collator reads: conversations up to their end token, which the head looks at."""
    told = [list(answered(row)) for row in rows]
    return {"chosen_ids": told[::2], "rejected_ids": told[1::2]}
