"""Muon for the matrices inside the layers, AdamW for the embedding and the norms."""

import torch
from torch import Tensor, nn


def orthogonal(update: Tensor) -> Tensor:
    """Newton-Schulz, five steps: singular values of each matrix in the stack go to about 1."""
    # bfloat16 is enough for a direction, and half the time.
    x = update.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    found: Tensor = x.mT if tall else x
    return found.float()


class Muon:
    """`step(share)` makes one step at that share of the full learning rates."""

    def __init__(self, model: nn.Module, rate: float, embedding_rate: float) -> None:
        self.rate, self.embedding_rate = rate, embedding_rate
        self.momentum, self.decay = 0.95, 0.02
        self.groups: dict[tuple[int, ...], list[nn.Parameter]] = {}
        rest = []
        for name, weight in model.named_parameters():
            if weight.dim() == 2 and name.startswith("layers"):
                self.groups.setdefault(tuple(weight.shape), []).append(weight)
            else:
                rest.append(weight)
        self.moments = {shape: torch.zeros(len(group), *shape) for shape, group in self.groups.items()}
        self.adam = torch.optim.AdamW(rest, lr=embedding_rate, betas=(0.9, 0.98), weight_decay=0.0)

    @torch.no_grad()
    def step(self, share: float) -> None:
        """Move all weights along the gradients they hold."""
        for shape, weights in self.groups.items():
            gradient = torch.stack([weight.grad for weight in weights if weight.grad is not None])
            moment = self.moments[shape].lerp_(gradient, 1 - self.momentum)
            updates = orthogonal(gradient.lerp(moment, self.momentum))
            rate = self.rate * share * max(1.0, shape[0] / shape[1]) ** 0.5
            for weight, update in zip(weights, updates, strict=True):
                weight.mul_(1 - rate * self.decay).add_(update, alpha=-rate)
        for group in self.adam.param_groups:
            group["lr"] = self.embedding_rate * share
        self.adam.step()
