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
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curate.answer import Answer, counted
from curate.errors import ConfigError, MissingExtraError, SeatrialError
from train.checkpoints import changes, read
from train.outline import Settled, load_base, settled
from train.recipe import FIELDS, Given, Recipe, Resolved, parse, resolve

if TYPE_CHECKING:
    from train.job import Job, Ready

TRIALS, BEST, ASKED = "trials.jsonl", "best.toml", "search.json"
SEARCHED = ("learning_rate", "rank", "alpha", "dropout", "epochs", "max_steps", "batch_size", "accumulate", "schedule", "warmup", "weight_decay", "beta2", "max_grad_norm", "rslora", "beta")  # fmt: skip
STARTUP = 4  # trials to their end before one may be ended early

Space = Mapping[str, list[Any] | tuple[Any, Any]]  # choices, or a lowest and a highest


def search(
    dataset: Annotated[str | None, typer.Argument(help="A split version; the newest.")] = None,
    over: Annotated[
        list[str] | None, typer.Option(help="key=a,b,c; with --trials also key=low..high")
    ] = None,
    trials: Annotated[int, typer.Option(min=0, help="so many by TPE; 0 is the whole grid")] = 0,
    base: Annotated[str | None, typer.Option(help="`tiny`, a hub id or a folder.")] = None,
    recipe: Annotated[Path | None, typer.Option(help="TOML file with the other settings.")] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", help="key=value, over the file.")] = None,
    prune: Annotated[bool, typer.Option(help="end trials that fall behind")] = True,
    resume: Annotated[bool, typer.Option("--resume", help="go on with a stopped search, or fail")] = False,
    allow_unclean: Annotated[bool, typer.Option("--allow-unclean", help="as in seatrial train")] = False,
) -> Answer:
    """Try settings on the validation rows, and write the best as a recipe."""
    from curate.runs import trainable
    from curate.workspace import Workspace, code_version
    from evalharness.asking.unfinished import alone, key_of
    from evalharness.models.model_files import digest_of, find_base
    from train.job import encoded, job_of, settings_of
    from train.outline import outline

    resolved = settings_of(recipe, setting or [], {"base": base}, allow_unclean=allow_unclean)
    space = space_of(over or [], resolved, ranges=trials > 0)
    job = job_of(Workspace.open(), dataset, resolved, None)
    if not allow_unclean:
        trainable.refuse(job.objections, job.name)
    if job.validation.is_empty() or not resolved.recipe.evaluate:
        raise ConfigError(
            "no validation rows to judge a trial by", hint="seatrial split makes some; evaluate = true"
        )
    asked = {"recipe": asdict(resolved.recipe), "over": over, "tpe": trials > 0, "prune": prune}
    known = {"dataset": job.dataset, "base_digest": digest_of(find_base(resolved.recipe.base))}
    code = code_version()
    key = key_of(asked, known, code)[:16]
    place = _place(job, key, {**asked, **known, "code": code}, resume=resume)
    with (
        alone(job.workspace.root, "search", key),
        job.workspace.run("search", {**asked, "trials": trials}, {"dataset": job.dataset}) as run,
    ):
        ready = encoded(job, outline(resolved.recipe))  # once for all trials
        found = _all(job.resolved, ready, space, place, trials, prune=prune)
        run.outputs["trials"] = job.workspace.put_json("trials", found)
    return _answer(job, found, place, len(ready.given.validation))


def _place(job: Job, key: str, told: dict[str, Any], *, resume: bool) -> Path:
    """The folder of this very search. With `resume`, ConfigError where there is none, with what differs from the newest."""
    root = job.workspace.root / "search"
    now = {"name": job.name, **told}
    if resume and not (root / key / ASKED).is_file():
        others = sorted(root.glob(f"*/{ASKED}"), key=lambda path: -path.stat().st_mtime)
        kept = map(read, others)
        then = next((each for each in kept if each.get("name") == job.name), now)
        words = changes(then, now)
        raise ConfigError(
            f"no search of {job.name} was begun with these settings and this data{words and ': '}{words}",
            hint="give the same settings and data to go on, or leave out --resume to begin anew",
        )
    (root / key).mkdir(parents=True, exist_ok=True)
    (root / key / ASKED).write_text(json.dumps(now, indent=1), encoding="utf-8")
    return root / key


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
            raise ConfigError(
                f"--over {word}: `{key}` is not searched over", hint=f"these are: {', '.join(SEARCHED)}"
            )
        if ".." in text and (not ranges or len(values) != 2 or FIELDS[key].type not in ("int", "float")):
            raise ConfigError(
                f"--over {word}: not a range to try", hint="low..high, of a number, with --trials N"
            )
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
    except ImportError as error:
        raise MissingExtraError("optuna", "search") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP))
    kinds = {key: _distribution(FIELDS[key].type, values) for key, values in space.items()}
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


