"""A base without its weights: tokenizer, shapes and settings, enough to plan a run and make its rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalharness.model_files import digest_of, find_base
from evalharness.models import (
    LoadedModel,
    _context,
    _tokenizer,
    choose_device,
    choose_quantization,
    load_config,
)
from evalharness.nf4 import BLOCK, SMALL
from train.batches import Encoded
from train.recipe import Recipe

BARS = 8
BAR_WIDTH = 40


def outline(recipe: Recipe) -> LoadedModel:
    """The base as `load_model` would load it, with weights that take no memory and hold no values."""
    import torch
    from transformers import AutoModelForCausalLM, GenerationConfig

    folder = find_base(recipe.base)
    config = load_config(folder, recipe.base)
    device = choose_device("auto")
    taken, reason = choose_quantization(config, recipe.quantization, device, None)  # type: ignore[arg-type]  # the recipe has checked it
    tokenizer, _ = _tokenizer(folder, recipe.base, True, False)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    if (folder / "generation_config.json").is_file():
        model.generation_config = GenerationConfig.from_pretrained(str(folder))
    facts = {
        "context": _context(config, tokenizer),
        "quantization": taken,
        "quantization_reason": reason,
        "parameters": sum(each.numel() for each in model.parameters()),
    }
    return LoadedModel(model, tokenizer, device, facts, digest_of(folder))


@dataclass(frozen=True)
class Estimate:
    """Sizes by formula, not by measurement: parameters, and bytes."""

    parameters: int
    trainable: int
    weights: int
    adapter: int
    activations: int

    @property
    def memory(self) -> int:
        """All together, in bytes."""
        return self.weights + self.adapter + self.activations


def estimate(loaded: LoadedModel, recipe: Recipe, longest: int) -> Estimate:
    """What a run would hold, if its longest row has `longest` tokens.

    Weights: half a byte each and the scales in NF4, else their own type. Adapter: weight, gradient and
    two moments, 4 bytes each. Activations: what goes in and out of each linear layer, per token of one
    pass; with gradient checkpointing one layer's share and each layer's input.
    """
    import torch

    head = loaded.model.get_output_embeddings()
    linears = [
        (name, each)
        for name, each in loaded.model.named_modules()
        if isinstance(each, torch.nn.Linear) and each is not head
    ]
    wide = 4 if loaded.device == "cpu" else 2
    inside = sum(each.weight.numel() for _, each in linears)
    total = int(loaded.facts["parameters"])
    config = loaded.model.config.get_text_config()
    if loaded.facts["quantization"] == "nf4":
        scale = 4 if config.hidden_size < SMALL else 1  # the scales are quantised again in larger models
        weights = inside // 2 + inside // BLOCK * scale + (total - inside) * 4
    else:
        weights = total * wide
    chosen = [each for name, each in linears if _targeted(name, recipe.targets)]
    trainable = sum(recipe.rank * (each.in_features + each.out_features) for each in chosen)
    trainable += sum(each.out_features for each in chosen) if recipe.method == "dora" else 0
    tokens = recipe.batch_size * longest
    flow = sum(each.in_features + each.out_features for _, each in linears) * wide
    layers = int(getattr(config, "num_hidden_layers", 1))
    kept = (
        flow // layers + layers * config.hidden_size * wide
        if recipe.gradient_checkpointing != "off"
        else flow
    )
    return Estimate(total, trainable, weights, trainable * 16, tokens * kept)


def _targeted(name: str, targets: Sequence[str]) -> bool:
    return list(targets) == ["all-linear"] or any(
        name == each or name.endswith(f".{each}") for each in targets
    )


def steps(rows: int, recipe: Recipe) -> int:
    """Steps of the optimizer."""
    each = math.ceil(math.ceil(rows / recipe.batch_size) / recipe.accumulate)
    return recipe.max_steps or each * recipe.epochs


def histogram(rows: Sequence[Encoded], context: int) -> list[str]:
    """Rows by length, in eighths of the longest that fits; the longer ones in a line of their own."""
    lengths = [len(row.ids) for row in rows]
    inside = [each for each in lengths if each <= context]
    width = max(1, math.ceil(max(inside, default=context) / BARS))
    bars = [
        (f"{low + 1:,} to {low + width:,} tokens", sum(1 for each in inside if low < each <= low + width))
        for low in range(0, width * BARS, width)
    ]
    bars.append((f"more than {context:,}", len(lengths) - len(inside)))
    most = max(count for _, count in bars)
    return [
        f"  {name:>24} {count:>7,}  {'#' * math.ceil(count / most * BAR_WIDTH)}".rstrip()
        for name, count in bars
        if count
    ]


def table(values: dict[str, Any]) -> list[str]:
    """`name: value` lines with the names in one column."""
    wide = max(map(len, values))
    return [f"{name:<{wide}}  {value}" for name, value in values.items()]
