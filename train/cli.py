"""The command `seatrial train`."""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curate.answer import Answer
from curate.errors import ConfigError

if TYPE_CHECKING:
    from train.checkpoints import Unfinished
    from train.job import Job
    from train.outline import Settled


def train(
    dataset: Annotated[
        str | None, typer.Argument(help="A split version, by name or digest; the newest.")
    ] = None,
    base: Annotated[str | None, typer.Option(help="`tiny`, a hub id or a folder.")] = None,
    name: Annotated[str | None, typer.Option("--as", help="Name of the adapter; DATASET-adapter.")] = None,
    recipe: Annotated[Path | None, typer.Option(help="TOML file with settings.")] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", help="key=value, over the file.")] = None,
    quantization: Annotated[str | None, typer.Option(help="auto, nf4 or none.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of all chance.")] = None,
    threads: Annotated[int | None, typer.Option(hidden=True, help="Processor threads.")] = None,
    methods: Annotated[
        bool, typer.Option("--methods", help="List what can be trained, and what for.")
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would happen; train nothing.")] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="With --plan: take a step (and --price-per-hour N).")
    ] = False,
    price_per_hour: Annotated[float | None, typer.Option(min=0, hidden=True, help="Of this machine.")] = None,
    show_mask: Annotated[
        str | None,
        typer.Option(help="Show the tokens of one row, by id or file:row, and which are trained on."),
    ] = None,
    allow_unclean: Annotated[
        bool, typer.Option("--allow-unclean", help="Train on data that does not pass the gate; recorded.")
    ] = False,
    prove: Annotated[
        bool, typer.Option("--prove", help="First prove on short trainings that all works.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run, or fail.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Train anew, even if done or begun before.")] = False,
) -> Answer:
    """Train an adapter, or all weights, on the training rows of a version."""
    # threads that wait without spinning: on cores shared with other work this is up to 7 times faster
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if methods:
        from train.methods import METHODS, OBJECTIVES, lines

        return Answer(lines(), {"methods": METHODS, "objectives": OBJECTIVES})
    from curate.workspace import Workspace
    from train import processes
    from train.job import job_of, settings_of

    flags = {"base": base, "quantization": quantization, "seed": seed, "threads": threads}

    def asked() -> Answer:
        resolved = settings_of(recipe, setting or [], flags, allow_unclean=allow_unclean)
        job = job_of(Workspace.open(), dataset, resolved, name, prove=prove)
        if show_mask is not None:
            return _show_mask(job, show_mask)
        if plan:
            from train.plan import More, planned

            return planned(job, More(allow_unclean, measure, price_per_hour))
        return _run(job, allow_unclean=allow_unclean, resume=resume, again=again)

    return processes.together(asked)


def _show_mask(job: Job, reference: str) -> Answer:
    """The tokens of one training or validation row."""
    import polars as pl

    from train.masks import masks_of

    masks = masks_of(
        pl.concat([job.rows.unique("example_id", maintain_order=True), job.validation]), job.resolved.recipe
    )
    found = masks.row(masks.find(reference))
    lines = [line for each in found for line in each.lines(masks.template.ways)]
    told = [asdict(each) for each in found]
    return Answer(lines, {**told[0], **({"rejected": told[1]} if told[1:] else {})})


