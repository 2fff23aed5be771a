"""The trainer of a run: built by its objective, set going, and what it trained saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import Any, TypeAlias

from curate.errors import ConfigError, MissingExtraError, ResourceError
from evalharness.models.loaded import import_peft
from train import checkpoints, methods, preference, processes, reward, sft
from train.outline import steps, units
from train.recipe import Recipe, must_agree
from train.sft import Asked, Built

Event: TypeAlias = Any  # what transformers hands to its callbacks, and such a callback
SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}
LINES = 20  # of the log at least, so that a short run tells its losses too
PROGRAMS = {"sft": sft.build, "reward": reward.build, **dict.fromkeys(preference.KINDS, preference.build)}


def arguments(asked: Asked, work: Path) -> dict[str, Any]:
    """Keyword arguments for the configuration of any trainer of TRL."""
    loaded, recipe, rows, validation = asked
    judged, total = bool(validation), steps(units(len(rows), recipe), recipe)
    cuda, compute = loaded.device == "cuda", loaded.facts["compute_dtype"]
    half = recipe.precision == "bf16" or (recipe.precision == "auto" and cuda and compute == "bfloat16")
    when = "steps" if recipe.evaluate_every else "epoch"
    best = "eval_metric" if recipe.best_by == "metric" else "eval_loss"
    warmup = int(recipe.warmup) if recipe.warmup >= 1 else ceil(recipe.warmup * total)
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
        # a run that is all warm-up would learn nothing: its first step is of nought
        "warmup_steps": min(warmup, total - 1),
        "weight_decay": recipe.weight_decay,
        "adam_beta2": recipe.beta2,
        "max_grad_norm": recipe.max_grad_norm,
        "optim": "adamw_torch",
        "activation_checkpointing": recipe.gradient_checkpointing == "on",  # `auto` was settled before
        "train_sampling_strategy": "group_by_length" if recipe.group_by_length else "random",
        "max_length": None,  # our own gate has looked at each row's length
        "dataloader_pin_memory": cuda,
        "logging_steps": min(recipe.log_every, max(1, total // LINES)),
        "logging_nan_inf_filter": False,  # a loss that is no number must be seen
        "save_total_limit": 2,
        "restore_callback_states_from_checkpoint": True,  # how long early stopping has waited
        "report_to": [name for name in recipe.report_to if find_spec(name)],  # others were told of before
        "disable_tqdm": True,
        "save_strategy": when,
        "save_steps": recipe.evaluate_every or 1,
        "eval_strategy": when if judged else "no",
        "eval_steps": recipe.evaluate_every or 1,
        "load_best_model_at_end": judged and recipe.best_by != "last",
        "metric_for_best_model": best
        if judged and (recipe.best_by != "last" or recipe.early_stopping)
        else None,
        "greater_is_better": best == "eval_metric",
    }


def build(asked: Asked, work: Path, checkpoint: Path | None) -> Built:
    """The trainer of the recipe's objective, with what all of them need: float32 masters and callbacks."""
    loaded, recipe, _, validation = asked
    import_peft()  # first: with it comes bitsandbytes, and quietly
    try:
        from transformers import EarlyStoppingCallback, PrinterCallback
        from trl import SFTTrainer  # noqa: F401  # asked for here, once for all programs
    except ImportError as error:
        raise MissingExtraError(error.name or "trl", "train") from error
    must_agree(recipe, {})
    if recipe.method == "full" and (held := loaded.facts["quantization"]) != "none":
        hint = "give the full-precision base, or --set method=lora"
        raise ConfigError(f"`full` trains all weights, and this base is held as {held}", hint=hint)
    built = PROGRAMS[recipe.objective](asked, arguments(asked, work))
    trainer = built.trainer
    if processes.sharded(trainer) and recipe.method != "lora":
        what = f"FSDP with method={recipe.method}: only lora is gathered and checked"
        raise ConfigError(what, hint="--set method=lora")
    trainer.remove_callback(PrinterCallback)  # it prints to stdout, which is for data
    # TRL has rounded the adapter to bfloat16 and would go on in it; a resumed run would be in float32
    for weight in trainer.model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()
    trainer.add_callback(in_order())
    if recipe.method == "adalora":
        trainer.add_callback(methods.allocator(checkpoint))
    if recipe.early_stopping and validation:
        trainer.add_callback(EarlyStoppingCallback(recipe.early_stopping))
    return built


