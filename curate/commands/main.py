"""The shell commands of curate: import, scan, apply and curate here, the others beside it.

A command's heavy imports stand inside it, so that its help costs none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curate.answer import Answer, counted
from curate.commands.apply import apply, count_by
from curate.commands.called import called, meant_before
from curate.commands.history import log, verify, why
from curate.commands.release import export, split
from curate.commands.review import review
from curate.commands.spellings import listed_lines, missing_lines, rare_lines, spelling_lines
from curate.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

    from curate.runs.job import Outcome
    from curate.runs.steps import Imported, Scanned
    from curate.workspace import Workspace

__all__ = ["apply", "curate", "export", "import_", "log", "review", "scan", "split", "verify", "why"]

Dataset = Annotated[
    str | None, typer.Argument(help="a name, a digest or its beginning; the version named last if left out")
]


def pairs(words: Sequence[str], flag: str, example: str = "bot=assistant") -> dict[str, str]:
    """`a=b` words as a mapping; ConfigError for a word without `=`, with what may stand there as an example."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals and value):
            raise ConfigError(f"{flag} {word}", hint=f"write {flag} this=that, for example {flag} {example}")
        found[name] = value
    return found


def import_(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="files, a saved folder, `-`, or hf:org/name")
    ],
    name: Annotated[str, typer.Option("--as", help="what to call it; by default the first file's stem")] = "",
    format: Annotated[str, typer.Option(help="overrule the format that is recognised")] = "",
    label: Annotated[str, typer.Option(help="the column that holds the label")] = "",
    group: Annotated[str, typer.Option(help="the column whose rows must stay together in a split")] = "",
    split_column: Annotated[str, typer.Option(help="the column that says train, validation or test")] = "",
    role: Annotated[
        list[str] | None, typer.Option(help="an unknown role as a known one: bot=assistant")
    ] = None,
    column: Annotated[list[str] | None, typer.Option(help="a part and its column: prompt=question")] = None,
    encoding: Annotated[
        str, typer.Option(metavar="NAME", help="of text that is not UTF-8: windows-1252, utf-16 ...")
    ] = "",
    hub: Annotated[bool, typer.Option(help="FILE is a hub id")] = False,
    allow_rejects: Annotated[bool, typer.Option(help="exit 0 even if rows could not be read")] = False,
    rejects_to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write what could not be read")
    ] = None,
    again: Annotated[bool, typer.Option(help="read again what was read before")] = False,
) -> Answer:
    """Read files into a dataset version.

    Rows that cannot be read are kept apart, with file, line and reason; the rest goes on. Exit code 1
    says that there were such rows.
    """
    from curate.runs.steps import Reading, import_files
    from curate.workspace import Workspace

    workspace = Workspace.open(create=True)
    reading = Reading(
        format, label, group, split_column, pairs(column or [], "--column", "prompt=question"), pairs(role or [], "--role"), hub,
        encoding,
    )  # fmt: skip
    done = import_files(workspace, files, reading, name=name, again=again)
    lines = [
        f"{done.name}: {counted(done.rows, 'row')} from {', '.join(files)}"
        + (f" (already imported by run {done.made.run_id})" if done.made.recorded else ""),
        f"  format: {done.why}",
    ]
    rejects = workspace.table(done.made.outputs["rejects"])
    lines += reject_lines(rejects, rejects_to)
    lines += taken_over_lines(workspace, done.name, done.made.outputs["dataset"])
    examples = workspace.scan_examples(done.made.outputs["dataset"])
    lines += [*spelling_lines(examples), *missing_lines(examples), *listed_lines(examples)]
    refused = bool(done.rejected) and not allow_rejects
    if refused:
        were = "a row was" if done.rejected == 1 else "rows were"
        lines.append(f"  exit code 1, since {were} rejected; --allow-rejects accepts that")
    lines.append(f"next: seatrial scan {done.name}")
    return Answer(lines, _import_data(done, count_by(rejects, "reason")), int(refused))


def taken_over_lines(workspace: Workspace, name: str, digest: str) -> list[str]:
    """What a name meant until just now, where it was something else: it stays, under its digest."""
    from curate.runs.steps import height

    before = meant_before(workspace, name)
    if before is None or before == digest:
        return []
    said = ""
    if workspace.store.holds(before):
        files = workspace.scan_examples(before).select("source").unique().collect()["source"].sort()
        more = f" and {len(files) - 1:,} more" if len(files) > 1 else ""
        said = f" ({counted(height(workspace, before), 'row')} from {files[0]}{more})" if len(files) else ""
    return [f"  the name {name} meant {before[:8]} until now{said}; that stays as {before[:8]}"]


