"""How often each row was trained on and how badly the adapter still does on it: a line each, kept with it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from curate.example import digest
from evalharness.adapters.trained_on import FILE
from train.batches import IGNORED, Encoded
from train.rows import PAIR

TOKENS = 4_096  # of one pass, padding counted


def losses(model: Any, rows: Sequence[Encoded], device: str) -> list[float]:  # noqa: ANN401
    """The mean loss of each row's trained tokens, in evaluation mode; like lengths share a pass."""
    import torch

    found = [0.0] * len(rows)
    order = sorted(range(len(rows)), key=lambda at: (-len(rows[at].ids), at))
    mode = model.training
    model.eval()
    with torch.no_grad():
        while order:
            longest = len(rows[order[0]].ids)
            size = max(1, TOKENS // longest)
            batch, order = order[:size], order[size:]
            ids = torch.zeros(len(batch), longest, dtype=torch.long)
            labels, mask = torch.full_like(ids, IGNORED), torch.zeros_like(ids)
            for line, at in enumerate(batch):
                length = len(rows[at].ids)
                ids[line, :length] = torch.tensor(rows[at].ids)
                labels[line, :length], mask[line, :length] = torch.tensor(rows[at].labels), 1
            out = model(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False)
            logits, aims = out.logits[:, -longest:-1], labels[:, 1:].to(device)  # virtual tokens stand before
            for line, at in enumerate(batch):
                on = aims[line] != IGNORED
                found[at] = float(torch.nn.functional.cross_entropy(logits[line][on].float(), aims[line][on]))
    model.train(mode)
    return found


def write(trainer: Any, rows: Sequence[Encoded], folder: Path, leads: Sequence[float]) -> None:  # noqa: ANN401
    """Put FILE into an adapter's folder: a line for each row that its weights were trained on.

    Of pairs (chosen, then rejected) `leads` has by how much the model prefers each chosen answer, and the
    loss is -log of the chance of that. Their line has both answers.
    """
    state, args = trainer.state, trainer.args
    kept = state.best_global_step if args.load_best_model_at_end else None
    epochs = state.epoch * (kept or state.global_step) / max(state.global_step, 1)
    size = 2 if leads else 1
    units = [rows[at : at + size] for at in range(0, len(rows), size)]
    copies = Counter(unit[0].example_id for unit in units)
    once = {unit[0].example_id: unit for unit in units}
    alone = [unit[0] for unit in once.values()]
    found = [] if leads else losses(trainer.model, alone, str(args.device.type))
    led = dict(zip((unit[0].example_id for unit in units), leads, strict=False))
    with (folder / FILE).open("w", encoding="utf-8") as file:
        for at, (name, unit) in enumerate(once.items()):
            told: dict[str, Any] = {
                "example_id": name,
                "where": unit[0].where.removesuffix(PAIR[0]),
                "digest": digest(*map(key_of, unit)) if leads else key_of(unit[0]),
                "times": copies[name] * epochs,
                "trained": sum(sum(row.trained) for row in unit),
                "loss": _preferred(led[name]) if leads else found[at],
            }
            if leads:
                told |= {"chosen": key_of(unit[0]), "rejected": key_of(unit[1]), "lead": led[name]}
            file.write(json.dumps(told) + "\n")


def _preferred(lead: float) -> float:
    """-log sigmoid, for leads of any size."""
    return math.log1p(math.exp(-abs(lead))) + max(-lead, 0.0)


def key_of(row: Encoded) -> str:
    """Digest of a row's tokens and which of them are trained on."""
    return digest(json.dumps([row.ids, row.trained]))
