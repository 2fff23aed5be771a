"""What a run holds in memory, by the base's shapes alone. The derivation stands in docs/train.md ("Plan")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, prod
from typing import Any, NamedTuple

from evalharness.nf4 import BLOCK, SMALL
from train.recipe import TOKENS_BEFORE, Recipe

FLOAT, HALF, MASK = 4, 2, 1  # bytes of a number
# TRL takes the log-probabilities by tiles of so many tokens and entries of the vocabulary (trl.kernels.chunked_logprob)
TILE_TOKENS, TILE_ENTRIES = 4096, 32_768
# ... and folds a tile in torch, where there is no Triton: so many copies of it at once on the way back
TILE_COPIES = 7.25
# ORPO's loss is over whole logits: so many copies of them at once on the way back
LOGIT_COPIES = 5.0
# Linear layers that do not read what the others of their block read, but what these made.
WRITERS = ("o_proj", "out_proj", "dense", "c_proj", "wo", "down_proj", "dense_4h_to_h", "fc2", "w2")


class Linear(NamedTuple):
    """A linear layer of the base, other than its output."""

    name: str
    outs: int
    ins: int

    @property
    def block(self) -> str:
        """The part of the model that it stands in, such as one layer's attention."""
        return self.name.rpartition(".")[0]

    @property
    def writes(self) -> bool:
        """Whether it is the one that ends its block."""
        return self.name.rpartition(".")[2] in WRITERS


@dataclass(frozen=True)
class Shape:
    """What sizes are reckoned by."""

    parameters: int
    hidden: int
    layers: int
    queries: int  # numbers of one token's queries in a layer
    keys: int  # and of its keys
    vocabulary: int
    head: int  # parameters of the output layer alone; 0 where it shares the embedding's
    normed: int  # numbers that go into norms, of one token over all layers
    linears: tuple[Linear, ...]

    @property
    def inside(self) -> int:
        """Parameters of the linear layers."""
        return sum(each.outs * each.ins for each in self.linears)


def shape_of(weights: Mapping[str, Sequence[int]], config: Any) -> Shape:  # noqa: ANN401
    """By the shape of each weight: a matrix of a numbered layer is a linear one, a vector a norm's."""

    def told(*names: str) -> int:
        return int(next((found for name in names if (found := getattr(config, name, None))), 0))

    hidden, heads = told("hidden_size", "n_embd"), told("num_attention_heads", "n_head")
    wide = told("head_dim") or hidden // max(heads, 1)
    queries, keys = heads * wide, (told("num_key_value_heads") or heads) * wide
    inner = {name: size for name, size in weights.items() if any(p.isdigit() for p in name.split("."))}
    of_heads = {"q_norm": queries, "k_norm": keys}
    return Shape(
        sum(map(prod, weights.values())),
        hidden,
        told("num_hidden_layers", "n_layer") or 1,
        queries,
        keys,
        told("vocab_size"),
        sum(prod(size) for name, size in weights.items() if name.endswith("lm_head.weight")),
        sum(
            of_heads.get(name.split(".")[-2], size[0])
            for name, size in inner.items()
            if len(size) == 1 and name.endswith(".weight")
        ),
        tuple(
            Linear(name.removesuffix(".weight"), size[0], size[1])
            for name, size in inner.items()
            if len(size) == 2
        ),
    )


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
    width = FLOAT if device == "cpu" else HALF
    parameters = shape.parameters - (shape.head if recipe.objective == "reward" else 0)
    weights = parameters * width
    if quantization == "nf4":
        scale = FLOAT if shape.hidden < SMALL else 1  # the scales are quantised again in larger models
        weights = shape.inside // 2 + shape.inside // BLOCK * scale + (parameters - shape.inside) * FLOAT
    if recipe.method == "full":  # the weights are the ones that are trained; preferences keep a copy
        weights = weights if recipe.objective in ("dpo", "kto") else 0
    if recipe.method == "vera":  # the matrices that all layers share
        most = max(each.ins for each in shape.linears), max(each.outs for each in shape.linears)
        weights += recipe.rank * sum(most) * FLOAT
    count = trainable(recipe, shape, parameters)
    held = 7 if recipe.method == "adalora" else 4  # AdaLoRA has three measures of importance beside
    # the gradients of a pass come as its activations go, those of earlier passes are there already
    meanwhile = 0 if recipe.accumulate > 1 else count * FLOAT
    most = max(_passing(shape, recipe, longest, quantization, device) - meanwhile, _stepping(shape, recipe))
    return Estimate(shape.parameters, count, weights, count * held * FLOAT, most)


def trainable(recipe: Recipe, shape: Shape, parameters: int) -> int:
    """Parameters that the method trains, as PEFT shapes them."""
    chosen = list(_chosen(recipe, shape))
    both, outs = sum(each.ins + each.outs for each in chosen), sum(each.outs for each in chosen)
    counts: dict[str, int] = {
        "lora": recipe.rank * both,
        "dora": recipe.rank * both + outs,
        "adalora": _rank(recipe) * (both + len(chosen)),
        "vera": recipe.rank * len(chosen) + outs,
        "prompt": recipe.virtual_tokens * shape.hidden,
        "prefix": recipe.virtual_tokens * shape.layers * 2 * shape.keys,
        "full": parameters,
    }
    return counts[recipe.method]


