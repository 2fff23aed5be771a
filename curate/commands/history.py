"""`seatrial log`, `why` and `verify`: looking back."""

from __future__ import annotations

from typing import Annotated

import typer

from curate.answer import LISTED, Answer


def log(
    limit: Annotated[int, typer.Option(min=1, max=LISTED, help="how many to list")] = 20,
) -> Answer:
    """List the runs of this workspace, newest first."""
    from curate.runs.history import run_lines
    from curate.workspace import Workspace

    runs, total = run_lines(Workspace.open(), limit)
    lines = []
    for run in runs:
        spent = f"{run.seconds:,.1f} s" if run.seconds is not None else "not ended"
        made = [
            f"{role} {name}" + (f" ({run.rows[role]:,})" if role in run.rows else "")
            for role, name in run.outputs.items()
        ]
        read = ", ".join(dict.fromkeys(run.inputs.values())) or "-"
        lines.append(f"{run.started_at[:19]}  {run.kind:<8} {spent:>10}  {read} -> {', '.join(made) or '-'}")
        lines.append(f"  {run.run_id}  {run.command}")
        if run.error:
            lines.append(f"  failed: {run.error.splitlines()[0]}")
    lines.append(f"{len(runs):,} of {total:,} runs shown")
    lines.append("next: seatrial why ROW tells of one row, for example seatrial why FILE:LINE")
    return Answer(lines, {"total": total, "runs": [run._asdict() for run in runs]})


def why(
    row: Annotated[
        str, typer.Argument(metavar="ROW", help="FILE:LINE as imported, or the beginning of an example id")
    ],
) -> Answer:
    """Tell the biography of one row: each check, score, decision, change and run that touched it."""
    from dataclasses import asdict

    from curate.runs.biography import biography
    from curate.workspace import Workspace

    life = biography(Workspace.open(), row)
    lines = [f"{life.source}:{life.row}" + (f"  {life.example_id[:12]}" if life.example_id else "")]
    lines.append(f"  {life.present}")
    lines += [f"  {role}: {text}" for role, text in life.text]
    if life.masked:
        values = "1 value" if life.masked == 1 else f"{life.masked:,} values"
        lines.append(
            f"  {values} found in this text stand here as their kinds only: the row still holds them"
        )
    lines += [f"{event.at[:19]}  {event.words}" for event in life.events]
    if life.example_id is None:
        lines.append("next: mend the file and import it again")
    else:
        lines.append("next: seatrial review --open, or seatrial log for the runs named here")
    data = asdict(life)
    data["events"] = [event._asdict() for event in life.events]
    return Answer(lines, data)


def verify() -> Answer:
    """Derive every digest again and say what is damaged or missing.

    Exit code 1 says that something is.
    """
    from curate.runs.history import verify as check
    from curate.workspace import Workspace

    found = check(Workspace.open())
    lines = [f"{damage.kind} {damage.digest}: {damage.what}" for damage in found.damage]
    lines += [f"note: {name} was left by a killed run and may be deleted" for name in found.strays]
    if found.purged:
        lines.append(f"{len(found.purged):,} purged: erased on purpose, their digests are kept")
    lines.append(f"{found.artifacts:,} artifacts looked at, {len(found.damage):,} damaged or missing")
    if found.damage:
        lines.append("next: seatrial log shows which run made it; run that command again with --again")
    else:
        lines.append("next: nothing to do")
    data = {
        "artifacts": found.artifacts,
        "damage": [damage._asdict() for damage in found.damage],
        "strays": found.strays,
        "purged": found.purged,
    }
    return Answer(lines, data, int(bool(found.damage)))
