"""The command `probe`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curate.answer import Answer
from curate.errors import ConfigError
from evalharness.commands import options

if TYPE_CHECKING:
    import polars as pl

    from curate.workspace import Workspace
    from evalharness.asking.answerers import Adapter
    from evalharness.commands.asked import Model

ADAPTER = Annotated[str | None, typer.Option(help="digest, name or folder; the newest here")]
ONLY = Annotated[
    list[str] | None,
    typer.Option(help="one part, as forgetting; may be repeated"),
]
GENERAL = Annotated[list[Path] | None, typer.Option(help="more general questions, tab-separated")]
PASSAGES = Annotated[list[Path] | None, typer.Option(help="more passages of general text")]
RED_TEAM = Annotated[list[Path] | None, typer.Option(help="more traps, as JSON lines")]
TASK = Annotated[list[str] | None, typer.Option(help="of lm-evaluation-harness, or its YAML")]
TASK_LIMIT = Annotated[int | None, typer.Option(help="items of each task", min=1)]
SEEDS = Annotated[bool, typer.Option("--seeds", help="ask the adapters of other seeds")]
SHOW = Annotated[bool, typer.Option("--show", help="print traps that were fallen into")]
TUNED_MODEL = Annotated[str | None, typer.Option(help="the fine-tune's name there")]
AS = Annotated[str | None, typer.Option("--as", help="the model of the arm served:NAME", hidden=True)]
AGAIN = Annotated[bool, typer.Option("--again", help="ask even if nothing has changed")]
MOST = 20  # traps shown


def probe(
    dataset: options.DATASET = None,
    adapter: ADAPTER = None,
    only: ONLY = None,
    general: GENERAL = None,
    passages: PASSAGES = None,
    red_team: RED_TEAM = None,
    task: TASK = None,
    task_limit: TASK_LIMIT = None,
    seeds: SEEDS = False,
    show: SHOW = False,
    base: options.BASE = "tiny",
    quantization: options.QUANTIZATION = "auto",
    device: options.DEVICE = "auto",
    threads: options.THREADS = None,
    endpoint: options.ENDPOINT = None,
    model: options.MODEL = "",
    tuned_model: TUNED_MODEL = None,
    served_as: AS = None,
    key_env: options.KEY_ENV = "SEATRIAL_JUDGE_KEY",
    setting: options.SET = None,
    again: AGAIN = False,
) -> Answer:
    """What the fine-tune forgot, falls into or gives away; and decoding noise."""
    from curate.workspace import Workspace
    from evalharness.commands.asked import Model, adapters_of
    from evalharness.probes.probe import PARTS, Probing, Sets
    from evalharness.probes.probe import probe as look

    served = options.served(options.settings(setting, options.SERVED))
    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    whom = Model(base, quantization, device, threads, endpoint, model, tuned_model, key_env, **served)
    here = bool(adapter) or not (whom.endpoint or served_as or _served_last(workspace, digest))
    adapters = adapters_of(workspace, digest, [adapter] if adapter else None) if here else []
    if not adapters:
        whom = _served(workspace, digest, whom, served_as)
    others = _others(workspace, adapters[0]) if seeds and adapters else []
    sets = Sets(tuple(general or ()), tuple(passages or ()), tuple(red_team or ()))
    probing = Probing(tuple(only or PARTS), sets, tuple(task or ()), task_limit)
    found = look(workspace, digest, whom.answerer([*adapters, *others]), probing, seeds=others, again=again)
    name = workspace.name_of(digest) or digest[:8]
    said = "" if found.fresh else ", as recorded"
    lines = [f"{name}: probe {found.digest[:8]}{said}{_of(whom)}", *_lines(found.found)]
    lines += _fallen(found.rows) if show else []
    lines.append("next: seatrial compare; it reads the newest probe of its adapter")
    data: dict[str, Any] = {
        "probe": found.digest,
        "run": found.run_id,
        "found": found.found,
        "traps": found.rows.to_dicts(),
    }
    return Answer(lines, data)


def _served_last(workspace: Workspace, dataset: str) -> bool:
    """Whether the fine-tune was asked at an endpoint, last."""
    from evalharness.asking.arms import TUNED
    from evalharness.asking.served import asked_at

    return asked_at(workspace, dataset, TUNED) is not None


def _of(whom: Model) -> str:
    return f", of {whom.tuned_model} beside {whom.model} at {whom.endpoint}" if whom.endpoint else ""


def _served(workspace: Workspace, dataset: str, whom: Model, served_as: str | None) -> Model:
    """The served fine-tune: as named, else as the arm `tuned` (or `served:NAME`) was asked last.

    ConfigError where nothing of that kind has answered, or the base beside it is not known.
    """
    from evalharness.asking.arms import BASE, SERVED, TUNED
    from evalharness.asking.served import asked_at

    arm = TUNED if served_as is None else SERVED + served_as
    told = asked_at(workspace, dataset, arm)
    if told is None and whom.endpoint and not whom.tuned_model:
        raise ConfigError(
            "whose answers are probed was not said", hint="--tuned-model NAME, the fine-tune there"
        )
    if told is None and served_as and not whom.tuned_model:
        raise ConfigError(
            f"the arm {arm} has not answered here", hint=f"seatrial predict --endpoint URL --as {served_as}"
        )
    if told is None and not (whom.endpoint and whom.tuned_model):
        raise ConfigError(
            "no adapter was trained on this dataset, and no served fine-tune has answered",
            hint="seatrial train makes one; --adapter names one; --endpoint with --tuned-model asks one",
        )
    url, named = told or ("", "")
    endpoint, model = whom.endpoint or url, whom.tuned_model or named
    base = asked_at(workspace, dataset, BASE)
    beside = whom.model or (base[1] if base and base[0].rstrip("/") == endpoint.rstrip("/") else "")
    if not beside:
        raise ConfigError(f"no base is known at {endpoint}", hint="--model names what it is compared with")
    return replace(whom, endpoint=endpoint, model=beside, tuned_model=model)


def _others(workspace: Workspace, adapter: Adapter) -> list[Adapter]:
    """The adapters of other seeds, each under a short name."""
    from evalharness.asking.answerers import Adapter as Held
    from evalharness.probes.noise import siblings

    found = siblings(workspace, adapter.digest)[1:]
    return [Held(each[:8], workspace.files(each), each) for each in found]


def _lines(found: dict[str, Any]) -> list[str]:
    lines = []
    for name, told in found.items():
        if name == "tasks":
            lines += [f"  {task}: {_task(each)}" for task, each in told.items()]
            continue
        lines.append(f"  {told['state']:>12}  {name}: {told['detail']}")
        if told.get("upper") is not None:
            lines.append(
                f"{'':>16}drop {told['value']:+.3f}, at most {told['upper']:.3f} (one-sided 95 %); "
                f"allowed {told['limit']:g}"
            )
        if told["state"] == "fail" and told.get("remedy"):
            lines.append(f"{'':>16}{told['remedy']}")
    return lines


def _task(told: dict[str, Any]) -> str:
    if "metric" not in told:
        return str(told["detail"])
    return f"{told['metric']} {told['before']:.3f} before, {told['after']:.3f} after (n = {told['n']})"


def _fallen(rows: pl.DataFrame) -> list[str]:
    """The traps that the fine-tune fell into and the base did not, first; then those of both."""
    fell = [row for row in rows.iter_rows(named=True) if row["tuned_passed"] is False]
    fell.sort(key=lambda row: not row["base_passed"])
    lines = []
    for row in fell[:MOST]:
        both = "" if row["base_passed"] else ", as the base"
        lines += [f"  {row['kind']}{both}: {row['ask'][:160]!r}", f"    said: {row['tuned'][:160]!r}"]
    if len(fell) > MOST:
        lines.append(f"  {MOST} of {len(fell)} shown; --json has all")
    return lines
