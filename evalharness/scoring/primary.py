"""Which metrics can decide: those of which it is known that more is better, on a scale from 0 to 1."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from curate.errors import ConfigError
from curate.workspace import Workspace
from evalharness.metrics.about import about
from evalharness.metrics.custom import SUFFIX
from evalharness.scoring.scored_before import METRICS


def must_decide(metric: str, sided: Collection[str] | None = None) -> None:
    """ConfigError for a primary metric whose good side or scale is not known, or for which no margin is defined.

    `sided` are the files among the scored metrics that say both. None before anything is scored: then a file
    is let through, and asked when it is compared.
    """
    kind = about(metric)
    if metric.endswith(SUFFIX):
        if sided is None or metric in sided:
            return
        raise ConfigError(
            f"`{metric}` cannot decide: it does not say which way is better and on what scale",
            hint='write better = "more" (or "less") and scale = (0, 1) in it and score again: seatrial score --metric',
        )
    if not kind.known:
        raise ConfigError(
            f"`{metric}` cannot decide: which way is better, and its scale, are not known",
            hint="accuracy, macro-f1, exact-match, token-f1, rougeL, bleu, chrf, format, judge:NAME; "
            "or a file of yours with better and scale: docs/evaluate.md",
        )
    if kind.better is None:
        raise ConfigError(
            f"`{metric}` cannot decide: neither way is good in itself", hint="accuracy, rougeL, a judge"
        )
    if kind.better == "less":
        raise ConfigError(
            f"`{metric}` cannot decide: it has no scale from 0 to 1 on which a margin means anything",
            hint="accuracy or rougeL decides; the comparison shows it beside them",
        )


def sided(workspace: Workspace, scores: Iterable[str]) -> set[str]:
    """The metrics of files that said their better side and scale in every run that made these tables."""
    query = """select params from run join run_end using (run_id) join run_artifact o using (run_id)
               where kind = 'score' and error is null and o.digest = ? and o.direction = 'out'"""
    said: dict[str, bool] = {}
    for digest in scores:
        for row in workspace.ledger.rows(query, digest):
            for name, settings in json.loads(row["params"]).get(METRICS, {}).items():
                said[name] = said.get(name, True) and "better" in settings and "scale" in settings
    return {name for name, both in said.items() if both}
