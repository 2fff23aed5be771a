"""A session as a recipe: how a version came to be, in a form that the shell replays to the same bytes.

`recipe.toml` names the source files, `journal.jsonl` holds the scans, applies and splits in their
order with their settings and what each made, and before each the words that were said by then. What
people marked where no check found anything is a step of its own, `mark`, with the marks in it.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from sqlite3 import Row
from typing import Any, NamedTuple

import polars as pl

from curate.changing.redact import KEYED
from curate.deciding import byhand, flags, notes
from curate.deciding.pending import held
from curate.deciding.until import Words, newest
from curate.errors import ConfigError, NotFoundError
from curate.labelling.answers import standing_of
from curate.labelling.applying import answers_digest, settled, task_in
from curate.labelling.work import placed
from curate.people.journal import dumped, line_of, write
from curate.people.journal_lines import ANNOTATION, DECISION, JOURNAL, RAW, STEP, VERSION
from curate.runs.steps import Reading, source_digest
from curate.workspace import Workspace
from curate.workspace.store import dataset_digest

CUTS = 100  # how many answers more or less are tried
ASKED = {"format": "asked"}  # what an import was asked for, where its run calls it otherwise than a recipe
REPLAYED = ("label", "apply", "split")  # the runs that make a version of another and can be done again


class Written(NamedTuple):
    """What a session came to on paper."""

    name: str
    steps: int
    words: int
    edits: int  # new texts, which are raw
    files: list[str]
    missing: int  # new texts that are not here any more, or never came
    marks: int  # findings that people made


@dataclass(frozen=True)
class Made:
    """A run that made a version."""

    run_id: str
    kind: str
    params: dict[str, Any]
    command: str
    started_at: str
    made: str  # digest
    of: str | None  # digest of the version that it was made of; None for an import


def write_session(workspace: Workspace, dataset: str, to: Path, files: Sequence[Path] = ()) -> Written:
    """Write how a version came to be. `files` are sources and protected files that may be elsewhere now.

    Raises ConfigError where a step cannot be done again, NotFoundError where a source file is not found.
    """
    chain = lineage(workspace, dataset)
    imported, *later = chain
    name = workspace.name_of(imported.made) or workspace.name_of(dataset) or ""
    places = _Places(workspace, to, files)
    sources = places.sources(imported)
    lines = list(_lines(workspace, later, dataset, places))
    words = sum(1 for line in lines if line["kind"] in (DECISION, ANNOTATION))
    steps = [line for line in lines if line["kind"] == STEP]
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{to}: {error.strerror}", hint="--to names a folder, made if need be") from error
    write(to / "journal.jsonl", (dumped(line) for line in [{"kind": JOURNAL, "version": VERSION}, *lines]))
    write(to / "recipe.toml", _recipe(imported, name, sources, steps))
    edits = {line["edit"] for line in lines if RAW in line}
    missing = {line["edit"] for line in lines if line["kind"] == DECISION and "edit" in line} - edits
    marks = sum(len(marked) for step in steps if isinstance(marked := step.get("marks"), list))
    return Written(name, len(steps), words, len(edits), sources, len(missing), marks)


def lineage(workspace: Workspace, dataset: str) -> list[Made]:
    """The runs that led from an import to a version, in their order."""
    query = """select run.run_id, kind, params, command, started_at, i.digest as of from run
               join run_end using (run_id)
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'dataset'
               left join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.role = 'dataset'
               where error is null and o.digest = ? and (i.digest is null or i.digest <> o.digest)
               order by run.run_id desc limit 1"""
    chain: list[Made] = []
    seen: set[str] = set()
    wanted: str | None = dataset
    while wanted is not None:
        found = workspace.ledger.rows(query, wanted)
        if not found:
            raise NotFoundError(f"no run here made {wanted[:8]}", hint="seatrial log lists the runs")
        row = found[0]
        run = Made(
            row["run_id"], row["kind"], json.loads(row["params"]), row["command"], row["started_at"], wanted, row["of"]
        )  # fmt: skip
        _must_be_replayable(workspace, run)
        chain.append(run)
        if wanted in seen:
            raise ConfigError(
                f"{wanted[:8]} was made of itself by way of others, which no session can replay"
            )
        seen.add(wanted)
        wanted = run.of
    return chain[::-1]


def _must_be_replayable(workspace: Workspace, run: Made) -> None:
    """Raise ConfigError for a run of which a session holds too little."""
    if (run.of is None and run.kind != "import") or (run.of is not None and run.kind not in REPLAYED):
        raise ConfigError(
            f"{run.made[:8]} was made by `{run.kind}`, which a session cannot replay",
            hint=f"sessions are made of import, scan, {', '.join(REPLAYED)}",
        )
    if "away_from" in workspace.ledger.run_artifacts(run.run_id, "in"):
        raise ConfigError(f"{run.made[:8]} was split away from another version: a session holds one")


class _Places:
    """Where the files are that a session reads, as they are named from its folder."""

    def __init__(self, workspace: Workspace, to: Path, given: Sequence[Path]) -> None:
        self.workspace, self.to, self.given = workspace, to, list(given)
        self.guarded: dict[str, str] = {}  # by what a protected file holds: many scans may have read one

    def candidates(self, name: str, command: str) -> Iterator[Path]:
        """Files of that name: those given, those that the command named, and those that lie about."""
        yield from (path for path in self.given if path.name == name)
        folders = [Path.cwd(), self.workspace.root.resolve().parent]
        words = [word.partition("=")[2] or word for word in shlex.split(command)]
        for word in [*words, name]:
            if Path(word).name == name:
                yield from (folder / word for folder in folders if (folder / word).exists())

    def named(self, path: Path) -> str:
        """The path as the recipe names it: from the session's folder."""
        return Path(os.path.relpath(path.resolve(), self.to.resolve())).as_posix()

    def sources(self, imported: Made) -> list[str]:
        """The files of an import, by name and digest."""
        found = []
        for name, digest in zip(imported.params["source"], imported.params["digest"], strict=True):
            if digest is None:
                raise ConfigError(
                    f"{name} was read from standard input or a hub, so nobody can read it again",
                    hint="save it as a file and import that",
                )
            fits = (p for p in self.candidates(name, imported.command) if source_digest(str(p)) == digest)
            path = next(fits, None)
            if path is None:
                raise NotFoundError(
                    f"{name} is not where it was imported from, or has changed",
                    hint=f"--file PATH/{name} says where the file as it was is",
                )
            found.append(self.named(path))
        return found

    def protected(self, digests: Sequence[str], command: str) -> list[str]:
        """The protected files of a scan, by what they hold."""
        for digest in digests:
            if digest not in self.guarded:
                self.guarded[digest] = self._guarded(digest, command)
        return [self.guarded[digest] for digest in digests]

    def _guarded(self, digest: str, command: str) -> str:
        """One of them."""
        from curate.intake.sources import read_source

        sources = self.workspace.scan_examples(digest).select(pl.col("source").unique()).collect()["source"]
        paths = [path for name in sources for path in self.candidates(str(name), command)]
        fits = [p for p in paths if dataset_digest(read_source(str(p)).examples) == digest]
        if not fits:
            raise NotFoundError(
                f"the protected file {sources[0]} is not found, or has changed",
                hint=f"--file PATH/{sources[0]} says where the file as it was is",
            )
        return self.named(fits[0])


