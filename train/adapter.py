"""What a finished run leaves: the adapter's folder, with card, record and log."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from curate.workspace import code_version
from evalharness.adapters import card, checked
from evalharness.adapters.checked import Outcome
from evalharness.encoding.rows import token_counts
from evalharness.models.loaded import LoadedModel
from train import processes
from train.job import Job, Ready
from train.recipe import TINY
from train.run import Trained

PACKAGES = ("torch", "transformers", "peft", "trl", "accelerate", "datasets")
FACTS = ("base", "base_digest", "quantization", "quantization_reason", "device", "threads", "compute_dtype")


def record(
    loaded: LoadedModel, job: Job, ready: Ready, trained: Trained, before: list[Outcome]
) -> dict[str, Any]:
    """The content of training.json."""
    facts, resolved, given = loaded.facts, job.resolved, ready.given
    recipe = resolved.recipe
    return {
        **{key: facts[key] for key in FACTS},
        "toy": recipe.base == TINY,
        "gradient_checkpointing": ready.choice.recipe.gradient_checkpointing == "on",
        "headroom": ready.choice.why,
        "method": recipe.method,
        "objective": recipe.objective,
        "processes": processes.count(),
        **trained.told,
        "dataset": {"name": job.name, "digest": job.dataset},
        "clean": not job.objections,
        "objections": job.objections,
        "settings": asdict(recipe),
        "given": dict(resolved.given),
        "defaults_for": resolved.why,
        "masks": given.template.ways,
        "rows": {"train": token_counts(given.rows), "validation": token_counts(given.validation)},
        "lengths": {"train": ready.gate.record(), "validation": ready.gate_validation.record()},
        "epochs": recipe.epochs,
        **checked.record([*before, *trained.checks]),
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
