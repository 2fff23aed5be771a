"""What a finished run leaves: the adapter's folder, with card, record and log."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from curate.workspace import code_version
from evalharness.adapters import card, checked
from evalharness.adapters.checked import Outcome
from evalharness.encoding.encode import Encoded, Template
from evalharness.encoding.questions import Questions
from evalharness.encoding.rows import Gate, token_counts
from evalharness.models.loaded import LoadedModel
from train import processes
from train.outline import Settled
from train.recipe import TINY, Resolved
from train.run import Trained

PACKAGES = ("torch", "transformers", "peft", "trl", "accelerate", "datasets")


@dataclass(frozen=True)
class Data:
    """What was trained on: `objections` is empty for data that passed every gate."""

    name: str
    digest: str
    objections: tuple[str, ...]
    choice: Settled
    train: list[Encoded]
    validation: list[Encoded]
    gate: Gate
    gate_validation: Gate
    asked: Questions | None = None  # at each evaluation


def record(
    loaded: LoadedModel,
    resolved: Resolved,
    template: Template,
    data: Data,
    trained: Trained,
    before: list[Outcome],
) -> dict[str, Any]:
    """The content of training.json."""
    facts, recipe = loaded.facts, resolved.recipe
    counts = token_counts(data.train)
    return {
        "base": facts["base"],
        "base_digest": facts["base_digest"],
        "toy": resolved.recipe.base == TINY,
        "quantization": facts["quantization"],
        "quantization_reason": facts["quantization_reason"],
        "gradient_checkpointing": data.choice.recipe.gradient_checkpointing == "on",
        "headroom": data.choice.why,
        "method": recipe.method,
        "objective": recipe.objective,
        "processes": processes.count(),
        **trained.told,
        "dataset": {"name": data.name, "digest": data.digest},
        "clean": not data.objections,
        "objections": list(data.objections),
        "settings": asdict(resolved.recipe),
        "given": dict(resolved.given),
        "defaults_for": resolved.why,
        "masks": template.ways,
        "rows": {"train": counts, "validation": token_counts(data.validation)},
        "lengths": {"train": data.gate.record(), "validation": data.gate_validation.record()},
        "epochs": resolved.recipe.epochs,
        "steps": trained.steps,
        "resumed_at_step": trained.resumed_at,
        "losses": trained.losses,
        "seconds": round(trained.seconds, 2),
        "peak_memory_bytes": trained.peak_memory,
        "parameters": trained.parameters,
        "trainable": trained.trainable,
        **checked.record([*before, *trained.checks]),
        "device": facts["device"],
        "threads": facts["threads"],
        "compute_dtype": facts["compute_dtype"],
        "versions": {**facts["versions"], **{each: version(each) for each in PACKAGES}},
        "code": code_version(),
    }


def complete(folder: Path, loaded: LoadedModel, told: dict[str, Any], trained: Trained) -> None:
    """Put tokenizer, card, record and log beside the adapter's weights."""
    loaded.tokenizer.save_pretrained(str(folder))
    (folder / "README.md").write_text(card.card(told), encoding="utf-8")
    text = json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / "training.json").write_text(text + "\n", encoding="utf-8")
    lines = "".join(json.dumps(each) + "\n" for each in trained.log)
    (folder / "log.jsonl").write_text(lines, encoding="utf-8")
