"""Short trainings that show whether the steps themselves are right: by heart, in parts, twice alike; and the control."""

from __future__ import annotations

import random
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import polars as pl

from evalharness.adapters.checked import Checked, largest, must
from evalharness.asking.task import Task
from evalharness.deciding import controlled
from evalharness.encoding.encode import Encoded
from evalharness.encoding.questions import answered as answered_by
from evalharness.encoding.questions import answers, parted, questions
from train.outline import steps, units
from train.proofs.subject import Trial, Underway, logged
from train.recipe import PACE, TINY_DEFAULTS
from train.sft import Rows
from train.trainer import callback

BY_HEART_ROWS, BY_HEART_STEPS, FASTER = 8, 120, 5.0
KNOWN, KNOWN_LOSS = 0.01, 0.01
PARTS_ROWS, PARTS_STEPS = 8, 4
PARTS_LIMIT, PARTS_LIMIT_HALF = 1e-4, 2e-2  # the latter where passes are computed in bf16 or fp16
WHOLE_PASSES = {  # objectives whose loss goes by how rows are put together
    "kto": "KTO compares the rows of a pass with one another",
    "orpo": "TRL's ORPO takes the mean over all tokens of a pass: a row weighs by the rows beside it",
}
TWICE_ROWS, TWICE_STEPS = 12, 20
TWICE: dict[str, Any] = {"batch_size": 2, "accumulate": 2, "dropout": 0.1}
TWICE_LIMIT = {"cpu": ("equal", 0.0), "cuda": ("below", 1e-3)}  # kernels of a GPU add in no fixed order
ASKED, ENDLESS = 20, 1
CONTROL_STEPS, CONTROL_ROWS, CONTROL_FEWEST = 60, 64, 8
CONTROL_KEPT = ("dropout", "schedule", "warmup", "weight_decay", "accumulate")


def few_by_heart(trial: Trial) -> Underway:
    """The run that is to learn a few rows by heart, five times as fast as usual where that is not too fast."""
    given, recipe = trial.given, trial.given.recipe
    rows = given.few(BY_HEART_ROWS)
    fastest = TINY_DEFAULTS["learning_rate"] * PACE.get(recipe.method, 1.0) * PACE.get(recipe.objective, 1.0)
    rate = max(recipe.learning_rate, min(recipe.learning_rate * FASTER, fastest))
    settings = {"batch_size": len(rows), "max_steps": BY_HEART_STEPS, "learning_rate": rate, "warmup": 8.0}
    underway = trial.short(rows, "by-heart", **settings)
    underway.built.trainer.add_callback(_until_known())
    return underway


