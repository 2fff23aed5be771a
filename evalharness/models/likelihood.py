"""How likely a model finds given texts: one pass over their tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

IGNORED = -100  # the label of a token that is not looked at
TOKENS = 4_096  # of one pass, padding counted
LOGITS = 1 << 27  # floats of logits that one pass may make

Row = tuple[Sequence[int], Sequence[int]]  # token ids, and as many labels: the token where it is looked at


def log_probabilities(model: Any, rows: Sequence[Row], device: str) -> Iterator[list[tuple[int, float, int]]]:  # noqa: ANN401
    """For each row its number, the log probability of its labelled tokens together, and how many these are.

    A pass at a time, the longest first; like lengths share one. In evaluation mode; what a first token has
    before it is nothing, so its label is not looked at.
    """
    import torch

    order = sorted(range(len(rows)), key=lambda at: (-len(rows[at][0]), at))
    words = int(model.get_input_embeddings().weight.shape[0])
    mode = model.training
    model.eval()
    try:
        with torch.no_grad():
            while order:
                longest = len(rows[order[0]][0])
                size = max(1, min(TOKENS, LOGITS // words) // max(1, longest))
                batch, order = order[:size], order[size:]
                yield _pass(model, [(at, rows[at]) for at in batch], longest, device)
    finally:
        model.train(mode)


def _pass(
    model: Any,  # noqa: ANN401
    batch: Sequence[tuple[int, Row]],
    longest: int,
    device: str,
) -> list[tuple[int, float, int]]:
    import torch

    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    labels, mask = torch.full_like(ids, IGNORED), torch.zeros_like(ids)
    for line, (_, (tokens, looked_at)) in enumerate(batch):
        ids[line, : len(tokens)] = torch.tensor(tokens)
        labels[line, : len(tokens)], mask[line, : len(tokens)] = torch.tensor(looked_at), 1
    out = model(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False)
    logits, aims = out.logits[:, -longest:-1], labels[:, 1:].to(device)  # virtual tokens stand before
    found = []
    for line, (at, _) in enumerate(batch):
        on = aims[line] != IGNORED
        told = logits[line][on].float().log_softmax(-1).gather(-1, aims[line][on].unsqueeze(-1))
        found.append((at, float(told.double().sum()), int(on.sum())))
    return found


def losses(model: Any, rows: Sequence[Row], device: str) -> list[float]:  # noqa: ANN401
    """The mean loss of each row's labelled tokens; NaN where a row has none."""
    found = [float("nan")] * len(rows)
    for part in log_probabilities(model, rows, device):
        for at, logprob, count in part:
            found[at] = -logprob / count if count else float("nan")
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
