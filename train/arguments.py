"""The settings that all of TRL's trainers share, made from ours; each default that is not ours is said here."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from evalharness.models.loaded import LoadedModel
from train.recipe import Recipe

SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}


def arguments(loaded: LoadedModel, recipe: Recipe, work: Path, *, judged: bool) -> dict[str, Any]:
    """Keyword arguments for the configuration of any trainer of TRL; `judged` if there are validation rows."""
    cuda = loaded.device == "cuda"
    compute = loaded.facts["compute_dtype"]
    half = recipe.precision == "bf16" or (recipe.precision == "auto" and cuda and compute == "bfloat16")
    return {
        "output_dir": str(work),
        "use_cpu": not cuda,
        "bf16": half,
        "fp16": recipe.precision == "auto" and compute == "float16",
        "seed": recipe.seed,
        "data_seed": recipe.seed,
        "per_device_train_batch_size": recipe.batch_size,
        "per_device_eval_batch_size": recipe.batch_size,
        "gradient_accumulation_steps": recipe.accumulate,
        "num_train_epochs": recipe.epochs,
        "max_steps": recipe.max_steps or -1,
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": SCHEDULES[recipe.schedule],
        "warmup_steps": int(recipe.warmup) if recipe.warmup >= 1 else recipe.warmup,
        "weight_decay": recipe.weight_decay,
        "adam_beta2": recipe.beta2,
        "max_grad_norm": recipe.max_grad_norm,
        "optim": "adamw_torch",
        "activation_checkpointing": recipe.gradient_checkpointing == "on",  # `auto` was settled before
        "train_sampling_strategy": "group_by_length" if recipe.group_by_length else "random",
        "max_length": None,  # our own gate has looked at each row's length
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": cuda,
        "logging_steps": recipe.log_every,
        "logging_nan_inf_filter": False,  # a loss that is no number must be seen
        "save_total_limit": 2,
        "restore_callback_states_from_checkpoint": True,  # how long early stopping has waited
        "report_to": [name for name in recipe.report_to if find_spec(name)],  # others were told of before
        "disable_tqdm": True,
        **_evaluation(recipe, judged=judged),
    }


def _evaluation(recipe: Recipe, *, judged: bool) -> dict[str, Any]:
    """When to look at the validation rows and to keep a checkpoint, and which of them is the best."""
    when = "steps" if recipe.evaluate_every else "epoch"
    chosen: dict[str, Any] = {"save_strategy": when, "eval_strategy": when if judged else "no"}
    if recipe.evaluate_every:
        chosen |= {"save_steps": recipe.evaluate_every, "eval_steps": recipe.evaluate_every}
    if judged and (recipe.best_by != "last" or recipe.early_stopping):
        by_metric = recipe.best_by == "metric"
        chosen |= {
            "load_best_model_at_end": recipe.best_by != "last",
            "metric_for_best_model": "eval_metric" if by_metric else "eval_loss",
            "greater_is_better": by_metric,
        }
    return chosen
