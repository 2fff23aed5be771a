"""The log of a training: what is kept of it, and its losses by epoch; of our own runs, and of those made elsewhere."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

LOGGED = (
    "step", "epoch", "loss", "grad_norm", "learning_rate", "entropy", "mean_token_accuracy",
    "rewards/accuracies", "rewards/margins", "accuracy", "margin",
)  # fmt: skip


def measured(history: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The lines of the log: step, epoch, and what was measured, by TRL's names; its summary at the end is none.

    Nothing in them depends on the clock or on where a run was resumed.
    """
    wanted = (*LOGGED, *(f"eval_{name}" for name in LOGGED), "eval_metric")
    lines = (each for each in history if "loss" in each or "eval_loss" in each)
    return [{name: each[name] for name in wanted if name in each} for each in lines]


def in_lines(entries: Iterable[Mapping[str, Any]]) -> str:
    """A line of JSON for each."""
    return "".join(json.dumps(each) + "\n" for each in entries)


def losses(history: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Per epoch: mean training loss of its logged steps, and validation loss where it was measured."""
    table: dict[int, dict[str, list[float]]] = {}
    for entry in history:
        if "loss" in entry or "eval_loss" in entry:
            epoch = table.setdefault(math.ceil(entry["epoch"] - 1e-9), {"loss": [], "eval_loss": []})
            for name in epoch.keys() & entry.keys():
                epoch[name].append(entry[name])
    means = {epoch: fmean(found["loss"]) if found["loss"] else None for epoch, found in table.items()}
    lasts = {epoch: found["eval_loss"][-1] if found["eval_loss"] else None for epoch, found in table.items()}
    return [{"epoch": each, "loss": means[each], "validation_loss": lasts[each]} for each in sorted(table)]
