"""The command `probe`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curate.answer import Answer
from curate.errors import ConfigError
from evalharness import cli_options as options

if TYPE_CHECKING:
    import polars as pl

    from curate.workspace import Workspace
    from evalharness.answerers import Adapter

ADAPTER = Annotated[
    str | None, typer.Option(help="digest, name or folder; by default the newest trained on this dataset")
]
ONLY = Annotated[
    list[str] | None,
    typer.Option(help='"forgetting", "held-out loss", "red team" or "instrument"; may be repeated'),
]
GENERAL = Annotated[
    list[Path] | None, typer.Option(help="more general questions, tab-separated; may be repeated")
]
PASSAGES = Annotated[list[Path] | None, typer.Option(help="more passages of general text; may be repeated")]
RED_TEAM = Annotated[list[Path] | None, typer.Option(help="more traps, as JSON lines; may be repeated")]
TASK = Annotated[
    list[str] | None,
    typer.Option(help="a task of lm-evaluation-harness (extra `forgetting`); may be repeated"),
]
TASK_LIMIT = Annotated[int | None, typer.Option(help="items of each such task", min=1)]
SEEDS = Annotated[
    bool, typer.Option("--seeds", help="ask the same training's other seeds on validation rows")
]
SHOW = Annotated[bool, typer.Option("--show", help="print the traps that the fine-tune fell into")]
TUNED_MODEL = Annotated[str | None, typer.Option(help="the fine-tune's name at the endpoint")]
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
    key_env: options.KEY_ENV = "SEATRIAL_JUDGE_KEY",
    again: AGAIN = False,
) -> Answer:
    """What the fine-tune forgot, falls into or gives away; and the noise of the measurement."""
    from curate.workspace import Workspace
    from evalharness.asked import Model, adapters_of
    from evalharness.probes.probe import PARTS, Probing, Sets
    from evalharness.probes.probe import probe as look

    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    whom = Model(base, quantization, device, threads, endpoint, model, tuned_model, key_env)
    adapters = [] if endpoint else adapters_of(workspace, digest, [adapter] if adapter else None)
    if not endpoint and not adapters:
        raise ConfigError(
            "no adapter was trained on this dataset", hint="seatrial train makes one; --adapter names one"
        )
    others = _others(workspace, adapters[0]) if seeds and adapters else []
    sets = Sets(tuple(general or ()), tuple(passages or ()), tuple(red_team or ()))
    probing = Probing(tuple(only or PARTS), sets, tuple(task or ()), task_limit)
    found = look(workspace, digest, whom.answerer([*adapters, *others]), probing, seeds=others, again=again)
    name = workspace.name_of(digest) or digest[:8]
    said = "" if found.fresh else ", as recorded"
    lines = [f"{name}: probe {found.digest[:8]}{said}", *_lines(found.found)]
    lines += _fallen(found.rows) if show else []
    lines.append("next: seatrial compare; it reads the newest probe of its adapter")
    data: dict[str, Any] = {
        "probe": found.digest,
        "run": found.run_id,
        "found": found.found,
        "traps": found.rows.to_dicts(),
    }
    return Answer(lines, data)


def _others(workspace: Workspace, adapter: Adapter) -> list[Adapter]:
    """The adapters of other seeds, each under a short name."""
    from evalharness.answerers import Adapter as Held
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
