"""Answers to choose from, as tokens and as one tree of their common beginnings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

Tokens = tuple[int, ...]


class Candidates:
    """Lists of tokens of which one may follow a prompt.

    The tree's nodes are all proper beginnings of the candidates, a parent before its children: `card` is
    read once for all labels that begin with it. A candidate's last token is never read, only told.
    """

    def __init__(self, tokens: Sequence[Sequence[int]]) -> None:
        self.tokens: list[Tokens] = [tuple(each) for each in tokens]
        self.by_tree: bool | None = None  # whether the model takes a tree; None until it was tried
        found: dict[Tokens, int] = {}
        for each in self.tokens:
            for end in range(1, len(each)):
                found.setdefault(each[:end], len(found))
        self.nodes = found

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def single(self) -> bool:
        """Whether each candidate is one token, so that the prompt's own logits decide."""
        return not self.nodes

    @cached_property
    def first(self) -> list[int]:
        """Each candidate's first token."""
        return [each[0] for each in self.tokens]

    @cached_property
    def steps(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(candidate, node, token) of every token after a first one: read the node, be told the token."""
        import torch

        found = [
            (position, self.nodes[each[:end]], each[end])
            for position, each in enumerate(self.tokens)
            for end in range(1, len(each))
        ]
        candidate, node, token = torch.tensor(found, dtype=torch.long).unbind(dim=1)
        return candidate, node, token

    @cached_property
    def tree(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(token, depth, sees) of the nodes: (N,), (N,) from 0, and (N, N) whether a node sees another."""
        import torch

        token = torch.tensor([each[-1] for each in self.nodes], dtype=torch.long)
        depth = torch.tensor([len(each) - 1 for each in self.nodes], dtype=torch.long)
        sees = torch.zeros(len(self.nodes), len(self.nodes), dtype=torch.bool)
        for each, node in self.nodes.items():
            for end in range(1, len(each) + 1):
                sees[node, self.nodes[each[:end]]] = True
        return token, depth, sees
