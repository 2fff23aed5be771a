"""What a finished run leaves: the adapter's folder, with card, record and log."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from curate.progress import duration
from curate.workspace import code_version
from evalharness.models import LoadedModel
from train import diagnosis, processes
from train.batches import Encoded, Template
from train.checks import Checked
from train.metric import Questions
from train.recipe import TINY, Resolved
from train.rows import Gate, token_counts
from train.run import Trained

PACKAGES = ("torch", "transformers", "peft", "trl", "accelerate", "datasets")
TOY = (
    "The base is the toy model that comes with Seatrial. It proves that the loop works, and says nothing about "
    "the quality that a real model would reach."
)


@dataclass(frozen=True)
class Data:
    """What was trained on: `objections` is empty for data that passed every gate."""

    name: str
    digest: str
    objections: tuple[str, ...]
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
    before: list[Checked],
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
        "checks": [each.record() for each in (*before, *trained.checks)],
        "device": facts["device"],
        "threads": facts["threads"],
        "compute_dtype": facts["compute_dtype"],
        "versions": {**facts["versions"], **{each: version(each) for each in PACKAGES}},
        "code": code_version(),
    }


def card(told: dict[str, Any]) -> str:
    """The adapter's README.md: front matter as the hub reads it, then the facts."""
    rows, settings, data = told["rows"], told["settings"], told["dataset"]
    unclean = (
        ["", "**Trained on data that did not pass the gate** (`--allow-unclean`):", ""]
        + [f"- {each}" for each in told["objections"]]
        if not told["clean"]
        else []
    )
    lost = told["lengths"]["train"]
    left_out = lost["unusable"] + told["lengths"]["validation"]["unusable"]
    length_lines = [f"- rows that cannot be trained on, left out: {len(left_out)}"] if left_out else []
    length_lines += (
        [
            f"- over-long rows ({lost['over_long']}, {lost['context']:,} tokens): {len(lost['dropped'])} dropped, "
            f"{len(lost['truncated'])} cut, {lost['trained_tokens_lost']:,} trained tokens lost"
        ]
        if lost["dropped"] or lost["truncated"]
        else []
    )
    return "\n".join(
        [
            "---",
            f"library_name: {'transformers' if told['method'] == 'full' else 'peft'}",
            f"base_model: {json.dumps(told['base'])}",
            f"tags: [{settings['method']}, {settings['objective']}, seatrial]",
            "---",
            "",
            f"# An adapter for {told['base']}",
            "",
            *([TOY, ""] if told["toy"] else []),
            f"- base: {told['base']}, {told['parameters']:,} parameters, digest `{told['base_digest']}`, "
            f"held as {told['quantization']} ({told['quantization_reason']})",
            f"- data: {data['name']}, digest `{data['digest']}`, "
            f"{rows['train']['rows']:,} training rows, {rows['validation']['rows']:,} validation rows",
            f"- data passed the gate (scanned, nothing blocking open, split): {'yes' if told['clean'] else 'no'}",
            f"- tokens: {rows['train']['tokens']:,} an epoch, {rows['train']['trained']:,} of them trained on "
            f"({told['masks']} agree)",
            *length_lines,
            *(f"- {line}" for line in pair_lines(told)),
            f"- trained: {told['method']}, {told['objective']}: {told['trainable']:,} parameters, {told['steps']:,} steps, {duration(told['seconds'])}",
            *unclean,
            "",
            *(f"- {line}" for line in diagnosis.lines(told.get("diagnosis", []))),
            "",
            "| epoch | loss | validation loss |",
            "| --- | --- | --- |",
            *(
                f"| {e['epoch']} | {_number(e['loss'])} | {_number(e['validation_loss'])} |"
                for e in told["losses"]
            ),
            "",
            "Settings: " + ", ".join(f"{key} {_word(value)}" for key, value in settings.items()) + ".",
            "",
            "Checks of this run:",
            "",
            *(f"- {each['line']}" for each in told["checks"]),
            "",
        ]
    )


def pair_lines(told: dict[str, Any]) -> list[str]:
    """How validation pairs are told apart, where the objective was a preference."""
    found = told.get("pairs")
    if not found:
        return []
    if told["objective"] == "reward":
        return [
            f"validation pairs: the chosen answer scores higher in {found['right']:,} of "
            f"{found['validation']:,} ({found['right_before']:,} before training)"
        ]
    return [
        f"validation pairs: the chosen answer has gained on the rejected one in {found['lead_grew']:,} of "
        f"{found['validation']:,}, and is the likelier in {found['right']:,} ({found['right_before']:,} before)"
    ]


def _word(value: object) -> str:
    """A setting as it would stand in a recipe."""
    return ", ".join(value) if isinstance(value, tuple) else json.dumps(value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def complete(folder: Path, loaded: LoadedModel, told: dict[str, Any], trained: Trained) -> None:
    """Put tokenizer, card, record and log beside the adapter's weights."""
    loaded.tokenizer.save_pretrained(str(folder))
    (folder / "README.md").write_text(card(told), encoding="utf-8")
    text = json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / "training.json").write_text(text + "\n", encoding="utf-8")
    lines = "".join(json.dumps(each) + "\n" for each in trained.log)
    (folder / "log.jsonl").write_text(lines, encoding="utf-8")