def _lines(
    workspace: Workspace, runs: Sequence[Made], last: str, places: _Places
) -> Iterator[dict[str, object]]:
    """Steps and words in the order of a replay."""
    tables = {run.run_id: _findings(workspace, run) for run in runs}
    final = [each.scan.findings for each in workspace.standing(last)]
    ids = [_ids(workspace, digests) for digests in [*tables.values(), final]]
    all_ids = set().union(*ids)
    query = "select * from decision order by decision_id"
    rows = [row for row in workspace.ledger.rows(query) if row["finding_id"] in all_ids]
    words = Words.of(rows, held(workspace, [row["edit"] for row in rows if row["edit"]]))
    said = 0
    told: set[object] = set()
    for run, known in zip(runs, ids, strict=False):
        yield from _scans(workspace, str(run.of), tables[run.run_id], places)
        if run.kind == "apply":
            upto = _cut(workspace, words, said, known, run)
            yield from _words(workspace, rows[said:upto])
            said = upto
            settings = {name: value for name, value in run.params.items() if name not in ("decisions", "key")}
        elif run.kind == "label":
            for line in _answers(workspace, run):
                if line["uid"] not in told:  # an earlier step may have had it
                    told.add(line["uid"])
                    yield line
            settings = {name: value for name, value in run.params.items() if name != "answers"}
        else:
            settings = {name: value for name, value in run.params.items() if name != "scans"}
            settings["encoder"] = settings["encoder"] if "@" in str(settings["encoder"]) else "none"
        yield {"kind": STEP, "step": run.kind, "settings": settings, "made": run.made}
    yield from _scans(workspace, last, final, places)
    yield from _words(workspace, rows[said:])
    yield from _flags(workspace, last)


def _flags(workspace: Workspace, dataset: str) -> Iterator[dict[str, object]]:
    """What people said of flags on rows of a version, and their notes; no step reads them."""
    ids = set(workspace.scan_examples(dataset).select("example_id").collect()["example_id"])
    query = "select * from annotation where key = ? or substr(key, 1, ?) = ? order by annotated_at, uid"
    for row in workspace.ledger.rows(query, flags.KEY, len(notes.PREFIX), notes.PREFIX):
        if row["example_id"] in ids:
            yield line_of(workspace, ANNOTATION, row, with_edits=False)


def _words(workspace: Workspace, rows: Sequence[Row]) -> Iterator[dict[str, object]]:
    for row in sorted(rows, key=lambda row: (row["decided_at"], row["uid"])):
        yield line_of(workspace, DECISION, row, with_edits=True)