def _until_known() -> Any:  # noqa: ANN401  a transformers.TrainerCallback
    """A callback that stops where the loss has fallen to a hundredth, below KNOWN_LOSS, and each token is likeliest."""
    losses: list[float] = []

    def stop(args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:  # noqa: ANN401
        if "loss" in logs:
            losses.append(logs["loss"])
            known = logs.get("mean_token_accuracy", 1.0) == 1.0  # TRL tells it where answers are imitated
            control.should_training_stop |= known and losses[-1] < min(KNOWN * losses[0], KNOWN_LOSS)

    return callback(on_log=stop)


def by_heart(trial: Trial) -> Checked:
    """A few rows must be learned by heart: the loss falls to a tenth (or 0.05), and each answer is then given."""
    underway: Underway = trial.kept["by heart"]
    losses = logged(underway.built.trainer, "loss")
    first, last = losses[0], losses[-1]
    fallen = f"loss {first:.3g} -> {last:.3g}"
    what = f"of {len(underway.rows)} rows trained {len(losses)} steps without dropout"
    compared = f"last loss over the first, or 0 where it is under 0.05 ({fallen}), {what}"
    found = must("learned by heart", compared, 0.0 if last < 0.05 else last / first, "below", 0.1)
    if trial.given.recipe.objective != "sft":
        return found
    ends = trial.given.template.end_ids
    said = [list(each.ids) for each in answers(underway.now, underway.rows, Task())]
    wanted = [[token for token in parted(row)[1] if token not in ends] for row in underway.rows]
    wrong = sum(one != other for one, other in zip(said, wanted, strict=True))
    return must("learned by heart", f"{what} ({fallen}), those not answered word for word", wrong, "equal", 0)


def stops(trial: Trial) -> Checked | str:
    """What has learned answers by heart must end its answers to other rows too."""
    given, underway = trial.given, trial.kept["by heart"]
    if given.recipe.method == "prompt":
        return "a few learned tokens carry little from these rows to others"
    if given.recipe.objective != "sft":
        return f"{given.recipe.objective} compares answers; it does not teach a base to end one"
    rows = sorted(given.validation or given.rows, key=lambda row: row.example_id)[:ASKED]
    said = answers(underway.now, rows, Task())
    endless = sum(each.finish_reason != "stop" for each in said)
    compared = f"of {len(said)} answers to other rows, those that do not end by themselves"
    return must("end token learned", compared, endless, "below", ENDLESS + 1)


def parts(trial: Trial) -> Checked | str:
    """A step over all rows at once, in two parts or one by one: the same losses and gradients, by plain SGD."""
    recipe, rows = trial.given.recipe, trial.given.few(PARTS_ROWS)
    if why := WHOLE_PASSES.get(recipe.objective):
        return why
    if (count := units(len(rows), recipe)) < PARTS_ROWS:
        return f"{count} rows are too few to be taken apart"
    seen: list[list[float]] = []
    for size in (PARTS_ROWS, PARTS_ROWS // 2, 1):
        passes: dict[str, Any] = {"batch_size": size, "accumulate": PARTS_ROWS // size, "packing": "off"}
        underway = trial.short(rows, f"parts-{size}", max_steps=PARTS_STEPS, **passes)
        trainer = underway.built.trainer
        trainer.args.optim = "sgd"
        underway.go()
        seen.append([*logged(trainer, "loss"), *logged(trainer, "grad_norm")])
    whole, *split = seen
    pairs = (pair for each in split for pair in zip(whole, each, strict=True))
    worst = largest(abs(one - other) / max(abs(one), 1e-6) for one, other in pairs)
    compared = f"largest relative difference of {PARTS_STEPS} losses and gradient lengths, {PARTS_ROWS} rows as 8x1, 4x2, 1x8"
    half = trainer.args.bf16 or trainer.args.fp16
    return must("accumulation parity", compared, worst, "below", PARTS_LIMIT_HALF if half else PARTS_LIMIT)


def seed(trial: Trial) -> Checked:
    """The same seed twice must give the same losses, with dropout on."""
    first, second = (_twenty(trial, name) for name in ("first", "second"))
    apart = largest(abs(one - other) for one, other in zip(first, second, strict=True))
    compared = f"largest difference of {len(first)} losses of two runs with one seed"
    return must("equal seeds", compared, apart, *TWICE_LIMIT[trial.given.loaded.device])


def resume(trial: Trial) -> Checked:
    """Gone on with from a checkpoint in mid-epoch: weights and optimizer as of the run in one piece."""
    half = trial.work / "first" / f"checkpoint-{TWICE_STEPS // 2}"
    _twenty(trial, "resumed", half)
    whole, again = (trial.work / name / f"checkpoint-{TWICE_STEPS}" for name in ("first", "resumed"))
    apart = furthest(state(whole), state(again))
    compared = f"largest difference of a weight or optimizer state after {TWICE_STEPS} steps, in one piece and resumed at {TWICE_STEPS // 2}"
    return must("resumed equals straight", compared, apart, *TWICE_LIMIT[trial.given.loaded.device])


def _twenty(trial: Trial, name: str, checkpoint: Path | None = None) -> list[float]:
    """Losses of a run with dropout and a checkpoint half way."""
    settings = {**TWICE, "schedule": trial.given.recipe.schedule, "max_steps": TWICE_STEPS}
    rows = trial.given.few(TWICE_ROWS)
    underway = trial.short(rows, name, checkpoint, **settings, evaluate_every=TWICE_STEPS // 2)
    underway.go(checkpoint)
    return logged(underway.built.trainer, "loss")


def state(checkpoint: Path) -> dict[str, Any]:
    """The weights of a checkpoint and the optimizer's state."""
    import torch
    from safetensors.torch import load_file

    weights = {path.name: load_file(path) for path in sorted(checkpoint.glob("*.safetensors"))}
    optimizer = torch.load(checkpoint / "optimizer.pt", map_location="cpu", weights_only=True)
    return {"weights": weights, "optimizer": optimizer}


def furthest(one: Any, other: Any) -> float:  # noqa: ANN401
    """The largest difference of a number anywhere in two nested states; infinite where their forms differ."""
    from torch.utils._pytree import tree_flatten

    (mine, form), (theirs, other_form) = tree_flatten(one), tree_flatten(other)
    if form != other_form:
        return inf
    return largest(_apart(left, right) for left, right in zip(mine, theirs, strict=True))


def _apart(left: Any, right: Any) -> float:  # noqa: ANN401
    """Of two tensors, or of two settings of an optimizer."""
    if not hasattr(left, "double"):
        return 0.0 if left == right else inf
    if left.shape != right.shape or left.dtype != right.dtype:
        return inf
    return float((left.double() - right.double()).abs().max())


def shuffled(rows: Rows, seed: int) -> list[Encoded]:
    """Each row's prompt with the last answer of another, all answers used once."""
    parts = [parted(row) for row in rows]
    answers = [answer for _, answer in parts]
    random.Random(seed).shuffle(answers)
    return [
        replace(row, ids=(*prompt, *answer), trained=(*row.trained[: len(prompt)], *[True] * len(answer)))
        for row, (prompt, _), answer in zip(rows, parts, answers, strict=True)
    ]


def control(trial: Trial) -> Checked | str:
    """By the product's own comparison, on validation rows: better than the base and than guessing is a failure.

    It shows something only where the same comparison says SHIP to the right answers themselves.
    """
    given, recipe = trial.given, trial.given.recipe
    if recipe.objective != "sft":
        return "pairs have no answers that could be another question's"
    if len(given.validation) < CONTROL_FEWEST:
        return f"{len(given.validation)} validation rows are too few to compare on"
    room = recipe.room(given.loaded.context)
    rows = [row for row in shuffled(given.rows, recipe.seed) if len(row.ids) <= room]
    count = min(CONTROL_STEPS, steps(len(rows), recipe))
    kept = {key: getattr(recipe, key) for key in CONTROL_KEPT}
    underway = trial.short(rows, "control", max_steps=count, **kept)
    underway.go()
    train, validation = (given.examples.filter(pl.col("split") == part) for part in ("train", "validation"))
    asked = questions(given.validation, train, validation, CONTROL_ROWS)
    assert asked is not None  # there are validation rows
    now = underway.now
    tuned = answered_by(now, asked)
    with now.without_adapter():
        base = answered_by(now, asked)
    told = controlled.arms(asked, base, tuned)
    on = f"on {len(asked.rows)} validation rows"
    means = ", ".join(f"{arm} {controlled.mean(scores):.3f}" for arm, scores in told.items())
    if (said := controlled.judged(told, "right")) != "SHIP":
        return f"not shown: {on} the comparison says {said} to the right answers too ({asked.name}: {means})"
    said = controlled.judged(told, "tuned")
    compared = f"{asked.name} {on} after {count} steps on shuffled answers: {means}; the comparison says {said} (and SHIP to the right answers): times that it says SHIP"
    return must("shuffled answers", compared, said == "SHIP", "equal", 0)
