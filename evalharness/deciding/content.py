"""What the metric that decides is, by its content: a name alone does not say it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from curate.example import digest
from curate.workspace import Workspace
from evalharness.asking.endpoint import Endpoint
from evalharness.deciding.comparison import ARMS
from evalharness.judging.judge import Judge
from evalharness.judging.rubric import Rubric
from evalharness.metrics import recorded
from evalharness.metrics.asked import asked_metric
from evalharness.metrics.from_evaluate import PREFIX
from evalharness.scoring.score import judge_params
from evalharness.scoring.scored_before import JUDGES, METRICS

FORM, JUDGED = "format", "judge:"
OTHERS = "several"  # the arms were not scored alike


class Scored(NamedTuple):
    """By what the compared scores were made; None: as the program has it, or not recorded."""

    content: str | None = None  # digest of the primary's settings, where it is not built in
    form: str | None = None  # digest of the form that was asked for


def built_in(primary: str) -> bool:
    """Whether the name says it all: no file, no judge, no metric of a library."""
    return not (primary.endswith(".py") or primary.startswith((JUDGED, PREFIX)))


def content_of(primary: str | None, url: str | None, model: str) -> tuple[str | None, dict[str, Any] | None]:
    """A primary metric's name, and what the run `score` will record of it where it is not built in.

    It is a metric's name, a Python file, or judge:RUBRIC with the judge's address and model. Without the
    address nothing is known of the judge, and the declaration says no more than its name.
    """
    if primary is None or built_in(primary):
        return primary, None
    if not primary.startswith(JUDGED):
        metric = asked_metric(primary)
        return metric.name, recorded(metric)
    judge = Judge(Rubric.find(primary.removeprefix(JUDGED)), Endpoint(url, model) if url else None)
    return judge.name, dict(judge_params(judge)) if url else None


def content_digest(settings: Mapping[str, Any] | None) -> str | None:
    """Digest of a metric's or a judge's settings, as the run `score` records them."""
    return None if settings is None else digest(json.dumps(settings, sort_keys=True))


def form_digest(settings: Mapping[str, Any]) -> str | None:
    """Digest of the form in the settings of the metric `format`; None for that of the labels."""
    form = [settings.get("regex"), settings.get("schema")]
    return None if form == [None, None] else digest(json.dumps(form))


def scored_by(workspace: Workspace, sources: Mapping[str, str], primary: str) -> Scored:
    """What the score runs behind these tables (role to digest) recorded of the primary and of the form."""
    contents: set[str | None] = set()
    forms: set[str | None] = set()
    seen: set[str] = set()
    for table in sources.values():
        fresh = (set(workspace.table(table)["arm"]) & set(ARMS)) - seen
        if not fresh:
            continue
        seen |= fresh
        params = _params(workspace, table)
        metrics = params.get(METRICS, {})
        if not built_in(primary):
            contents.add(content_digest(metrics.get(primary) or params.get(JUDGES, {}).get(primary)))
        forms.add(form_digest(metrics.get(FORM, {})))
    return Scored(_one(contents), _one(forms))


def _one(found: set[str | None]) -> str | None:
    return OTHERS if len(found) > 1 else next(iter(found), None)


def _params(workspace: Workspace, table: str) -> dict[str, Any]:
    """Settings of the newest score run that made this table."""
    query = """select params from run join run_end using (run_id) join run_artifact o using (run_id)
               where kind = 'score' and error is null and o.direction = 'out' and o.digest = ?
               order by ended_at desc limit 1"""
    rows = workspace.ledger.rows(query, table)
    found: dict[str, Any] = json.loads(rows[0]["params"]) if rows else {}
    return found
