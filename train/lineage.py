"""How often each row was trained on and how badly the adapter still does on it: a line each, kept with it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from curate.example import digest
from evalharness import likelihood
from evalharness.adapters.trained_on import FILE
from train.batches import Encoded
from train.rows import PAIR


def losses(model: Any, rows: Sequence[Encoded], device: str) -> list[float]:  # noqa: ANN401
    """The mean loss of each row's trained tokens."""
    return likelihood.losses(model, [(row.ids, row.labels) for row in rows], device)


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
