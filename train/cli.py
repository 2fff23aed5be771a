"""The command `seatrial train`."""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curate.answer import Answer
from curate.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

    from curate.workspace import Workspace
    from evalharness.adapters.checked import Outcome
    from evalharness.encoding.encode import Template
    from evalharness.models.loaded import LoadedModel
    from train.adapter import Data
    from train.checkpoints import Unfinished
    from train.outline import Settled
    from train.proofs.subject import Given
    from train.recipe import Resolved


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

    flags = {"base": base, "quantization": quantization, "seed": seed, "threads": threads}
    resolved = _resolved(recipe, setting or [], flags, allow_unclean=allow_unclean)
    job = _job(Workspace.open(), dataset, resolved, name, prove=prove)
    if show_mask is not None:
        return _show_mask(job, show_mask)
    if plan:
        from train.plan import More, readings
        from train.plan import plan as planned

        more = More(allow_unclean, measure, price_per_hour, readings(job.workspace, job.dataset))
        return planned(job.resolved, job.name, job.rows, job.validation, job.objections, more)
    return _run(job, allow_unclean=allow_unclean, resume=resume, again=again)


@dataclass(frozen=True)
class Job:
    """What a command line asks for, with the data it names."""

    workspace: Workspace
    resolved: Resolved
    dataset: str  # digest
    name: str  # of the dataset
    adapter_name: str
    rows: pl.DataFrame  # split train
    validation: pl.DataFrame
    objections: list[str]
    prove: bool = False


def _resolved(
    path: Path | None, settings: list[str], flags: dict[str, Any], *, allow_unclean: bool
) -> Resolved:
    """File, then --set, then flags of their own; a later word wins.

    Rows that cannot be trained on are part of unclean data: where that is allowed they are left out,
    by name, unless file or --set say otherwise.
    """
    from train import recipe

    given = [recipe.Given(key, "drop", "--allow-unclean") for key in recipe.LEAVES_OUT if allow_unclean]
    given += recipe.read(path) if path else []
    given += recipe.parse(settings)
    given += [
        recipe.Given(key, value, f"--{key} {value}") for key, value in flags.items() if value is not None
    ]
    return recipe.resolve(given)


def _job(
    workspace: Workspace, reference: str | None, resolved: Resolved, name: str | None, *, prove: bool = False
) -> Job:
    import polars as pl

    from curate.dividing.resample import times_of
    from curate.runs import trainable

    digest = workspace.dataset(reference)
    known = workspace.name_of(digest) or digest[:12]
    examples = workspace.examples(digest)
    trainable.need_split(examples, known)
    once = examples.filter(pl.col("split") == "train")
    # of a balanced split: a copy is its row, once more
    rows = once[[at for at, times in enumerate(times_of(once)) for _ in range(times)]]
    return Job(
        workspace,
        resolved,
        digest,
        known,
        name or f"{known}-adapter",
        rows,
        examples.filter(pl.col("split") == "validation"),
        trainable.objections(workspace, digest, examples),
        prove,
    )


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
    from evalharness.adapters.registry import must_be_free
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
    processes.join()
    code = code_version()
    told = (job.workspace.root, job.adapter_name, params, inputs, code)
    if processes.first():
        checkpoints.sweep(job.workspace)
    begun = resume and checkpoints.begun(job.workspace.root, params, inputs, code)
    done = None if again or begun else job.workspace.recorded("train", params, inputs)
    if done is not None:
        run_id, outputs = done
        job.workspace.ledger.set_name(job.adapter_name, outputs["adapter"])
        return _answer(job, run_id, outputs["adapter"], already=True)
    if not processes.first():
        processes.wait()  # for the first to have made room
    if not processes.first():
        _adapter(job, checkpoints.place(*told, resume=resume, again=False))
        return Answer([], {})
    with checkpoints.alone(job.workspace.root, params, inputs, code):
        where = checkpoints.place(*told, resume=resume, again=again)
        processes.wait()
        with job.workspace.run("train", params, inputs) as run:
            run.outputs["adapter"] = _adapter(job, where)
        job.workspace.ledger.set_name(job.adapter_name, run.outputs["adapter"])
        checkpoints.forget(where.folder)
    return _answer(job, run.run_id, run.outputs["adapter"], already=False)


