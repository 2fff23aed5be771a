"""The trainer of a run: built by its objective, set going, and what it trained saved."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from curate.errors import ConfigError, MissingExtraError, ResourceError
from evalharness.encoding.encode import Encoded
from evalharness.models.loaded import LoadedModel, import_peft
from train import checkpoints, methods, preference, processes, reward, sft
from train.arguments import arguments
from train.recipe import Recipe, must_agree
from train.sft import Built

PROGRAMS = {"sft": sft.build, "reward": reward.build, **dict.fromkeys(preference.KINDS, preference.build)}


def build(
    loaded: LoadedModel,
    recipe: Recipe,
    rows: Sequence[Encoded],
    validation: Sequence[Encoded],
    work: Path,
    checkpoint: Path | None,
) -> Built:
    """The trainer of the recipe's objective, with what all of them need: float32 masters and callbacks."""
    import_peft()  # first: with it comes bitsandbytes, and quietly
    try:
        from transformers import EarlyStoppingCallback, PrinterCallback
        from trl import SFTTrainer  # noqa: F401  # asked for here, once for all programs
    except ImportError as error:
        raise MissingExtraError(error.name or "trl", "train") from error
    must_agree(recipe, {})
    methods.must_suit(loaded.facts["quantization"], recipe)
    shared = arguments(loaded, recipe, work, judged=bool(validation))
    try:
        built = PROGRAMS[recipe.objective](sft.Asked(loaded, recipe, rows, validation, shared))
    except ValueError as error:
        if "arget" not in str(error):
            raise
        raise ConfigError(
            str(error).splitlines()[0], hint="--set targets=all-linear fits any base"
        ) from error
    trainer = built.trainer
    if processes.sharded(trainer) and recipe.method != "lora":
        raise ConfigError(
            f"FSDP with method={recipe.method}: only lora is gathered and checked", hint="--set method=lora"
        )
    trainer.remove_callback(PrinterCallback)  # it prints to stdout, which is for data
    # TRL has rounded the adapter to bfloat16 and would go on in it; a resumed run would be in float32
    for weight in trainer.model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()
    trainer.add_callback(checkpoints.in_order())
    if recipe.method == "adalora":
        trainer.add_callback(methods.allocator(checkpoint))
    if recipe.early_stopping and validation:
        trainer.add_callback(EarlyStoppingCallback(recipe.early_stopping))
    return built


@contextmanager
def _written(what: str) -> Iterator[None]:
    """ResourceError where the disk ends: PyTorch and safetensors have errors of their own for that."""
    from safetensors import SafetensorError

    try:
        yield
    except (RuntimeError, SafetensorError) as error:
        if isinstance(error, RuntimeError) and "inline_container" not in str(error):
            raise
        raise ResourceError(
            f"{what} cannot be written: {error}",
            hint="free some disk space; the same command goes on from the newest whole checkpoint",
        ) from error


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
        raise ResourceError(
            f"out of memory after {trainer.state.global_step} steps",
            hint="--set batch_size=1 --set accumulate=16 --set gradient_checkpointing=on, or a smaller base",
        ) from error


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
    # without the embedding: looking whether it changed would ask the hub
    with _written("the adapter"):
        model.save_pretrained(str(folder), save_embedding_layers=False, state_dict=state)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = recipe.base
    path.write_text(json.dumps(config, indent=2, sort_keys=True), encoding="utf-8")
