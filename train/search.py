"""`seatrial search`: which settings do best on the validation rows, of a grid or by TPE (Optuna).

Each trial is a training run on the same tokens; the test rows are never read. A trial that falls behind
the median of those before it is ended. What is done is kept, a line each, so that the same command goes
on where it was stopped, within a trial too, and comes to the same trials. (Optuna's own journal is not
used: a line that was cut off by a kill makes it unreadable, and the grid needs no Optuna.)
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any

from curate import workspace
from curate.answer import Answer, counted
from curate.errors import ConfigError, MissingExtraError, SeatrialError
from curate.example import digest
from curate.runs import trainable
from evalharness.asking.unfinished import alone
from evalharness.models.model_files import digest_of, find_base
from train import run
from train.checkpoints import RUN, Identity, Unfinished, claim, newest
from train.job import Job, Ready, encoded
from train.outline import Settled, load_base, outline, settled
from train.recipe import FIELDS, Given, Recipe, Resolved, parse, resolve
from train.trainer import callback

TRIALS, BEST = "trials.jsonl", "best.toml"
SEARCHED = ("learning_rate", "rank", "alpha", "dropout", "epochs", "max_steps", "batch_size", "accumulate", "schedule", "warmup", "weight_decay", "beta2", "max_grad_norm", "rslora", "beta")  # fmt: skip
STARTUP = 4  # trials to their end before one may be ended early

Space = Mapping[str, list[Any] | tuple[Any, Any]]  # choices, or a lowest and a highest


def searched(
    job: Job, over: list[str], trials: int, *, prune: bool, resume: bool, allow_unclean: bool
) -> Answer:
    """The trials, and the best as a recipe; `over` are the words of the space, `trials` 0 the whole grid."""
    recipe, space = job.resolved.recipe, space_of(over, job.resolved, ranges=trials > 0)
    if not allow_unclean:
        trainable.refuse(job.objections, job.name)
    if job.judged.is_empty():
        hint = "seatrial split makes some; evaluate = true"
        raise ConfigError("no validation rows to judge a trial by", hint=hint)
    asked = {"recipe": asdict(recipe), "over": over, "tpe": trials > 0, "prune": prune}
    known = {"dataset": job.dataset, "base_digest": digest_of(find_base(recipe.base))}
    this = Identity(job.workspace.root, job.name, asked, known, workspace.code_version(), kind="search")
    claim(this, resume=resume, begun=(this.folder / RUN).is_file())
    with (
        alone(this.root, "search", this.key),
        job.workspace.run("search", {**asked, "trials": trials}, {"dataset": job.dataset}) as recorded,
    ):
        ready = encoded(job, outline(recipe))  # once for all trials
        found = _all(job.resolved, ready, space, this.folder, trials, prune=prune)
        recorded.outputs["trials"] = job.workspace.put_json("trials", found)
    return _answer(job, found, this.folder, len(ready.given.validation))


def space_of(words: list[str], resolved: Resolved, *, ranges: bool) -> Space:
    """What to search over; ConfigError for a key or value that a recipe would not take."""
    space: dict[str, Any] = {}
    for word in words:
        key, _, text = word.partition("=")
        parts = text.split("..") if ".." in text else text.split(",")
        given = [replace(each, where=f"--over {word}") for each in parse([f"{key}={part}" for part in parts])]
        values = [getattr(_with(resolved, [each]), each.key) for each in given]
        key = given[0].key
        if key not in SEARCHED:
            hint = f"these are: {', '.join(SEARCHED)}"
            raise ConfigError(f"--over {word}: `{key}` is not searched over", hint=hint)
        if ".." in text and (not ranges or len(values) != 2 or FIELDS[key].type not in ("int", "float")):
            hint = "low..high, of a number, with --trials N"
            raise ConfigError(f"--over {word}: not a range to try", hint=hint)
        space[key] = tuple(values) if ".." in text else values
    if not space:
        raise ConfigError("nothing to search over", hint="--over learning_rate=1e-4,2e-4 --over rank=8,16")
    return space


def _all(
    resolved: Resolved, ready: Ready, space: Space, place: Path, wanted: int, *, prune: bool
) -> list[dict[str, Any]]:
    """Every trial in order, those that are not done yet run now; `wanted` 0 is every point of the grid."""
    grid = [dict(zip(space, point, strict=True)) for point in itertools.product(*space.values())]
    for point in grid:  # of a range its ends: settings that do not go together are told before any is tried
        recipe_of(resolved, point)
    longest = max(len(row.ids) for row in ready.given.rows)
    done = _done(place / TRIALS)
    for number in range(len(done), wanted or len(grid)):
        # seeded by the number: a search in two pieces draws what one in one piece draws
        point = _drawn(space, done, resolved.recipe.seed + number) if wanted else grid[number]
        choice = settled(ready.given.loaded, recipe_of(resolved, point), longest)
        line = {"settings": point, **_run(point, choice, ready, place, done if prune else [])}
        with (place / TRIALS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        done.append(line)
    return done


def _drawn(space: Space, done: Sequence[Mapping[str, Any]], seed: int) -> dict[str, Any]:
    """What TPE tries after these trials."""
    try:
        import optuna
        from optuna import distributions as of
    except ImportError as error:
        raise MissingExtraError("optuna", "search") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP))
    numbers = {"int": of.IntDistribution, "float": of.FloatDistribution}
    kinds: dict[str, of.BaseDistribution] = {
        key: of.CategoricalDistribution(values) if isinstance(values, list)
        else numbers[str(FIELDS[key].type)](*values, log=values[0] > 0)
        for key, values in space.items()
    }  # fmt: skip
    for line in done:
        values = dict(enumerate(line["values"], start=1))
        told = {"state": optuna.trial.TrialState[line["state"]], "value": line["value"]}
        params = {"params": line["settings"], "distributions": kinds}
        study.add_trial(optuna.trial.create_trial(**params, **told, intermediate_values=values))
    return dict(study.ask(kinds).params)


def _done(path: Path) -> list[dict[str, Any]]:
    """The trials of earlier calls; a last line that was cut off by a kill is taken away."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    return [json.loads(line) for line in whole.splitlines()]


