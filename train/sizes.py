"""What a run holds in memory, by the base's shapes alone. The derivation stands in docs/train.md ("Plan")."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from evalharness.models.nf4 import BLOCK, SMALL
from evalharness.models.shape import Linear, Shape
from train.recipe import TOKENS_BEFORE, Recipe

# TRL takes the log-probabilities by tiles of so many tokens and entries of the vocabulary (trl.kernels.chunked_logprob)
TILE_TOKENS, TILE_ENTRIES = 4096, 32_768
# Bytes for each token and entry of the vocabulary on the way back: of a tile without Triton, and of ORPO's whole logits
TILE_WORK, LOGITS = 29, 14
# and for each two tokens and head: capped, as a share in float32, and that in the type computed in
SCORE = 8


@dataclass(frozen=True)
class Estimate:
    """Sizes by formula, not by measurement: parameters, and bytes."""

    parameters: int
    trainable: int
    weights: int  # that are not trained
    adapter: int  # what is trained: weight, two moments and gradient
    activations: int  # what a pass holds beside them at most

    @property
    def memory(self) -> int:
        """All together, in bytes."""
        return self.weights + self.adapter + self.activations


def estimate(shape: Shape, recipe: Recipe, longest: int, *, quantization: str, device: str) -> Estimate:
    """What a run would hold, if its longest row has `longest` tokens and the base is held so."""
    full, nf4, cpu = recipe.method == "full", quantization == "nf4", device == "cpu"
    weight = 4 if cpu or recipe.precision == "fp32" else 2  # bytes of one
    half = recipe.precision == "bf16" or (recipe.precision == "auto" and not cpu)
    wide = 2 if half else 4  # bytes of a number that a layer gives
    inside = sum(each.outs * each.ins for each in shape.linears)
    parameters = shape.parameters - (shape.head if recipe.objective == "reward" else 0)
    weights = parameters * weight
    if nf4:  # the scales are quantised again in larger models; what is not in NF4 is float32
        scales = inside // BLOCK * (4 if shape.hidden < SMALL else 1)
        weights = inside // 2 + scales + (parameters - inside) * 4
    if full and recipe.objective not in ("dpo", "kto"):  # these keep a copy as reference
        weights = 0
    rows = recipe.batch_size * (2 if recipe.objective in ("dpo", "orpo", "reward") else 1)
    tokens = rows * (longest + (recipe.virtual_tokens if recipe.method == "prompt" else 0))
    kept = _kept(shape, recipe, rows, tokens, wide, nf4=nf4, cpu=cpu)
    if half and not nf4 and (full or cpu):  # each weight once more, in the type that is computed in
        kept += inside * 2
    if recipe.method == "dora" and recipe.dropout and (half or nf4):  # answers anew, of what dropout left
        kept += inside * wide
    # on the way back: gradients of a layer's widest numbers, and in NF4 its weights unpacked
    work = 2 * tokens * _widest(shape) * wide
    work += nf4 * wide * max((each.outs * each.ins for each in shape.linears), default=0)
    head = _head(shape, recipe, tokens, wide, cpu=cpu)
    most = kept + max(head, work)
    if recipe.gradient_checkpointing == "on":
        between = tokens * shape.hidden * shape.layers * (4 if full or nf4 else weight)
        most = between + max(head, kept // shape.layers + work)
    most += tokens * shape.hidden * 12  # the last norm's input and output, and these once more in a row
    count = trainable(recipe, shape)
    # gradients of a pass come as its activations go; those of earlier passes are there already
    most -= count * 4 if recipe.accumulate == 1 else 0
    # AdaLoRA has three measures of importance beside; the optimizer works with its largest matrix, twice
    stepping = shape.vocabulary * shape.hidden * 8 if full else 0
    held = count * (28 if recipe.method == "adalora" else 16)
    return Estimate(shape.parameters, count, weights, held, max(most, stepping))


def trainable(recipe: Recipe, shape: Shape) -> int:
    """Parameters that the method trains, as PEFT shapes them."""
    chosen = _chosen(recipe, shape)
    both, outs = sum(each.ins + each.outs for each in chosen), sum(each.outs for each in chosen)
    rank = recipe.rank
    wider = ceil(rank * 3 / 2)  # AdaLoRA's in the first steps
    counts: dict[str, int] = {
        "lora": rank * both,
        "dora": rank * both + outs,
        "adalora": wider * (both + len(chosen)),
        "vera": rank * len(chosen) + outs,
        "prompt": recipe.virtual_tokens * shape.hidden,
        "prefix": recipe.virtual_tokens * shape.layers * 2 * shape.keys,
        "full": shape.parameters,
    }
    return counts[recipe.method]


def _chosen(recipe: Recipe, shape: Shape) -> tuple[Linear, ...]:
    """The linear layers that the method changes."""
    if recipe.method in TOKENS_BEFORE:
        return ()
    names = tuple(f".{name}" for name in recipe.targets)
    every = recipe.method == "full" or recipe.targets == ("all-linear",)
    return tuple(each for each in shape.linears if every or f".{each.name}".endswith(names))


def _widest(shape: Shape) -> int:
    """Numbers of a token inside the MLP."""
    return max((each.ins for each in shape.linears), default=0)


def _kept(shape: Shape, recipe: Recipe, rows: int, tokens: int, wide: int, *, nf4: bool, cpu: bool) -> int:
    """Bytes that the layers keep of a pass for the way back."""
    full, chosen, inner = recipe.method == "full", _chosen(recipe, shape), _widest(shape)
    # norms, in float32; queries, keys, values and what attention makes of them; gate, its activation, up
    keys = shape.queries if rows > 1 else shape.keys  # with a mask there is a key for each query
    found = shape.normed * 4 * (2 if full else 1) + shape.layers * 2 * (shape.queries + keys) * wide
    found += shape.layers * 3 * inner * (4 if nf4 else wide)
    # inputs of what is trained: those that read the same share it, unless each has a copy that was rounded or dropped
    noise = 0 if full or not recipe.dropout else 4 if cpu else 1
    inputs = sum(each.ins for each in chosen)
    if wide == 4 and not noise:
        inputs = min(inputs, shape.layers * (2 * shape.hidden + inner))
    found += inputs * (wide + noise)
    if not full:
        found += recipe.rank * len(chosen) * wide
    if recipe.method in ("dora", "vera"):  # learned lengths multiply what the layers give
        found += 2 * sum(each.outs for each in chosen) * wide
    packed = recipe.packing == "on" or (recipe.packing == "auto" and not cpu)
    packed = packed and recipe.objective == "sft" and recipe.method not in TOKENS_BEFORE
    # each layer keeps the mask of rows that are padded, or that lie end to end
    square = tokens**2 if packed else tokens**2 // rows
    mask = shape.layers * (4 if cpu else 2) if rows > 1 else 0
    return tokens * found + square * (mask + shape.scored * SCORE)


def _head(shape: Shape, recipe: Recipe, tokens: int, wide: int, *, cpu: bool) -> int:
    """Bytes of the way back through the output layer."""
    full, entries = recipe.method == "full", min(shape.vocabulary, TILE_ENTRIES)
    if recipe.objective == "reward":
        return 0
    found = shape.vocabulary * shape.hidden * 4 if full else 0  # its gradient, before it is added
    if wide == 2 and (cpu or full):  # its weights in the type that is computed in
        found += entries * shape.hidden * 2
    if recipe.objective == "orpo":
        return found + tokens * shape.vocabulary * LOGITS
    tile = min(tokens, TILE_TOKENS)
    found += tile * TILE_ENTRIES * wide + tokens * shape.hidden * 4
    return found + (tile * entries * TILE_WORK if cpu else 0)
