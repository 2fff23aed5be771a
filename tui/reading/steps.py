"""The way from a version to a verdict: which step is done, which is next, and its command."""

from __future__ import annotations

import json
from typing import Literal, NamedTuple

from curate.errors import NotFoundError
from curate.workspace import Workspace
from tui.reading.preparing import Found, prepared

State = Literal["done", "next", "later"]


class Step(NamedTuple):
    """One step; `command` is without `seatrial`, as a shell user would type it."""

    name: str
    state: State
    command: str
    told: str  # what it is for, or what it came to


def steps(workspace: Workspace, dataset: str) -> list[Step]:
    """The steps of one dataset version, in their order."""
    from evalharness.deciding import probed
    from evalharness.scoring.score import newest

    name = _reference(workspace, dataset)
    splits = dict(
        workspace.scan_examples(dataset).group_by("split").len().collect().drop_nulls("split").iter_rows()
    )
    found = prepared(workspace, dataset, name)
    divided = "train" in splits and "test" in splits
    told = ", ".join(f"{splits[s]:,} {s}" for s in ("train", "validation", "test") if s in splits)
    found.append(Found("split", divided, f"split {name}", told or "train, validation and sealed test"))
    adapter = workspace.made_from(dataset, kind="train", role="adapter")
    told = f"adapter {adapter[:8]}" if adapter else "an adapter on the train rows; r shows its curves"
    found.append(Found("train", adapter is not None, f"train {name}", told))
    tuning = workspace.made_from(dataset, kind="tune", role="tuning")
    told = (
        f"tuning {tuning[:8]}" if tuning else "the baselines' prompt, shots and retrieval, on validation rows"
    )
    found.append(Found("tune", tuning is not None, f"tune {name}", told))
    try:
        tables = newest(workspace, dataset, "test")
    except NotFoundError:
        tables = {}
    answered = _asked(workspace, tables.get("tuned", ""), adapter)
    told = f"answers of {', '.join(tables)}" if tables else "each arm answers the test rows"
    if tables and not answered:
        told += "; not yet of the newest adapter"
    found.append(Found("predict", answered, f"predict {name}", told))
    scores = {arm: workspace.made_from(digest, kind="score", role="scores") for arm, digest in tables.items()}
    scored = [arm for arm, digest in scores.items() if digest]
    told = f"scores of {', '.join(scored)}" if scored else "metrics of each answer"
    found.append(Found("score", bool(scored) and len(scored) == len(scores), f"score {name}", told))
    probe, probes = probed.newest(workspace, adapter)
    lost = [name for name, told in probes.items() if isinstance(told, dict) and told.get("state") == "fail"]
    told = "what it forgot, falls into or gives away"
    if probe:
        told = f"failed: {', '.join(lost)}" if lost else f"probe {probe[:8]}"
    found.append(Found("probe", probe is not None, f"probe {name}", told))
    last = scores.get("tuned")
    compared = workspace.made_from(last, kind="compare", role="comparison") if last else None
    told = f"comparison {compared[:8]}" if compared else "the arms side by side, with intervals"
    found.append(Found("compare", compared is not None, f"compare {name}", told))
    reference = f" {compared[:12]}" if compared else ""
    written = written_to(workspace, compared) if compared else None
    told = f"written to {written}" if written else "HTML, Markdown and JSON in a folder"
    found.append(Found("report", written is not None, f"report{reference} --to report", told))
    return _in_turn(found)


def goes_on_with(workspace: Workspace, dataset: str) -> tuple[str, str] | None:
    """(the version that the same name means by now, the run's kind that made it of this one); None where none is."""
    query = """with recursive made(digest, kind) as (
                   select ?, '' union select o.digest, run.kind from made
                   join run_artifact i on i.digest = made.digest and i.direction = 'in' and i.role = 'dataset'
                   join run_artifact o on o.run_id = i.run_id and o.direction = 'out' and o.role = 'dataset'
                   join run on run.run_id = o.run_id)
               select made.digest, kind from made join latest_name l on l.digest = made.digest
               where made.digest <> ? and l.name in (select name from name where digest = ?) limit 1"""
    rows = workspace.ledger.rows(query, dataset, dataset, dataset)
    return (str(rows[0]["digest"]), str(rows[0]["kind"])) if rows else None


def is_newest(workspace: Workspace, dataset: str) -> bool:
    """Whether a name means this version now."""
    return bool(workspace.ledger.rows("select 1 from latest_name where digest = ?", dataset))


def written_to(workspace: Workspace, comparison: str) -> str | None:
    """The folder that the newest report of a comparison was written to, as it was named; None where there is none."""
    query = """select params from run join run_end using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.digest = ?
               where run.kind = 'report' and error is null order by run_end.ended_at desc"""
    said = [json.loads(row["params"]) for row in workspace.ledger.rows(query, comparison)]
    return next((str(each["to"]) for each in said if not each.get("history")), None)


def _asked(workspace: Workspace, predictions: str, adapter: str | None) -> bool:
    """Whether these answers are of this adapter."""
    query = """select 1 from run_artifact o join run_artifact i on i.run_id = o.run_id and i.direction = 'in'
               where o.digest = ? and o.direction = 'out' and i.digest = ?"""
    return adapter is not None and bool(workspace.ledger.rows(query, predictions, adapter))


def _in_turn(found: list[Found]) -> list[Step]:
    """A step is done only where those before it are: what follows a new split has to be done again."""
    listed: list[Step] = []
    state: State = "done"
    for name, done, command, told in found:
        if state == "done" and not done:
            state = "next"
        elif state == "next":
            state = "later"
        listed.append(Step(name, state, command, told))
    return listed


def _reference(workspace: Workspace, dataset: str) -> str:
    """How a command is told of a version: by its name where that means it, else by its digest."""
    query = "select name from latest_name where digest = ? order by name_id desc limit 1"
    for row in workspace.ledger.rows(query, dataset):
        return str(row["name"])
    return dataset[:12]