def recipe_of(resolved: Resolved, params: Mapping[str, Any]) -> Recipe:
    """The recipe of a trial; alpha follows the rank, unless it was set. ConfigError for settings that do not go together."""
    chosen = resolved.recipe
    if "rank" in params and "alpha" not in {*params, *resolved.given}:
        params = {**params, "alpha": max(1, round(params["rank"] * chosen.alpha / chosen.rank))}
    return _with(resolved, [Given(key, value, f"--over {key}") for key, value in params.items()])


def _with(resolved: Resolved, more: Sequence[Given]) -> Recipe:
    """The recipe with these settings too, looked at as a whole."""
    before = [Given(key, getattr(resolved.recipe, key), where) for key, where in resolved.given.items()]
    return resolve([*before, *more]).recipe


class Behind(Exception):
    """A trial that is worse than the median of those before it."""


def _run(
    point: Mapping[str, Any], choice: Settled, ready: Ready, place: Path, former: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Train with a trial's settings; what came of it. Settings that cannot be trained with are a result too."""
    began, work = time.monotonic(), place / digest(json.dumps(point))[:16]
    recipe = replace(choice.recipe, report_to=("none",))  # what trials say is told in their own file
    seen: list[Mapping[str, Any]] = []
    state, why = "COMPLETE", ""
    try:
        with tempfile.TemporaryDirectory() as made:
            where = Unfinished(work, newest(work))
            judge = judged_by(former, recipe, seen)
            run.train(load_base(choice), replace(ready.given, recipe=recipe), where, Path(made), [judge])
    except Behind:
        state = "PRUNED"
    except SeatrialError as error:
        state, why = "FAIL", error.message
    shutil.rmtree(work, ignore_errors=True)
    values = values_of(seen, recipe)
    counts = values[-1:] if recipe.best_by == "last" else values
    return {
        "state": state,
        "value": min(counts, default=None) if state == "COMPLETE" else None,
        "values": values,
        "loss": min((line["eval_loss"] for line in seen if "eval_loss" in line), default=None),
        "why": why,
        "seconds": round(time.monotonic() - began, 2),
    }


def behind(values: Sequence[float], former: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a trial's best is above the median of what the whole ones of `former` had after as many evaluations."""
    whole = [line["values"] for line in former if line["state"] == "COMPLETE"]
    then = [each[len(values) - 1] for each in whole if len(each) >= len(values)]
    return len(whole) >= STARTUP and bool(then) and min(values) > median(then)


def judged_by(former: Sequence[Mapping[str, Any]], recipe: Recipe, seen: list[Mapping[str, Any]]) -> Any:  # noqa: ANN401
    """A callback that puts the trainer's log into `seen` and ends a trial that falls behind."""

    def look(_: Any, state: Any, *__: Any, **___: Any) -> None:  # noqa: ANN401
        seen[:] = state.log_history  # of a run that goes on with its former lines

    def judge(*event: Any, **_: Any) -> None:  # noqa: ANN401
        look(*event)
        if behind(values_of(seen, recipe), former):
            raise Behind

    return callback(on_train_begin=look, on_evaluate=judge)


def values_of(log: Sequence[Mapping[str, Any]], recipe: Recipe) -> list[float]:
    """What each evaluation says; lower is better."""
    name, sign = ("eval_metric", -1) if recipe.best_by == "metric" else ("eval_loss", 1)
    return [sign * line[name] for line in log if name in line]


def _answer(job: Job, told: list[dict[str, Any]], place: Path, rows: int) -> Answer:
    """The trials, the best first, and the recipe of the best."""
    found = sorted(told, key=lambda line: (line["value"] is None, line["value"] or 0.0, line["loss"] or 0.0))
    if found[0]["value"] is None:
        what = f"none of {counted(len(told), 'trial')} came to its end: {found[0]['why']}"
        raise ConfigError(what, hint="search over other values")
    settings, path = found[0]["settings"], place / BEST
    recipe = recipe_of(job.resolved, settings)
    keys = [*job.resolved.given, *settings, *(["alpha"] if "rank" in settings else [])]
    best = {key: getattr(recipe, key) for key in keys}
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in best.items())
    path.write_text(text, encoding="utf-8")
    lines, judge = [], "metric" if recipe.best_by == "metric" else "loss"
    for line in found:
        came = {"PRUNED": "behind", "FAIL": "failed"}.get(line["state"]) or f"{abs(line['value']):.4f}"
        tried = (f"{key} {_short(value)}" for key, value in line["settings"].items())
        lines.append(f"{came:>9}  {', '.join(tried)}  {line['why']}".rstrip())
    trials, held = counted(len(told), "trial"), counted(rows, "validation row")
    lines.append(f"{trials}, by the {judge} of {held}; the best of many flatters itself: the test decides")
    lines.append(f"next: seatrial train {job.name} --recipe {path}")
    return Answer(lines, {"trials": found, "best": best, "recipe": str(path), "validation_rows": rows})


def _short(value: Any) -> str:  # noqa: ANN401
    return f"{value:.4g}" if isinstance(value, float) else f"{value}"
