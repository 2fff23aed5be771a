"""The model as it is trained: a Llama of four layers, with a view of its inside for the early losses.

Parameter names are those of transformers' LlamaModel, so that export is a copy.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """Sizes; NF4 on processors wants every input size a multiple of 64 and every output size of 32."""

    vocabulary: int
    hidden: int = 192
    layers: int = 4
    heads: int = 3
    intermediate: int = 512
    theta: float = 1e5
    context: int = 1024
    epsilon: float = 1e-5


@dataclass(frozen=True)
class View:
    """Last states, the states that enter `watched`, and queries and keys of that layer's first head.

    All (documents, length, size); states are normalised, queries and keys rotated.
    """

    last: Tensor
    middle: Tensor
    queries: Tensor
    keys: Tensor


class Norm(nn.Module):
    """RMS norm."""

    def __init__(self, size: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Each state at unit root mean square, times the weight."""
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.epsilon)


class Attention(nn.Module):
    """Causal attention with rotated positions; all heads have keys of their own."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        size = shape.hidden
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (
            nn.Linear(size, size, bias=False) for _ in range(4)
        )

    def rotated(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Queries and keys, (documents, heads, length, head size)."""
        cos, sin = turn
        pair = []
        for projection in (self.q_proj, self.k_proj):
            z = self.split(projection(x))
            half = z.shape[-1] // 2
            pair.append(z * cos + torch.cat((-z[..., half:], z[..., :half]), -1) * sin)
        return pair[0], pair[1]

    def split(self, z: Tensor) -> Tensor:
        """(documents, length, hidden) to (documents, heads, length, head size)."""
        return z.view(*z.shape[:2], self.heads, -1).transpose(1, 2)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """The new states, and the rotated queries and keys."""
        queries, keys = self.rotated(x, turn)
        values = self.split(self.v_proj(x))
        # float32: the processor's attention kernel is slower in bfloat16 (58 against 39 ms, forward and back).
        mixed = F.scaled_dot_product_attention(queries.float(), keys.float(), values.float(), is_causal=True)
        return self.o_proj(mixed.transpose(1, 2).flatten(2)), queries, keys


class Mlp(nn.Module):
    """The gated feed-forward part."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden, shape.intermediate, bias=False)
        self.up_proj = nn.Linear(shape.hidden, shape.intermediate, bias=False)
        self.down_proj = nn.Linear(shape.intermediate, shape.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape out as in."""
        out: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class Layer(nn.Module):
    """Attention, then feed-forward, each on normed states and added to them."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = Norm(shape.hidden, shape.epsilon)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = Norm(shape.hidden, shape.epsilon)
        self.mlp = Mlp(shape)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """The new states, and the rotated queries and keys."""
        mixed, queries, keys = self.self_attn(self.input_layernorm(x), turn)
        x = x + mixed
        return x + self.mlp(self.post_attention_layernorm(x)), queries, keys


class TinyLlama(nn.Module):
    """`watched` is the layer that must match tickets: the one whose input and first head are supervised."""

    watched = 2
    cos: Tensor
    sin: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.hidden)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.hidden, shape.epsilon)
        size = shape.hidden // shape.heads
        turns = torch.outer(torch.arange(shape.context), shape.theta ** -(torch.arange(0, size, 2) / size))
        turns = torch.cat((turns, turns), -1)
        self.register_buffer("cos", turns.cos(), persistent=False)
        self.register_buffer("sin", turns.sin(), persistent=False)
        self.initialise()

    @torch.no_grad()
    def initialise(self) -> None:
        """Mimetic start: from `watched` on, keys nearly equal queries, and attention passes on what it reads.

        Matching equal words is then nearly there on the first step; from a plain start it was never found.
        """
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                scale = 0.02 if "embed" in name else 1 / math.sqrt(weight.shape[1])
                nn.init.normal_(weight, 0, scale * (0.5 if "down_proj" in name else 1.0))
        kept = 0.9
        for place, layer in enumerate(self.stack()):
            attention = layer.self_attn
            queries, keys, values, out = (
                projection.weight
                for projection in (attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj)
            )
            if place >= self.watched:
                keys.mul_(math.sqrt(1 - kept**2)).add_(queries, alpha=kept)
            nn.init.orthogonal_(values)
            out.copy_(values.T / 2)

    def stack(self) -> Iterator[Layer]:
        """The layers, bottom first."""
        for layer in self.layers:
            assert isinstance(layer, Layer)
            yield layer

    def forward(self, ids: Tensor) -> View:
        """`ids` (documents, length)."""
        x = self.embed_tokens(ids)
        turn = (self.cos[: ids.shape[1]], self.sin[: ids.shape[1]])
        for place, layer in enumerate(self.stack()):
            if place == self.watched:
                middle = F.rms_norm(x, (x.shape[-1],))
                x, queries, keys = layer(x, turn)
                first = queries[:, 0], keys[:, 0]
            else:
                x, _, _ = layer(x, turn)
        return View(self.norm(x), middle, *first)

    def logits(self, states: Tensor) -> Tensor:
        """Over the vocabulary, in float32; the embedding is also the output."""
        return states.float() @ self.embed_tokens.weight.float().T
