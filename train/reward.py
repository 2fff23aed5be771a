"""A reward model: the base with a head that gives an answer a number, learned from pairs by TRL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evalharness.models import LoadedModel
from train.batches import Encoded
from train.methods import peft_config
from train.preference import answered
from train.recipe import Recipe
from train.sft import Built

AT_ONCE = 8  # texts in one pass of `scores`


def build(
    loaded: LoadedModel,
    recipe: Recipe,
    rows: Sequence[Encoded],
    validation: Sequence[Encoded],
    shared: dict[str, Any],
) -> Built:
    """TRL's RewardTrainer. `rows` are pairs: a chosen answer, then its rejected one."""
    from datasets import Dataset
    from trl import RewardConfig, RewardTrainer

    trainer = RewardTrainer(
        model=loaded.model,
        args=RewardConfig(**{**shared, "train_sampling_strategy": "random"}),
        train_dataset=Dataset.from_dict(_table(rows)),
        eval_dataset=Dataset.from_dict(_table(validation)) if validation else None,
        processing_class=loaded.tokenizer,
        peft_config=peft_config(recipe),
    )
    return Built(trainer, {}, [])


def _table(rows: Sequence[Encoded]) -> dict[str, list[Any]]:
    """The columns that TRL's collator reads: conversations up to their end token, which the head looks at."""
    told = [list(answered(row)) for row in rows]
    return {"chosen_ids": told[::2], "rejected_ids": told[1::2]}


def scores(model: Any, rows: Sequence[Encoded], pad: int, device: str) -> list[float]:  # noqa: ANN401
    """The number that a reward model gives to each row's last answer."""
    import torch

    found: list[float] = []
    mode = model.training
    model.eval()
    with torch.no_grad():
        for at in range(0, len(rows), AT_ONCE):
            texts = [torch.tensor(answered(row)) for row in rows[at : at + AT_ONCE]]
            ids = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True, padding_value=pad)
            lengths = torch.tensor([len(text) for text in texts])
            mask = torch.arange(ids.shape[1])[None] < lengths[:, None]
            out = model(input_ids=ids.to(device), attention_mask=mask.long().to(device), use_cache=False)
            found += out.logits[:, 0].float().tolist()
    model.train(mode)
    return found
