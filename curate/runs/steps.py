"""Each arrow of the way of the data: a workspace in, one recorded run and what it made out.

The command line and recipes both go through here. The same settings on the same input give the
recorded result instead of a second computation (`again` computes anew).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.changing.apply import apply
from curate.changing.redact import SCOPES, STYLES, Scope, Style
from curate.changing.replacing import Action, Trace
from curate.changing.vault import Vault, entry_of
from curate.check import NotRun
from curate.deciding.fakes import FAKES, settle_fakes
from curate.deciding.review import edits_of, review
from curate.deciding.until import SAID, decisions_digest
from curate.errors import AccountError, ConfigError, GateError, SourceError
from curate.runs.switched_off import reasons
from curate.workspace import Workspace, code_version, now
from curate.workspace.store import dataset_digest, folder_digest


class Made(NamedTuple):
    """What a step made: outputs by role, and whether an earlier run had made it already."""

    run_id: str
    outputs: dict[str, str]
    recorded: bool


def done_before(
    workspace: Workspace, kind: str, params: Mapping[str, object], inputs: Mapping[str, str]
) -> Made | None:
    """The recorded result, if all of it is still there."""
    found = workspace.recorded(kind, params, inputs)
    if found is None or not all((workspace.store.root / d).is_dir() for d in found[1].values()):
        return None
    return Made(*found, recorded=True)


# import


@dataclass(frozen=True)
class Reading:
    """How sources are read; empty means: by what they look like."""

    format: str = ""
    label: str = ""
    group: str = ""
    split: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    hub: bool = False
    encoding: str = ""


class Imported(NamedTuple):
    """What an import made, and what is to be said of it."""

    made: Made
    name: str
    rows: int
    rejected: int
    format: str
    why: str


def import_files(
    workspace: Workspace, files: Sequence[str], reading: Reading, *, name: str = "", again: bool = False
) -> Imported:
    """Read sources into one dataset version and name it; what cannot be read is a table of rejects.

    `name` is by default the first file's stem. Raises SourceError when no row could be read.
    """
    digests = [source_digest(f) for f in files]
    request: dict[str, object] = {
        "source": [Path(f).name for f in files],
        "digest": digests,
        "label": reading.label,
        "group": reading.group,
        "split": reading.split,
        "asked": reading.format,
        "columns": dict(reading.columns),
        "roles": dict(reading.roles),
        "encoding": reading.encoding,
    }
    name = checked_name(name) if name else _default_name(files[0])
    done = None if again or None in digests else _import_before(workspace, request)
    if done is None:
        done = _read(workspace, files, reading, request)
    made, params = done
    workspace.ledger.set_name(name, made.outputs["dataset"])
    return Imported(made, name, int(params["rows"]), int(params["rejected"]), params["format"], params["why"])


NAME_MARKS, LONGEST_NAME = "._-", 100


def checked_name(name: str) -> str:
    """The name, if it can be typed again anywhere: letters, digits and `._-`, at most 100 of them.

    It begins with none of `.-`: it would read as an option, and name a hidden file.
    """
    typed = all(each.isalnum() or each in NAME_MARKS for each in name) and name[:1] not in (".", "-")
    if len(name) > LONGEST_NAME or not typed:
        hint = "letters, digits and ._- alone, at most 100, and no . or - in front"
        raise ConfigError(f"--as {name[:LONGEST_NAME]}", hint=hint)
    return name


def _default_name(place: str) -> str:
    """The file's stem, with `-` for whatever a name may not hold."""
    stem = Path(place).name.split(".")[0]
    plain = "".join(each if each.isalnum() or each in NAME_MARKS else "-" for each in stem)
    return plain[:LONGEST_NAME].strip("-") or "stdin"


def source_digest(place: str) -> str | None:
    """The digest of a source's bytes; None where only reading it can tell (standard input, a hub)."""
    path = Path(place)
    if path.is_dir():
        return folder_digest("source", path)
    if path.exists() and not path.is_file():
        raise SourceError(
            f"{place} is a pipe or a device, which can be read only once",
            hint="send it to standard input: seatrial import - < SOURCE",
        )
    if not path.is_file():
        return None
    with path.open("rb") as file:
        hasher = blake2b(digest_size=16)
        while block := file.read(1 << 20):
            hasher.update(block)
    return hasher.hexdigest()


def _import_before(workspace: Workspace, request: Mapping[str, object]) -> tuple[Made, dict[str, Any]] | None:
    """The newest import of the same bytes in the same way by the same code."""
    query = """select run_id, params from run join run_end using (run_id)
               where kind = 'import' and code = ? and error is null order by run_id desc"""
    for row in workspace.ledger.rows(query, code_version()):
        params = json.loads(row["params"])
        outputs = workspace.ledger.run_artifacts(row["run_id"], "out")
        whole = all((workspace.store.root / digest).is_dir() for digest in outputs.values())
        if whole and all(params.get(key) == value for key, value in request.items()):
            return Made(row["run_id"], outputs, recorded=True), params
    return None


