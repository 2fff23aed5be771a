"""An adapter trained elsewhere, taken in with what its folder tells of its training, and tried on its base."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from curate.errors import ConfigError, GateError, SourceError
from curate.workspace import Workspace, code_version
from evalharness.encoding.log import losses
from evalharness.models.damage import read_json
from evalharness.models.loaded import LoadedModel, import_peft, load_model
from evalharness.models.model_files import ADAPTER

CONFIG, CARD, STATE = "adapter_config.json", "README.md", "trainer_state.json"
KEPT = (CONFIG, ADAPTER, CARD, STATE, "*.jinja", "*.yaml", "*.yml", "tokenizer*.json", "special_tokens_map.json", "*_results.json", "trainer_log.jsonl")  # fmt: skip
LIMIT = 50 << 20  # bytes of a file beside the weights
ACTS = 1e-4  # as for answering: the least that a logit must move

# our name of a setting, and the names that others have for it
NAMES: dict[str, tuple[str, ...]] = {
    "rank": ("r", "lora_r", "lora_rank"),
    "alpha": ("lora_alpha",),
    "dropout": ("lora_dropout",),
    "targets": ("target_modules", "lora_target_modules", "lora_target"),
    "rslora": ("use_rslora", "peft_use_rslora"),
    "learning_rate": ("learning_rate",),
    "epochs": ("num_epochs", "num_train_epochs"),
    "max_steps": ("max_steps",),
    "batch_size": ("micro_batch_size", "per_device_train_batch_size", "train_batch_size"),
    "accumulate": ("gradient_accumulation_steps",),
    "schedule": ("lr_scheduler", "lr_scheduler_type"),
    "warmup": ("warmup_steps", "warmup_ratio", "lr_scheduler_warmup_steps", "lr_scheduler_warmup_ratio"),
    "weight_decay": ("weight_decay",),
    "context": ("sequence_len", "cutoff_len", "max_seq_length", "max_length"),
    "packing": ("sample_packing", "packing", "neat_packing"),
    "seed": ("seed",),
}
# (who, a pattern in the card or among the names of files), the surest first
TRAINERS = (
    ("Axolotl", re.compile(r"axolotl", re.IGNORECASE)),
    ("LLaMA-Factory", re.compile(r"llama-?factory|trainer_log\.jsonl", re.IGNORECASE)),
    ("Unsloth", re.compile(r"unsloth", re.IGNORECASE)),
    ("TRL", re.compile(r"\btrl\b", re.IGNORECASE)),
)
HYPERPARAMETER = re.compile(r"^- (\w+): (.+)$", re.MULTILINE)
AXOLOTL = re.compile(r"```ya?ml\n(.*?)```", re.DOTALL)
FOUR_BITS = re.compile(r"bnb-4bit|unsloth.*4bit", re.IGNORECASE)


def take_in(
    workspace: Workspace, folder: Path, base: str | None, dataset: str | None, *, anyway: bool = False
) -> tuple[str, dict[str, Any]]:
    """Keep the adapter as an artifact with a training.json like our own; (digest, its content).

    `dataset` is the version whose training rows it was trained on, as the person says. Raises SourceError
    where the folder is no PEFT adapter in safetensors, ConfigError where it does not fit the base, and
    GateError where it changes nothing or was trained with another chat template, unless `anyway`.
    """
    config = _config(folder)
    found = read_settings(folder, config)
    base = base or str(config.get("base_model_name_or_path") or "")
    if not base:
        raise ConfigError(f"{folder}: its {CONFIG} names no base", hint="--base tiny, a hub id or a folder")
    import_peft()  # before transformers imports what peft imports, and less quietly
    loaded = load_model(base, quantization=found["quantization"], adapter=folder)
    checks, objections = _tried(loaded, folder)
    if objections and not anyway:
        raise GateError(
            f"{folder}: {'; '.join(objections)}",
            hint="--anyway takes it in all the same, and its record says so",
        )
    facts = loaded.facts
    name = workspace.name_of(dataset) if dataset else None
    told = {
        **{key: facts[key] for key in ("base", "base_digest", "quantization", "parameters", "versions")},
        "imported": {"from": found["from"], "notes": [*found["notes"], *objections]},
        "settings": found["settings"],
        "dataset": {"name": name, "digest": dataset} if dataset else {},
        "losses": found["losses"],
        "steps": found["steps"],
        "checks": checks,
        "code": code_version(),
    }
    params = {"imported": found["from"], "base": base, "base_digest": facts["base_digest"], "anyway": anyway}
    with tempfile.TemporaryDirectory() as place:
        _copy(folder, Path(place), told, found["log"])
        with workspace.run("train", params, {"dataset": dataset} if dataset else {}) as run:
            run.outputs["adapter"] = workspace.put_files("adapter", Path(place))
    return run.outputs["adapter"], told


def _config(folder: Path) -> dict[str, Any]:
    if not (folder / CONFIG).is_file():
        raise SourceError(
            f"{folder}: no {CONFIG} in it", hint="give the folder that PEFT saved the adapter in"
        )
    if not (folder / ADAPTER).is_file():
        raise SourceError(
            f"{folder}: no {ADAPTER} in it",
            hint="a .bin file can run code when it is opened: save it again as safetensors where it was made",
        )
    config = read_json(folder / CONFIG)
    if not config.get("peft_type"):
        raise SourceError(f"{folder / CONFIG}: it names no peft_type", hint="is it an adapter's?")
    return config


def read_settings(folder: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Who trained it, with which settings by our names, and its curve; nothing of it runs or unpickles."""
    card = (folder / CARD).read_text(encoding="utf-8", errors="replace") if (folder / CARD).is_file() else ""
    names = " ".join(path.name for path in folder.iterdir())
    head = json.dumps(config) + names
    who = next((name for name, pattern in TRAINERS if pattern.search(card + head)), "PEFT")
    given = {**_hyperparameters(card), **_yaml(folder, card), **config}
    settings = {
        ours: given[name]
        for ours, theirs in NAMES.items()
        for name in reversed(theirs)
        if given.get(name) is not None
    }
    kind = str(config["peft_type"]).lower()
    settings["method"] = "dora" if config.get("use_dora") else kind.removesuffix("_tuning")
    held = given.get("load_in_4bit") or str(given.get("quantization_bit")) == "4"
    held = held or FOUR_BITS.search(str(config.get("base_model_name_or_path")))
    notes = (
        []
        if len(given) > len(config)
        else ["its folder tells no settings of the training but the adapter's own"]
    )
    if not held:
        notes.append("nothing says that its base was held in 4 bits: judged on full precision")
    log, losses = _curve(folder)
    steps = max((int(line.get("step", 0)) for line in log), default=0)
    quantization = "nf4" if held else "none"
    return {
        "from": who, "settings": settings, "quantization": quantization, "notes": notes, "log": log,
        "losses": losses, "steps": steps,
    }  # fmt: skip


