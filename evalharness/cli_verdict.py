"""The commands compare, report and verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.answer import Answer


def compare(
    dataset: Annotated[str | None, typer.Argument(help="Name or digest; the newest by default.")] = None,
    primary: Annotated[
        str | None,
        typer.Option(help="The metric that decides: accuracy where the task has labels, else rougeL."),
    ] = None,
    margin: Annotated[float, typer.Option(help="A gain up to this fraction is no gain.")] = 0.01,
    alpha: Annotated[float, typer.Option(help="One-sided error rate of the verdict.")] = 0.05,
    seed: Annotated[int, typer.Option(help="Of resampling.")] = 0,
    believed: Annotated[
        str | None,
        typer.Option(
            help="A dataset whose own test flattered an adapter: told beside what the adapter scores here."
        ),
    ] = None,
) -> Answer:
    """Compare the four arms on the test split, with intervals, and make the report."""
    from curate.workspace import Workspace
    from evalharness.comparing import compare_dataset, read_comparison
    from evalharness.verdict import verdict_block

    workspace = Workspace.open()
    digest = compare_dataset(
        workspace,
        workspace.dataset(dataset),
        primary=primary,
        margin=margin,
        alpha=alpha,
        seed=seed,
        believed=None if believed is None else workspace.dataset(believed),
    )
    comparison = read_comparison(workspace, digest)
    lines = [*verdict_block(comparison), "", f"comparison {digest}", "next: seatrial report --to FOLDER"]
    return Answer(lines, {"digest": digest, "comparison": comparison})


def verdict(
    comparison: Annotated[str | None, typer.Argument(help="Digest; the newest by default.")] = None,
) -> Answer:
    """Ship or not: exit code 0 is ship, 1 is not."""
    from curate.workspace import Workspace
    from evalharness.comparing import read_comparison
    from evalharness.verdict import verdict_block

    found = read_comparison(Workspace.open(), comparison)
    data = {"verdict": found["verdict"], "checks": found["checks"], "settings": found["settings"]}
    return Answer(verdict_block(found), data, found["verdict"]["exit_code"])


def report(
    comparison: Annotated[str | None, typer.Argument(help="Digest; the newest by default.")] = None,
    to: Annotated[Path, typer.Option(help="Folder for report.html, report.md and report.json.")] = Path(
        "report"
    ),
) -> Answer:
    """Write the report of a comparison as HTML, Markdown and JSON."""
    from curate.errors import ResourceError
    from curate.workspace import Workspace
    from evalharness.comparing import read_comparison
    from evalharness.people import with_people
    from evalharness.report import write_report

    workspace = Workspace.open()
    found = with_people(workspace, read_comparison(workspace, comparison))
    try:
        to.mkdir(parents=True, exist_ok=True)
        paths = write_report(found, to)
    except OSError as error:
        raise ResourceError(f"{to}: {error}", hint="choose a folder you can write to with --to") from error
    return Answer([str(path) for path in paths], {"files": [str(path) for path in paths]})
