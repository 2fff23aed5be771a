"""One training run: build, check, train, save, check again. Reads top to bottom."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from curate.progress import Progress
from evalharness.adapters import trained_on
from evalharness.adapters.checked import Outcome
from evalharness.encoding import questions
from evalharness.encoding.afterwards import diagnosed
from evalharness.encoding.encode import Encoded
from evalharness.encoding.losses import leads
from evalharness.models.loaded import LoadedModel
from train import processes, proofs, reports, watch
from train.proofs.subject import Underway
from train.recipe import Recipe
from train.trainer import build, go, save


@dataclass(frozen=True)
class Trained:
    """What a run has to tell beside the adapter itself."""

    log: list[dict[str, Any]]
    checks: list[Outcome]
    told: dict[str, Any]  # how it was trained, with what result: keys of training.json


def train(
    loaded: LoadedModel,
    recipe: Recipe,
    rows: Sequence[Encoded],
    validation: Sequence[Encoded],
    *,
    work: Path,
    adapter: Path,
    checkpoint: Path | None = None,
    callbacks: Sequence[Any] = (),
    asked: questions.Questions | None = None,
) -> Trained:
    """Train on `rows` and save into the folder `adapter`, by the first of several processes alone.

    `work` holds checkpoints and the running log; `checkpoint` is one of them to go on from. Rows of
    pairs are a chosen answer, then its rejected one. Raises ResourceError where a check of the run fails
    or memory ends.
    """
    began = time.monotonic()
    work.mkdir(parents=True, exist_ok=True)
    with watch.quiet(), Progress("train") as progress:
        progress.alone = not processes.first()
        told_to = reports.wanted(recipe, work, begins=checkpoint is None)
        built = build(loaded, recipe, rows, validation, work, checkpoint)
        trainer = built.trainer
        trainer.add_callback(watch.watcher(processes.log_of(work), progress))
        for each in callbacks:
            trainer.add_callback(each)
        sharded = processes.sharded(trainer)
        model, underway = trainer.model, Underway(loaded, recipe, rows, built, sharded)
        now = replace(loaded, model=model)
        seen = {**_with_metric(trainer, now, asked), "reports": told_to, "sharded": sharded}
        done = proofs.held(proofs.BUILT, underway)
        underway.mark()
        first = _leads(now, recipe, validation)
        go(trainer, checkpoint)
        told = {**built.told, **seen, **_told_apart(first, _leads(now, recipe, validation))}
        if processes.first() or sharded:  # in a pass over parts of the weights all take part
            told |= _leave(underway, validation, adapter)
            done += proofs.held(proofs.TRAINED, underway)
    history = trainer.state.log_history
    told |= {
        "losses": watch.losses(history),
        "steps": trainer.state.global_step,
        "resumed_at_step": int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0,
        "seconds": round(time.monotonic() - began, 2),  # of this process's part
        "peak_memory_bytes": watch.peak_memory(loaded.device),
        "parameters": int(loaded.facts["parameters"]),
        "trainable": sum(each.numel() for each in model.parameters() if each.requires_grad),
    }
    return Trained(watch.measured(history), done, told)


def _leads(now: LoadedModel, recipe: Recipe, pairs: Sequence[Encoded]) -> list[float]:
    """By how much each chosen answer leads its rejected one; none for plain rows."""
    return leads(now, pairs, scored=recipe.objective == "reward") if recipe.pairs and pairs else []


def _with_metric(trainer: Any, now: LoadedModel, asked: questions.Questions | None) -> dict[str, Any]:  # noqa: ANN401
    """Let each evaluation measure the task's metric too; what there is to tell of it.

    It is put into the loop's own result, before that is logged: so the log, TensorBoard, early stopping
    and the choice of the best weights all see it.
    """
    if asked is None:
        return {}
    loop = trainer.evaluation_loop

    def with_metric(*args: Any, metric_key_prefix: str = "eval", **more: Any) -> Any:  # noqa: ANN401
        output = loop(*args, metric_key_prefix=metric_key_prefix, **more)
        trainer.model.eval()
        value = questions.measure(now, asked)
        if value is not None:
            output.metrics[f"{metric_key_prefix}_metric"] = value
        return output

    trainer.evaluation_loop = with_metric
    return {"metric": {"name": asked.name, "rows": len(asked.rows)}}


def _leave(run: Underway, validation: Sequence[Encoded], folder: Path) -> dict[str, Any]:
    """Save what was trained, with the rows that it was trained on; what there is to tell of it."""
    trainer, recipe, now = run.built.trainer, run.recipe, replace(run.loaded, model=run.model)
    state = trainer.state
    kept = state.best_global_step if trainer.args.load_best_model_at_end else None
    single = validation[::2] if recipe.pairs else validation
    log, answering = watch.measured(state.log_history), recipe.objective != "reward"
    told = diagnosed(now, single, log, best_by=recipe.best_by, kept=kept, answering=answering)
    save(run.model, folder, recipe, sharded=run.sharded)
    epochs = state.epoch * (kept or state.global_step) / max(state.global_step, 1)
    trained_on.write(now, run.rows, folder, epochs=epochs, leads=_leads(now, recipe, run.rows))
    run.folder = folder
    return told


def _told_apart(first: Sequence[float], last: Sequence[float]) -> dict[str, Any]:
    """Validation pairs whose chosen answer leads, before and after; and those where its lead has grown."""
    if not last:
        return {}
    right_before, right = (sum(each > 0 for each in some) for some in (first, last))
    grew = sum(after > before for before, after in zip(first, last, strict=True))
    found = {"validation": len(last), "right_before": right_before, "right": right, "lead_grew": grew}
    return {"pairs": found}