def _run(job: Job, *, allow_unclean: bool, resume: bool, again: bool) -> Answer:
    """Train, or say that it was done already."""
    from curate.runs import trainable
    from curate.workspace import code_version
    from evalharness.adapters.registry import must_be_free, whole
    from evalharness.asking.unfinished import alone
    from evalharness.models.model_files import digest_of, find_base
    from train import checkpoints, processes

    must_be_free(job.workspace, job.adapter_name)
    if not allow_unclean:
        trainable.refuse(job.objections, job.name)
    recipe = job.resolved.recipe
    if resume and again:
        raise ConfigError("--resume and --again ask for opposite things", hint="leave one of them out")
    params = {
        "recipe": asdict(recipe),
        "base_digest": digest_of(find_base(recipe.base)),
        "objections": job.objections,
        **({"prove": True} if job.prove else {}),
    }
    inputs = {"dataset": job.dataset}
    this = checkpoints.Identity(job.workspace.root, job.adapter_name, params, inputs, code_version())
    if processes.first():
        checkpoints.sweep(job.workspace)
    begun = resume and checkpoints.newest(this.folder) is not None
    done = None if again or begun else job.workspace.recorded("train", params, inputs)
    if done is not None:
        run_id, outputs = done
        whole(job.workspace, outputs["adapter"])
        job.workspace.ledger.set_name(job.adapter_name, outputs["adapter"])
        return _answer(job, run_id, outputs["adapter"], already=True)
    if not processes.first():
        processes.wait()  # for the first to have made room
        _adapter(job, checkpoints.place(this, resume=resume, again=False))
        return Answer([], {})
    with alone(this.root, "train", this.key):
        where = checkpoints.place(this, resume=resume, again=again)
        processes.wait()
        with job.workspace.run("train", params, inputs) as run:
            run.outputs["adapter"] = _adapter(job, where)
        job.workspace.ledger.set_name(job.adapter_name, run.outputs["adapter"])
        checkpoints.forget(where.folder)
    return _answer(job, run.run_id, run.outputs["adapter"], already=False)


def _adapter(job: Job, where: Unfinished) -> str:
    """Train and keep the adapter; its digest. Of several processes only the first keeps it."""
    from train import adapter, processes, proofs, run
    from train.job import encoded
    from train.outline import load_base, outline

    ready = encoded(job, outline(job.resolved.recipe))
    given, choice = ready.given, ready.choice
    before = proofs.prove(given, where.folder, lambda: load_base(choice)) if job.prove else []
    loaded = load_base(choice)
    _same_hold(where, loaded.facts, choice)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        trained = run.train(
            loaded,
            given.recipe,
            given.rows,
            given.validation,
            work=where.folder,
            adapter=made,
            checkpoint=where.checkpoint,
            asked=ready.asked,
        )
        if not processes.first():
            return ""
        told = adapter.record(loaded, job, ready, trained, before)
        adapter.complete(made, loaded, told, trained)
        return job.workspace.put_files("adapter", made)


def _same_hold(where: Unfinished, facts: dict[str, Any], choice: Settled) -> None:
    """ConfigError where a run would go on with the base held otherwise, as on a machine with other memory or kernels."""
    import json

    from train.checkpoints import changes, read

    path, switch = where.folder / "held.json", choice.recipe.gradient_checkpointing
    now = {"quantization": facts["quantization"], "gradient_checkpointing": switch}
    if where.checkpoint is None:
        path.write_text(json.dumps(now), encoding="utf-8")
    elif path.is_file() and (words := changes(read(path), now)):
        raise ConfigError(
            f"this run cannot go on as it began: {words} ({facts['quantization_reason']})",
            hint="--again begins anew; --set quantization and gradient_checkpointing say it yourself",
        )


def _answer(job: Job, run_id: str, digest: str, *, already: bool) -> Answer:
    """What a person reads at the end."""
    import json

    from evalharness.adapters import card, checked

    told = json.loads((job.workspace.files(digest) / "training.json").read_text(encoding="utf-8"))
    lines = [
        *([f"already done, run {run_id}; --again to repeat"] if already else []),
        f"adapter {job.adapter_name} ({digest[:12]}) on {told['base']}, {told['quantization']}: {card.curve(told)}",
        *card.summary(told),
        *checked.summary(told),
        *job.resolved.lines(),
        f"next: seatrial {'reward' if told['objective'] == 'reward' else 'tune'} {job.name}",
    ]
    return Answer(
        lines, {"run": run_id, "adapter": digest, "name": job.adapter_name, "already_done": already, **told}
    )
