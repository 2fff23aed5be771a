"""What a run holds in memory, by the base's shapes alone. The derivation stands in docs/train.md ("Plan")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, prod
from typing import Any, NamedTuple

from evalharness.models.nf4 import BLOCK, SMALL
from train.recipe import TOKENS_BEFORE, Recipe

FLOAT, HALF, MASK = 4, 2, 1  # bytes of a number
# TRL takes the log-probabilities by tiles of so many tokens and entries of the vocabulary (trl.kernels.chunked_logprob)
TILE_TOKENS, TILE_ENTRIES = 4096, 32_768
# ... and folds a tile in torch, where there is no Triton: so many copies of it at once on the way back
TILE_COPIES = 7.25
# ORPO's loss is over whole logits: so many copies of them at once on the way back
LOGIT_COPIES = 3.5
# Linear layers that do not read what the others of their block read, but what these made.
WRITERS = ("o_proj", "out_proj", "dense", "c_proj", "wo", "down_proj", "dense_4h_to_h", "fc2", "w2")


class Linear(NamedTuple):
    """A linear layer of the base, other than its output."""

    name: str
    outs: int
    ins: int

    @property
    def size(self) -> int:
        """Its parameters, without bias."""
        return self.outs * self.ins

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
        return sum(each.size for each in self.linears)

    def widest(self, what: str) -> int:
        """The largest `ins`, `outs` or `size` of a linear layer; 0 without any."""
        return max((getattr(each, what) for each in self.linears), default=0)


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


class _Held(NamedTuple):
    """How the base is held, and computed with."""

    quantization: str
    device: str
    half: bool  # arithmetic in 2 bytes over weights in 4, by autocast

    @property
    def width(self) -> int:
        """Bytes of a number that a linear layer gives."""
        return HALF if self.half or self.device != "cpu" else FLOAT


def estimate(shape: Shape, recipe: Recipe, longest: int, *, quantization: str, device: str) -> Estimate:
    """What a run would hold, if its longest row has `longest` tokens and the base is held so."""
    half = recipe.precision == "bf16" or (recipe.precision == "auto" and device != "cpu")
    held = _Held(quantization, device, half)
    parameters = shape.parameters - (shape.head if recipe.objective == "reward" else 0)
    count = trainable(recipe, shape, parameters)
    of_each = 7 if recipe.method == "adalora" else 4  # AdaLoRA has three measures of importance beside
    # the gradients of a pass come as its activations go; those of earlier passes are there already
    meanwhile = 0 if recipe.accumulate > 1 else count * FLOAT
    # beside them the optimizer works with its largest matrix, twice
    stepping = 2 * shape.vocabulary * shape.hidden * FLOAT if recipe.method == "full" else 0
    most = max(_passing(shape, recipe, longest, held) - meanwhile, stepping)
    weights = _weights(shape, recipe, parameters, held)
    return Estimate(shape.parameters, count, weights, count * of_each * FLOAT, most)


def trainable(recipe: Recipe, shape: Shape, parameters: int) -> int:
    """Parameters that the method trains, as PEFT shapes them."""
    chosen = list(_chosen(recipe, shape))
    both, outs = sum(each.ins + each.outs for each in chosen), sum(each.outs for each in chosen)
    rank = _rank(recipe)
    counts: dict[str, int] = {
        "lora": rank * both,
        "dora": rank * both + outs,
        "adalora": rank * (both + len(chosen)),
        "vera": rank * len(chosen) + outs,
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


def _weights(shape: Shape, recipe: Recipe, parameters: int, held: _Held) -> int:
    """Bytes of the weights that are not trained."""
    weights = parameters * (FLOAT if held.device == "cpu" else HALF)
    if held.quantization == "nf4":
        scale = FLOAT if shape.hidden < SMALL else 1  # the scales are quantised again in larger models
        weights = shape.inside // 2 + shape.inside // BLOCK * scale + (parameters - shape.inside) * FLOAT
    if recipe.method == "full" and recipe.objective not in ("dpo", "kto"):  # these keep a copy as reference
        return 0
    if recipe.method == "vera":  # the matrices that all layers share
        weights += recipe.rank * FLOAT * (shape.widest("ins") + shape.widest("outs"))
    return weights


def _passing(shape: Shape, recipe: Recipe, longest: int, held: _Held) -> int:
    """Bytes of what one pass keeps for its way back, and works with there."""
    full, width = recipe.method == "full", held.width
    rows = recipe.batch_size * (2 if recipe.objective in ("dpo", "orpo", "reward") else 1)
    tokens = rows * (longest + (recipe.virtual_tokens if recipe.method == "prompt" else 0))
    kept = tokens * _kept(shape, recipe, rows, held)
    if rows > 1:  # each layer keeps the mask of rows that are padded, or that lie end to end
        wide, many = (tokens, 1) if _packed(recipe, held.device) else (longest, rows)
        kept += many * wide**2 * shape.layers * (FLOAT if held.device == "cpu" else HALF)
    weights_again = recipe.method == "dora" and recipe.dropout and (held.half or held.quantization == "nf4")
    if held.half and held.quantization == "none" and (full or held.device == "cpu"):
        kept += shape.inside * HALF  # each weight once more, in the type that is computed in
    if weights_again:  # DoRA makes its layers' answers anew, of what dropout left
        kept += sum(each.size for each in _chosen(recipe, shape)) * width
    ends = tokens * shape.hidden * 3 * FLOAT  # the last norm's input and output, and these once more in a row
    # gradients of a layer's widest numbers, and its weights once more where they are packed
    work = 2 * tokens * shape.widest("ins") * width
    if held.quantization == "nf4":
        work += shape.widest("size") * width
    head = _head(shape, recipe, tokens, held)
    if recipe.gradient_checkpointing != "on":
        return kept + ends + max(head, work)
    stream = HALF if held.device != "cpu" and held.quantization != "nf4" and not full else FLOAT
    inputs = tokens * shape.hidden * shape.layers * stream
    return inputs + ends + max(head, kept // shape.layers + work)


def _packed(recipe: Recipe, device: str) -> bool:
    """Whether rows of a pass lie end to end, unless the run finds that this model cannot do that."""
    wished = recipe.packing == "on" or (recipe.packing == "auto" and device != "cpu")
    return wished and recipe.objective == "sft" and recipe.method not in TOKENS_BEFORE


def _kept(shape: Shape, recipe: Recipe, rows: int, held: _Held) -> int:
    """Bytes a token that the layers keep for the way back."""
    full, width = recipe.method == "full", held.width
    blocks: dict[str, list[Linear]] = {}
    for each in shape.linears:
        blocks.setdefault(each.block, []).append(each)
    found = (
        shape.normed * FLOAT * (2 if full else 1)
    )  # what goes into norms, and where they learn what comes out
    # queries, keys, values and what attention makes of them; with a mask there is a key for each query
    keys = shape.queries if rows > 1 else shape.keys
    found += shape.layers * 2 * (shape.queries + keys) * width
    for block in blocks.values():
        if sum(each.outs for each in block) != shape.queries + 2 * shape.keys + shape.hidden:
            read = sum(each.outs for each in block if not each.writes)
            # gate, its activation, up; a layer in NF4 gives what comes from a float32 norm in float32
            wide = FLOAT if held.quantization == "nf4" else width
            found += (2 * read - max(each.ins for each in block)) * wide
    chosen = set(_chosen(recipe, shape))
    if recipe.method == "vera":  # its first matrix is not trained: what goes in is not needed again
        return found + sum(recipe.rank * width + each.outs * FLOAT for each in chosen)
    noise = 0 if not recipe.dropout or full else FLOAT if held.device == "cpu" else MASK
    if held.half or noise:  # each layer keeps an input of its own
        found += sum(each.ins for each in chosen) * (width + noise)
    else:  # those of a block share theirs, and what attention made is kept already
        for block in blocks.values():
            found += shape.hidden * width * any(each in chosen for each in block if not each.writes)
            own = [each.ins for each in block if each.writes and each in chosen]
            found += sum(each for each in own if each != shape.queries) * width
    if not full:
        found += _rank(recipe) * len(chosen) * width
    if recipe.method == "dora":
        found += 2 * sum(each.outs for each in chosen) * width
    return found


def _head(shape: Shape, recipe: Recipe, tokens: int, held: _Held) -> int:
    """Bytes of the way back through the output layer."""
    full, cpu = recipe.method == "full", held.device == "cpu"
    if recipe.objective == "reward":
        return 0
    found = shape.vocabulary * shape.hidden * FLOAT if full else 0  # its gradient, before it is added
    if held.half and (cpu or full):  # its weights in the type that is computed in
        found += min(shape.vocabulary, TILE_ENTRIES) * shape.hidden * HALF
    if recipe.objective == "orpo":
        return found + int(tokens * shape.vocabulary * FLOAT * LOGIT_COPIES)
    tile = min(tokens, TILE_TOKENS)
    found += tile * TILE_ENTRIES * (HALF if held.half else FLOAT) + tokens * shape.hidden * FLOAT
    if cpu:
        found += int(tile * min(shape.vocabulary, TILE_ENTRIES) * FLOAT * TILE_COPIES)
    return found
