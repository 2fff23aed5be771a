"""Short trainings that show whether the steps themselves are right: by heart, in parts, and twice alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evalharness.adapters.checked import Checked, largest, must
from evalharness.asking.task import Task
from evalharness.encoding.questions import answers, parted
from train.proofs.subject import Trial, Underway, logged
from train.recipe import PACE, TINY_DEFAULTS

BY_HEART_ROWS, BY_HEART_STEPS, FASTER = 8, 120, 5.0
KNOWN, KNOWN_LOSS = 0.01, 0.01
PARTS_ROWS, PARTS_STEPS = 8, 4
PARTS_LIMIT, PARTS_LIMIT_HALF = 1e-4, 2e-2  # the latter where passes are computed in bf16 or fp16
WHOLE_PASSES = {  # objectives whose loss goes by how rows are put together
    "kto": "KTO compares the rows of a pass with one another",
    "orpo": "TRL's ORPO takes the mean over all tokens of a pass: a row weighs by the rows beside it",
}
TWICE_ROWS, TWICE_STEPS, TWICE_BATCH = 12, 20, 2
TWICE_LIMIT = {"cpu": 0.0, "cuda": 1e-3}  # kernels of a GPU add in no fixed order
ASKED, ENDLESS = 20, 1


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
    from transformers import TrainerCallback

    class UntilKnown(TrainerCallback):  # type: ignore[misc]  # the way TRL is told of its callbacks
        first: float | None = None

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ANN401
            if "loss" in logs:
                self.first = self.first or logs["loss"]
                known = logs.get("mean_token_accuracy", 1.0) == 1.0  # TRL tells it where answers are imitated
                control.should_training_stop |= known and logs["loss"] < min(KNOWN * self.first, KNOWN_LOSS)

    return UntilKnown()


def by_heart(trial: Trial) -> Checked:
    """A few rows must be learned by heart: the loss falls to a tenth (or 0.05), and each answer is then given."""
    underway: Underway = trial.kept["by heart"]
    losses = logged(underway.built.trainer, "loss")
    first, last = losses[0], losses[-1]
    what = f"of {len(underway.rows)} rows trained {len(losses)} steps without dropout"
    fallen = must(
        "learned by heart",
        f"last loss over the first, or 0.1 where it is under 0.05 ({first:.3g} -> {last:.3g}), {what}",
        min(last / first, 0.0 if last < 0.05 else 1.0),
        "below",
        0.1,
    )
    if trial.given.recipe.objective != "sft":
        return fallen
    said = answers(underway.now, underway.rows, Task())
    ends = trial.given.template.end_ids
    wanted = [parted(row)[1] for row in underway.rows]
    wrong = sum(
        list(each.ids) != [token for token in answer if token not in ends]
        for each, answer in zip(said, wanted, strict=True)
    )
    compared = f"{what} (loss {first:.3g} -> {last:.3g}), those not answered word for word"
    return must("learned by heart", compared, wrong, "equal", 0)


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
    given = trial.given
    rows = given.few(PARTS_ROWS)
    units = len(rows) // (2 if given.recipe.pairs else 1)
    if why := WHOLE_PASSES.get(given.recipe.objective):
        return why
    if units < PARTS_ROWS:
        return f"{units} rows are too few to be taken apart"
    seen: list[list[float]] = []
    for size in (PARTS_ROWS, PARTS_ROWS // 2, 1):
        underway = trial.short(
            rows,
            f"parts-{size}",
            batch_size=size,
            accumulate=PARTS_ROWS // size,
            packing="off",
            max_steps=PARTS_STEPS,
        )
        trainer = underway.built.trainer
        trainer.args.optim = "sgd"
        underway.go()
        seen.append([*logged(trainer, "loss"), *logged(trainer, "grad_norm")])
    worst = largest(
        abs(one - other) / max(abs(one), 1e-6)
        for split in seen[1:]
        for one, other in zip(seen[0], split, strict=True)
    )
    compared = f"largest relative difference of {PARTS_STEPS} losses and gradient lengths, {PARTS_ROWS} rows as 8x1, 4x2, 1x8"
    half = trainer.args.bf16 or trainer.args.fp16
    return must("accumulation parity", compared, worst, "below", PARTS_LIMIT_HALF if half else PARTS_LIMIT)


def seed(trial: Trial) -> Checked:
    """The same seed twice must give the same losses, with dropout on."""
    first, second = (_twenty(trial, name) for name in ("first", "second"))
    apart = largest(abs(one - other) for one, other in zip(first, second, strict=True))
    compared = f"largest difference of {len(first)} losses of two runs with one seed"
    limit = TWICE_LIMIT[trial.given.loaded.device]
    return must("equal seeds", compared, apart, *(("below", limit) if limit else ("equal", 0)))


def resume(trial: Trial) -> Checked:
    """Gone on with from a checkpoint in mid-epoch: weights and optimizer as of the run in one piece."""
    half = trial.work / "first" / f"checkpoint-{TWICE_STEPS // 2}"
    _twenty(trial, "resumed", half)
    whole, again = (trial.work / name / f"checkpoint-{TWICE_STEPS}" for name in ("first", "resumed"))
    apart = largest(furthest(state(whole, kind), state(again, kind)) for kind in ("weights", "optimizer"))
    compared = f"largest difference of a weight or optimizer state after {TWICE_STEPS} steps, in one piece and resumed at {TWICE_STEPS // 2}"
    limit = TWICE_LIMIT[trial.given.loaded.device]
    return must("resumed equals straight", compared, apart, *(("below", limit) if limit else ("equal", 0)))


def _twenty(trial: Trial, name: str, checkpoint: Path | None = None) -> list[float]:
    """Losses of a run with dropout and a checkpoint half way."""
    underway = trial.short(
        trial.given.few(TWICE_ROWS),
        name,
        checkpoint,
        batch_size=TWICE_BATCH,
        accumulate=2,
        dropout=0.1,
        schedule=trial.given.recipe.schedule,
        max_steps=TWICE_STEPS,
        evaluate_every=TWICE_STEPS // 2,
    )
    underway.go(checkpoint)
    return logged(underway.built.trainer, "loss")


def state(checkpoint: Path, kind: str) -> Any:  # noqa: ANN401  tensors, in dictionaries and lists
    """The weights of a checkpoint, or the optimizer's state."""
    import torch
    from safetensors.torch import load_file

    if kind == "optimizer":
        return torch.load(checkpoint / "optimizer.pt", map_location="cpu", weights_only=True)
    return {path.name: load_file(path) for path in sorted(checkpoint.glob("*.safetensors"))}


def furthest(one: Any, other: Any) -> float:  # noqa: ANN401
    """The largest difference of a number anywhere in two nested states; infinite where their forms differ."""
    import torch
    from torch.utils._pytree import tree_flatten

    (mine, form), (theirs, other_form) = tree_flatten(one), tree_flatten(other)
    if form != other_form:
        return float("inf")
    apart = [0.0]
    for left, right in zip(mine, theirs, strict=True):
        if isinstance(left, torch.Tensor) and isinstance(right, torch.Tensor):
            same = left.shape == right.shape and left.dtype == right.dtype
            found = (left.double() - right.double()).abs().max() if same and left.numel() else 0.0
            apart.append(float(found) if same else float("inf"))
        elif left != right:
            return float("inf")
    return largest(apart)