def _import_data(done: Imported, reasons: dict[str, int]) -> dict[str, object]:
    """What an import made, as data."""
    return {
        "name": done.name,
        "dataset": done.made.outputs["dataset"],
        "rejects": done.made.outputs["rejects"],
        "rows": done.rows,
        "rejected": done.rejected,
        "reasons": reasons,
        "format": done.format,
        "why": done.why,
        "run": done.made.run_id,
        "recorded": done.made.recorded,
    }


def reject_lines(rejects: pl.DataFrame, to: Path | None) -> list[str]:
    """What could not be read, the first five of it shown and all of it written to `to` if asked."""
    if rejects.is_empty():
        return [f"  every row could be read: {to} was not written"] if to is not None else []
    lines = [f"  {counted(rejects.height, 'row')} could not be read:"]
    lines += [f"    {row['source']}:{row['row']}: {row['reason']}" for row in rejects.head(5).to_dicts()]
    if rejects.height > 5:
        lines.append(f"    5 of {rejects.height:,} shown")
    if to is None:
        return [*lines, "  all of them as a file: the same command with --rejects-to FILE"]
    rejects.write_ndjson(to)
    return [*lines, f"  all written to {to}"]


def check_settings(words: Sequence[str]) -> dict[str, dict[str, object]]:
    """`structure.max_characters=4000` words by check and setting; values as TOML has them, else as text."""
    import tomllib

    found: dict[str, dict[str, object]] = {}
    for place, text in pairs(words, "--set", "structure.max_characters=4000").items():
        check, dot, key = place.partition(".")
        if not dot or not check or not key:
            raise ConfigError(
                f"--set {place}={text}: no CHECK.KEY before the `=`",
                hint="as in --set structure.max_characters=4000",
            )
        try:
            value: object = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text  # a bare word, as in near-duplicate.compare=prompt
        found.setdefault(check, {})[key] = value
    return found


def scan(
    dataset: Dataset = None,
    check: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="only this check; may be repeated")
    ] = None,
    protect: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="a benchmark that must not be learned from")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="CHECK.KEY=VALUE", help="a check's setting; may be repeated"),
    ] = None,
    encoder: Annotated[
        str,
        typer.Option(metavar="MODEL", help="what compares meaning: a hub id, a folder, auto or none"),
    ] = "",
    engine: Annotated[str, typer.Option(metavar="NAME", help="local, ray, or ray:ADDRESS")] = "local",
    workers: Annotated[int, typer.Option(min=0, help="processes; 0 for one a core")] = 1,
    again: Annotated[bool, typer.Option(help="compute again what was computed before")] = False,
) -> Answer:
    """Look for problems in a dataset version.

    Says what was found, and what could not be looked for. Exit code 1 says that blocking findings are open.
    """
    from curate.runs.steps import scan_version
    from curate.workspace import Workspace

    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    done = scan_version(
        workspace,
        digest,
        names=check,
        settings=check_settings(setting or []),
        protect=protect or [],
        encoder=encoder,
        engine=engine,
        workers=workers,
        again=again,
    )
    return scan_answer(workspace, digest, done)


def scan_answer(workspace: Workspace, digest: str, done: Scanned) -> Answer:
    """What a scan found, and what comes next."""
    from curate.commands.finding_lines import perhaps_lines, summary_lines
    from curate.deciding.review import open_blocking, open_findings, proposals, review, safe, summary
    from curate.runs.steps import height

    table = review(workspace, digest)
    name = called(workspace, digest)
    recorded = (
        f" (already scanned by run {done.made.run_id}; --again repeats it)" if done.made.recorded else ""
    )
    scanned = counted(height(workspace, digest), "row")
    lines = [f"{name}: {scanned} scanned{recorded}", *summary_lines(table)]
    examples = workspace.scan_examples(digest)
    lines += [*spelling_lines(examples), *rare_lines(table, examples)]
    lines += perhaps_lines(workspace, digest, table, name)
    lines += [f"  not looked: {each.check}: {each.reason}" for each in done.not_run]
    waiting, blocking = open_findings(table).height, open_blocking(table).height
    ready = proposals(safe(table)).height
    lines.append(_after_scan(name, waiting, blocking, ready))
    data = {
        "dataset": digest,
        "name": workspace.name_of(digest) or digest[:8],
        "findings": done.made.outputs["findings"],
        "rows": height(workspace, digest),
        "summary": summary(table).to_dicts(),
        "open": waiting,
        "blocking": blocking,
        "safe": ready,
        "not_run": [each._asdict() for each in done.not_run],
        "run": done.made.run_id,
        "recorded": done.made.recorded,
    }
    return Answer(lines, data, int(blocking > 0))


