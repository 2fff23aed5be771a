"""The command `seatrial adapters`: what becomes of an adapter after it was trained."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curate.answer import Answer
from curate.errors import ConfigError

if TYPE_CHECKING:
    from curate.workspace import Workspace
    from evalharness.adapters.telling import Wish

ACTIONS = ("list", "show", "promote", "rollback", "rows", "diff", "merge", "gguf", "import", "export")


def adapters(
    action: Annotated[str, typer.Argument(metavar="ACTION", help=", ".join(ACTIONS))] = "list",
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="an adapter; import: its folder")] = None,
    other: Annotated[str | None, typer.Argument(metavar="OTHER", help="diff: the second one")] = None,
    alias: Annotated[str | None, typer.Option("--as", help="name to give; promote: champion")] = None,
    to: Annotated[Path | None, typer.Option(help="merge, gguf, export: what to write")] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="though it says no; recorded")] = False,
    worst: Annotated[int, typer.Option(min=1, metavar="N", help="rows: the worst")] = 20,
    to_review: Annotated[bool, typer.Option("--to-review", help="rows: put them before people")] = False,
    data: Annotated[str | None, typer.Option(help="a version: import, export, merge")] = None,
    base: Annotated[str | None, typer.Option(help="import, export: tiny, hub id, folder")] = None,
    onto: Annotated[str, typer.Option(help="merge: held (as trained) or original")] = "held",
    dtype: Annotated[str, typer.Option(help="merge: or float16, float32")] = "bfloat16",
    format: Annotated[str, typer.Option(help="export: or llamafactory")] = "axolotl",
    llama_cpp: Annotated[Path | None, typer.Option(help="gguf: the folder of llama.cpp")] = None,
) -> Answer:
    """Look at adapters, promote one, go back, merge, compare, import, export."""
    if action not in ACTIONS:
        raise ConfigError(f"seatrial adapters {action}", hint=f"one of {', '.join(ACTIONS)}")
    from curate.workspace import Workspace
    from evalharness.adapters.telling import ANSWERS, Wish

    workspace = Workspace.open(create=action == "import")
    wish = Wish(name, other, alias, to, anyway, worst, to_review, data, base, onto, dtype, format, llama_cpp)
    if action == "export":
        return _export(workspace, wish)
    return ANSWERS[action](workspace, wish)


def _export(workspace: Workspace, wish: Wish) -> Answer:
    """The same training for another program: of an adapter, or of a version with the settings of a base."""
    from curate.formats.trainers import known, write_configuration
    from curate.runs.outgoing import export_version
    from evalharness.adapters import registry
    from evalharness.models.model_files import TINY, find_base
    from train import recipe

    to, format = wish.place("export"), known(wish.format)
    told = registry.adapter(workspace, wish.name).told if wish.name else {}
    base = wish.base or told.get("base") or TINY
    dataset = wish.dataset(workspace) or told.get("dataset", {}).get("digest")
    if not dataset:
        raise ConfigError("seatrial adapters export: of which rows?", hint="--data VERSION names them")
    settings = told.get("settings") or asdict(recipe.resolve([recipe.Given("base", base, "--base")]).recipe)
    held = told.get("quantization") or settings["quantization"].replace("auto", "nf4")
    longest = _longest(workspace, dataset, base, settings)
    settings = {**settings, "base": base, "quantization": held, "context": longest}
    if base == TINY:  # made to be trained on a processor
        settings |= {"base": str(find_base(TINY)), "precision": "fp32"}
    done = export_version(workspace, dataset, str(to), [format], allow_blocking=wish.anyway)
    path, command = write_configuration(format, settings, to, workspace.name_of(dataset) or dataset[:8])
    lines = [f"{place}" + (f"  {rows:,} rows" if rows else "") for place, rows in [*done.written, (path, 0)]]
    lines.append(f"next, in that folder: {command}")
    return Answer(lines, {"configuration": str(path), "command": command})


def _longest(workspace: Workspace, dataset: str, base: str, settings: dict[str, Any]) -> int:
    """Tokens of the longest row that would be trained on: others cut at their own default else."""
    import polars as pl

    from evalharness.encoding.rows import as_trained
    from train.outline import outline
    from train.recipe import Recipe
    from train.watch import quiet

    loaded = outline(replace(Recipe(), base=base))
    quiet()
    rows = as_trained(
        loaded, workspace.examples(dataset).filter(pl.col("split").ne_missing("test")), settings
    )
    longest = max((len(row.ids) for row in rows), default=loaded.context)
    return min(longest, loaded.context, int(settings.get("context") or loaded.context))