def _hyperparameters(card: str) -> dict[str, Any]:
    """The list under `Training hyperparameters` of a card that transformers wrote."""
    part = card.partition("### Training hyperparameters")[2].partition("\n### ")[0]
    return {name: _value(text) for name, text in HYPERPARAMETER.findall(part)}


def _value(text: str) -> Any:  # noqa: ANN401
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()


def _yaml(folder: Path, card: str) -> dict[str, Any]:
    """The settings in Axolotl's part of a card, or in a YAML file beside it."""
    import yaml  # type: ignore[import-untyped]  # its types are a package of their own

    texts = [
        path.read_text(encoding="utf-8")
        for path in sorted(folder.glob("*.y*ml"))
        if path.stat().st_size < LIMIT
    ]
    found: dict[str, Any] = {}
    for text in [*AXOLOTL.findall(card), *texts]:
        try:
            told = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise SourceError(f"{folder}: its settings are no YAML: {str(error).splitlines()[0]}") from error
        found |= told if isinstance(told, dict) else {}
    return found


def _curve(folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(lines of the log, losses by epoch) from the newest trainer_state.json of the folder or its checkpoints."""
    states = sorted(folder.glob(f"checkpoint-*/{STATE}"), key=lambda path: path.stat().st_mtime)
    states = [folder / STATE] if (folder / STATE).is_file() else states[-1:]
    history = read_json(states[0]).get("log_history", []) if states else []
    log = [
        line
        for line in history
        if isinstance(line, dict) and ("loss" in line or "eval_loss" in line) and "epoch" in line
    ]
    return log, losses(log)


def _tried(loaded: LoadedModel, folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """What was looked at on the base, and what speaks against taking it in."""
    import torch

    ids = loaded.tokenizer("The quick brown fox jumps over the lazy dog", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        there = loaded.model(input_ids=ids.to(loaded.device)).logits[:, -1]
        with loaded.without_adapter():
            gone = loaded.model(input_ids=ids.to(loaded.device)).logits[:, -1]
    moved = float((there - gone).abs().max())
    objections = [] if moved > ACTS else [f"it changes nothing: no logit moves by more than {moved:.1g}"]
    templates = _other_template(loaded, folder)
    objections += [templates] if templates else []
    line = f"checked: the adapter acts: largest change of a logit: {moved:.3g} (above {ACTS:g})"
    return [{"name": "the adapter acts", "value": moved, "limit": ACTS, "line": line}], objections


def _other_template(loaded: LoadedModel, folder: Path) -> str:
    """Why a conversation is told otherwise by the tokenizer that came with the adapter; empty if it is not."""
    if not (folder / "tokenizer.json").is_file():
        return ""
    from transformers import AutoTokenizer

    from evalharness.models.chat import Chat

    theirs = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    if not theirs.chat_template:
        return ""
    turns = [{"role": "user", "content": "How are you?"}, {"role": "assistant", "content": "Well."}]
    own = Chat(loaded)
    told = Chat(LoadedModel(loaded.model, theirs, loaded.device, loaded.facts, loaded.digest))
    for conversation in (turns, [{"role": "system", "content": "Be brief."}, *turns]):
        texts = [chat.prompt(conversation) for chat in (own, told)]
        if own.ids(texts[0]) != told.ids(texts[1]):
            return (
                "it came with another chat template than its base has, by which it would be asked otherwise than it was "
                "trained (put its tokenizer's files into a copy of the base and give that as --base)"
            )
    return ""


def _copy(folder: Path, to: Path, told: Mapping[str, Any], log: list[dict[str, Any]]) -> None:
    for path in sorted({path for pattern in KEPT for path in folder.glob(pattern)}):
        if path.is_file() and (path.name == ADAPTER or path.stat().st_size < LIMIT):
            shutil.copy(path, to / path.name)
    (to / "training.json").write_text(
        json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (to / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log), encoding="utf-8")
