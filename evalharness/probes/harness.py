"""Tasks of lm-evaluation-harness before and after, where that package is installed (extra `forgetting`).

A task is one of its names, or a YAML file of one's own. What is lost by it counts in the condition `forgetting`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from curate.errors import ConfigError, MissingExtraError
from evalharness.deciding.probed import loss
from evalharness.probes.forgetting import DROP, EDGE, REMEDY
from evalharness.statistics.paired import Rules

if TYPE_CHECKING:
    from evalharness.asking.answerers import Local

FIRST = (
    "acc_norm",
    "acc",
    "exact_match",
    "f1",
    "bleu",
    "rouge1",
)  # the metric that is told, the first there is
BATCH = 8
NAMED = re.compile(r"^(?:task|group):\s*[\"']?([\w.-]+)", re.MULTILINE)
YAML = (".yaml", ".yml")


def tasks(local: Local, names: Sequence[str], limit: int | None, rules: Rules) -> dict[str, Any]:
    """By task: metric, means before and after, drop with its upper bound. Datasets are fetched by that package."""
    wanted, folders = _named(names)
    try:
        from lm_eval import simple_evaluate
        from lm_eval.models.huggingface import HFLM
        from lm_eval.tasks import TaskManager
    except ImportError as error:
        raise MissingExtraError(error.name or "lm_eval", "forgetting") from error
    loaded, manager = local.loaded, TaskManager(include_path=folders or None)
    found: list[Mapping[str, Any]] = []
    for gone in (True, False):
        with loaded.without_adapter() if gone else nullcontext():
            model = HFLM(pretrained=loaded.model, tokenizer=loaded.tokenizer, batch_size=BATCH)
            try:
                told = simple_evaluate(
                    model,
                    tasks=wanted,
                    limit=limit,
                    bootstrap_iters=0,
                    log_samples=True,
                    task_manager=manager,
                )
            except (KeyError, ValueError, OSError) as error:
                raise ConfigError(f"--task {', '.join(names)}: {error}", hint="lm_eval ls tasks") from error
            if told is None:
                raise ConfigError(
                    f"--task {', '.join(names)}: nothing was evaluated", hint="lm_eval ls tasks"
                )
            found.append(told["samples"])
    return {task: _one(found[0][task], found[1][task], rules) for task in found[0]}


def _named(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """(tasks, folders of their files); ConfigError for a file that is not there or names no task."""
    wanted, folders = [], []
    for name in names:
        path = Path(name)
        if path.suffix not in YAML:
            wanted.append(name)
            continue
        told = NAMED.search(path.read_text(encoding="utf-8")) if path.is_file() else None
        if told is None:
            raise ConfigError(
                f"--task {name}: no file that names a task", hint="its first line is `task: NAME`"
            )
        wanted.append(told[1])
        folders.append(str(path.resolve().parent))
    return wanted, list(dict.fromkeys(folders))


def _one(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], rules: Rules
) -> dict[str, Any]:
    """One task's samples, paired by the digest of the item."""
    metric = next((each for each in FIRST if before and isinstance(before[0].get(each), int | float)), None)
    if metric is None:
        return {"state": "not measured", "detail": "no metric that is a number for each item"}
    first, second = ({row["doc_hash"]: float(row[metric]) for row in part} for part in (before, after))
    both = sorted(set(first) & set(second))
    one, two = (np.array([part[each] for each in both]) for part in (first, second))
    lost = loss(one, two, rules=rules)
    chance = {row["doc_hash"]: _chance(row) for row in before}
    edge = loss(one, np.array([chance[each] for each in both]), rules=rules)
    told = {
        "metric": metric, "n": lost.n, "before": float(one.mean()), "after": float(two.mean()),
        "value": lost.drop, "upper": lost.upper,
    }  # fmt: skip
    if edge.upper is not None and edge.upper < EDGE:
        return told | {"value": None, "upper": None, "detail": "hardly better than chance: nothing to forget"}
    return told


def _chance(sample: Mapping[str, Any]) -> float:
    """Of a question with answers to choose from, that of guessing; an answer that is written is not guessed."""
    offered = len(sample.get("arguments") or ())
    return 1 / offered if offered > 1 else 0.0


def counted(found: dict[str, Any], told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The condition `forgetting` with the tasks in it: the one by which most may be lost is what is looked at."""
    if found.get("state") == "not measured":
        return found
    parts = [str(found["detail"])]
    for task, each in told.items():
        if "metric" not in each:
            parts.append(f"{task}: {each['detail']}")
            continue
        parts.append(f"{task}: {each['metric']} {each['before']:.3f} before, {each['after']:.3f} after")
        if each.get("upper") is not None and each["upper"] > (found.get("upper") or 0.0):
            found = found | {"value": each["value"], "upper": each["upper"], "limit": DROP, "n": each["n"]}
    if found.get("upper") is not None:
        found["state"] = "pass" if found["upper"] <= found["limit"] else "fail"
    return found | {"detail": "; ".join(parts), "remedy": REMEDY}
