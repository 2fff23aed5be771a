"""Tasks of lm-evaluation-harness before and after, where that package is installed (extra `forgetting`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from curate.errors import ConfigError, MissingExtraError
from evalharness.paired import Rules
from evalharness.probed import loss

if TYPE_CHECKING:
    from evalharness.answerers import Local

FIRST = (
    "acc_norm",
    "acc",
    "exact_match",
    "f1",
    "bleu",
    "rouge1",
)  # the metric that is told, the first there is
BATCH = 8


def tasks(local: Local, names: Sequence[str], limit: int | None, rules: Rules) -> dict[str, Any]:
    """By task: metric, means before and after, drop with its upper bound. Datasets are fetched by that package."""
    try:
        from lm_eval import simple_evaluate
        from lm_eval.models.huggingface import HFLM
    except ImportError as error:
        raise MissingExtraError(error.name or "lm_eval", "forgetting") from error
    loaded = local.loaded
    found: list[Mapping[str, Any]] = []
    for gone in (True, False):
        with loaded.without_adapter() if gone else nullcontext():
            model = HFLM(pretrained=loaded.model, tokenizer=loaded.tokenizer, batch_size=BATCH)
            try:
                told = simple_evaluate(
                    model, tasks=list(names), limit=limit, bootstrap_iters=0, log_samples=True
                )
            except (KeyError, ValueError, OSError) as error:
                raise ConfigError(f"--task {', '.join(names)}: {error}", hint="lm_eval ls tasks") from error
            found.append(told["samples"])
    return {task: _one(found[0][task], found[1][task], rules) for task in found[0]}


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
    return {
        "metric": metric, "n": lost.n, "before": float(one.mean()), "after": float(two.mean()),
        "value": lost.drop, "upper": lost.upper,
    }  # fmt: skip