def _read(
    workspace: Workspace, files: Sequence[str], reading: Reading, request: Mapping[str, object]
) -> tuple[Made, dict[str, Any]]:
    """Read the files and record it; an import that failed is recorded with its error."""
    from curate.intake.sources import read_source

    began = now()
    try:
        parts = [
            read_source(
                place,
                format=reading.format or None,
                columns=reading.columns or None,
                label=reading.label or None,
                group=reading.group or None,
                split=reading.split or None,
                roles=reading.roles or None,
                hub=reading.hub,
                encoding=reading.encoding,
            )
            for place in files
        ]
        examples = pl.concat([part.examples for part in parts])
        rejects = pl.concat([part.rejects for part in parts])
        twice = examples.filter(pl.col("example_id").is_duplicated())
        if twice.height:
            raise SourceError(
                f"{twice['source'][0]}:{twice['source_row'][0]}: two of the files have the same name and rows",
                hint="import each file once; rename one of two files of the same name",
            )
    except Exception:
        with workspace.run("import", request, {}):
            raise
    params: dict[str, Any] = {
        **request,
        "format": ", ".join(dict.fromkeys(part.format for part in parts)),
        "why": "; ".join(dict.fromkeys(part.why for part in parts)),
        "rows": examples.height,
        "rejected": rejects.height,
    }
    with workspace.run("import", params, {}, began=began) as run:
        run.outputs["dataset"] = workspace.put_dataset(examples)
        run.outputs["rejects"] = workspace.put_table("rejects", rejects)
    return Made(run.run_id, run.outputs, recorded=False), params


# scan


class Scanned(NamedTuple):
    """What a scan made, and which checks could not look."""

    made: Made
    not_run: list[NotRun]


def scan_version(
    workspace: Workspace,
    dataset: str,
    *,
    names: Sequence[str] | None = None,
    settings: Mapping[str, Mapping[str, object]] | None = None,
    protect: Sequence[str] = (),
    encoder: str = "",
    engine: str = "",
    workers: int = 1,
    again: bool = False,
    settle: bool = True,
) -> Scanned:
    """Run checks over a dataset version. `protect` names files (benchmarks) that must not be learned from.

    `encoder` is for all checks that compare meaning: a hub id, a path, `auto` or `none`; empty leaves
    each check its own setting. `engine` is as in `engine_of`, `workers` are processes, 0 for one a
    core; neither changes a result. With `settle` it is decided that our own pseudonyms stay.
    """
    from curate.engine import engine_of
    from curate.scanning.embedding import Encoder, Vectors
    from curate.scanning.remembered import Remembered
    from curate.scanning.scan import make_checks, obstacles, scan, settings_of, told, with_encoders

    def vectors(encoder: Encoder) -> Vectors:
        """What was encoded before in this workspace is not encoded again."""
        return Vectors(encoder, workspace.vectors / encoder.fingerprint)

    asked = make_checks(names or None, settings, encoder=encoder)
    checks, _ = with_encoders(asked)
    examples = workspace.rows(dataset)
    inputs = {"dataset": dataset, **_protected(workspace, protect)}
    guarded = [workspace.examples(d) for role, d in sorted(inputs.items()) if role != "dataset"]
    protected = pl.concat(guarded) if guarded else None
    # known before the run, so that its settings say it
    not_run = reasons(asked, obstacles(examples, checks, protected))
    params: dict[str, object] = {**settings_of(checks), "not_run": dict(not_run)}
    done = None if again else done_before(workspace, "scan", params, inputs)
    if done is None:
        with workspace.run("scan", params, inputs) as run:
            host = engine_of(engine, workers)
            memory = None if again else Remembered(workspace, dataset)
            try:
                made = scan(examples, asked, protected=protected, engine=host, vectors=vectors, memory=memory)
            finally:
                host.close()
            found = told(made.findings, examples)
            run.outputs["findings"] = workspace.put_table("findings", found)
            if memory is not None:
                memory.vouch(run.outputs["findings"], found)
        done = Made(run.run_id, run.outputs, recorded=False)
    if settle:
        settle_fakes(workspace, dataset)
    return Scanned(done, not_run)