def callback(**events: Callable[..., None]) -> Event:
    """What transformers calls at these of its events (`on_log`, ...) with its arguments, state and control."""
    from transformers import TrainerCallback

    return type("Callback", (TrainerCallback,), {name: staticmethod(do) for name, do in events.items()})()


def in_order() -> Event:
    """A callback by which rows that are grouped by length come in an order of seed and epoch alone.

    transformers draws that order from what chance has come to when an epoch begins. A run that goes on in
    the middle of one could not know it, and would train on other rows.
    """
    import torch
    from transformers.trainer_pt_utils import LengthGroupedSampler

    def seeded(args: Event, state: Event, control: Event, train_dataloader: Event, **_: Event) -> None:
        batches = train_dataloader.batch_sampler
        while hasattr(batches, "batch_sampler"):  # of several processes each has a part
            batches = batches.batch_sampler
        if isinstance(batches.sampler, LengthGroupedSampler):
            epoch = int(state.epoch + 1e-6)
            batches.sampler.generator = torch.Generator().manual_seed(args.seed * 1_000_003 + epoch)

    return callback(on_epoch_begin=seeded)


@contextmanager
def _written(what: str) -> Iterator[None]:
    """ResourceError where the disk ends: PyTorch and safetensors have errors of their own for that."""
    from safetensors import SafetensorError

    try:
        yield
    except (RuntimeError, SafetensorError) as error:
        if isinstance(error, RuntimeError) and "inline_container" not in str(error):
            raise
        hint = "free some disk space; the same command goes on from the newest whole checkpoint"
        raise ResourceError(f"{what} cannot be written: {error}", hint=hint) from error


def go(trainer: Any, checkpoint: Path | None) -> None:  # noqa: ANN401
    """Train, from the beginning or a checkpoint; ResourceError where memory ends."""
    if checkpoint is not None and checkpoints.finished(checkpoint):
        _take_up(trainer, checkpoint)
        return
    try:
        with _written("a checkpoint"):
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except RuntimeError as error:
        if "out of memory" not in str(error):
            raise
        hint = "--set batch_size=1 --set accumulate=16 --set gradient_checkpointing=on, or a smaller base"
        raise ResourceError(f"out of memory after {trainer.state.global_step} steps", hint=hint) from error


def _take_up(trainer: Any, checkpoint: Path) -> None:  # noqa: ANN401
    """Weights and history of a run that was stopped after its last step: `Trainer.train` would take one more."""
    from transformers import TrainerState

    trainer.state = state = TrainerState.load_from_json(str(checkpoint / checkpoints.STATE))
    told = trainer.callback_handler
    trainer.control = told.on_train_begin(trainer.args, state, trainer.control)
    best = state.best_model_checkpoint if trainer.args.load_best_model_at_end else None
    trainer._load_from_checkpoint(best or str(checkpoint))
    trainer.control = told.on_train_end(trainer.args, state, trainer.control)


def save(model: Any, folder: Path, recipe: Recipe, *, sharded: bool = False) -> None:  # noqa: ANN401
    """The adapter as PEFT keeps it, or the whole model. The base is named as the person named it."""
    folder.mkdir(parents=True, exist_ok=True)
    if recipe.method == "full":
        with _written("the model"):
            model.save_pretrained(str(folder))
        return
    state = None  # PEFT's own way
    if sharded:
        names = ((name, weight) for name, weight in model.state_dict().items() if "lora_" in name)
        state = {name: processes.whole(weight).cpu() for name, weight in names}
    model.peft_config[model.active_adapter].base_model_name_or_path = recipe.base
    # without the embedding: looking whether it changed would ask the hub
    with _written("the adapter"):
        model.save_pretrained(str(folder), save_embedding_layers=False, state_dict=state)
