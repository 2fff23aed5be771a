"""What decides is declared before the answers are seen: the primary metric, margin, alpha and limits.

A declaration is kept as an artifact, so its digest is its hash, and as a run of its own, so that the
ledger knows when it was made. The last one before any answer to these rows binds. The first answer to
test rows for which nobody declared anything is preceded by a declaration of the defaults.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any, cast

import polars as pl

from curate.errors import ConfigError
from curate.workspace import Workspace
from evalharness.compare import ALPHA, MARGIN, must_be_sound
from evalharness.comparison import Check, Declaration, Declared, Limits, Settings
from evalharness.score import task_in
from evalharness.seal import TEST, predict_runs, shared
from evalharness.wording import plain, points

KIND = "declare"
ROLE = "declaration"
DECIDES = ("primary", "margin", "alpha")
LIMITS = tuple(Limits.__annotations__)


def usual_primary(examples: pl.DataFrame) -> str:
    """The metric that decides where nobody says: accuracy where answers begin with labels, else rougeL."""
    return "accuracy" if task_in(examples).labels else "rougeL"


def declare(
    workspace: Workspace,
    dataset: str,
    *,
    primary: str | None = None,
    margin: float = MARGIN,
    alpha: float = ALPHA,
    limits: Limits | None = None,
    by: str = KIND,
) -> Declaration:
    """Record what will decide on this version's test rows.

    After an answer to any of them it is recorded too, does not bind, and every report shows it.
    Raises ConfigError for values out of range and for a version without test rows.
    """
    wanted = Limits(**(limits or {}))
    must_be_sound(margin, alpha, wanted)
    examples = workspace.examples(dataset)
    test = examples.filter(pl.col("split") == TEST)
    if not test.height:
        raise ConfigError("this dataset has no test rows to declare anything of", hint="seatrial split")
    chosen: dict[str, object] = {
        "primary": primary or usual_primary(examples),
        "margin": margin,
        "alpha": alpha,
        "limits": wanted,
        "rows": test.height,
        "test": rows_digest(test),
    }
    with workspace.run(KIND, {"by": by, **chosen}, {"dataset": dataset}) as run:
        run.outputs[ROLE] = workspace.put_json(ROLE, chosen)
    found = declared(workspace, test)["all"]
    return next(each for each in found if each["run_id"] == run.run_id)


def declare_by_default(workspace: Workspace, dataset: str, split: str) -> Declaration | None:
    """Before the first answer to test rows: declare the defaults where nobody has declared anything.

    None where there was nothing to do: another split, rows that were answered before, or a declaration
    that stands.
    """
    if split != TEST:
        return None
    test = workspace.scan_examples(dataset).filter(pl.col("split") == TEST)
    if not test.select(pl.len()).collect().item():
        return None  # predict says so
    found = declared_of(workspace, dataset)
    if found["binding"] or found["first_answer"]:
        return None
    return declare(workspace, dataset, by="predict")


def declared_of(workspace: Workspace, dataset: str) -> Declared:
    """What was declared of a version's test rows."""
    rows = workspace.scan_examples(dataset).filter(pl.col("split") == TEST)
    return declared(workspace, rows.select("example_id", "content_hash").collect())


def rows_digest(test: pl.DataFrame) -> str:
    """Digest of which rows these are and what they say, whatever their order."""
    hasher = blake2b(digest_size=16)
    for row in test.select("example_id", "content_hash").sort("example_id").iter_rows():
        hasher.update(json.dumps(row).encode())
    return hasher.hexdigest()


