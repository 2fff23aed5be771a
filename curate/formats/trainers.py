"""The settings of a training run as another trainer's configuration, beside the data that it was given."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from curate.errors import ConfigError

Settings = Mapping[str, Any]


class Form(NamedTuple):
    """One trainer: what its configuration file is called, how it is begun, and how ours becomes its."""

    file: str
    command: str
    write: Callable[[Settings, str, Path], dict[str, Any]]
    beside: str  # the file of the export that is part of the configuration; empty for none


def write_configuration(format: str, settings: Settings, folder: Path, name: str) -> tuple[Path, str]:
    """Write the configuration into the folder that holds the export `name`; (its place, the command).

    `settings` are those of a run here, by our names; absent ones are left to the other's defaults. Raises
    ConfigError for a method, objective or mask that the trainer has no word for, and where a file with
    other content is there.
    """
    form = FORMS[known(format)]
    path = folder / form.file.format(name=name)
    values = form.write(settings, name, folder)
    text = "".join(f"{key}: {_yaml(value)}\n" for key, value in values.items() if value is not None)
    if form.beside:
        text += (folder / form.beside.format(name=name)).read_text(encoding="utf-8")
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise ConfigError(f"{path} is there already, with other content", hint="export to another folder")
    path.write_text(text, encoding="utf-8")
    return path, form.command.format(file=path.name)


def known(format: str) -> str:
    """The format, if there are configurations for it; else ConfigError."""
    if format not in FORMS:
        raise ConfigError(f"no configuration for `{format}`", hint=f"there are {', '.join(FORMS)}")
    return format


def _yaml(value: Any) -> str:  # noqa: ANN401
    """A value as YAML: JSON, but for numbers such as 1e-05, which YAML would read as text."""
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and "e" in text and "." not in text:
        return text.replace("e", ".0e")
    return text


def _asked(
    settings: Settings, trainer: str, methods: tuple[str, ...], objectives: tuple[str, ...]
) -> tuple[str, str]:
    """(method, objective), if the trainer has both; else ConfigError."""
    method, objective = str(settings.get("method", "lora")), str(settings.get("objective", "sft"))
    for what, word, words in (("method", method, methods), ("objective", objective, objectives)):
        if word not in words:
            raise ConfigError(f"{trainer} has no {what} `{word}`", hint=f"it has {', '.join(words)}")
    return method, objective


def _on(settings: Settings, key: str, *, auto: bool) -> bool:
    """A switch of ours (auto, on, off, or true and false)."""
    value = settings.get(key, "auto")
    return value if isinstance(value, bool) else auto if value == "auto" else value == "on"


def _warmup(settings: Settings) -> tuple[int | None, float | None]:
    """(steps, share): one of them, or neither."""
    value = settings.get("warmup")
    if value is None:
        return None, None
    return (int(value), None) if value >= 1 else (None, float(value))


def _axolotl(settings: Settings, name: str, folder: Path) -> dict[str, Any]:
    method, objective = _asked(settings, "Axolotl", ("lora", "dora", "full"), ("sft", "dpo", "orpo"))
    if settings.get("train_on", "assistant") != "assistant":
        raise ConfigError("Axolotl has no word for train_on = last", hint="--format llamafactory has one")
    steps, share = _warmup(settings)
    four = settings.get("quantization") == "nf4"
    packing = objective == "sft" and _on(settings, "packing", auto=False)
    targets = list(settings.get("targets", ("all-linear",)))
    lora = {
        "adapter": "qlora" if four else "lora",
        "lora_r": settings.get("rank"),
        "lora_alpha": settings.get("alpha"),
        "lora_dropout": settings.get("dropout"),
        "lora_target_linear": True if targets == ["all-linear"] else None,
        "lora_target_modules": None if targets == ["all-linear"] else targets,
        "peft_use_rslora": settings.get("rslora") or None,
        "peft_use_dora": True if method == "dora" else None,
    }
    return {
        "base_model": settings["base"],
        "load_in_4bit": four,
        **(lora if method != "full" else {}),
        "chat_template": "tokenizer_default",
        "train_on_inputs": False,
        "sequence_len": settings["context"],
        "sample_packing": packing,
        # else rows of a pass would see each other
        "attn_implementation": "flash_attention_2" if packing else None,
        "micro_batch_size": settings.get("batch_size"),
        "gradient_accumulation_steps": settings.get("accumulate"),
        "num_epochs": settings.get("epochs"),
        "max_steps": settings.get("max_steps") or None,
        "optimizer": "adamw_torch",
        "adam_beta2": settings.get("beta2"),
        "learning_rate": settings.get("learning_rate"),
        "lr_scheduler": _schedule(settings),
        "warmup_steps": steps,
        "warmup_ratio": share,
        "weight_decay": settings.get("weight_decay"),
        "max_grad_norm": settings.get("max_grad_norm") or None,
        "bf16": "auto",
        "gradient_checkpointing": _on(settings, "gradient_checkpointing", auto=True),
        "eval_strategy": "epoch" if _validated(folder, name) else None,
        "save_strategy": "epoch",
        "logging_steps": settings.get("log_every"),
        "seed": settings.get("seed"),
        "rl_beta": settings.get("beta") if objective != "sft" else None,
        "output_dir": f"{name}-axolotl",
    }


def _validated(folder: Path, name: str) -> bool:
    return any(folder.glob(f"{name}-validation.*"))


def _schedule(settings: Settings) -> str | None:
    word = settings.get("schedule")
    return "constant_with_warmup" if word == "constant" else word


def _steps(settings: Settings, path: Path) -> int:
    """Steps of the optimizer over a JSON array of rows."""
    rows = len(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else 0
    passes = math.ceil(rows / int(settings.get("batch_size", 1)))
    each = math.ceil(passes / int(settings.get("accumulate", 1)))
    return int(settings.get("max_steps") or math.ceil(each * float(settings.get("epochs", 1))))


def _llamafactory(settings: Settings, name: str, folder: Path) -> dict[str, Any]:
    method, objective = _asked(
        settings, "LLaMA-Factory", ("lora", "dora", "full"), ("sft", "dpo", "kto", "orpo", "reward")
    )
    stage = {"reward": "rm", "orpo": "dpo"}.get(objective, objective)
    steps, share = _warmup(settings)
    if share is not None:  # its versions have two words for a share, and one for steps
        steps = round(share * _steps(settings, folder / f"{name}-train.json"))
    targets = list(settings.get("targets", ("all-linear",)))
    lora = {
        "lora_rank": settings.get("rank"),
        "lora_alpha": settings.get("alpha"),
        "lora_dropout": settings.get("dropout"),
        "lora_target": "all" if targets == ["all-linear"] else ",".join(targets),
        "use_rslora": settings.get("rslora") or None,
        "use_dora": True if method == "dora" else None,
    }
    four = settings.get("quantization") == "nf4"
    validated = _validated(folder, name)
    packing = objective == "sft" and _on(settings, "packing", auto=False)
    return {
        # no `template`: it then takes the tokenizer's own, as we do
        "model_name_or_path": settings["base"],
        "stage": stage,
        "do_train": True,
        "finetuning_type": "full" if method == "full" else "lora",
        **(lora if method != "full" else {}),
        "quantization_bit": 4 if four else None,
        "quantization_method": "bnb" if four else None,
        "dataset_dir": ".",
        "dataset": f"{name}-train" if any(folder.glob(f"{name}-train.json")) else name,
        "eval_dataset": f"{name}-validation" if validated else None,
        "eval_strategy": "epoch" if validated else None,
        "cutoff_len": settings["context"] + packing,  # it takes one off where it packs
        "mask_history": True if settings.get("train_on") == "last" else None,
        "packing": packing,
        "neat_packing": packing or None,
        "per_device_train_batch_size": settings.get("batch_size"),
        "gradient_accumulation_steps": settings.get("accumulate"),
        "num_train_epochs": float(settings["epochs"]) if "epochs" in settings else None,
        "max_steps": settings.get("max_steps") or None,
        "optim": "adamw_torch",
        "adam_beta2": settings.get("beta2"),
        "learning_rate": settings.get("learning_rate"),
        "lr_scheduler_type": _schedule(settings),
        "warmup_steps": steps,
        "weight_decay": settings.get("weight_decay"),
        "max_grad_norm": settings.get("max_grad_norm"),
        "bf16": settings.get("precision") != "fp32",
        "disable_gradient_checkpointing": not _on(settings, "gradient_checkpointing", auto=True),
        "save_strategy": "epoch",
        "logging_steps": settings.get("log_every"),
        "seed": settings.get("seed"),
        "pref_beta": settings.get("beta") if stage in ("dpo", "kto") else None,
        "pref_loss": "orpo" if objective == "orpo" else None,
        "output_dir": f"{name}-llamafactory",
        "report_to": "none",
    }


FORMS: dict[str, Form] = {
    "axolotl": Form("{name}.axolotl.train.yaml", "axolotl train {file}", _axolotl, "{name}.axolotl.yaml"),
    "llamafactory": Form("{name}.llamafactory.yaml", "llamafactory-cli train {file}", _llamafactory, ""),
}
