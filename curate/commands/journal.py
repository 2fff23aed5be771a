"""`seatrial journal`, `agree` and `session`: several people, and what was done as something to replay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curate.answer import Answer
from curate.errors import ConfigError

if TYPE_CHECKING:
    from curate.people.agreement import Alpha, Kappa
    from curate.people.journal import Merged

ACTIONS = ("export", "merge", "differences")
SHOWN = 20
ELSEWHERE = "next: seatrial scan, for they are about findings that no scan here made"
_OPTIONS = {"export": ("by", "to", "with_edits"), "merge": ("files", "any_time"), "differences": ("limit",)}


def journal(
    action: Annotated[str, typer.Argument(metavar="export|merge|differences", help="what to do")],
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE...", help="for merge: the journals")
    ] = None,
    by: Annotated[str, typer.Option(metavar="NAME", help="export: only this person's words")] = "",
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="export: where to; else it is answered")
    ] = None,
    with_edits: Annotated[
        bool, typer.Option("--with-edits", help="export: new texts, notes and free answers too; they are raw")
    ] = False,
    any_time: Annotated[
        bool, typer.Option("--any-time", help="merge: words from more than a day ahead as well")
    ] = False,
    limit: Annotated[int, typer.Option(min=0, help="differences: how many to list")] = SHOWN,
) -> Answer:
    """Carry decisions and labels from person to person, and see where they differ.

    `export` writes what was said as JSON lines, `merge` takes such files in, in any order and as often
    as you like. `differences` lists what people say differently of one thing; exit code 1 says that
    there is some.
    """
    if action not in ACTIONS:
        raise ConfigError(f"seatrial journal {action}", hint=f"one of {', '.join(ACTIONS)}")
    given = {"by": by, "to": to, "with_edits": with_edits, "files": files, "any_time": any_time}
    for name, value in given.items():
        if value and name not in _OPTIONS[action]:
            told = "FILE" if name == "files" else f"--{name.replace('_', '-')}"
            raise ConfigError(f"seatrial journal {action} takes no {told}", hint="seatrial journal --help")
    if action == "export":
        return _export(by, to, with_edits=with_edits)
    return _merge(files or [], any_time=any_time) if action == "merge" else _differences(limit)


def _export(by: str, to: Path | None, *, with_edits: bool) -> Answer:
    import json

    from curate.people.journal import export, left_out, write
    from curate.workspace import Workspace

    workspace = Workspace.open()
    lines = export(workspace, by=by or None, with_edits=with_edits)
    left = 0 if with_edits else left_out(workspace, by=by or None)
    if to is None:
        told = [line.rstrip("\n") for line in lines]
        return Answer(told, {"journal": [json.loads(line) for line in told], "left_out": left})
    words = write(to, lines) - 1
    said = [f"{words:,} words written to {to}" + (f", {by}'s alone" if by else "")]
    if by and not words:
        said.append(f"  nobody called {by} has decided anything here; seatrial journal export has all")
    if with_edits:
        said.append("  new texts, notes and free answers are in it as they were typed: treat it as raw")
    if left:
        said.append(
            f"  {left:,} notes and free answers are left out: they may hold anything; --with-edits takes them along"
        )
    said.append(f"next: seatrial journal merge {to.name}, in the other workspace")
    return Answer(
        said,
        {"written": str(to), "words": words, "by": by or None, "with_edits": with_edits, "left_out": left},
    )


def _merge(files: list[Path], *, any_time: bool) -> Answer:
    from curate.deciding.pending import told
    from curate.people.journal import merge, read
    from curate.workspace import Workspace

    if not files:
        raise ConfigError("seatrial journal merge", hint="name the journals: seatrial journal merge FILE...")
    workspace = Workspace.open()
    done = merge(workspace, [read(path) for path in files], any_time=any_time)
    differ = len(told(workspace))
    lines = merged_lines(done)
    if differ:
        lines.append(f"  people differ on {differ:,}")
        lines.append("next: seatrial journal differences; in the screens the filter `differ`")
    else:
        lines.append("next: seatrial review, seatrial agree")
    return Answer(lines, {**done._asdict(), "differences": differ})


def merged_lines(done: Merged) -> list[str]:
    """What a merge came to, for a person."""
    lines = [
        f"{done.decisions:,} decisions and {done.annotations:,} answers taken over"
        + (f" from {', '.join(done.people)}" if done.people else "")
        + f"; {done.known:,} were here already"
    ]
    lines += [f"  {name}: its last line was cut off and is left out; export it again" for name in done.torn]
    if done.marks:
        lines.append(f"  {done.marks:,} findings that people made stand here too")
    if done.strangers:
        lines.append(f"  {done.strangers:,} are about findings that no scan here made: kept, without effect")
    if done.edits:
        lines.append(f"  {done.edits:,} new texts of edits taken over; they are raw")
    if done.missing:
        lines.append(
            f"  {done.missing:,} edits came without their text: ask for --with-edits before you apply"
        )
    return lines


def _differences(limit: int) -> Answer:
    from curate.commands.called import called
    from curate.deciding.before import version_of
    from curate.deciding.pending import told
    from curate.workspace import Workspace

    workspace = Workspace.open()
    found = told(workspace)
    lines = [f"people differ on {len(found):,}:" if found else "people differ on nothing"]
    for one in found[:limit]:
        what = one.key if ":" in one.key else f"finding {one.key[:8]}"
        lines.append(f"  {one.example_id[:12]}  {what}  {one.told}")
        lines += [f"    {word.reviewer}: {word.note}" for word in one.words if word.note]
    if len(found) > limit:
        lines.append(f"  {limit:,} of {len(found):,} shown")
    on_findings = {one.key for one in found if ":" not in one.key}
    version = version_of(workspace, on_findings) if on_findings else None
    if version is not None:
        lines.append(
            f"next: seatrial review {called(workspace, version)} --differ, with --accept ID or --reject ID; "
            "or in the screens (filter: differ)"
        )
    elif found:
        lines.append("next: decide on them in the screens (L, then o)" if not on_findings else ELSEWHERE)
    else:
        lines.append("next: seatrial agree")
    data = [
        {"key": one.key, "example_id": one.example_id, "words": [word._asdict() for word in one.words]}
        for one in found
    ]
    return Answer(lines, {"differences": data, "total": len(found)}, int(bool(found)))


def agree(
    key: Annotated[
        str, typer.Option(help="decisions, label:TASK or rating:PAIR; by default all that there are")
    ] = "",
    metric: Annotated[
        str, typer.Option(help="of alpha: nominal (words), ordinal (ranks) or interval (numbers)")
    ] = "nominal",
) -> Answer:
    """How far people agree who have judged the same things, each on their own.

    What was said in sight of the others' words, to settle a difference, does not count. Intervals are
    of 95 %.
    """
    from difflib import get_close_matches

    from curate.people import agreement
    from curate.workspace import Workspace
    from curate.workspace.differences import said_alone

    fits = [each for each in agreement.METRICS if each == metric]
    if not fits:
        raise ConfigError(f"--metric {metric}", hint=f"one of {', '.join(agreement.METRICS)}")
    said = said_alone(Workspace.open().ledger)
    if key and key not in said:
        near = get_close_matches(key, said, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(said)) or 'none'}"
        raise ConfigError(f"nobody has judged `{key}`", hint=hint)
    lines: list[str] = []
    data: list[dict[str, object]] = []
    for name in [key] if key else sorted(said):
        overall, two = agreement.alpha(said[name], fits[0]), agreement.pairs(said[name])
        people = len({person for unit in said[name] for person in unit})
        who = "one person" if people == 1 else f"{people:,} people"
        lines += [
            f"{name}: {len(said[name]):,} judged by {who}, {overall.n:,} of them by two or more",
            *agree_lines(overall, two),
        ]
        data.append(
            {"key": name, "judged": len(said[name]), "people": people, "alpha": overall._asdict(),
             "kappa": [each._asdict() for each in two]}
        )  # fmt: skip
    if not said:
        lines.append("nobody has judged anything yet")
    lines.append("next: seatrial journal differences")
    return Answer(lines, {"agreement": data})


def agree_lines(overall: Alpha, two: list[Kappa]) -> list[str]:
    """The figures of one key, for a person."""
    if not overall.n:
        return [
            "  no two people have judged the same thing: seatrial journal merge FILE brings others' words"
        ]
    lines = [
        f"  alpha ({overall.metric}) {_figure(overall, overall.alpha)}"
        f", agreement {overall.agreement:.0%}, n {overall.n:,}, {overall.raters} people"
    ]
    if overall.undefined:
        lines.append(f"  {overall.undefined:,} resamples had one answer only, and so no alpha: left out")
    for each in two:
        lines.append(
            f"  kappa {_figure(each, each.kappa)}, agreement {each.agreement:.0%}"
            f", n {each.n:,}: {' and '.join(each.raters)}"
        )
    return lines


def _figure(found: Alpha | Kappa, value: float | None) -> str:
    """A figure with its 95 % interval, or why it has none."""
    if value is None:
        return f"undefined ({found.reason})"
    if found.low is None or found.high is None:
        return f"{value:z.2f} (no interval: {found.reason})"
    return f"{value:z.2f} ({found.low:z.2f} to {found.high:z.2f})"


def session(
    action: Annotated[str, typer.Argument(metavar="write", help="what to do")],
    dataset: Annotated[str | None, typer.Argument(metavar="VERSION", help="the version to replay")] = None,
    to: Annotated[Path | None, typer.Option(metavar="FOLDER", help="where to write")] = None,
    files: Annotated[
        list[Path] | None,
        typer.Option("--file", metavar="FILE", help="a source, where it is not found; may be repeated"),
    ] = None,
) -> Answer:
    """Write how a version came to be as a recipe and a journal that the shell replays.

    `seatrial curate FOLDER/recipe.toml` does it all again, in an empty workspace too, and stops where
    the rows come out otherwise.
    """
    if action != "write":
        raise ConfigError(f"seatrial session {action}", hint="seatrial session write --to FOLDER [VERSION]")
    if to is None:
        raise ConfigError("seatrial session write", hint="--to FOLDER says where to")
    from curate.people.session import write_session
    from curate.workspace import Workspace

    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    done = write_session(workspace, digest, to, files or [])
    lines = [f"{done.name}: {done.steps:,} steps and {done.words:,} decisions written to {to}"]
    lines += [f"  reads {path}" for path in done.files]
    if done.edits:
        lines.append(f"  {done.edits:,} new texts of edits are in it as they were typed: treat it as raw")
    if done.missing:
        lines.append(
            f"  {done.missing:,} new texts of edits are not here, as after a purge: an empty workspace cannot do it "
            "again without a journal that has them, named in [review] beside this one"
        )
    lines.append(f"next: seatrial curate {to / 'recipe.toml'}, in any workspace")
    return Answer(lines, {**done._asdict(), "folder": str(to), "dataset": digest})
