"""A base by the shapes of its weights: how many layers it has, of what width; no weight is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple


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
    queries: int  # numbers of one token's queries in a layer
    keys: int  # and of its keys
    vocabulary: int
    head: int  # parameters of the output layer alone; 0 where it shares the embedding's
    normed: int  # numbers that go into norms, of one token over all layers
    scored: (
        int  # heads over all layers that write down a score for each two tokens, as where scores are capped
    )
    linears: tuple[Linear, ...]


def shape_of(weights: Mapping[str, Sequence[int]], config: Any) -> Shape:  # noqa: ANN401
    """By the shape of each weight: a matrix of a numbered layer is a linear one, a vector a norm's."""

    def told(*names: str) -> int:
        return int(next((found for name in names if (found := getattr(config, name, None))), 0))

    hidden, heads = told("hidden_size", "n_embd"), told("num_attention_heads", "n_head")
    wide = told("head_dim") or hidden // max(heads, 1)
    queries, keys = heads * wide, (told("num_key_value_heads") or heads) * wide
    named = ((key.removesuffix(".weight"), size) for key, size in weights.items() if key.endswith(".weight"))
    inner = [(name, size) for name, size in named if any(part.isdigit() for part in name.split("."))]
    of_heads = {"q_norm": queries, "k_norm": keys}
    normed = sum(of_heads.get(name.split(".")[-1], size[0]) for name, size in inner if len(size) == 1)
    linears = tuple(Linear(name, *size) for name, size in inner if len(size) == 2)
    layers = told("num_hidden_layers", "n_layer") or 1
    count = sum(map(prod, weights.values()))
    head = sum(prod(size) for name, size in weights.items() if name.endswith("lm_head.weight"))
    scored = layers * heads if told("attn_logit_softcapping") else 0
    return Shape(count, hidden, layers, queries, keys, told("vocab_size"), head, normed, scored, linears)
