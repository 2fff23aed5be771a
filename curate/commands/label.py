"""`seatrial label`: the label set, how far people are, what a model proposes, and what comes of it all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curate.answer import Answer, counted
from curate.errors import ConfigError

if TYPE_CHECKING:
    from curate.labelling.tasks import Task
    from curate.workspace import Workspace

_SETTING = ("kind", "options", "instructions", "low", "high", "column", "gold")
_OPTIONS = {
    "init": (*_SETTING, "all"),
    "status": (),
    "suggest": ("encoder",),
    "apply": ("policy", "by", "to"),
    "export": ("by", "to"),
}


def label(
    action: Annotated[str, typer.Argument(metavar="init|status|suggest|apply|export", help="what to do")],
    dataset: Annotated[
        str | None, typer.Argument(help="a name or digest; the version named last if left out")
    ] = None,
    task: Annotated[str, typer.Option(metavar="NAME", help="which task; the only one if left out")] = "",
    labels: Annotated[
        Path | None, typer.Option("--set", metavar="FILE", help="a label set other than the workspace's")
    ] = None,
    kind: Annotated[str, typer.Option(help="init: choice, several, scale or text")] = "",
    options: Annotated[
        str, typer.Option(metavar="A,B,C", help="init: what may be chosen; else the version's labels")
    ] = "",
    instructions: Annotated[str, typer.Option(help="init: what people are asked")] = "",
    low: Annotated[int | None, typer.Option(help="init: the lower end of a scale")] = None,
    high: Annotated[int | None, typer.Option(help="init: the upper end of a scale")] = None,
    column: Annotated[str, typer.Option(help="init: what is answered: label, or meta:NAME")] = "",
    gold: Annotated[str, typer.Option(help="init: where right answers are: meta:NAME, or a file")] = "",
    every: Annotated[
        bool, typer.Option("--all", help="init: rare labels and other spellings too, each as it stands")
    ] = False,
    encoder: Annotated[str, typer.Option(help="suggest: as in scan: auto, none, a hub id or path")] = "",
    policy: Annotated[str, typer.Option(help="apply: agreed, majority or one (with --by)")] = "",
    by: Annotated[str, typer.Option(metavar="NAME", help="apply, export: one person's answers")] = "",
    to: Annotated[str, typer.Option(help="apply: another column, label or meta:NAME; export: the file")] = "",
) -> Answer:
    """Label rows by hand: write the label set, see how far people are, make a version of their answers.

    The answers themselves are given in the screens (L on a version). `suggest` trains a model on what
    was answered so far; the screens do that on their own, every few answers.
    """
    if action not in _OPTIONS:
        raise ConfigError(f"seatrial label {action}", hint=f"one of {', '.join(_OPTIONS)}")
    given: dict[str, object] = {
        "kind": kind, "options": options, "instructions": instructions, "low": low, "high": high,
        "column": column, "gold": gold, "encoder": encoder, "policy": policy, "by": by, "to": to,
        "all": every or None,
    }  # fmt: skip
    asked = {name: value for name, value in given.items() if value not in ("", None)}
    for name in asked:
        if name not in _OPTIONS[action]:
            raise ConfigError(f"seatrial label {action} takes no --{name}", hint="seatrial label --help")
    from curate.labelling.tasks import label_set, task_of
    from curate.workspace import Workspace

    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    if action == "init":
        return _init(workspace, digest, task, labels, asked)
    tasks = label_set(workspace, labels)
    if action == "status":
        wanted = [task_of(tasks, task)] if task else list(tasks.values())
        return _status(workspace, digest, wanted)
    one = task_of(tasks, task)
    if action == "suggest":
        return _suggest(workspace, digest, one, encoder or one.encoder)
    if action == "apply":
        return _apply(workspace, digest, one, policy or ("one" if by else "agreed"), by, to)
    return _export(workspace, digest, one, by, to)


def _init(
    workspace: Workspace, digest: str, name: str, labels: Path | None, asked: dict[str, object]
) -> Answer:
    import polars as pl

    from curate.labelling.classes import classes_of, told_by_answers
    from curate.labelling.tasks import FILE, MOST_OPTIONS, Option, Task, add_task, lines_of, parsed, path_of

    if not name:
        raise ConfigError("label init needs a name for the task", hint="--task queue, for example")
    listed = [part.strip() for part in str(asked.pop("options", "")).split(",") if part.strip()]
    kind = str(asked.get("kind", "choice"))
    found = workspace.scan_examples(digest).select(pl.col("label").drop_nulls()).collect()["label"]
    told: list[str] = []
    every = bool(asked.pop("all", False))
    if every and (listed or kind not in ("choice", "several")):
        raise ConfigError("--all is of the version's own labels", hint="leave out --options, or --all")
    if kind in ("choice", "several") and not listed:
        classes = classes_of(found, every=every)
        listed, told = classes.names, classes.lines()
        if len(listed) < 2 or len(listed) > MOST_OPTIONS:
            raise ConfigError(
                f"this version has {len(listed):,} labels to choose from", hint="--options A,B,C names them"
            )
    # a label is of what was asked, where the answer below it would give it away
    of_label = found.len() and asked.get("column", "label") == "label"
    show = "prompt" if of_label and told_by_answers(workspace.scan_examples(digest)) else "all"
    made = Task(name, options=tuple(Option(each) for each in listed), show=show, **asked)  # type: ignore[arg-type]
    if kind not in ("choice", "several") and "column" not in asked:
        from dataclasses import replace

        made = replace(made, column=f"meta:{name}", show="all")
    task = parsed("\n".join(lines_of(made)), FILE)[name]
    path = labels or path_of(workspace)
    add_task(path, task)
    lines = [f"task {name} ({task.kind}) written to {path}", *told]
    lines += [
        f"  {option.key or '/'} {option.name}" for option in task.options[:12]
    ] + ([f"  and {len(task.options) - 12} more, chosen by name" ] if len(task.options) > 12 else [])  # fmt: skip
    lines += ["  describe the options there: the card shows it", "next: seatrial, then L on the version"]
    return Answer(lines, {"task": name, "kind": task.kind, "options": list(task.names), "file": str(path)})


def _status(workspace: Workspace, digest: str, tasks: list[Task]) -> Answer:
    from curate.labelling.status import Status, status_of

    lines: list[str] = []
    data: list[dict[str, object]] = []
    for task in tasks:
        found: Status = status_of(workspace, digest, task)
        data.append(found.data())
        lines += found.lines()
    name = workspace.name_of(digest) or digest[:8]
    differ = sum(bool(each["differ"]) for each in data)
    lines.append(
        "next: settle the differences in the screens (L, then o)" if differ
        else f"next: seatrial label apply {name}; seatrial agree"
    )  # fmt: skip
    return Answer(lines, {"dataset": digest, "name": name, "tasks": data})


def _suggest(workspace: Workspace, digest: str, task: Task, encoder: str) -> Answer:
    from curate.labelling.suggest import suggest

    taught = suggest(workspace, digest, task, encoder)
    data: dict[str, object] = {"task": task.name, **taught._asdict()}
    if taught.why:
        return Answer([f"nothing was learned: {taught.why}", "next: seatrial, then L"], data, 1)
    right = "" if taught.right is None else f"; right on {taught.right:.0%} of the answers it had not seen"
    sample = f" (a sample of {taught.of:,})" if taught.rows < taught.of else ""
    return Answer(
        [
            f"{task.name}: learned from {counted(taught.trained_on, 'answer')}, by {taught.features}{right}",
            f"  {counted(taught.rows, 'row')}{sample} have a suggestion, and an order: least sure first",
            "next: seatrial, then L",
        ],
        data,
    )


def _apply(workspace: Workspace, digest: str, task: Task, policy: str, by: str, to: str) -> Answer:
    from curate.labelling.applying import apply_answers

    name = workspace.name_of(digest) or digest[:8]
    done = apply_answers(workspace, digest, task, policy=policy, by=by, to=to)
    made = done.made.outputs["dataset"]
    lines = [
        f"{name}: {done.answered:,} of {counted(done.rows, 'row')} say what people answered to {task.name}"
        + (f" (already made by run {done.made.run_id})" if done.made.recorded else ""),
        f"  {done.changed:,} said something else before; {done.rows - done.answered:,} have no answer and stay",
    ]
    if done.differ:
        lines.append(f"  {done.differ:,} of these since people differ on them, without a majority")
    lines.append(f"next: seatrial scan {name}; nothing found before counts for the new version")
    data = {
        "dataset": made, "labelled": done.made.outputs["labelled"], "task": task.name, "policy": policy,
        "rows": done.rows, "answered": done.answered, "changed": done.changed, "differ": done.differ,
        "run": done.made.run_id, "recorded": done.made.recorded,
    }  # fmt: skip
    return Answer(lines, data)


def _export(workspace: Workspace, digest: str, task: Task, by: str, to: str) -> Answer:
    import json

    from curate.labelling.status import exported

    rows = list(exported(workspace, digest, task, by))
    if not to:
        return Answer([json.dumps(row, ensure_ascii=False) for row in rows], {"answers": rows})
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path = Path(to)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    lines = [
        f"{counted(len(rows), 'answer')} to {task.name} written to {to}" + (f", {by}'s alone" if by else "")
    ]
    if not rows:
        lines.append("  nobody has answered a row of this version")
    return Answer([*lines, "next: seatrial label apply"], {"written": to, "answers": len(rows)})
