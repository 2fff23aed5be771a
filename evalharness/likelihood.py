"""How likely a model finds given texts: the loss of each row's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

IGNORED = -100  # the label of a token that is not looked at
TOKENS = 4_096  # of one pass, padding counted


def losses(model: Any, rows: Sequence[tuple[Sequence[int], Sequence[int]]], device: str) -> list[float]:  # noqa: ANN401
    """The mean loss of each row's labelled tokens, in evaluation mode; like lengths share a pass.

    A row is its token ids and as many labels: the token where it is looked at, else IGNORED.
    """
    import torch

    found = [0.0] * len(rows)
    order = sorted(range(len(rows)), key=lambda at: (-len(rows[at][0]), at))
    mode = model.training
    model.eval()
    with torch.no_grad():
        while order:
            longest = len(rows[order[0]][0])
            size = max(1, TOKENS // longest)
            batch, order = order[:size], order[size:]
            ids = torch.zeros(len(batch), longest, dtype=torch.long)
            labels, mask = torch.full_like(ids, IGNORED), torch.zeros_like(ids)
            for line, at in enumerate(batch):
                length = len(rows[at][0])
                ids[line, :length] = torch.tensor(rows[at][0])
                labels[line, :length], mask[line, :length] = torch.tensor(rows[at][1]), 1
            out = model(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False)
            logits, aims = out.logits[:, -longest:-1], labels[:, 1:].to(device)  # virtual tokens stand before
            for line, at in enumerate(batch):
                on = aims[line] != IGNORED
                found[at] = float(torch.nn.functional.cross_entropy(logits[line][on].float(), aims[line][on]))
    model.train(mode)
    return found


# Plain general text, of our own words: what a language model of any kind knows before it is trained on a task.
GENERAL = (
    "Water boils at one hundred degrees Celsius at sea level, and at a lower temperature on a high mountain.",
    "The capital of France is Paris, which lies on the river Seine.",
    "If Anna is older than Ben, and Ben is older than Carla, then Anna is older than Carla.",
    "def add(a, b):\n    return a + b\n",
    "To make bread you need flour, water, salt and yeast; let the dough rest before you bake it.",
    "Der Zug nach Berlin kommt heute zehn Minuten später an.",
    "A triangle has three sides, and its angles add up to one hundred and eighty degrees.",
    "Dear Sir or Madam, thank you for your letter of the third of May. We will reply within two weeks.",
)


def general_loss(model: Any, tokenizer: Any, context: int, device: str) -> float | None:  # noqa: ANN401
    """Mean loss a token on GENERAL; None where the tokenizer does not know the text."""
    rows = [list(tokenizer(text, add_special_tokens=True).input_ids)[:context] for text in GENERAL]
    flat = [token for row in rows for token in row]
    if flat.count(tokenizer.unk_token_id) > len(flat) // 10:
        return None
    found = losses(model, [(row, [IGNORED, *row[1:]]) for row in rows], device)
    count = sum(len(row) - 1 for row in rows)
    return sum(loss * (len(row) - 1) for loss, row in zip(found, rows, strict=True)) / max(count, 1)