def _answers(workspace: Workspace, run: Made) -> Iterator[dict[str, object]]:
    """The answers that had been given when a run made labels of them: those that make its digest."""
    task, dataset = task_in(run.params), str(run.of)
    query = "select * from annotation where key = ? order by annotated_at, uid"
    rows = workspace.ledger.rows(query, task.key)
    first = sum(row["annotated_at"] <= run.started_at for row in rows)
    if not workspace.store.holds(dataset):  # purged: the times alone say which; a replay tells if it was so
        yield from (line_of(workspace, ANNOTATION, row, with_edits=True) for row in rows[:first])
        return
    # a clock that jumped, or a journal merged later, may need another cut
    for upto in sorted(range(len(rows) + 1), key=lambda n: (abs(n - first), -n))[:CUTS]:
        said = list(placed(workspace, dataset, task, standing_of(task, rows[:upto]).said))
        chosen = settled(said, run.params["policy"], run.params["by"])
        if answers_digest(workspace, dataset, chosen) == run.params["answers"]:
            for row in rows[:upto]:
                yield line_of(workspace, ANNOTATION, row, with_edits=True)
            return
    raise ConfigError(f"what was answered when {run.made[:8]} was made cannot be told any more")


def _findings(workspace: Workspace, run: Made) -> list[str]:
    """The findings that a run read, oldest scan first."""
    inputs = workspace.ledger.run_artifacts(run.run_id, "in")
    roles = sorted(
        (role for role in inputs if role.startswith("findings")),
        key=lambda role: int(role.partition("_")[2] or 1),
    )
    return [inputs[role] for role in reversed(roles)]


def _ids(workspace: Workspace, digests: Sequence[str]) -> set[str]:
    return {i for digest in digests for i in workspace.column(digest, "finding_id")}


def _scans(
    workspace: Workspace, dataset: str, findings: Sequence[str], places: _Places
) -> Iterator[dict[str, object]]:
    """The scans of a version that made these findings, oldest first; those that a split makes are its own."""
    known = {scan.findings: scan for scan in workspace.scans(dataset)}
    query = "select params, command from run where run_id = ?"
    for digest in findings:
        if digest not in known:
            raise ConfigError(f"no scan of {dataset[:8]} made the findings {digest[:8]}")
        scan = known[digest]
        run = workspace.ledger.rows(query, scan.run_id)[0]
        if "carried_from" in json.loads(run["params"]):
            continue
        if set(scan.settings) == {byhand.NAME}:
            said = list(byhand.marks_in(workspace.table(digest)).values())
            yield {"kind": STEP, "step": "mark", "settings": {}, "made": digest, "marks": said}
            continue
        step: dict[str, object] = {"kind": STEP, "step": "scan", "settings": scan.settings, "made": digest}
        if scan.protected:
            step["protect"] = places.protected(scan.protected, run["command"])
        yield step


def _cut(workspace: Workspace, words: Words, said: int, known: set[str], run: Made) -> int:
    """How many of the words had been said when a run carried them out. Raises ConfigError where none fit."""
    last = newest(workspace, run.run_id)
    upto = words.cut(said, known, wanted=run.params["decisions"], began=run.started_at, last=last)
    if upto is None:
        raise ConfigError(
            f"what was decided when {run.made[:8]} was made cannot be told any more",
            hint="a step before it may have been made by an older Seatrial; apply again, and write that version",
        )
    return upto


def _recipe(
    imported: Made, name: str, sources: Sequence[str], steps: Sequence[dict[str, object]]
) -> Iterator[str]:
    """The recipe's lines."""
    params = imported.params
    yield "# a session: `seatrial curate recipe.toml` does it again, step by step\n"
    yield "[import]\n"
    yield f"files = {_toml(list(sources))}\n"
    yield f"name = {_toml(name)}\n" if name else ""
    # every one that there is, so that a new one cannot be forgotten; an older import may lack it
    for key in (each.name for each in fields(Reading)):
        value = params.get(ASKED.get(key, key))
        if isinstance(value, dict) and value:
            value = {_toml(k): _toml(v) for k, v in value.items()}
            yield f"{key} = {{ {', '.join(f'{k} = {v}' for k, v in value.items())} }}\n"
        elif value:
            yield f"{key} = {_toml(value)}\n"
    if params["rejected"]:
        yield "allow_rejects = true\n"
    yield '\n[review]\njournal = ["journal.jsonl"]\n'
    styles = [str(step["settings"].get("style")) for step in steps if step["step"] == "apply"]  # type: ignore[attr-defined]
    keyed = [style for style in styles if style in KEYED]
    if keyed:
        yield f"\n[apply]\nstyle = {_toml(keyed[-1])}\n"
        yield "# add key_file or key_env: the key that was used; a session holds none\n"


def _toml(value: object) -> str:
    """A string, or a list of strings, as TOML has it."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