def declared(workspace: Workspace, test: pl.DataFrame) -> Declared:
    """Everything that was declared of any of these rows, in any version, and what of it binds.

    `test` has example_id and content_hash.
    """
    known: dict[tuple[str, str], bool] = {}

    def concerned(dataset: str, split: str) -> bool:
        if (dataset, split) not in known:
            holds = dataset and workspace.store.holds(dataset)
            rows = workspace.scan_examples(dataset).filter(pl.col("split") == split) if holds else None
            these = None if rows is None else rows.select("example_id", "content_hash").collect()
            known[dataset, split] = these is not None and bool(shared(test, these))
        return known[dataset, split]

    answers = [run.started_at for run in predict_runs(workspace) if concerned(run.dataset, run.split)]
    first = min(answers, default=None)
    query = """select run.run_id, params, started_at, i.digest as dataset, o.digest from run
               join run_end using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.role = 'dataset'
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = ?
               where kind = ? and error is null order by started_at, run.run_id"""
    made = [
        _declaration(row, first)
        for row in workspace.ledger.rows(query, ROLE, KIND)
        if concerned(str(row["dataset"]), TEST)
    ]
    before = [each for each in made if each["before"]]
    return Declared(binding=before[-1] if before else None, all=made, first_answer=first)


def _declaration(row: Any, first_answer: str | None) -> Declaration:  # noqa: ANN401  a row of the ledger
    params = json.loads(row["params"])
    return Declaration(
        digest=str(row["digest"]),
        run_id=str(row["run_id"]),
        declared_at=str(row["started_at"]),
        by=params["by"],
        before=first_answer is None or str(row["started_at"]) < first_answer,
        primary=str(params["primary"]),
        margin=float(params["margin"]),
        alpha=float(params["alpha"]),
        limits=cast("Limits", params["limits"]),
    )


def differs(chosen: Settings, bound: Declaration) -> list[str]:
    """The names of what is decided by otherwise than was declared."""
    names = [key for key in DECIDES if chosen[key] != bound[key]]  # type: ignore[literal-required]
    limits, told = chosen.get("limits", {}), bound["limits"]
    return names + [f"limit of {key}" for key in LIMITS if limits.get(key) != told.get(key)]


def check_settings(found: Declared, chosen: Settings, usual: str) -> Check:
    """Whether what decides was fixed before any answer could be seen.

    `usual` is the primary metric that the program takes where nobody says: with nothing declared, only
    the program's own defaults were fixed before.
    """
    name, bound = "settings fixed before", found["binding"]
    if bound is None:
        same = (chosen["primary"], chosen["margin"], chosen["alpha"]) == (usual, MARGIN, ALPHA)
        if same and not chosen.get("limits"):
            said = f"nothing was declared: the program's own defaults, {said_of(chosen)}"
            return Check(check=name, state="pass", required=True, detail=said, remedy="")
        return Check(
            check=name,
            state="fail",
            required=True,
            detail=f"{said_of(chosen)}: not declared before these rows were answered, and not the defaults",
            remedy=f"seatrial compare --primary {usual} --margin {MARGIN:g} --alpha {ALPHA:g}, or fresh test rows "
            "and seatrial declare before they are answered",
        )
    who = "by default" if bound["by"] == "predict" else "by hand"
    when = f"declared {who} on {bound['declared_at'][:16].replace('T', ' ')}, before any answer"
    others = differs(chosen, bound)
    if others:
        return Check(
            check=name,
            state="fail",
            required=True,
            detail=f"{when}: {said_of(bound)} ({bound['digest'][:8]}); this comparison has {said_of(chosen)}",
            remedy="seatrial compare without options takes what was declared; other settings need fresh test rows",
        )
    later = sum(not each["before"] for each in found["all"])
    changed = f"; {later} declared after the answers, which do not bind" if later else ""
    return Check(
        check=name,
        state="pass",
        required=True,
        detail=f"{said_of(bound)}, {when} ({bound['digest'][:8]}){changed}",
        remedy="",
    )


def said_of(what: Settings | Declaration) -> str:
    """The settings in a line, as `primary accuracy, margin 1.0 point, alpha .05`."""
    words = f"primary {what['primary']}, margin {points(what['margin'])}, alpha {plain(what['alpha'])}"
    limits = cast("dict[str, float]", what.get("limits") or {})
    return words + "".join(
        f", {name.replace('_', ' ')} {plain(value)}" for name, value in sorted(limits.items())
    )