def _protected(workspace: Workspace, places: Sequence[str]) -> dict[str, str]:
    """The files as dataset versions of their own, by role."""
    roles: dict[str, str] = {}
    for number, place in enumerate(places):
        from curate.intake.sources import read_source

        read = read_source(place)
        if read.examples.is_empty():
            raise SourceError(f"{place}: no row could be read, so nothing would be protected", hint=read.why)
        roles[f"protected_{number}"] = workspace.put_dataset(read.examples)
    return roles


def findings_of(workspace: Workspace, dataset: str) -> dict[str, str]:
    """The artifacts with the findings that stand on a version, by role; empty if it was never scanned.

    The newest is `findings`, the others `findings_2` and so on.
    """
    found = dict.fromkeys(each.scan.findings for each in workspace.standing(dataset))
    return {f"findings_{n}" if n > 1 else "findings": digest for n, digest in enumerate(found, start=1)}


# apply


class AppliedVersion(NamedTuple):
    """What applying made: the changes by kind, and the account of the rows."""

    made: Made
    rows_in: int
    rows_out: int
    changes: pl.DataFrame


def apply_decisions(
    workspace: Workspace,
    dataset: str,
    *,
    style: str = "placeholder",
    numbered: bool = False,
    scope: str = "conversation",
    key: bytes = b"",
    vault: Vault | None = None,
) -> AppliedVersion:
    """Carry out the decisions on a version's findings; the name moves on to the clean version.

    `key` is for the styles hash and pseudonym; of it only a fingerprint is recorded. With `vault`, the
    originals of what pseudonyms replace are kept there, and are on the disk before the clean version is.
    Raises GateError where the version was never scanned, ConfigError for an unknown style or scope.
    """
    findings = findings_of(workspace, dataset)
    if not findings:
        raise GateError("this version was never scanned: there is nothing to apply", hint="seatrial scan")
    upto = workspace.ledger.rows("select coalesce(max(decision_id), 0) as upto from decision")[0]["upto"]
    table = review(workspace, dataset)
    inputs = {"dataset": dataset, **findings}
    action = Action(check_style(style), numbered, check_scope(scope), key)
    params = {**action.params(), "decisions": decisions_digest(table)}
    # a vault is not of the workspace: whether it holds this run's originals only doing it again makes sure
    done = done_before(workspace, "apply", params, inputs) if vault is None else None
    if done is None:
        with workspace.run("apply", params, inputs) as run:
            run.outputs.update(_carried_out(workspace, dataset, table, action, vault))
            run.outputs[SAID] = workspace.put_json(SAID, {"upto": upto})
        done = Made(run.run_id, run.outputs, recorded=False)
    move_name(workspace, dataset, done.outputs["dataset"])
    changes = workspace.table(done.outputs["changes"])
    before, after = height(workspace, dataset), height(workspace, done.outputs["dataset"])
    dropped = changes.filter(pl.col("change") == "drop").height
    if before != after + dropped:
        raise AccountError(f"{before} rows in, {after} out, {dropped} dropped")
    return AppliedVersion(done, before, after, changes)


def _carried_out(
    workspace: Workspace, dataset: str, table: pl.DataFrame, action: Action, vault: Vault | None
) -> dict[str, str]:
    """What applying makes, by role; the vault is written first."""
    trace = Trace(keep_rows=vault is not None)
    applied = apply(
        workspace.examples(dataset),
        table,
        edits_of(workspace, table),
        style=action.style,
        numbered=action.numbered,
        scope=action.scope,
        key=action.key,
        trace=trace,
    )
    if vault is not None:
        clean = dataset_digest(applied.clean)
        vault.add(entry_of(dataset, clean, action.params(), trace, applied.clean))
        vault.save()
    made = {
        "dataset": workspace.put_dataset(applied.clean),
        "changes": workspace.put_table("changes", applied.changes),
    }
    if trace.fakes:
        fakes = {example: sorted(said) for example, said in sorted(trace.fakes.items())}
        made["fakes"] = workspace.put_json(FAKES, fakes)
    return made


def check_style(style: str) -> Style:
    """The style, if it is one."""
    for known in STYLES:
        if style == known:
            return known
    raise ConfigError(f"no style `{style}`", hint=f"one of {', '.join(STYLES)}")


def check_scope(scope: str) -> Scope:
    """The scope, if it is one."""
    for known in SCOPES:
        if scope == known:
            return known
    raise ConfigError(f"no scope `{scope}`", hint=f"one of {', '.join(SCOPES)}")


def height(workspace: Workspace, digest: str) -> int:
    """How many rows an artifact has, by the ledger."""
    return int(workspace.ledger.rows("select rows from artifact where digest = ?", digest)[0]["rows"])


def move_name(workspace: Workspace, old: str, new: str) -> None:
    """Let the name of a version mean the one made from it."""
    name = workspace.name_of(old)
    if name is not None:
        workspace.ledger.set_name(name, new)
