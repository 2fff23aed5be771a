"""The adapters of a workspace: which there are, which one a name means now, and the way back.

A name is a row of the ledger, so promoting and going back is one row written; what it meant before stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from curate.errors import ConfigError, GateError, SourceError, WorkspaceError
from curate.workspace import Workspace
from evalharness.deciding.comparison import Comparison
from evalharness.models.adapted import is_reward
from evalharness.models.loaded import LoadedModel, import_peft, load_model
from evalharness.models.model_files import TINY, adapter_notes, find_base

CHAMPION = "champion"
SHIP = "SHIP"
VLLM_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # what `--max-lora-rank` takes


@dataclass(frozen=True)
class Adapter:
    """One adapter, with the names that mean it now."""

    digest: str
    added_at: str
    names: tuple[str, ...]
    folder: Path | None  # None where it was purged
    told: dict[str, Any]  # training.json
    verdict: str  # of the newest comparison that it was in; empty where it was in none


def adapters(workspace: Workspace) -> list[Adapter]:
    """All adapters of the workspace, newest first."""
    rows = workspace.ledger.rows(
        "select * from artifact where kind = 'adapter' order by added_at desc, digest"
    )
    verdicts = {digest: said for digest, _, said in _verdicts(workspace)}
    named = workspace.ledger.rows("select name, digest from latest_name order by name_id")
    found = []
    for row in rows:
        digest = str(row["digest"])
        names = tuple(each["name"] for each in named if each["digest"] == digest)
        folder = workspace.files(digest) if workspace.store.holds(digest) else None
        told = _notes(folder) if folder else {}
        found.append(Adapter(digest, row["added_at"], names, folder, told, verdicts.get(digest, "")))
    return found


def adapter(workspace: Workspace, reference: str | None) -> Adapter:
    """One of them, by name or digest; the newest by default. WorkspaceError where its files are damaged."""
    digest = workspace.artifact("adapter", reference)
    workspace.files(digest)  # NotFoundError where it was purged
    whole(workspace, digest)
    return next(each for each in adapters(workspace) if each.digest == digest)


def _notes(folder: Path) -> dict[str, Any]:
    """Its training.json; nothing where that cannot be read any more."""
    try:
        return adapter_notes(folder)
    except SourceError:
        return {}


def _verdicts(workspace: Workspace) -> Iterator[tuple[str, str, str]]:
    """(adapter, comparison, outcome) of each comparison that is here, oldest first."""
    # made again, a comparison is the newest: what counts is when a run ended with it, not when it first came
    query = """select o.digest, max(run_end.ended_at) as at from run join run_end using (run_id)
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out'
               join artifact on artifact.digest = o.digest and artifact.kind = 'comparison'
               where run.kind = 'compare' and error is null group by o.digest order by at"""
    for row in workspace.ledger.rows(query):
        if workspace.store.holds(row["digest"]):
            found = cast("Comparison", workspace.json(row["digest"]))
            yield found["artifacts"].get("adapter", ""), str(row["digest"]), found["verdict"]["outcome"]


def history(workspace: Workspace, name: str) -> list[tuple[str, str]]:
    """(digest, since when) of all that a name has meant, oldest first."""
    rows = workspace.ledger.rows("select digest, named_at from name where name = ? order by name_id", name)
    return [(str(row["digest"]), str(row["named_at"])) for row in rows]


def way_back(workspace: Workspace, name: str) -> list[str]:
    """What a name has meant, without what was gone back from: its last is what it means, before it the way back."""
    # also of runs without an end: one that was killed may have set the name
    query = """select i.digest, started_at from run
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.role = 'adapter'
               where kind = 'rollback' and json_extract(params, '$.name') = ? order by started_at, run.run_id"""
    back = [(str(row["digest"]), str(row["started_at"])) for row in workspace.ledger.rows(query, name)]
    stack: list[str] = []
    for digest, at in history(workspace, name):
        gone = next((place for place, (to, since) in enumerate(back) if to == digest and since <= at), None)
        if gone is not None and len(stack) > 1 and digest == stack[-2]:
            stack.pop()
            del back[: gone + 1]
        elif not stack or digest != stack[-1]:
            stack.append(digest)
    return stack


def must_be_a_name(name: str) -> None:
    """ConfigError for what is empty, a path, or could be taken for an option."""
    if not name.strip() or name in (".", "..") or name.startswith("-") or set(name) & set("/\\\n\t\0"):
        hint = "letters, digits, dots, dashes; such as --as tickets-2"
        raise ConfigError(f"--as {name!r}: not a name", hint=hint)


def must_name_adapters(workspace: Workspace, name: str) -> None:
    """ConfigError where a name is none, or means something that is no adapter."""
    must_be_a_name(name)
    query = "select kind from name join artifact using (digest) where name = ? and kind <> 'adapter'"
    for row in workspace.ledger.rows(query, name):
        raise ConfigError(f"`{name}` names a {row['kind']}", hint="choose another name with --as")


def must_be_free(workspace: Workspace, name: str) -> None:
    """ConfigError for a name that only `promote` moves: its verdict and its checks would be passed by."""
    must_name_adapters(workspace, name)
    query = "select 1 from run where kind in ('promote', 'rollback') and json_extract(params, '$.name') = ?"
    if name == CHAMPION or workspace.ledger.rows(query, name):
        raise ConfigError(
            f"`{name}` is moved by promotion alone",
            hint="give another name with --as, then seatrial adapters promote",
        )


def must_ship(workspace: Workspace, digest: str, *, anyway: bool) -> tuple[str | None, str]:
    """(comparison, outcome) of the newest comparison that the adapter was in; GateError unless it says SHIP.

    With `anyway` what it says is returned, to be recorded.
    """
    found = [(comparison, said) for subject, comparison, said in _verdicts(workspace) if subject == digest]
    comparison, said = found[-1] if found else (None, "never compared")
    if said != SHIP and not anyway:
        raise GateError(
            f"{digest[:12]} is not to be promoted: {said}",
            hint=(
                "seatrial verdict says why"
                if found
                else "seatrial predict, score and compare bring a verdict"
            )
            + "; --anyway promotes all the same, and is recorded",
        )
    return comparison, said


def whole(workspace: Workspace, digest: str) -> None:
    """WorkspaceError unless an adapter's files are to the byte those that were kept."""
    if workspace.store.derive(digest, "adapter") != digest:
        raise WorkspaceError(
            f"adapter {digest[:12]} is damaged: its files are not as they were kept",
            hint="seatrial verify lists which",
        )