def _after_scan(name: str, waiting: int, blocking: int, ready: int) -> str:
    """What to do next, by how many findings are open, block, and could be applied unattended."""
    if ready:
        return f"next: seatrial apply {name} --safe, or seatrial review {name} to look first"
    if blocking:
        return f"next: seatrial review {name} --open, where {blocking:,} block split and export"
    if waiting:
        return f"next: seatrial review {name} --open, or seatrial split {name}: none of them blocks"
    return f"next: seatrial split {name}"


def curate(
    recipe: Annotated[
        Path, typer.Argument(metavar="RECIPE.toml", help="the recipe; docs/curate.md explains it")
    ],
    workers: Annotated[
        int | None, typer.Option(min=0, help="processes, instead of the recipe's number")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(metavar="NAME", help="local, ray or ray:ADDRESS, instead of the recipe's")
    ] = None,
    again: Annotated[bool, typer.Option(help="compute again what was computed before")] = False,
) -> Answer:
    """Carry out a recipe: import, scan, apply what is safe, scan again, split, export.

    Exit code 1 says that the data does not pass: rejects, an alarm, open findings, a part of less than half
    of the rows asked for, rows that a format of the export cannot hold.
    """
    from dataclasses import replace

    from curate.runs.job import run_recipe
    from curate.runs.recipe import read_recipe
    from curate.workspace import Workspace

    read = read_recipe(recipe)
    if workers is not None:
        read = replace(read, scan=replace(read.scan, workers=workers))
    if engine is not None:
        read = replace(read, scan=replace(read.scan, engine=engine))
    workspace = Workspace.open(create=True)
    lines = _elsewhere(workspace, recipe)
    outcome = run_recipe(workspace, read, again=again)
    data = {**outcome_data(outcome), "workspace": str(workspace.root)}
    short = bool((outcome.split or {}).get("short"))
    return Answer([*lines, *outcome_lines(outcome)], data, int(short or bool(outcome.refused)))


def _elsewhere(workspace: Workspace, recipe: Path) -> list[str]:
    """Which workspace is meant, where it is not beside the recipe."""
    if workspace.root.resolve().parent == recipe.resolve().parent:
        return []
    return [f"workspace: {workspace.root} (not in the recipe's folder; --workspace DIR names another)"]


def outcome_lines(outcome: Outcome) -> list[str]:
    """What a recipe made, for a person."""
    from curate.commands.release import split_lines
    from curate.commands.waiting import open_lines

    lines = [f"{outcome.name}: {outcome.dataset[:8]}", *outcome.account.lines()]
    redacted, rounds = counted(outcome.redacted, "value"), counted(outcome.rounds, "round")
    lines.append(f"  {redacted} redacted; {rounds} of applying")
    lines += [f"  not looked: {reason}" for reason in outcome.not_run]
    lines += open_lines(outcome.summary, 'also = ["{kind}"] under [apply]')
    waits = "waits" if outcome.open == 1 else "wait"
    lines.append(f"  {counted(outcome.open, 'finding')} {waits} for a person")
    if outcome.split is not None:
        lines += split_lines(outcome.split)
    lines += [f"  wrote {place}" for place in outcome.written]
    if outcome.refused:
        lines.append(f"  not exported: {outcome.refused}")
    if outcome.open:
        lines.append(f"next: seatrial review {outcome.name} --open")
    elif outcome.split is not None:
        lines.append(f"next: seatrial train {outcome.name}")
    else:
        lines.append(f"next: seatrial split {outcome.name}")
    return lines


def outcome_data(outcome: Outcome) -> dict[str, object]:
    """What a recipe made, as data."""
    from dataclasses import asdict

    return asdict(outcome)
