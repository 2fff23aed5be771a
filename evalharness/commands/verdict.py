"""The commands compare, verdict and report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.answer import Answer
from evalharness.commands.declare import ALPHA, DATASET, MARGIN, PRICE_IN, PRICE_OUT, PRIMARY, prices_of

COMPARISON = Annotated[str | None, typer.Argument(help="digest, or a dataset; the newest by default")]


def compare(
    dataset: DATASET = None,
    primary: PRIMARY = None,
    margin: MARGIN = None,
    alpha: ALPHA = None,
    seed: Annotated[int | None, typer.Option(help="of resampling: 0, or as declared", min=0)] = None,
    believed: Annotated[
        str | None,
        typer.Option(help="a dataset whose own test flattered an adapter: told beside what it scores here"),
    ] = None,
    price_in: PRICE_IN = None,
    price_out: PRICE_OUT = None,
) -> Answer:
    """Compare the four arms on the test split, with intervals, and make the report.

    What decides is what was declared before the test was answered (`seatrial declare`). Another primary
    metric, margin or alpha is recorded, and does not ship.
    """
    from curate.workspace import Workspace
    from evalharness.deciding.verdict import verdict_block
    from evalharness.report.comparing import compare_dataset, read_comparison

    workspace = Workspace.open()
    digest = compare_dataset(
        workspace,
        workspace.dataset(dataset),
        primary=primary,
        margin=margin,
        alpha=alpha,
        seed=seed,
        believed=None if believed is None else workspace.dataset(believed),
        prices=prices_of(price_in, price_out),
    )
    comparison = read_comparison(workspace, digest)
    lines = [*verdict_block(comparison), "", f"comparison {digest}", "next: seatrial report --to FOLDER"]
    return Answer(lines, {"digest": digest, "comparison": comparison})


def verdict(
    comparison: COMPARISON = None,
    for_: Annotated[
        str | None,
        typer.Option("--for", help="what would ship: an adapter (digest, name, folder) or a served model"),
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="the dataset that it must have been tested on")] = None,
) -> Answer:
    """Ship or not: exit code 0 is ship, 1 is not.

    A comparison of other data, of another adapter, or of scores and scans that are no longer the newest
    is stale: it is told, with the reason, and does not ship.
    """
    from curate.workspace import Workspace
    from evalharness.deciding.reading import named, read_comparison
    from evalharness.deciding.stale import adapter_named, newest_about, stale
    from evalharness.deciding.verdict import verdict_block

    workspace = Workspace.open()
    adapter = None if for_ is None else adapter_named(workspace, for_)
    version = None if dataset is None else workspace.dataset(dataset)
    chosen = named(workspace, comparison, adapter)
    digest = chosen.digest
    if comparison is None and (adapter or version):
        digest = newest_about(workspace, adapter=adapter, dataset=version)
    found = read_comparison(workspace, digest)
    old = stale(workspace, found, adapter=adapter, dataset=version)
    lines = verdict_block(found)
    if old:
        lines = [
            "STALE: this is no evidence for what stands now, and does not ship",
            *(f"  {reason}" for reason in old),
            "  seatrial predict, score and compare make it again",
            "What it said when it was made:",
            "",
            *lines,
        ]
    if chosen.told:
        lines = [*lines, "", *chosen.told]
    data = {
        "comparison": digest or workspace.artifact("comparison"),
        "verdict": found["verdict"],
        "checks": found["checks"],
        "settings": found["settings"],
        "evidence": found.get("evidence"),
        "stale": old,
    }
    return Answer(lines, data, 1 if old else found["verdict"]["exit_code"])


def report(
    comparison: COMPARISON = None,
    to: Annotated[Path, typer.Option(help="folder for the files")] = Path("report"),
    history: Annotated[
        bool, typer.Option("--history", help="all comparisons of these test rows, over time")
    ] = False,
    send: Annotated[
        str | None,
        typer.Option(help="flag items for curation: regressions, gains, fixed, fail, flips or errors"),
    ] = None,
    examples: Annotated[int, typer.Option(help="at most so many on the page", min=1)] = 10_000,
    near: Annotated[
        bool, typer.Option("--near", help="with --send: their nearest training rows too")
    ] = False,
) -> Answer:
    """Write the report: HTML, Markdown, JSON, JUnit and, item by item, CSV.

    With --history, history.html, .md, .json and .csv of every comparison of the dataset. With --send
    nothing is written: the items are flagged, and stand in the review queue.
    """
    from curate.errors import ResourceError
    from curate.workspace import Workspace
    from evalharness.deciding.reading import named
    from evalharness.report.reporting import send_items, write_all, write_history

    workspace = Workspace.open()
    digest, told = named(workspace, comparison)
    if send is not None:
        return send_items(workspace, digest, send, near=near)
    # which one it was is recorded, where none was named too; a history is of all of them
    of = {} if history and digest is None else {"comparison": workspace.artifact("comparison", digest)}
    try:
        to.mkdir(parents=True, exist_ok=True)
        with workspace.run("report", {"to": str(to), "history": history}, of):
            paths = (
                write_history(workspace, digest, to)
                if history
                else write_all(workspace, digest, to, most=examples)
            )
    except OSError as error:
        raise ResourceError(
            f"{to}: {error.strerror or error}", hint="choose a folder you can write to with --to"
        ) from error
    return Answer([*map(str, paths), *told], {"files": [str(path) for path in paths]})