def point(
    workspace: Workspace, kind: str, name: str, digest: str, params: dict[str, Any], **inputs: str
) -> str:
    """Let `name` mean an adapter from now on, as a recorded run; returns the run's id."""
    with workspace.run(kind, {"name": name, **params}, {"adapter": digest, **inputs}) as run:
        workspace.ledger.set_name(name, digest)
    return run.run_id


def rollback(workspace: Workspace, name: str) -> tuple[str, str]:
    """Let `name` mean again what it meant before, whose bytes are looked at first; (from, to).

    It was loaded and checked when it was promoted: equal bytes load equally.
    """
    stack = way_back(workspace, name)
    if len(stack) < 2:
        what = "means nothing" if not stack else f"has meant nothing before {stack[0][:12]}"
        raise ConfigError(
            f"`{name}` {what}", hint="seatrial adapters promote NAME lets a name mean an adapter"
        )
    must_name_adapters(workspace, name)
    whole(workspace, stack[-2])
    point(workspace, "rollback", name, stack[-2], {"from": stack[-1]})
    return stack[-1], stack[-2]


def serving(each: Adapter) -> str:
    """The command by which vLLM serves the adapter beside its base, or why it cannot."""
    if each.folder is None:
        return "purged: it cannot be served"
    path = each.folder / "adapter_config.json"
    if not path.is_file():
        return f"vllm serve {each.folder}"  # a whole model
    config = json.loads(path.read_text(encoding="utf-8"))
    ranks = [rank for rank in VLLM_RANKS if rank >= int(config.get("r") or 0)]
    against = {
        f"it serves no {config.get('peft_type')}": config.get("peft_type") != "LORA",
        "it serves no DoRA": config.get("use_dora"),
        "it takes no embeddings with an adapter": config.get("modules_to_save"),
        "the rank is above what it takes": not ranks,
    }
    if reasons := [reason for reason, holds in against.items() if holds]:
        return f"not by vLLM, {reasons[0]}: seatrial adapters merge, and serve the merged model"
    name = each.names[-1] if each.names else each.digest[:12]
    base = each.told.get("base") or config.get("base_model_name_or_path")
    held = " --quantization bitsandbytes" if each.told.get("quantization") == "nf4" else ""
    return (
        f"vllm serve {find_base(TINY) if base == TINY else base}{held} --enable-lora --max-lora-rank {ranks[0]} "
        f"--lora-modules {name}={each.folder}"
    )


def load(each: Adapter) -> LoadedModel:
    """The adapter on its base, held as it was trained."""
    base = each.told.get("base")
    if base is None or each.folder is None:
        raise ConfigError(
            f"adapter {each.digest[:12]} names no base", hint="seatrial adapters import FOLDER --base BASE"
        )
    import_peft()  # before transformers imports what peft imports, and less quietly
    return load_model(str(base), adapter=each.folder, scores=is_reward(each.folder))
