"""The command `seatrial rate`: what people's blind ratings come to, and preference pairs out of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curate.answer import Answer
from curate.errors import ConfigError, ResourceError

if TYPE_CHECKING:
    from curate.workspace import Workspace
    from evalharness.deciding.comparison import PeopleRow
    from evalharness.judging.rating import Pairing

ACTIONS = ("status", "export")
HABIT = 0.15  # a share of left answers so far from a half is told


def rate(
    action: Annotated[str, typer.Argument(metavar="[status|export]", help="what to do")] = "status",
    dataset: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="name or digest; the newest by default")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="the arm to rate against; for status all that were rated")
    ] = None,
    candidate: Annotated[str, typer.Option(help="the arm that is rated")] = "tuned",
    split: Annotated[str, typer.Option(help="whose answers: test, validation or train")] = "test",
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="export: the JSON lines to write")] = None,
    by: Annotated[str, typer.Option(metavar="NAME", help="export: only this person's ratings")] = "",
    policy: Annotated[
        str, typer.Option(help="export: unanimous (all who rated it agree) or majority")
    ] = "unanimous",
) -> Answer:
    """How people rate two arms' answers without knowing whose they are.

    Rating itself is in the screens: `seatrial`, m for the comparison, p to rate. `export` writes
    preference pairs (prompt, chosen, rejected) for DPO; `seatrial import` reads them again.
    """
    if action not in ACTIONS:
        raise ConfigError(f"seatrial rate {action}", hint=f"one of {', '.join(ACTIONS)}")
    from curate.workspace import Workspace

    workspace = Workspace.open()
    digest = _dataset(workspace, dataset)
    if action == "export":
        if to is None:
            raise ConfigError("seatrial rate export", hint="--to FILE.jsonl says where to")
        return _export(workspace, digest, (candidate, baseline, split), to, by, policy)
    if to is not None or by:
        raise ConfigError("--to and --by are for seatrial rate export", hint="seatrial rate --help")
    return _status(workspace, digest, candidate, baseline, split)


def _dataset(workspace: Workspace, reference: str | None) -> str:
    """The version that is named, else the one compared last, else the newest."""
    newest = "select 1 from artifact where kind = 'comparison' limit 1"
    if reference is None and workspace.ledger.rows(newest):
        from evalharness.report.comparing import read_comparison

        return read_comparison(workspace)["subject"]["dataset"]
    return workspace.dataset(reference)


def _status(workspace: Workspace, dataset: str, candidate: str, baseline: str | None, split: str) -> Answer:
    from evalharness.judging.people import people_row
    from evalharness.judging.rating import must_have_answered, open_pairing
    from evalharness.scoring.score import newest

    tables = newest(workspace, dataset, split)
    must_have_answered(tables, candidate, split)
    query = "select distinct key from annotation where key like 'rating:%'"
    rated = {str(row["key"]) for row in workspace.ledger.rows(query)}
    arms = [baseline] if baseline else [arm for arm in tables if f"rating:{candidate}-{arm}" in rated]
    lines = [f"{workspace.name_of(dataset) or dataset[:8]}, {split} rows"]
    data = []
    for arm in arms:
        pair = open_pairing(workspace, dataset, baseline=arm, candidate=candidate, split=split)
        row = people_row(workspace, pair)
        lines += status_lines(row, pair)
        data.append(row)
    if not any(row["n"] for row in data):
        lines.append("nobody has rated these answers yet")
        lines.append("next: seatrial, then m for the comparison and p to rate")
    else:
        lines.append("next: seatrial rate export --to FILE, seatrial agree, seatrial report")
    return Answer(lines, {"dataset": dataset, "split": split, "candidate": candidate, "pairs": data})


def status_lines(row: PeopleRow, pair: Pairing) -> list[str]:
    """One pairing's ratings, for a person."""
    from evalharness.deciding.wording import fraction, people_words, strange_words

    if not row["n"]:
        out = f"; left out: {strange_words(row['strange'])}" if row["strange"] else ""
        return [f"  {pair.candidate} and {pair.baseline}: {row['open']:,} to rate, none rated{out}"]
    lines = ["  " + people_words(row, pair.candidate)]
    if row["left"] is not None and abs(row["left"] - 0.5) > HABIT and row["n"] >= 20:
        lines.append(
            f"  {fraction(row['left'])} of the choices fell on the left answer, whosever it was: a habit?"
        )
    if row["differ"]:
        lines.append(f"  people differ on {row['differ']:,}: seatrial journal differences")
    if pair.absent:
        lines.append(f"  {pair.absent:,} examples have no answer of one of the two")
    return lines


def _export(
    workspace: Workspace,
    dataset: str,
    which: tuple[str, str | None, str],
    to: Path,
    by: str,
    policy: str,
) -> Answer:
    from evalharness.judging.people import preferences, write_preferences
    from evalharness.judging.rating import open_pairing

    candidate, baseline, split = which
    pair = open_pairing(workspace, dataset, baseline=baseline, candidate=candidate, split=split)
    found = preferences(workspace, pair, by=by, policy=policy)
    if not found.rows:
        raise ConfigError(
            f"no preference between {pair.candidate} and {pair.baseline} on the {split} rows, and nothing was written",
            hint="rate in the screens: seatrial, m for the comparison, p",
        )
    try:
        write_preferences(to, found.rows)
    except OSError as error:
        raise ResourceError(f"{to}: {error}", hint="choose a file that you can write with --to") from error
    lines = [f"{len(found.rows):,} preference pairs of {pair.candidate} and {pair.baseline} written to {to}"]
    if found.neither:
        lines.append(f"  left out: {found.neither:,} ties or both bad")
    if found.differ:
        lines.append(f"  left out: {found.differ:,} on which people differ")
    if split == "test":
        lines.append(
            "  these are test rows: whoever trains on them cannot be judged by this test split again;"
        )
        lines.append("  seatrial predict --split validation, then rate that, gives pairs to train on")
    lines.append(f"next: seatrial import {to}")
    data = {
        "written": str(to), "pairs": len(found.rows), "neither": found.neither, "differ": found.differ,
        "candidate": pair.candidate, "baseline": pair.baseline, "split": split, "policy": policy,
    }  # fmt: skip
    return Answer(lines, data)
