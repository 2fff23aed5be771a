"""A session done again: its scans, labels, applies and splits in their order, each with the words said before it.

Each step says what it made. Where one comes to something else, the replay stops and says which: rows
that are not the same bytes are never passed off as the session's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import polars as pl

from curate.changing.keys import Ways
from curate.deciding import byhand
from curate.dividing.resample import Balance
from curate.dividing.splitting import Wish
from curate.engine import engine_of
from curate.errors import ConfigError, GateError
from curate.labelling.applying import apply_answers, task_in
from curate.people.journal import Journal, Line, merge
from curate.runs.recipe import Recipe
from curate.runs.release import found_again, split_version
from curate.runs.steps import apply_decisions, scan_version
from curate.scanning.embedding import NONE
from curate.workspace import Workspace


@dataclass
class Replayed:
    """What a replay came to."""

    dataset: str
    rounds: int = 0  # of applying
    redacted: int = 0
    dropped: dict[str, int] = field(default_factory=dict)  # by check/label
    not_run: list[str] = field(default_factory=list)


def replay(
    workspace: Workspace, journals: Sequence[Journal], dataset: str, ways: Ways, recipe: Recipe
) -> Replayed:
    """Do the steps of one journal again, beginning with an imported version.

    Words after the last step are merged too. Raises ConfigError where two journals have steps,
    GateError where a step makes something else than it did.
    """
    stepped = [journal for journal in journals if journal.steps]
    if len(stepped) > 1:
        raise ConfigError(
            f"{stepped[1].path} has steps, and so has {stepped[0].path}", hint="one session at a time"
        )
    merge(workspace, [journal for journal in journals if not journal.steps], any_time=True)
    done = Replayed(dataset)
    journal, said = stepped[0], 0
    words = list(journal.words.items())
    for number, (upto, step) in enumerate(journal.steps, start=1):
        part = replace(journal, words=dict(words[said:upto]), steps=())
        merge(workspace, [part], any_time=True)
        said = upto
        made = _DO[str(step["step"])](workspace, done, step, ways, recipe)
        if made != step["made"]:
            raise GateError(
                f"{journal.path}: step {number} ({step['step']}) made {made[:8]}, in the session {str(step['made'])[:8]}",
                hint="an empty workspace (--workspace DIR), the same files and the same Seatrial give the same rows",
            )
    merge(workspace, [replace(journal, words=dict(words[said:]), steps=())], any_time=True)
    return done


def _scan(workspace: Workspace, done: Replayed, step: Line, ways: Ways, recipe: Recipe) -> str:
    """Scan the version that stands; returns the digest of the findings."""
    settings: dict[str, dict[str, object]] = {}
    for check, values in _settings(step).items():
        if not isinstance(values, dict):
            raise ConfigError(f"the settings of {check} are no object")
        own = dict(values)
        if "encoder" in own:
            own["encoder"] = found_again(str(own["encoder"])) if own["encoder"] != NONE else NONE
        settings[check] = own
    protect = step.get("protect") or []
    made = scan_version(
        workspace,
        done.dataset,
        names=list(settings),
        settings=settings,
        protect=[recipe.place(str(name)) for name in protect],  # type: ignore[attr-defined]
        engine=recipe.scan.engine,
        workers=recipe.scan.workers,
        settle=False,  # what was settled then is among the words, at its own time
    )
    done.not_run = [f"{name}: {reason}" for name, reason in made.not_run]
    return made.made.outputs["findings"]


def _mark(workspace: Workspace, done: Replayed, step: Line, ways: Ways, recipe: Recipe) -> str:
    """Let people's own findings stand on the version that stands; returns the digest of all of them."""
    del ways, recipe
    marks = step["marks"]
    return byhand.add(
        workspace, done.dataset, byhand.as_table(marks if isinstance(marks, list) else [])
    ).digest


def _apply(workspace: Workspace, done: Replayed, step: Line, ways: Ways, recipe: Recipe) -> str:
    """Carry out what is decided by now; returns the digest of the rows."""
    settings = _settings(step)
    applied = apply_decisions(
        workspace,
        done.dataset,
        style=str(settings.get("style", "placeholder")),
        numbered=bool(settings.get("numbered")),
        scope=str(settings.get("scope", "conversation")),
        key=ways["key"],
        vault=ways["vault"],
    )
    counts = Counter(done.dropped)
    for change in applied.changes.filter(pl.col("change") == "drop").iter_rows(named=True):
        counts[f"{change['check']}/{change['label']}"] += 1
    done.dropped = dict(counts)
    done.redacted += applied.changes.filter(pl.col("change") == "redact").height
    done.rounds += 1
    done.dataset = applied.made.outputs["dataset"]
    return done.dataset


def _label(workspace: Workspace, done: Replayed, step: Line, ways: Ways, recipe: Recipe) -> str:
    """Let people's answers be a column; returns the digest of the rows."""
    del ways, recipe
    params = _settings(step)
    task = task_in(params)
    made = apply_answers(workspace, done.dataset, task, policy=params["policy"], by=params["by"])
    done.dataset = made.made.outputs["dataset"]
    return done.dataset


def _split(workspace: Workspace, done: Replayed, step: Line, ways: Ways, recipe: Recipe) -> str:
    """Divide; what the session let pass is let pass again, for its result is known."""
    engine = engine_of(recipe.scan.engine, recipe.scan.workers)
    wish = wish_of(_settings(step))
    try:
        try:
            made, _ = split_version(workspace, done.dataset, wish, engine=engine)
        except GateError:
            made, _ = split_version(workspace, done.dataset, wish, allow_blocking=True, engine=engine)
    finally:
        engine.close()
    done.dataset = made.outputs["dataset"]
    return done.dataset


_DO = {"scan": _scan, "mark": _mark, "label": _label, "apply": _apply, "split": _split}


def _settings(step: Line) -> Mapping[str, Any]:
    settings = step["settings"]
    return settings if isinstance(settings, dict) else {}


def wish_of(settings: Mapping[str, Any]) -> Wish:
    """The wish that a split recorded. Raises ConfigError for a setting that there is not."""
    known = {each.name for each in fields(Wish)}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise ConfigError(
            f"a split has no setting `{unknown[0]}`", hint=f"there are: {', '.join(sorted(known))}"
        )
    values = dict(settings)
    if values.get("encoder", NONE) != NONE:
        values["encoder"] = found_again(str(values["encoder"]))
    for name in ("sizes", "rows"):
        if isinstance(values.get(name), list):
            values[name] = tuple(values[name])
    try:
        if "balance" in values:
            evened = dict(values["balance"])
            evened["temperature"] = float(evened["temperature"])
            values["balance"] = Balance(**evened)
        return Wish(**values)
    except (TypeError, ValueError, KeyError) as error:
        raise ConfigError(f"the settings of a split cannot be read: {error}") from error