def _rank(recipe: Recipe) -> int:
    """That of the first steps: AdaLoRA's is half as wide again."""
    return ceil(recipe.rank * 3 / 2) if recipe.method == "adalora" else recipe.rank


def _chosen(recipe: Recipe, shape: Shape) -> Iterable[Linear]:
    """The linear layers that the method changes."""
    if recipe.method in TOKENS_BEFORE:
        return ()
    names = tuple(f".{name}" for name in recipe.targets)
    every = recipe.method == "full" or recipe.targets == ("all-linear",)
    return (each for each in shape.linears if every or f".{each.name}".endswith(names))


def _passing(shape: Shape, recipe: Recipe, longest: int, quantization: str, device: str) -> int:
    """Bytes of what one pass keeps for its way back, and works with there."""
    half = recipe.precision == "bf16" or (recipe.precision == "auto" and device != "cpu")
    before = recipe.virtual_tokens if recipe.method == "prompt" else 0
    rows = recipe.batch_size * (2 if recipe.objective in ("dpo", "orpo", "reward") else 1)
    tokens = rows * (longest + before)
    of_layers = tokens * _kept(shape, recipe, quantization, device, half=half) + rows * longest**2 * FLOAT * shape.layers
    if half and quantization == "none" and (device == "cpu" or recipe.method == "full"):
        of_layers += shape.inside * HALF  # each weight once more, in the type that is computed in
    ends = tokens * shape.hidden * 3 * FLOAT  # the last norm's input and output, and these once more in a row
    head = _head(shape, recipe, tokens, device, half=half)
    if recipe.gradient_checkpointing != "on":
        return of_layers + ends + head
    inputs = tokens * shape.hidden * shape.layers * FLOAT
    return inputs + ends + max(head, of_layers // shape.layers)


def _kept(shape: Shape, recipe: Recipe, quantization: str, device: str, *, half: bool) -> int:
    """Bytes a token that the layers keep for the way back."""
    width = HALF if half or device != "cpu" else FLOAT
    blocks: dict[str, list[Linear]] = {}
    for each in shape.linears:
        blocks.setdefault(each.block, []).append(each)
    bytes_ = shape.normed * FLOAT * (2 if recipe.method == "full" else 1)
    bytes_ += (
        shape.layers * 4 * shape.queries * width
    )  # queries, keys and values for each of them, and what comes of them
    for block in blocks.values():
        if sum(each.outs for each in block) != shape.queries + 2 * shape.keys + shape.hidden:
            read = sum(each.outs for each in block if not each.writes)
            # gate, its activation, up; a layer in NF4 gives what comes from a float32 norm in float32
            bytes_ += (2 * read - max(e.ins for e in block)) * (FLOAT if quantization == "nf4" else width)
    chosen = set(_chosen(recipe, shape))
    if recipe.method == "vera":  # its first matrix is not trained: what goes in is not needed again
        return bytes_ + sum(recipe.rank + each.outs for each in chosen) * width
    noise = 0 if not recipe.dropout or recipe.method == "full" else FLOAT if device == "cpu" else MASK
    if half or noise:  # each layer keeps an input of its own
        bytes_ += sum(each.ins for each in chosen) * (width + noise)
    else:
        for name, block in blocks.items():
            readers = any(each in chosen for each in block if not each.writes)
            bytes_ += shape.hidden * width if readers else 0
            # what attention made is kept already
            bytes_ += sum(e.ins for e in block if e.writes and e in chosen and e.ins != shape.queries) * width
    if recipe.method != "full":
        bytes_ += _rank(recipe) * len(chosen) * width
    if recipe.method == "dora":
        bytes_ += 2 * sum(each.outs for each in chosen) * width
    return bytes_


def _head(shape: Shape, recipe: Recipe, tokens: int, device: str, *, half: bool) -> int:
    """Bytes of the way back through the output layer."""
    if recipe.objective == "reward":
        return 0
    if recipe.objective == "orpo":
        return int(tokens * shape.vocabulary * FLOAT * LOGIT_COPIES)
    tile = min(tokens, TILE_TOKENS)
    held = tile * TILE_ENTRIES * (HALF if half else FLOAT) + tokens * shape.hidden * FLOAT
    if device == "cpu":
        held += int(tile * min(shape.vocabulary, TILE_ENTRIES) * FLOAT * TILE_COPIES)
    return held + (shape.vocabulary * shape.hidden * FLOAT if recipe.method == "full" else 0)


def _stepping(shape: Shape, recipe: Recipe) -> int:
    """Bytes that the step of the optimizer works with."""
    return 2 * shape.vocabulary * shape.hidden * FLOAT if recipe.method == "full" else 0
