"""What a run says of itself beside its settings: what it warned of, what it read and what it made."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from curate.answer import counted
from curate.workspace import Workspace
from tui.reading.lineage import RunRow

LINES = 6  # of an answer in a toast
UNSAID = ("run", "recorded")  # what is for programs
REPORTS = ("split-report", "coverage", "merge", "comparison")  # JSON that a run may put warnings in


def warnings(workspace: Workspace, run: RunRow) -> list[str]:
    """What the person who started it was warned of: checks that did not look, shares that were not met."""
    not_run = run.params.get("not_run")
    found = (
        [f"not looked: {name}: {why}" for name, why in not_run.items()] if isinstance(not_run, dict) else []
    )
    for role, digest in workspace.ledger.run_artifacts(run.run_id, "out").items():
        if role in REPORTS and workspace.store.holds(digest):
            report = workspace.json(digest)
            told = report.get("warnings") if isinstance(report, dict) else None
            found += [str(each) for each in told] if isinstance(told, list) else []
    return found


def warned(answer: dict[str, Any]) -> int:
    """How many warnings a command's answer holds."""
    return sum(len(answer[name]) for name in ("warnings", "not_run") if isinstance(answer.get(name), list))


def in_brief(answer: dict[str, Any]) -> list[str]:
    """A command's answer in a few lines; a digest says nothing to a person."""
    lines = [
        f"{key.replace('_', ' ')}: {value:,}" if type(value) is int else f"{key.replace('_', ' ')}: {value}"
        for key, value in answer.items()
        if _short(value) and key not in UNSAID
    ]
    told = warned(answer)
    if told:
        return [*lines[: LINES - 1], f"{counted(told, 'warning')}: r, then enter on the run, shows more"]
    return lines[:LINES]


def _short(value: object) -> bool:
    text = str(value)
    return isinstance(value, str | int | float) and len(text) < 60 and not re.fullmatch("[0-9a-f]{32}", text)


def outcome(run: RunRow) -> str:
    """How a run ended."""
    return run.error or ("it ended well" if run.ended_at else "it runs still, or was killed")


def settings(params: Mapping[str, object], under: str = "") -> list[str]:
    """A line for each setting: `recipe.epochs 2`; one within another has both names."""
    lines: list[str] = []
    for name, value in params.items():
        if isinstance(value, dict) and value:
            lines += settings(value, f"{under}{name}.")
        elif under or name != "not_run":
            if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
                value = ", ".join(value)
            said = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
            lines.append(f"{under}{name} {said}")
    return lines


def whole(workspace: Workspace, run: RunRow) -> tuple[str, str]:
    """(the command, how it ended and what it warned of; what it read and made, and its settings)."""
    lines = [run.command, "", outcome(run)]
    told = warnings(workspace, run)
    if told:
        lines += [
            "",
            f"{counted(len(told), 'warning')}:",
            *(f"! {each}" for each in told),
        ]
    parts = []
    for name, direction in (("read", "in"), ("made", "out")):
        artifacts = workspace.ledger.run_artifacts(run.run_id, direction)
        parts += [f"{name} {role} {digest[:12]}" for role, digest in artifacts.items()]
    parts += ["", *settings(run.params)]
    return "\n".join(lines), "\n".join(parts).strip()
