"""Supervised fine-tuning of an adapter: load, check, train, save, check again. Reads top to bottom."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curate.errors import ConfigError, MissingExtraError, ResourceError
from curate.progress import Progress
from evalharness.models import LoadedModel
from train import checks, watch
from train.batches import Encoded
from train.checks import Checked
from train.recipe import Recipe

PROBE_ROWS = 4  # rows of the batch that the checks compare on
SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}


@dataclass(frozen=True)
class Trained:
    """What a run has to tell beside the adapter itself."""

    losses: list[dict[str, Any]]  # one for each epoch
    log: list[dict[str, Any]]
    checks: list[Checked]
    steps: int
    resumed_at: int  # the step that was gone on from; 0 for a run in one piece
    seconds: float  # of this process's part
    peak_memory: int  # bytes
    trainable: int
    parameters: int


def train(
    loaded: LoadedModel,
    recipe: Recipe,
    rows: Sequence[Encoded],
    validation: Sequence[Encoded],
    *,
    work: Path,
    adapter: Path,
    checkpoint: Path | None = None,
) -> Trained:
    """Train an adapter on `rows` and save it into the folder `adapter`.

    `work` holds checkpoints and the running log; `checkpoint` is one of them to go on from. Raises
    ResourceError where a check of the run fails or memory ends.
    """
    began = time.monotonic()
    work.mkdir(parents=True, exist_ok=True)
    with watch.quiet(), Progress("train") as progress:
        trainer = _trainer(loaded, recipe, rows, validation, work)
        trainer.add_callback(watch.watcher(work / "log.jsonl", progress))
        model, probe = trainer.model, _probe(trainer, rows)
        done = [
            checks.masters(model),
            *checks.nf4_round_trip(model, loaded.device),
            checks.gradients_around_evaluation(model, probe, loaded.device),
        ]
        before = checks.frozen_digest(model)
        try:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        except RuntimeError as error:
            if "out of memory" not in str(error):
                raise
            raise ResourceError(
                f"out of memory after {trainer.state.global_step} steps",
                hint="--set batch_size=1 --set accumulate=16 --set gradient_checkpointing=true, or a smaller base",
            ) from error
        save(model, adapter, recipe.base)
        done += [
            checks.base_unchanged(before, checks.frozen_digest(model)),
            checks.adapter_acts(model, probe),
            checks.reload_equals(model, adapter, probe, loaded.device),
        ]
    history = trainer.state.log_history
    trainable, total = _sizes(model, loaded)
    return Trained(
        losses=watch.losses(history, recipe.epochs),
        log=watch.measured(history),
        checks=done,
        steps=trainer.state.global_step,
        resumed_at=int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0,
        seconds=time.monotonic() - began,
        peak_memory=_peak_memory(loaded.device),
        trainable=trainable,
        parameters=total,
    )


def _trainer(
    loaded: LoadedModel, recipe: Recipe, rows: Sequence[Encoded], validation: Sequence[Encoded], work: Path
) -> Any:  # noqa: ANN401  a trl.SFTTrainer
    """TRL's trainer over rows that are tokens already, with float32 adapters."""
    try:
        from peft import LoraConfig
        from transformers import PrinterCallback
        from trl import SFTTrainer
    except ImportError as error:
        raise MissingExtraError(error.name or "trl", "train") from error
    targets: Any = list(recipe.targets)
    lora = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules=targets[0] if targets == ["all-linear"] else targets,
        use_rslora=recipe.rslora,
        use_dora=recipe.dora,
        task_type="CAUSAL_LM",
    )
    try:
        trainer = SFTTrainer(
            model=loaded.model,
            args=_arguments(loaded, recipe, work, judged=bool(validation)),
            train_dataset=_dataset(rows),
            eval_dataset=_dataset(validation) if validation else None,
            processing_class=loaded.tokenizer,
            peft_config=lora,
        )
    except ValueError as error:
        if "arget" not in str(error):
            raise
        raise ConfigError(
            str(error).splitlines()[0], hint="--set targets=all-linear fits any base"
        ) from error
    trainer.remove_callback(PrinterCallback)  # it prints to stdout, which is for data
    # TRL has rounded the adapter to bfloat16 and would go on in it; a resumed run would be in float32
    for weight in trainer.model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()
    return trainer


def _arguments(loaded: LoadedModel, recipe: Recipe, work: Path, *, judged: bool) -> Any:  # noqa: ANN401
    """TRL's settings; each default that is not ours is said here."""
    from trl import SFTConfig

    cuda = loaded.device == "cuda"
    half = recipe.precision == "bf16" or (
        recipe.precision == "auto" and cuda and loaded.facts["compute_dtype"] == "bfloat16"
    )
    return SFTConfig(
        output_dir=str(work),
        use_cpu=not cuda,
        bf16=half,
        fp16=recipe.precision == "auto" and loaded.facts["compute_dtype"] == "float16",
        seed=recipe.seed,
        data_seed=recipe.seed,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.accumulate,
        num_train_epochs=recipe.epochs,
        max_steps=recipe.max_steps or -1,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=SCHEDULES[recipe.schedule],
        warmup_steps=int(recipe.warmup) if recipe.warmup >= 1 else recipe.warmup,
        weight_decay=recipe.weight_decay,
        adam_beta2=recipe.beta2,
        max_grad_norm=recipe.max_grad_norm,
        optim="adamw_torch",
        activation_checkpointing=recipe.gradient_checkpointing,
        train_sampling_strategy="group_by_length" if recipe.group_by_length else "random",
        max_length=None,  # our own gate has looked at each row's length
        packing=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=cuda,
        logging_steps=recipe.log_every,
        logging_nan_inf_filter=False,  # a loss that is no number must be seen
        eval_strategy="epoch" if judged else "no",
        save_strategy="epoch",
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
    )


def _dataset(rows: Sequence[Encoded]) -> Any:  # noqa: ANN401  a datasets.Dataset
    from datasets import Dataset

    return Dataset.from_dict({"input_ids": [list(r.ids) for r in rows], "labels": [r.labels for r in rows]})


def _probe(trainer: Any, rows: Sequence[Encoded]) -> dict[str, Any]:  # noqa: ANN401
    """A small batch of the shortest rows, made by the trainer's own collator, on its device."""
    shortest = sorted(rows, key=lambda row: (len(row.ids), row.example_id))[:PROBE_ROWS]
    batch = trainer.data_collator([{"input_ids": list(r.ids), "labels": r.labels} for r in shortest])
    return {key: value.to(trainer.args.device) for key, value in batch.items()}


def save(model: Any, folder: Path, base: str) -> None:  # noqa: ANN401
    """The adapter as PEFT keeps it. The base is named as the person named it, not by its place here."""
    folder.mkdir(parents=True, exist_ok=True)
    # without the embedding: looking whether it changed would ask the hub
    model.save_pretrained(str(folder), save_embedding_layers=False)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = base
    path.write_text(json.dumps(config, indent=2, sort_keys=True), encoding="utf-8")


def _sizes(model: Any, loaded: LoadedModel) -> tuple[int, int]:  # noqa: ANN401
    trainable = sum(each.numel() for each in model.parameters() if each.requires_grad)
    return trainable, int(loaded.facts["parameters"])


def _peak_memory(device: str) -> int:
    """Bytes that this process (on a GPU: its tensors there) held at most."""
    if device == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated())
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
