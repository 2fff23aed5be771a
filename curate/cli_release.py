"""`seatrial split` and `seatrial export`: what passes the gate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from curate.answer import Answer
from curate.errors import ConfigError


def shares(text: str) -> tuple[float, float, float]:
    """`70,15,15` as numbers."""
    try:
        train, validation, test = (float(part) for part in text.replace("/", ",").split(","))
    except ValueError as error:
        raise ConfigError(
            f"--sizes {text}", hint="three numbers: train, validation, test: 70,15,15"
        ) from error
    return train, validation, test


def split(
    dataset: Annotated[str | None, typer.Argument(help="a name, a digest or its beginning")] = None,
    sizes: Annotated[str, typer.Option(help="train, validation, test; 0 leaves a part out")] = "70,15,15",
    seed: Annotated[int, typer.Option(help="another seed, another division")] = 0,
    by: Annotated[str, typer.Option(help="the column to stratify by; empty for none")] = "label",
    group: Annotated[bool, typer.Option("--group/--no-group", help="keep rows of one group together")] = True,
    keep_existing: Annotated[bool, typer.Option(help="rows that came with a split keep it")] = False,
    link_threshold: Annotated[
        float, typer.Option(min=0.3, max=1, help="rows as near as this stay together (Jaccard)")
    ] = 0.6,
    allow_blocking: Annotated[bool, typer.Option(help="go on with blocking findings open")] = False,
    random: Annotated[
        bool, typer.Option("--random", help="plainly at random, for comparison; named NAME-random")
    ] = False,
    away_from: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="leave out what has to do with the test of this version"),
    ] = None,
) -> Answer:
    """Divide a version into train, validation and test; no cluster and no group is cut in two.

    The test part is sealed: each reading of it by a model is recorded. Beside the result stands what a
    plain random split of the same sizes and seed would have leaked.
    """
    from curate.release import split_version
    from curate.workspace import Workspace

    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    made, report = split_version(
        workspace,
        digest,
        sizes=shares(sizes),
        seed=seed,
        by=by or None,
        group=group,
        keep_existing=keep_existing,
        link_threshold=link_threshold,
        allow_blocking=allow_blocking,
        random=random,
        away_from=workspace.dataset(away_from) if away_from else None,
    )
    new = made.outputs["dataset"]
    name = workspace.name_of(new) or new[:8]
    lines = [f"{name}: {new[:8]}", *split_lines(report)]
    lines.append(f"next: seatrial train {name}, or seatrial export {name} --to FOLDER")
    return Answer(lines, {"name": name, "dataset": new, "run": made.run_id, "report": report})


def split_lines(report: Mapping[str, Any]) -> list[str]:
    """A split report for a person."""
    rows = report["rows"]
    parts = ("train", "validation", "test")
    lines = ["  " + ", ".join(f"{part} {rows[part]:,}" for part in parts) + "; test sealed"]
    if report.get("set_aside"):
        lines.append(
            f"  {report['set_aside']:,} rows set aside: they have to do with the other version's test"
        )
    by = f"by {report['by']}: " if report["by"] else "not stratified: "
    lines.append(
        f"  {by}shares differ by at most {report['max_label_deviation']:.1%} "
        f"({report['label_count']:,} labels, n = {sum(rows.values()):,})"
    )
    lines.append(
        f"  {report['components']:,} sets of rows kept together, the largest of {report['largest_component']:,}; "
        f"cut in two: {report['crossing_groups']:,} groups, {report['crossing_clusters']:,} clusters"
    )
    leak = report["random_would_leak"]
    what = "this plain random split leaks" if report["random"] else "a random split would have leaked"
    of = rows["test"] if report["random"] else leak["test_rows"]
    lines.append(
        f"  {what} {leak['either']:,} of {of:,} test rows into train "
        f"({leak['twins']:,} with a twin there, {leak['group_mates']:,} with a row of their group)"
    )
    lines += [f"  warning: {warning}" for warning in report["warnings"]]
    if report["random"]:
        lines.append("  a random split is for comparison only: do not judge a model by it")
    return lines


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
    from curate.outgoing import export_version
    from curate.workspace import Workspace

    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    done = export_version(
        workspace, digest, str(to), format or ["openai"], allow_blocking=allow_blocking, overwrite=overwrite
    )
    name = workspace.name_of(digest) or digest[:8]
    lines = [f"{name}: {digest[:8]}"]
    lines += [f"  {place}" + (f"  {rows:,} rows" if rows else "") for place, rows in done.written]
    lines.append(f"next: read {done.card}, then train with the files, or seatrial train {name}")
    data = {
        "name": name,
        "dataset": digest,
        "run": done.made.run_id,
        "files": [{"path": str(place), "rows": rows} for place, rows in done.written],
        "card": str(done.card),
    }
    return Answer(lines, data)
