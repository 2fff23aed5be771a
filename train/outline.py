"""A base without its weights: tokenizer, shapes and settings, enough to plan a run and make its rows."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
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
    trainable = _trainable(recipe, chosen, config, total)
    tokens = recipe.batch_size * longest
    flow = sum(each.in_features + each.out_features for _, each in linears) * wide
    layers = int(getattr(config, "num_hidden_layers", 1))
    kept = (
        flow // layers + layers * config.hidden_size * wide
        if recipe.gradient_checkpointing != "off"
        else flow
    )
    return Estimate(total, trainable, weights, trainable * 16, tokens * kept)


def _trainable(recipe: Recipe, chosen: Sequence[Any], config: Any, total: int) -> int:  # noqa: ANN401
    """Parameters that the method trains, as PEFT shapes them; `chosen` are the layers it acts on."""
    both = sum(each.in_features + each.out_features for each in chosen)
    outs = sum(each.out_features for each in chosen)
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    wider = -(-recipe.rank * 3 // 2)  # AdaLoRA begins so
    counts: dict[str, int] = {
        "lora": recipe.rank * both,
        "dora": recipe.rank * both + outs,
        "adalora": wider * (both + len(chosen)),
        "vera": recipe.rank * len(chosen) + outs,
        "prompt": recipe.virtual_tokens * config.hidden_size,
        "prefix": recipe.virtual_tokens * config.num_hidden_layers * 2 * heads * head,
        "full": total,
    }
    return counts[recipe.method]


def free_memory(device: str) -> int:
    """Bytes that are free now where the model would be."""
    if device == "cuda":
        import torch

        return int(torch.cuda.mem_get_info()[0])
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


SPARE = (
    0.8  # share of the free memory that the formula may fill: program, buffers and fragments take the rest
)


def headroom(loaded: LoadedModel, recipe: Recipe, longest: int, free: int | None = None) -> dict[str, Any]:
    """What each way to hold the base would take, and the quickest that fits, with the reason.

    Quickest first: full precision, then NF4 (each weight is unpacked in each pass); each without gradient
    checkpointing, then with it (about a third more time).
    """
    free = free_memory(loaded.device) if free is None else free
    held = loaded.facts["quantization"]
    kinds = [held] if held == "as-saved" or recipe.method == "full" else ["none", "nf4"]
    ways: list[dict[str, Any]] = []
    for kind in kinds:
        for switch in ("off", "on"):
            as_if = replace(loaded, facts={**loaded.facts, "quantization": kind})
            size = estimate(as_if, replace(recipe, gradient_checkpointing=switch), longest).memory
            way = {"quantization": kind, "gradient_checkpointing": switch, "memory": size}
            ways.append({**way, "fits": size <= SPARE * free})
    fit = next((way for way in ways if way["fits"]), None)
    words = ", ".join(
        f"{way['quantization']} {'with' if way['gradient_checkpointing'] == 'on' else 'without'} checkpointing "
        f"{in_words(way['memory'])}"
        for way in ways
    )
    if fit is None:
        told = "none of them fits: a smaller base, batch_size=1, or a shorter context"
    else:
        chosen = f"quantization={fit['quantization']} gradient_checkpointing={fit['gradient_checkpointing']}"
        told = f"the quickest that fits into {SPARE:.0%} of it is {chosen}"
        now = {
            "quantization": held,
            "gradient_checkpointing": "off" if recipe.gradient_checkpointing == "off" else "on",
        }
        same = all(fit[key] == value for key, value in now.items())
        told += (
            " (as this run has it)"
            if same
            else f"; this run has {' '.join(f'{k}={v}' for k, v in now.items())}"
        )
    return {"free": free, "ways": ways, "told": f"{in_words(free)} free on {loaded.device}; {words}; {told}"}


GIB, MIB = 1 << 30, 1 << 20


def in_words(count: int) -> str:
    """Bytes for a person."""
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / MIB:.1f} MiB"


def caps(rows: Sequence[Encoded], context: int) -> list[dict[str, int]]:
    """Rows over, and trained tokens lost by dropping or cutting them, at the context and at powers of two below the longest."""
    longest = max((len(row.ids) for row in rows), default=0)
    wanted = sorted(
        {min(context, longest), *(1 << each for each in range(5, 24) if longest // 16 < 1 << each < longest)}
    )
    trained = [list(accumulate(row.trained, initial=0)) for row in rows]
    found = []
    for cap in wanted:
        over = [sums for sums in trained if len(sums) - 1 > cap]
        found.append(
            {
                "cap": cap,
                "rows": len(over),
                "drop": sum(sums[-1] for sums in over),
                "truncate": sum(sums[-1] - sums[cap] for sums in over),
            }
        )
    return found


def cap_lines(found: Sequence[dict[str, int]]) -> list[str]:
    """A line for each cap."""
    return [
        f"  context={each['cap']:,}: {each['rows']:,} rows over; trained tokens lost: {each['drop']:,} by drop, "
        f"{each['truncate']:,} by truncate"
        for each in found
    ]


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