def _adapter(job: Job, where: Unfinished) -> str:
    """Train and keep the adapter; its digest. Of several processes only the first keeps it."""
    from train import adapter, processes, proofs, run
    from train.outline import outline

    template, data, given = encoded(job, outline(job.resolved.recipe))
    recipe = given.recipe
    before: list[Outcome] = []
    if job.prove:
        before = proofs.prove(given, where.folder, lambda: load_base(data.choice))
    loaded = load_base(data.choice)
    _same_hold(where, loaded, data.choice)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        trained = run.train(
            loaded,
            recipe,
            data.train,
            data.validation,
            work=where.folder,
            adapter=made,
            checkpoint=where.checkpoint,
            asked=data.asked,
        )
        if not processes.first():
            return ""
        told = adapter.record(loaded, job.resolved, template, data, trained, before)
        adapter.complete(made, loaded, told, trained)
        return job.workspace.put_files("adapter", made)


def _same_hold(where: Unfinished, loaded: LoadedModel, choice: Settled) -> None:
    """ConfigError where a run would go on with the base held otherwise, as on a machine with other memory or kernels."""
    import json

    path = where.folder / "held.json"
    now = {
        "quantization": loaded.facts["quantization"],
        "gradient_checkpointing": choice.recipe.gradient_checkpointing,
    }
    if where.checkpoint is None:
        path.write_text(json.dumps(now), encoding="utf-8")
    elif path.is_file() and (then := json.loads(path.read_text(encoding="utf-8"))) != now:
        words = [
            f"{key} was {then.get(key)}, is {value}" for key, value in now.items() if then.get(key) != value
        ]
        why = loaded.facts["quantization_reason"]
        raise ConfigError(
            f"this run cannot go on as it began: {'; '.join(words)} ({why})",
            hint="--again begins anew; --set quantization and gradient_checkpointing say it yourself",
        )


def load_base(choice: Settled) -> LoadedModel:
    """The base as a run needs it, and why it is held so."""
    from evalharness.models.loaded import load_model

    recipe = choice.recipe
    loaded = load_model(
        recipe.base,
        quantization=recipe.quantization,  # type: ignore[arg-type]  # the recipe has checked it
        threads=recipe.threads or None,
        for_training=True,
        scores=recipe.objective == "reward",
        seed=recipe.seed,
        exact=recipe.precision == "fp32",
    )
    if loaded.facts["quantization"] == choice.quantization:
        loaded.facts["quantization_reason"] = choice.why
    return loaded


def encoded(job: Job, loaded: LoadedModel) -> tuple[Template, Data, Given]:
    """The rows as tokens that fit, and what the checks of a run look at."""
    import polars as pl

    from evalharness.encoding.encode import template_of
    from evalharness.encoding.questions import questions
    from evalharness.encoding.rows import encode_rows, fit, whole_pairs
    from train.adapter import Data
    from train.outline import settled
    from train.proofs.subject import Given

    recipe = job.resolved.recipe
    template = template_of(loaded, recipe.turns)
    context = recipe.room(loaded.context)
    judged = job.validation if recipe.evaluate else job.validation.clear()
    rows, out = encode_rows(template, job.rows, **recipe.policies)
    held, held_out = encode_rows(template, judged, **recipe.policies)
    kept, gate = fit(rows, context, recipe.over_long, out)
    held_kept, held_gate = fit(held, context, recipe.over_long, held_out)
    if recipe.pairs:
        (kept, gate), (held_kept, held_gate) = whole_pairs(kept, gate), whole_pairs(held_kept, held_gate)
    if not kept:
        raise ConfigError(
            "no training row is left that can be trained on and fits the context",
            hint="seatrial train --plan says why",
        )
    single = held_kept[::2] if recipe.pairs else held_kept  # of a pair the chosen answer
    asked = questions(single, job.rows, job.validation, recipe.metric_rows)
    choice = settled(loaded, recipe, max(len(row.ids) for row in kept))
    given = Given(choice.recipe, template, loaded, pl.concat([job.rows, judged]), kept, held_kept)
    data = Data(job.name, job.dataset, tuple(job.objections), choice, kept, held_kept, gate, held_gate, asked)
    return template, data, given


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
        f"next: seatrial {'reward' if told['objective'] == 'reward' else 'predict'} {job.name}",
    ]
    return Answer(
        lines, {"run": run_id, "adapter": digest, "name": job.adapter_name, "already_done": already, **told}
    )
