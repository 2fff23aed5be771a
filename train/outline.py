"""A base without its weights: tokenizer, shapes and sizes, enough to plan a run, make its rows and choose how to hold it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from curate.errors import ConfigError, MissingExtraError
from evalharness.model_files import TINY, digest_of, find_base, parameters, shapes
from evalharness.models import LoadedModel, choose_device, context_of, load_config, load_tokenizer
from evalharness.nf4 import BLOCK, SMALL
from train.recipe import Recipe

GIB, MIB = 1 << 30, 1 << 20
# Share of the device's memory that the formula may fill: program, buffers and fragments take the rest.
SPARE = 0.8
# What config.json says of models whose layers their weight files do not show one by one.
NOT_PLAIN = ("quantization_config", "text_config", "num_experts", "num_local_experts", "n_routed_experts")


class Linear(NamedTuple):
    """A linear layer of the base, other than its output."""

    name: str
    outs: int
    ins: int


@dataclass(frozen=True)
class Shape:
    """What sizes are reckoned by."""

    parameters: int
    hidden: int
    layers: int
    keys: int  # numbers of one token's keys in a layer
    linears: tuple[Linear, ...]


def outline(recipe: Recipe) -> LoadedModel:
    """The base as far as its small files tell it; `facts["shape"]` is a Shape. PyTorch is asked only where they do not.

    ConfigError where the recipe insists on NF4 and its layers do not suit it.
    """
    if find_spec("transformers") is None:
        raise MissingExtraError("transformers", "train")
    folder = find_base(recipe.base)
    config = _json(folder / "config.json")
    if not config or any(config.get(each) for each in NOT_PLAIN):
        config = load_config(folder, recipe.base).to_dict()
        shape = _by_model(folder, recipe.base)
    else:
        shape = _by_files(folder, config)
    told, generation = (
        SimpleNamespace(**each) for each in (config, _json(folder / "generation_config.json"))
    )
    model: Any = SimpleNamespace(config=told, generation_config=generation)
    tokenizer, _ = load_tokenizer(folder, recipe.base, True, False)
    saved = "quantization_config" in config
    facts = {"context": context_of(told, tokenizer), "shape": shape, "as-saved": saved}
    if recipe.quantization == "nf4" and (against := objection(shape)):
        raise ConfigError(f"NF4 cannot be used here: {against}", hint="--quantization none")
    return LoadedModel(model, tokenizer, choose_device("auto"), facts, digest_of(folder))


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _by_files(folder: Path, config: dict[str, Any]) -> Shape:
    """By the headers of the weight files: each matrix of a numbered layer is a linear one, what lies outside embeds or answers."""
    linears = [
        Linear(name.removesuffix(".weight"), *size)
        for name, size in shapes(folder).items()
        if len(size) == 2 and any(part.isdigit() for part in name.split("."))
    ]
    return _shape(parameters(folder), SimpleNamespace(**config), linears)


def _by_model(folder: Path, base: str) -> Shape:
    """By the model itself, with weights that take no memory."""
    import torch
    from transformers import AutoModelForCausalLM

    config = load_config(folder, base)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    head = model.get_output_embeddings()
    linears = [
        Linear(name, each.out_features, each.in_features)
        for name, each in model.named_modules()
        if isinstance(each, torch.nn.Linear) and each is not head
    ]
    return _shape(sum(each.numel() for each in model.parameters()), config.get_text_config(), linears)


def _shape(parameters: int, config: Any, linears: list[Linear]) -> Shape:  # noqa: ANN401
    def told(*names: str) -> int:
        return int(next((found for name in names if (found := getattr(config, name, None))), 0))

    hidden, heads = told("hidden_size", "n_embd"), told("num_attention_heads", "n_head")
    keys = (told("num_key_value_heads") or heads) * (told("head_dim") or hidden // max(heads, 1))
    return Shape(parameters, hidden, told("num_hidden_layers", "n_layer") or 1, keys, tuple(linears))


def objection(shape: Shape) -> str:
    """Why NF4 is not for this base, by its shapes; a run also sends each width through NF4 and back."""
    if find_spec("bitsandbytes") is None:
        return "bitsandbytes is not installed"
    odd = next((each for each in shape.linears if each.ins % BLOCK), None)
    return f"{odd.name} has {odd.ins} in_features, not a multiple of {BLOCK}" if odd else ""


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


def estimate(loaded: LoadedModel, recipe: Recipe, longest: int, *, quantization: str) -> Estimate:
    """What a run would hold, if its longest row has `longest` tokens and the base is held so.

    Weights: half a byte each and the scales in NF4, else their own type. Adapter: weight, gradient and
    two moments, 4 bytes each. Activations: what goes in and out of each linear layer, per token of one
    pass; with gradient checkpointing one layer's share and each layer's input.
    """
    shape: Shape = loaded.facts["shape"]
    wide = 4 if loaded.device == "cpu" else 2
    inside = sum(each.outs * each.ins for each in shape.linears)
    weights = shape.parameters * wide
    if quantization == "nf4":
        scale = 4 if shape.hidden < SMALL else 1  # the scales are quantised again in larger models
        weights = inside // 2 + inside // BLOCK * scale + (shape.parameters - inside) * 4
    trainable = _trainable(recipe, shape)
    kept = sum(each.ins + each.outs for each in shape.linears) * wide
    if recipe.gradient_checkpointing == "on":
        kept = kept // shape.layers + shape.layers * shape.hidden * wide
    return Estimate(shape.parameters, trainable, weights, trainable * 16, recipe.batch_size * longest * kept)


def _trainable(recipe: Recipe, shape: Shape) -> int:
    """Parameters that the method trains, as PEFT shapes them."""
    chosen = [each for each in shape.linears if _targeted(each.name, recipe.targets)]
    both, outs = sum(each.ins + each.outs for each in chosen), sum(each.outs for each in chosen)
    wider = -(-recipe.rank * 3 // 2)  # AdaLoRA begins so
    counts: dict[str, int] = {
        "lora": recipe.rank * both,
        "dora": recipe.rank * both + outs,
        "adalora": wider * (both + len(chosen)),
        "vera": recipe.rank * len(chosen) + outs,
        "prompt": recipe.virtual_tokens * shape.hidden,
        "prefix": recipe.virtual_tokens * shape.layers * 2 * shape.keys,
        "full": shape.parameters,
    }
    return counts[recipe.method]


def _targeted(name: str, targets: Sequence[str]) -> bool:
    every = list(targets) == ["all-linear"]
    return every or any(name == each or name.endswith(f".{each}") for each in targets)


@cache
def device_memory(device: str) -> int:
    """Bytes that the device has, whatever is free now: the same run is the same tomorrow."""
    if device == "cuda":
        import torch

        return int(torch.cuda.get_device_properties(0).total_memory)
    limit = Path("/sys/fs/cgroup/memory.max")  # of a container
    allowed = limit.read_text(encoding="ascii").strip() if limit.is_file() else "max"
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(int(allowed), whole) if allowed.isdigit() else whole


@dataclass(frozen=True)
class Settled:
    """A recipe whose `auto`s are chosen by what fits, with each way that was weighed and the reason."""

    recipe: Recipe
    quantization: str  # as the base will be held: nf4, none or as-saved
    size: Estimate
    ways: tuple[dict[str, Any], ...]
    why: str


def settled(loaded: LoadedModel, recipe: Recipe, longest: int, memory: int | None = None) -> Settled:
    """The quickest way to hold the base that fits into the device's memory by formula.

    Quickest first: full precision, then NF4 (each weight is unpacked in each pass); each without gradient
    checkpointing, then with it (about a third more time). What the recipe says is not weighed. Where
    nothing fits the smallest is taken. `memory` in bytes; the device's own.
    """
    memory = device_memory(loaded.device) if memory is None else memory
    against = objection(loaded.facts["shape"])
    kinds, why = [recipe.quantization], ""
    if loaded.facts["as-saved"]:
        kinds, why = ["as-saved"], "the base is saved in a quantised form; "
    elif recipe.quantization == "auto" and against:
        kinds, why = ["none"], f"no NF4: {against}; "
    elif recipe.quantization == "auto" and recipe.base == TINY:
        kinds, why = ["nf4"], "NF4, as the tiny base was measured; "
    elif recipe.quantization == "auto":
        kinds = ["none", "nf4"]
    switches = ["off", "on"] if recipe.gradient_checkpointing == "auto" else [recipe.gradient_checkpointing]
    sizes = {}
    for kind in kinds:
        for switch in switches:
            as_if = replace(recipe, gradient_checkpointing=switch)
            sizes[kind, switch] = estimate(loaded, as_if, longest, quantization=kind)
    fit = next((way for way, size in sizes.items() if size.memory <= SPARE * memory), None)
    kind, switch = fit or min(sizes, key=lambda way: sizes[way].memory)
    told = ", ".join(f"{_way(*way)} {in_words(size.memory)}" for way, size in sizes.items())
    quickest = f"{_way(kind, switch)} is the quickest that fits into {SPARE:.0%} of it"
    if fit is None:
        quickest = f"none fits into {SPARE:.0%} of it: a smaller base, batch_size=1, or a shorter context"
    elif len(sizes) == 1:
        quickest = f"it fits into {SPARE:.0%} of it"
    ways = tuple(
        {"quantization": way[0], "gradient_checkpointing": way[1], "memory": size.memory}
        for way, size in sizes.items()
    )
    chosen = replace(recipe, gradient_checkpointing=switch)
    if kind == "none":  # of NF4 loading has the last word: it measures the round trip
        chosen = replace(chosen, quantization="none")
    why = f"{why}{in_words(memory)} of memory on {loaded.device}; by formula {told}; {quickest}"
    return Settled(chosen, kind, sizes[kind, switch], ways, why)


def _way(kind: str, switch: str) -> str:
    held = {"none": "full precision", "nf4": "NF4"}.get(kind, kind)
    return f"{held} {'with' if switch == 'on' else 'without'} checkpointing"


def in_words(count: int) -> str:
    """Bytes for a person."""
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / MIB:.1f} MiB"


def steps(rows: int, recipe: Recipe) -> int:
    """Steps of the optimizer."""
    each = ceil(ceil(rows / recipe.batch_size) / recipe.accumulate)
    return recipe.max_steps or each * recipe.epochs
