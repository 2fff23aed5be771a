"""The commands declare, compare, verdict and report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curate.answer import Answer

if TYPE_CHECKING:
    from evalharness.comparison import Declared

DATASET = Annotated[str | None, typer.Argument(help="name or digest; by default the one named last")]
COMPARISON = Annotated[str | None, typer.Argument(help="digest; the newest by default")]
PRIMARY = Annotated[
    str | None, typer.Option(help="the metric that decides: accuracy where there are labels, else rougeL")
]
MARGIN = Annotated[float | None, typer.Option(help="a gain up to this fraction is no gain: .01")]
ALPHA = Annotated[float | None, typer.Option(help="one-sided error rate of the verdict: .05")]


def declare(
    dataset: DATASET = None,
    primary: PRIMARY = None,
    margin: MARGIN = None,
    alpha: ALPHA = None,
    max_seconds: Annotated[
        float | None, typer.Option(help="an answer's 95th percentile; else twice the slowest baseline's")
    ] = None,
    max_tokens: Annotated[
        float | None, typer.Option(help="mean tokens of prompt and answer; else the dearest baseline's")
    ] = None,
    max_format_drop: Annotated[
        float | None, typer.Option(help="below the best baseline's share in the form; else the margin")
    ] = None,
    max_forgetting: Annotated[
        float | None, typer.Option(help="drop on general questions, upper bound")
    ] = None,
    max_red_team: Annotated[float | None, typer.Option(help="drop on the red team's, upper bound")] = None,
    seed: Annotated[int | None, typer.Option(help="of resampling: 0")] = None,
    judge: Annotated[
        str | None, typer.Option(help="the judge's address, where --primary is judge:NAME")
    ] = None,
    judge_model: Annotated[str, typer.Option(help="the judge's name at its address")] = "",
    format_regex: Annotated[str | None, typer.Option(help="the form of an answer, as for score")] = None,
) -> Answer:
    """Say what will decide, before anything answers the test; without options, what was said."""
    from curate.workspace import Workspace
    from evalharness.compare import ALPHA, MARGIN
    from evalharness.comparison import Limits
    from evalharness.content import content_of
    from evalharness.declared import declare as record
    from evalharness.declared import declared_of
    from evalharness.metrics import Format

    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    limits = Limits()
    for name, value in (("seconds", max_seconds), ("tokens", max_tokens), ("format", max_format_drop),
                        ("forgetting", max_forgetting), ("red_team", max_red_team)):  # fmt: skip
        if value is not None:
            limits[name] = value  # type: ignore[literal-required]
    asked = any(value is not None for value in (primary, margin, alpha, seed, format_regex)) or limits
    if asked:
        decides, content = content_of(primary, judge, judge_model)
        record(
            workspace,
            digest,
            primary=decides,
            margin=MARGIN if margin is None else margin,
            alpha=ALPHA if alpha is None else alpha,
            limits=limits,
            seed=seed or 0,
            content=content,
            form=None if format_regex is None else Format(regex=format_regex),
        )
    found = declared_of(workspace, digest)
    title = f"{workspace.name_of(digest) or digest[:8]}, test rows"
    lines = [title, *_declared_lines(found, asked=bool(asked))]
    return Answer(lines, {"dataset": digest, "declared": found})


def _declared_lines(found: Declared, *, asked: bool) -> list[str]:
    """A line or two for each declaration."""
    from evalharness.declared import said_of

    bound = found["binding"]
    lines = []
    for each in found["all"]:
        mark = "binds" if bound and each["run_id"] == bound["run_id"] else "does not bind"
        when = "before any answer" if each["before"] else "after the first answer"
        lines.append(f"  {each['declared_at'][:16].replace('T', ' ')}  {each['digest'][:8]}  {mark}, {when}")
        lines.append(f"                              {said_of(each)}")
    if not found["all"]:
        lines.append("  nothing is declared: the first seatrial predict on the test declares the defaults")
    late = asked and found["all"] and not found["all"][-1]["before"]
    if late:
        lines.append(
            "these rows were answered before: it is recorded and does not bind; fresh test rows would let it"
        )
    return lines


def compare(
    dataset: DATASET = None,
    primary: PRIMARY = None,
    margin: MARGIN = None,
    alpha: ALPHA = None,
    seed: Annotated[int | None, typer.Option(help="of resampling: 0, or as declared")] = None,
    believed: Annotated[
        str | None,
        typer.Option(help="a dataset whose own test flattered an adapter: told beside what it scores here"),
    ] = None,
) -> Answer:
    """Compare the four arms on the test split, with intervals, and make the report.

    What decides is what was declared before the test was answered (`seatrial declare`). Another primary
    metric, margin or alpha is recorded, and does not ship.
    """
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
    comparison: COMPARISON = None,
    for_: Annotated[
        str | None, typer.Option("--for", help="the adapter that would ship: digest, name or folder")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="the dataset that it must have been tested on")] = None,
) -> Answer:
    """Ship or not: exit code 0 is ship, 1 is not.

    A comparison of other data, of another adapter, or of scores and scans that are no longer the newest
    is stale: it is told, with the reason, and does not ship.
    """
    from curate.workspace import Workspace
    from evalharness.reading import read_comparison
    from evalharness.stale import adapter_named, newest_about, stale
    from evalharness.verdict import verdict_block

    workspace = Workspace.open()
    adapter = None if for_ is None else adapter_named(workspace, for_)
    version = None if dataset is None else workspace.dataset(dataset)
    if comparison is None and (adapter or version):
        comparison = newest_about(workspace, adapter=adapter, dataset=version)
    found = read_comparison(workspace, comparison)
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
    data = {
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
    from evalharness.reporting import send_items, write_all, write_history

    workspace = Workspace.open()
    if send is not None:
        return send_items(workspace, comparison, send, near=near)
    try:
        to.mkdir(parents=True, exist_ok=True)
        paths = (
            write_history(workspace, comparison, to)
            if history
            else write_all(workspace, comparison, to, most=examples)
        )
    except OSError as error:
        raise ResourceError(f"{to}: {error}", hint="choose a folder you can write to with --to") from error
    return Answer([str(path) for path in paths], {"files": [str(path) for path in paths]})
