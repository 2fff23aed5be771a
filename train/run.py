"""A training run: begun, gone on with or done already; build, check, train, save, check again; and what it leaves."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from curate import pulse, workspace
from curate.answer import Answer
from curate.errors import ConfigError
from curate.progress import Progress
from curate.runs import trainable
from evalharness.adapters import card, checked, registry, trained_on
from evalharness.adapters.checked import Outcome
from evalharness.asking.unfinished import alone
from evalharness.encoding import questions
from evalharness.encoding.afterwards import diagnosed
from evalharness.encoding.log import in_lines, losses, measured
from evalharness.encoding.losses import leads, told_apart
from evalharness.encoding.rows import token_counts
from evalharness.models.loaded import LoadedModel
from evalharness.models.model_files import digest_of, find_base
from train import checkpoints, processes, proofs, watch
from train.checkpoints import Unfinished
from train.job import Job, Ready, encoded
from train.outline import Settled, load_base, outline
from train.proofs.subject import Given, Underway
from train.recipe import TINY, Recipe
from train.sft import Asked, Rows
from train.trainer import build, go, save

PACKAGES = ("torch", "transformers", "peft", "trl", "accelerate", "datasets")
FACTS = ("base", "base_digest", "quantization", "quantization_reason", "device", "threads", "compute_dtype")


def made(job: Job, *, allow_unclean: bool, resume: bool, again: bool) -> Answer:
    """Train, or say that it was done already."""
    registry.must_be_free(job.workspace, job.adapter_name)
    if not allow_unclean:
        trainable.refuse(job.objections, job.name)
    if resume and again:
        raise ConfigError("--resume and --again ask for opposite things", hint="leave one of them out")
    recipe, ledger, inputs = job.resolved.recipe, job.workspace.ledger, {"dataset": job.dataset}
    base = {"base_digest": digest_of(find_base(recipe.base))}
    proved = {"prove": True} if job.prove else {}
    params = {"recipe": asdict(recipe), **base, "objections": job.objections, **proved}
    root, code = job.workspace.root, workspace.code_version()
    this = checkpoints.Identity(root, job.adapter_name, params, inputs, code)
    if processes.first():
        checkpoints.sweep(job.workspace)
    begun = resume and checkpoints.newest(this.folder) is not None
    done = None if again or begun else job.workspace.recorded("train", params, inputs)
    if done is not None:
        run_id, outputs = done
        registry.whole(job.workspace, outputs["adapter"])
        ledger.set_name(job.adapter_name, outputs["adapter"])
        return _answer(job, run_id, outputs["adapter"], already=True)
    if not processes.first():
        processes.wait()  # for the first to have made room
        _trained(job, checkpoints.place(this, resume=resume, again=False))
        return Answer([], {})
    with alone(root, "train", this.key):
        where = checkpoints.place(this, resume=resume, again=again)
        processes.wait()
        with checkpoints.if_begun(where.folder), job.workspace.run("train", params, inputs) as recorded:
            recorded.outputs["adapter"] = _trained(job, where)
        ledger.set_name(job.adapter_name, recorded.outputs["adapter"])
        checkpoints.forget(where.folder)
    return _answer(job, recorded.run_id, recorded.outputs["adapter"], already=False)


def _trained(job: Job, where: Unfinished) -> str:
    """Train and keep the adapter; its digest. Of several processes only the first keeps it."""
    ready = encoded(job, outline(job.resolved.recipe))
    choice = ready.choice
    before = proofs.prove(ready.given, where.folder, lambda: load_base(choice)) if job.prove else []
    loaded = load_base(choice)
    _same_hold(where, loaded.facts, choice)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trained = train(loaded, ready.given, where, folder)
        if not processes.first():
            return ""
        told = record(job, ready, loaded.facts, trained._replace(checks=[*before, *trained.checks]))
        loaded.tokenizer.save_pretrained(name)
        (folder / "README.md").write_text(card.card(told), encoding="utf-8")
        text = json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False)
        (folder / "training.json").write_text(text + "\n", encoding="utf-8")
        (folder / "log.jsonl").write_text(in_lines(trained.log), encoding="utf-8")
        return job.workspace.put_files("adapter", folder)


def _same_hold(where: Unfinished, facts: dict[str, Any], choice: Settled) -> None:
    """ConfigError where a run would go on with the base held otherwise, as on a machine with other memory or kernels."""
    path, switch = where.folder / "held.json", choice.recipe.gradient_checkpointing
    now = {"quantization": facts["quantization"], "gradient_checkpointing": switch}
    if where.checkpoint is None:
        path.write_text(json.dumps(now), encoding="utf-8")
    elif path.is_file() and (words := checkpoints.changes(checkpoints.read(path), now)):
        what = f"this run cannot go on as it began: {words} ({facts['quantization_reason']})"
        raise ConfigError(what, hint="--again begins anew; --set says each of them as it was")


class Trained(NamedTuple):
    """What a run has to tell beside the adapter itself."""

    log: list[dict[str, Any]]
    checks: list[Outcome]
    told: dict[str, Any]  # how it was trained, with what result: keys of training.json


def train(
    loaded: LoadedModel, given: Given, where: Unfinished, adapter: Path, callbacks: Sequence[Any] = ()
) -> Trained:
    """Train on the given rows and save into the folder `adapter`, by the first of several processes alone.

    Raises ResourceError where a check of the run fails or memory ends.
    """
    recipe, rows, validation, began = given.recipe, given.rows, given.validation, time.monotonic()
    work, checkpoint = where.folder, where.checkpoint
    watch.quiet()
    with Progress("train") as progress:
        progress.alone = not processes.first()
        told_to = watch.reports(recipe, work, begins=checkpoint is None)
        built = build(Asked(loaded, recipe, rows, validation), work, checkpoint)
        trainer = built.trainer
        trainer.add_callback(watch.watcher(processes.log_of(work), progress))
        for each in callbacks:
            trainer.add_callback(each)
        sharded = processes.sharded(trainer)
        model, underway = trainer.model, Underway(loaded, recipe, rows, built, sharded)
        now = replace(loaded, model=model)
        seen = {**_with_metric(trainer, now, given.asked), "reports": told_to, "sharded": sharded}
        done = proofs.held(proofs.BUILT, underway)
        underway.mark()
        first = _leads(now, recipe, validation)
        go(trainer, checkpoint)
        told = {**built.told, **seen, **told_apart(first, _leads(now, recipe, validation))}
        if processes.first() or sharded:  # in a pass over parts of the weights all take part
            told |= _leave(underway, validation, adapter)
            done += proofs.held(proofs.TRAINED, underway)
    history = trainer.state.log_history
    told |= {
        "losses": losses(history),
        "steps": trainer.state.global_step,
        "resumed_at_step": checkpoints.step_of(checkpoint) if checkpoint else 0,
        "seconds": round(time.monotonic() - began, 2),  # of this process's part
        "peak_memory_bytes": pulse.peak(),
        "parameters": int(loaded.facts["parameters"]),
        "trainable": sum(each.numel() for each in model.parameters() if each.requires_grad),
    }
    return Trained(measured(history), done, told)


def _leads(now: LoadedModel, recipe: Recipe, pairs: Rows) -> list[float]:
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


def _leave(run: Underway, validation: Rows, folder: Path) -> dict[str, Any]:
    """Save what was trained, with the rows that it was trained on; what there is to tell of it."""
    trainer, recipe, now = run.built.trainer, run.recipe, replace(run.loaded, model=run.model)
    state = trainer.state
    kept = state.best_global_step if trainer.args.load_best_model_at_end else None
    single = validation[::2] if recipe.pairs else validation
    log, answering = measured(state.log_history), recipe.objective != "reward"
    told = diagnosed(now, single, log, best_by=recipe.best_by, kept=kept, answering=answering)
    save(run.model, folder, recipe, sharded=run.sharded)
    epochs = state.epoch * (kept or state.global_step) / max(state.global_step, 1)
    trained_on.write(now, run.rows, folder, epochs=epochs, leads=_leads(now, recipe, run.rows))
    run.folder = folder
    return told


def record(job: Job, ready: Ready, facts: dict[str, Any], trained: Trained) -> dict[str, Any]:
    """The content of training.json."""
    resolved, given, recipe = job.resolved, ready.given, job.resolved.recipe
    return {
        **{key: facts[key] for key in FACTS},
        "toy": recipe.base == TINY,
        "gradient_checkpointing": ready.choice.recipe.gradient_checkpointing == "on",
        "headroom": ready.choice.why,
        **{key: getattr(recipe, key) for key in ("method", "objective", "epochs")},
        "processes": processes.count(),
        **trained.told,
        "dataset": {"name": job.name, "digest": job.dataset},
        "clean": not job.objections,
        "objections": job.objections,
        "settings": asdict(recipe),
        "given": dict(resolved.given),
        "defaults_for": resolved.why,
        "masks": given.template.ways,
        "rows": {"train": token_counts(given.rows), "validation": token_counts(given.validation)},
        "lengths": {"train": ready.gate.record(), "validation": ready.gate_validation.record()},
        **checked.record(trained.checks),
        "versions": {**facts["versions"], **{each: version(each) for each in PACKAGES}},
        "code": workspace.code_version(),
    }


def _answer(job: Job, run_id: str, digest: str, *, already: bool) -> Answer:
    """What a person reads at the end."""
    told = checkpoints.read(job.workspace.files(digest) / "training.json")
    lines = [
        *([f"already done, run {run_id}; --again to repeat"] if already else []),
        f"adapter {job.adapter_name} ({digest[:12]}) on {told['base']}, {told['quantization']}: {card.curve(told)}",
        *card.summary(told),
        *checked.summary(told),
        *job.resolved.lines(),
        f"next: seatrial {'reward' if told['objective'] == 'reward' else 'tune'} {job.name}",
    ]
    kept = {"run": run_id, "adapter": digest, "name": job.adapter_name, "already_done": already}
    return Answer(lines, {**kept, **told})
