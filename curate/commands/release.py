"""`seatrial split` and `seatrial export`: what passes the gate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curate.answer import Answer, counted
from curate.errors import ConfigError

if TYPE_CHECKING:
    from curate.dividing.splitting import Wish
    from curate.engine import Engine


WARY = 0.7  # threshold from which the leak check calls questions near
SHOWN = 5  # rows set aside that are named


def shares(text: str) -> tuple[float, float, float]:
    """`70,15,15` as numbers."""
    try:
        train, validation, test = (float(part) for part in text.replace("/", ",").split(","))
    except ValueError as error:
        raise ConfigError(
            f"--sizes {text}", hint="three numbers: train, validation, test: 70,15,15"
        ) from error
    return train, validation, test


def counts(text: str) -> tuple[int | None, int | None, int | None]:
    """`rest,1000,200` as numbers; None for `rest`."""
    try:
        train, validation, test = (None if part.strip() == "rest" else int(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(
            f"--rows {text}", hint="train, validation, test; one may be `rest`: rest,1000,200"
        ) from error
    return train, validation, test


def split(
    dataset: Annotated[str | None, typer.Argument(help="a name, a digest or its beginning")] = None,
    sizes: Annotated[
        str, typer.Option(help="shares of train, validation, test; 0 leaves a part out")
    ] = "70,15,15",
    rows: Annotated[
        str | None, typer.Option(metavar="N,N,N", help="rows of the parts instead; one may be `rest`")
    ] = None,
    seed: Annotated[int, typer.Option(help="another seed, another division")] = 0,
    by: Annotated[
        str, typer.Option(help="columns to stratify by: label,source,length,language; empty for none")
    ] = "label",
    group: Annotated[bool, typer.Option("--group/--no-group", help="keep rows of one group together")] = True,
    keep_existing: Annotated[bool, typer.Option(help="rows that came with a split keep it")] = False,
    link_threshold: Annotated[
        float, typer.Option(min=0.3, max=1, help="rows as near as this stay together (Jaccard)")
    ] = 0.6,
    encoder: Annotated[
        str, typer.Option(help="compares meaning: scan (the scan's), auto, none, a hub id, a path")
    ] = "scan",
    semantic_threshold: Annotated[
        float, typer.Option(min=0.5, max=1, help="questions as near as this stay together (cosine)")
    ] = 0.95,
    balance: Annotated[
        str, typer.Option(help="of train's labels: none, oversample, undersample, both")
    ] = "none",
    temperature: Annotated[
        float, typer.Option(min=1, help="of the balance: 1 as it is, inf equal")
    ] = math.inf,
    cap: Annotated[float, typer.Option(min=1, help="of the balance: the most a row is repeated")] = 10.0,
    set_aside_bridges: Annotated[
        bool, typer.Option(help="leave out rows that tie a set too large for a part")
    ] = False,
    allow_blocking: Annotated[bool, typer.Option(help="go on with blocking findings open")] = False,
    random: Annotated[
        bool, typer.Option("--random", help="plainly at random, for comparison; named NAME-random")
    ] = False,
    away_from: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="leave out what has to do with the test of this version"),
    ] = None,
    engine: Annotated[str, typer.Option(help="where it is proved: local, ray, ray:ADDRESS")] = "local",
    workers: Annotated[int, typer.Option(min=0, help="processes; 0 for one a core")] = 1,
) -> Answer:
    """Divide a version into train, validation and test; no cluster and no group is cut in two.

    The test part is sealed: each reading of it by a model is recorded. Exit code 1 says that leaks are left
    between the parts, or that one has less than half of its rows or lacks a label.
    """
    from curate.dividing.resample import Balance
    from curate.dividing.splitting import Wish
    from curate.engine import engine_of

    wish = Wish(
        shares(sizes), counts(rows) if rows else None, seed, by or None, group, keep_existing, random,
        link_threshold, encoder, semantic_threshold, Balance(balance, temperature, cap), set_aside_bridges,
    )  # fmt: skip
    return _divide(
        dataset, wish, engine_of(engine, workers), allow_blocking=allow_blocking, away_from=away_from
    )


def _divide(
    dataset: str | None, wish: Wish, engine: Engine, *, allow_blocking: bool, away_from: str | None
) -> Answer:
    """Carry a split out and say what came of it."""
    from curate.runs.release import open_leaks, split_version
    from curate.workspace import Workspace

    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    away = workspace.dataset(away_from) if away_from else None
    try:
        made, report = split_version(
            workspace, digest, wish, allow_blocking=allow_blocking, away_from=away, engine=engine
        )
    finally:
        engine.close()
    new = made.outputs["dataset"]
    name = workspace.name_of(new) or new[:8]
    lines = [f"{name}: {new[:8]}", *split_lines(report)]
    short = bool(report.get("short"))
    blocking = 0 if wish.random else open_leaks(workspace, new)
    if blocking:
        how = (
            f"seatrial review {name} --check leak --open"
            if wish.group
            else "seatrial split without --no-group"
        )
        if wish.group and wish.link_threshold > WARY:
            how = f"seatrial split {name} with a --link-threshold below {wish.link_threshold:g}; or {how}"
        lines.append(f"  {counted(blocking, 'leak')} between the parts: train and export refuse this split")
        lines.append(f"next: {how}")
    elif short:
        again = f"seatrial split {name}" + ("" if wish.set_aside_bridges else " with what the warnings name")
        lines.append(f"next: {again} or other --sizes; seatrial train {name} takes it as it is")
    else:
        lines.append(f"next: seatrial train {name}, or seatrial export {name} --to FOLDER")
    data = {"name": name, "dataset": new, "run": made.run_id, "leaks": blocking, "report": report}
    return Answer(lines, data, int(blocking > 0 or short))


def split_lines(report: Mapping[str, Any]) -> list[str]:
    """A split report for a person."""
    from curate.dividing.resample import Balanced

    rows = report["rows"]
    parts = ("train", "validation", "test")
    lines = [f"  NOT as asked: {'; '.join(report['short'])}"] if report.get("short") else []
    lines.append("  " + ", ".join(f"{part} {rows[part]:,}" for part in parts) + "; test sealed")
    lines += _bridge_lines(report.get("bridges") or [])
    if report.get("set_aside"):
        lines.append(
            f"  {report['set_aside']:,} rows set aside: they have to do with the other version's test"
        )
    lines.append(_strata_line(report, sum(rows.values())))
    lines.append(
        f"  {counted(report['components'], 'set')} of rows kept together, the largest of "
        f"{report['largest_component']:,}; cut in two: {counted(report['crossing_groups'], 'group')}, "
        f"{counted(report['crossing_clusters'], 'cluster')}"
    )
    leak = report["random_would_leak"]
    what = "this plain random split leaks" if report["random"] else "a random split would have leaked"
    if report.get("left_out"):
        lines.append(f"  {report['left_out']:,} rows in no part: more than were asked for")
    of = rows["test"] if report["random"] else leak["test_rows"]
    lines.append(
        f"  {what} {leak['either']:,} of {of:,} test rows into train "
        f"({leak['twins']:,} with a twin there, {leak['group_mates']:,} with a row of their group)"
    )
    lines += _meaning_lines(report.get("meaning") or {})
    if evened := report.get("balance"):
        lines += Balanced(**evened).lines()
    lines += [f"  warning: {warning}" for warning in report["warnings"]]
    if report["random"]:
        lines.append("  a random split is for comparison only: do not judge a model by it")
    return lines


def _bridge_lines(bridges: Sequence[Mapping[str, Any]]) -> list[str]:
    """The rows that were set aside, for they tied what is in different parts now."""
    if not bridges:
        return []
    lines = [
        f"  {counted(len(bridges), 'row')} set aside, in no part and still in the version: each gives a row of another part away"
    ]
    lines += [
        f"    {each['source']}:{each['source_row']} with {each['other_source']}:{each['other_source_row']}"
        for each in bridges[:SHOWN]
    ]
    more = len(bridges) - SHOWN
    return [*lines, f"    and {more:,} more: --json lists all"] if more > 0 else lines


def _strata_line(report: Mapping[str, Any], rows: int) -> str:
    """By what was stratified, and how even it came out."""
    if report["by"] == "label" and set(report["labels"]) == {"(none)"}:
        return f"  not stratified: no row has a label (n = {rows:,})"
    by = f"by {report['by']}: " if report["by"] else "not stratified: "
    labels = counted(report["label_count"], "label")
    return f"  {by}shares differ by at most {report['max_label_deviation']:.1%} ({labels}, n = {rows:,})"


def _meaning_lines(meant: Mapping[str, Any]) -> list[str]:
    """Whether rows were compared by meaning, and what that tied together."""
    if "pairs" in meant:
        recall = "" if meant["recall"] == 1 else f"; the search finds {meant['recall']:.1%} of such pairs"
        return [
            f"  by meaning ({meant['encoder'].partition('@')[0]}): {counted(meant.get('kept', meant['pairs']), 'pair')} of questions above cosine "
            f"{meant['used']:g} kept together{recall}"
        ]
    if "not_run" in meant:
        return [f"  rephrased questions not looked for: {meant['not_run']}"]
    return []


def export(
    dataset: Annotated[str | None, typer.Argument(help="a name, a digest or its beginning")] = None,
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="where the files go")] = Path("export"),
    format: Annotated[
        list[str] | None, typer.Option(help="the form that a trainer takes; may be repeated")
    ] = None,
    allow_blocking: Annotated[bool, typer.Option(help="go on with blocking findings open")] = False,
    overwrite: Annotated[bool, typer.Option(help="replace files that say something else")] = False,
) -> Answer:
    """Write files for trainers, one a split, with a data card."""
    from curate.commands.waiting import open_lines
    from curate.dividing.resample import times_of
    from curate.formats import openai_rules
    from curate.runs.outgoing import export_version
    from curate.workspace import Workspace

    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    done = export_version(
        workspace, digest, str(to), format or ["openai"], allow_blocking=allow_blocking, overwrite=overwrite
    )
    name = workspace.name_of(digest) or digest[:8]
    lines = [f"{name}: {digest[:8]}"]
    lines += [f"  {place}" + (f"  {rows:,} rows" if rows else "") for place, rows in done.written]
    lines += openai_rules.lines(done.written, format or ["openai"])
    times = times_of(workspace.scan_examples(digest).select("layout", "split").collect())
    if copies := int(times.sum()) - len(times):
        lines.append(f"  the training file holds {copies:,} copies (a balanced split)")
    lines += open_lines(done.waiting, f"seatrial apply {name} --safe --also {{kind}}, then export again")
    lines.append(f"next: read {done.card}, then train with the files, or seatrial train {name}")
    data = {
        "name": name,
        "dataset": digest,
        "run": done.made.run_id,
        "files": [{"path": str(place), "rows": rows} for place, rows in done.written],
        "card": str(done.card),
        "copies": copies,
        "still_open": done.waiting,
    }
    return Answer(lines, data)
