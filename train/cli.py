"""The commands `seatrial train` and `seatrial search`."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curate.answer import Answer
from curate.errors import ConfigError

if TYPE_CHECKING:
    from train.job import Job


def train(
    dataset: Annotated[str | None, typer.Argument(help="A split version; the newest.")] = None,
    base: Annotated[str | None, typer.Option(help="`tiny`, a hub id or a folder.")] = None,
    name: Annotated[str | None, typer.Option("--as", help="Name of the adapter; DATASET-adapter.")] = None,
    recipe: Annotated[Path | None, typer.Option(help="TOML file with settings.")] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", help="key=value, over the file.")] = None,
    quantization: Annotated[str | None, typer.Option(help="auto, nf4 or none.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of all chance.")] = None,
    methods: Annotated[bool, typer.Option("--methods", help="What can be trained, and what for.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would happen; train nothing.")] = False,
    measure: Annotated[bool, typer.Option("--measure", help="Of a plan: take a step, for time.")] = False,
    price_per_hour: Annotated[float | None, typer.Option(min=0, help="Of this machine: cost too.")] = None,
    show_mask: Annotated[str | None, typer.Option(help="Tokens of a row (its id, or file:row).")] = None,
    allow_unclean: Annotated[
        bool, typer.Option("--allow-unclean", help="Though data fail the gate.")
    ] = False,
    prove: Annotated[bool, typer.Option("--prove", help="First prove all on short trainings.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run, or fail.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Train anew, even if done or begun before.")] = False,
) -> Answer:
    """Train an adapter, or all weights, on the training rows of a version."""
    # threads that wait without spinning: on cores shared with other work this is up to 7 times faster
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    measured = measure or price_per_hour is not None
    if measured and not plan:
        raise ConfigError("--measure and --price-per-hour belong to a plan", hint="--plan --measure")
    if methods:
        from train.methods import METHODS, OBJECTIVES, lines

        return Answer(lines(), {"methods": METHODS, "objectives": OBJECTIVES})
    from curate.workspace import Workspace
    from train import processes
    from train.job import job_of, settings_of
    from train.watch import need_trackers

    flags = {"base": base, "quantization": quantization, "seed": seed}

    def asked() -> Answer:
        resolved = settings_of(recipe, setting or [], flags, allow_unclean=allow_unclean)
        job = job_of(Workspace.open(), dataset, resolved, name, prove=prove)
        if show_mask is not None:
            return _show_mask(job, show_mask)
        need_trackers(resolved.recipe)
        if plan:
            from train.plan import planned

            return planned(job, allow_unclean=allow_unclean, measured=measured, price=price_per_hour)
        from train.run import made

        return made(job, allow_unclean=allow_unclean, resume=resume, again=again)

    return processes.together(asked)


def _show_mask(job: Job, reference: str) -> Answer:
    """The tokens of one training or validation row."""
    import polars as pl

    from train.job import masks_of

    rows = pl.concat([job.rows.unique("example_id", maintain_order=True), job.validation])
    masks = masks_of(rows, job.resolved.recipe)
    found = masks.row(masks.find(reference))
    lines = [line for each in found for line in each.lines(masks.template.ways)]
    told = [asdict(each) for each in found]
    return Answer(lines, {**told[0], **({"rejected": told[1]} if told[1:] else {})})


def search(
    dataset: Annotated[str | None, typer.Argument(help="A split version; the newest.")] = None,
    over: Annotated[list[str] | None, typer.Option(help="key=a,b,c; with --trials key=low..high")] = None,
    trials: Annotated[int, typer.Option(min=0, help="so many by TPE; 0 is the whole grid")] = 0,
    base: Annotated[str | None, typer.Option(help="`tiny`, a hub id or a folder.")] = None,
    recipe: Annotated[Path | None, typer.Option(help="TOML file with the other settings.")] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", help="key=value, over the file.")] = None,
    prune: Annotated[bool, typer.Option(help="end trials that fall behind")] = True,
    resume: Annotated[bool, typer.Option("--resume", help="go on with a stopped search, or fail")] = False,
    allow_unclean: Annotated[bool, typer.Option("--allow-unclean", help="as in seatrial train")] = False,
) -> Answer:
    """Try settings on the validation rows, and write the best as a recipe."""
    from curate.workspace import Workspace
    from train.job import job_of, settings_of
    from train.search import searched

    resolved = settings_of(recipe, setting or [], {"base": base}, allow_unclean=allow_unclean)
    job = job_of(Workspace.open(), dataset, resolved, None)
    return searched(job, over or [], trials, prune=prune, resume=resume, allow_unclean=allow_unclean)