def _distribution(kind: Any, values: list[Any] | tuple[Any, Any]) -> Any:  # noqa: ANN401
    from optuna import distributions

    if isinstance(values, list):
        return distributions.CategoricalDistribution(values)
    of = distributions.IntDistribution if kind == "int" else distributions.FloatDistribution
    return of(*values, log=values[0] > 0)


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
    from curate.example import digest
    from train import checkpoints, run

    began, work = time.monotonic(), place / digest(json.dumps(point))[:16]
    recipe = replace(choice.recipe, report_to=("none",))  # what trials say is told in their own file
    judge, state, why = judged_by(former, recipe), "COMPLETE", ""
    try:
        with tempfile.TemporaryDirectory() as made:
            run.train(
                load_base(choice), recipe, ready.given.rows, ready.given.validation,
                work=work, adapter=Path(made), checkpoint=checkpoints.newest(work), callbacks=[judge], asked=ready.asked,
            )  # fmt: skip
    except Behind:
        state = "PRUNED"
    except SeatrialError as error:
        state, why = "FAIL", error.message
    shutil.rmtree(work, ignore_errors=True)
    value = None  # a trial that failed before its first evaluation has none
    if judge.values:
        value = min(judge.values) if recipe.best_by != "last" else judge.values[-1]
    return {
        "state": state,
        "value": value if state == "COMPLETE" else None,
        "values": judge.values,
        "loss": min(judge.losses, default=None),
        "why": why,
        "seconds": round(time.monotonic() - began, 2),
    }


def behind(values: Sequence[float], former: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a trial's best is above the median of what the whole ones of `former` had after as many evaluations."""
    whole = [line["values"] for line in former if line["state"] == "COMPLETE"]
    then = [each[len(values) - 1] for each in whole if len(each) >= len(values)]
    return len(whole) >= STARTUP and bool(then) and min(values) > median(then)


def judged_by(former: Sequence[Mapping[str, Any]], recipe: Recipe) -> Any:  # noqa: ANN401  a transformers.TrainerCallback
    """A callback that keeps what validation says (lower is better) and ends a trial that falls behind."""
    from transformers import TrainerCallback

    name, sign = ("eval_metric", -1) if recipe.best_by == "metric" else ("eval_loss", 1)

    class Judge(TrainerCallback):  # type: ignore[misc]  # the way TRL is told of its callbacks
        def __init__(self) -> None:
            self.values: list[float] = []
            self.losses: list[float] = []

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
            self.tell(state)  # a run that goes on has its former evaluations from the checkpoint

        def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
            self.tell(state)
            if behind(self.values, former):
                raise Behind

        def tell(self, state: Any) -> None:  # noqa: ANN401
            self.values = [sign * entry[name] for entry in state.log_history if name in entry]
            self.losses = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]

    return Judge()


def _answer(job: Job, told: list[dict[str, Any]], place: Path, rows: int) -> Answer:
    """The trials, the best first, and the recipe of the best."""
    found = sorted(told, key=lambda line: (line["value"] is None, line["value"] or 0.0, line["loss"] or 0.0))
    if found[0]["value"] is None:
        raise ConfigError(
            f"none of {len(told)} trials came to its end: {found[0]['why']}", hint="search over other values"
        )
    settings = found[0]["settings"]
    keys = [*job.resolved.given, *settings, *(["alpha"] if "rank" in settings else [])]
    recipe, path = recipe_of(job.resolved, settings), place / BEST
    best = {key: getattr(recipe, key) for key in keys}
    path.write_text(
        "".join(f"{key} = {json.dumps(value)}\n" for key, value in best.items()), encoding="utf-8"
    )
    lines, judge = [], "metric" if recipe.best_by == "metric" else "loss"
    for line in found:
        mean = {"PRUNED": "behind", "FAIL": "failed"}.get(line["state"]) or f"{abs(line['value']):.4f}"
        words = (
            f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
            for key, value in line["settings"].items()
        )
        lines.append(f"{mean:>9}  {', '.join(words)}{'  ' if line['why'] else ''}{line['why']}")
    trials, held = counted(len(told), "trial"), counted(rows, "validation row")
    lines.append(f"{trials}, by the {judge} of {held}; the best of many flatters itself: the test decides")
    lines.append(f"next: seatrial train {job.name} --recipe {path}")
    return Answer(lines, {"trials": found, "best": best, "recipe": str(path), "validation_rows": rows})
