"""A base without its weights: tokenizer, shapes and sizes, enough to plan a run, make its rows and choose how to hold it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from curate.errors import ConfigError, MissingExtraError, SourceError
from evalharness.models import loaded as models
from evalharness.models.loaded import LoadedModel
from evalharness.models.model_files import TINY, digest_of, find_base, shapes
from evalharness.models.nf4 import BLOCK
from evalharness.models.shape import Shape, shape_of
from train import processes
from train.recipe import READ_BY, Recipe
from train.sizes import Estimate, estimate

GIB, MIB = 1 << 30, 1 << 20
# Share of the device's memory that the formula may fill: program, buffers and fragments take the rest.
SPARE = 0.8
# What config.json says of models whose layers their weight files do not show one by one.
NOT_PLAIN = ("quantization_config", "text_config", "num_experts", "num_local_experts", "n_routed_experts")


def outline(recipe: Recipe) -> LoadedModel:
    """The base as far as its small files tell it; `facts["shape"]` is a Shape. PyTorch is asked only where they do not.

    ConfigError where the recipe insists on NF4 and its layers do not suit it.
    """
    if find_spec("transformers") is None:
        raise MissingExtraError("transformers", "train")
    from safetensors import SafetensorError

    folder = find_base(recipe.base)
    try:
        config = _json(folder / "config.json")
        if not config or any(config.get(each) for each in NOT_PLAIN):
            by_name = models.load_config(folder, recipe.base)
            config = by_name.to_dict()
            shape = shape_of(_by_model(by_name), by_name.get_text_config())
        else:
            shape = shape_of(shapes(folder), SimpleNamespace(**config))
        generation = _json(folder / "generation_config.json")
    except (json.JSONDecodeError, SafetensorError) as error:
        hint = "fetch it again, or give another base"
        raise SourceError(f"--base {recipe.base}: a damaged file: {error}", hint=hint) from error
    told: Any = SimpleNamespace(**config)
    model: Any = SimpleNamespace(config=told, generation_config=SimpleNamespace(**generation))
    tokenizer, _ = models.load_tokenizer(folder, recipe.base, True, False)
    saved = "quantization_config" in config
    facts = {"context": models.context_of(told, tokenizer), "shape": shape, "as-saved": saved}
    if recipe.quantization == "nf4" and (against := objection(shape)):
        raise ConfigError(f"NF4 cannot be used here: {against}", hint="--quantization none")
    must_name_layers(recipe, shape)
    return LoadedModel(model, tokenizer, models.choose_device("auto"), facts, digest_of(folder))


def must_name_layers(recipe: Recipe, shape: Shape) -> None:
    """ConfigError for a target that the base lacks: PEFT passes it by in silence where another fits."""
    layers = [f".{each.name}" for each in shape.linears] + [".lm_head"]
    unknown = [each for each in recipe.targets if not any(name.endswith(f".{each}") for name in layers)]
    if unknown and recipe.targets != ("all-linear",) and recipe.method in READ_BY["targets"]:
        names = sorted({each.name.rpartition(".")[2] for each in shape.linears})
        what = f"targets={','.join(recipe.targets)}: the base has no linear layer `{unknown[0]}`"
        hint = f"--set targets=all-linear fits any base; else a list such as {json.dumps(names)}"
        raise ConfigError(what, hint=hint)


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _by_model(config: Any) -> dict[str, Sequence[int]]:  # noqa: ANN401
    """The shape of each weight by the model itself, with weights that take no memory."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    return {name: each.shape for name, each in model.named_parameters()}


def objection(shape: Shape) -> str:
    """Why NF4 is not for this base, by its shapes; a run also sends each width through NF4 and back."""
    if find_spec("bitsandbytes") is None:
        return "bitsandbytes is not installed"
    odd = next((each for each in shape.linears if each.ins % BLOCK), None)
    return f"{odd.name} has {odd.ins} in_features, not a multiple of {BLOCK}" if odd else ""


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


class Settled(NamedTuple):
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
    shape: Shape = loaded.facts["shape"]
    against = objection(shape)
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
            sizes[kind, switch] = estimate(shape, as_if, longest, quantization=kind, device=loaded.device)
    fit = next((way for way, size in sizes.items() if size.memory <= SPARE * memory), None)
    kind, switch = fit or min(sizes, key=lambda way: sizes[way].memory)
    told = ", ".join(f"{_way(*way)} {in_words(size.memory)}" for way, size in sizes.items())
    fits = f"{_way(kind, switch)} is the quickest that fits" if len(sizes) > 1 else "it fits"
    tail = "" if fit else ": a smaller base, batch_size=1, or a shorter context"
    quickest = f"{fits if fit else 'none fits'} into {SPARE:.0%} of it{tail}"
    ways = tuple(
        {"quantization": held, "gradient_checkpointing": on, "memory": size.memory}
        for (held, on), size in sizes.items()
    )
    # of NF4 loading has the last word: it measures the round trip
    held = "none" if kind == "none" else recipe.quantization
    chosen = replace(recipe, gradient_checkpointing=switch, quantization=held)
    why = f"{why}{in_words(memory)} of memory on {loaded.device}; by formula {told}; {quickest}"
    return Settled(chosen, kind, sizes[kind, switch], ways, why)


def load_base(choice: Settled) -> LoadedModel:
    """The base as a run needs it, and why it is held so."""
    recipe = choice.recipe
    loaded = models.load_model(
        recipe.base,
        quantization=recipe.quantization,  # type: ignore[arg-type]  # the recipe has checked it
        threads=recipe.threads or None,
        for_training=True,
        scores=recipe.objective == "reward",
        seed=recipe.seed,
        exact=recipe.precision == "fp32",
    )
    if loaded.facts["quantization"] == choice.quantization:
        loaded.facts["quantization_reason"] = choice.why
    return loaded


def _way(kind: str, switch: str) -> str:
    held = {"none": "full precision", "nf4": "NF4"}.get(kind, kind)
    return f"{held} {'with' if switch == 'on' else 'without'} checkpointing"


def in_words(count: int) -> str:
    """Bytes for a person."""
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / MIB:.1f} MiB"


def units(rows: int, recipe: Recipe) -> int:
    """What a pass counts: rows, of KTO each answer, else pairs (of two rows)."""
    return rows if recipe.objective in ("sft", "kto") else rows // 2


def steps(count: int, recipe: Recipe) -> int:
    """Steps of the optimizer for so many units."""
    return recipe.max_steps or steps_of_epoch(count, recipe) * recipe.epochs


def steps_of_epoch(count: int, recipe: Recipe) -> int:
    """The last of them may be a short one. Of several processes each takes a batch of every pass."""
    return ceil(ceil(count / recipe.batch_size / processes.count()) / recipe.accumulate)
