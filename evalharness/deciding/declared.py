"""What decides is declared before the answers are seen: the primary metric, margin, alpha, seed and limits.

A declaration is kept as an artifact, so its digest is its hash, and as a run of its own, so that the
ledger knows when it was made. The last one before any answer to these rows binds. The first answer to
test rows for which nobody declared anything is preceded by a declaration of the defaults.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import Any, cast

import polars as pl

from curate.errors import ConfigError
from curate.workspace import Workspace
from evalharness.deciding.compare import ALPHA, MARGIN
from evalharness.deciding.comparison import Check, Declaration, Declared, Limits, Prices, Settings, State
from evalharness.deciding.content import FORM, Scored, built_in, content_digest, form_digest
from evalharness.deciding.probed import LIKELIHOODS
from evalharness.deciding.seal import TEST, Reading, answered, predict_runs, shared, shared_ids
from evalharness.deciding.sound import must_be_sound
from evalharness.deciding.wording import plain, points, prices_words
from evalharness.metrics import Format
from evalharness.scoring.primary import must_decide
from evalharness.scoring.score import task_in

KIND = "declare"
ROLE = "declaration"
DECIDES = ("primary", "margin", "alpha", "seed")
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
    seed: int = 0,
    content: Mapping[str, Any] | None = None,
    form: Format | None = None,
    prices: Prices | None = None,
    waived: Collection[str] = (),
) -> Declaration:
    """Record what will decide on this version's test rows.

    `content` is what a score run records of a primary metric that is not built in, `form` the form that
    answers must have where it is not that of the labels. `waived` are probes that no endpoint can be asked and
    that a fine-tune behind one may lack.

    After an answer to any of them it is recorded too, does not bind, and every report shows it.
    Raises ConfigError for values out of range and for a version without test rows.
    """
    wanted = Limits(**(limits or {}))
    must_be_sound(margin, alpha, wanted)
    if seed < 0:
        raise ConfigError(f"the seed is {seed}", hint="a whole number from 0 on")
    _must_be_priced(wanted, prices)
    for name in waived:
        if name not in LIKELIHOODS:
            raise ConfigError(
                f"--waive {name}", hint=f"{' or '.join(LIKELIHOODS)}: an endpoint can be asked all else"
            )
    if primary is not None:
        must_decide(primary)
    examples = workspace.examples(dataset)
    test = examples.filter(pl.col("split") == TEST)
    if not test.height:
        raise ConfigError("this dataset has no test rows to declare anything of", hint="seatrial split")
    chosen: dict[str, object] = {
        "primary": primary or usual_primary(examples),
        "margin": margin,
        "alpha": alpha,
        "limits": wanted,
        "seed": seed,
        "content": content_digest(content),
        "form": form_digest({"regex": form.regex, "schema": form.schema}) if form else None,
        "prices": prices,
        "waived": sorted(set(waived)),
        "rows": test.height,
        "test": rows_digest(test),
    }
    with workspace.run(KIND, {"by": by, **chosen}, {"dataset": dataset}) as run:
        run.outputs[ROLE] = workspace.put_json(ROLE, chosen)
    found = declared(workspace, test)["all"]
    return next(each for each in found if each["run_id"] == run.run_id)


def _must_be_priced(limits: Limits, prices: Prices | None) -> None:
    if "cost" in limits and prices is None:
        raise ConfigError(
            "a limit of cost needs prices", hint="--price-in and --price-out, of a million tokens"
        )
    for value in (prices or {}).values():
        if not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise ConfigError(f"a price of {value}", hint="of a million tokens, 0 or more")


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
    every = [run for run in predict_runs(workspace) if run.dataset]

    def concerned(dataset: str, split: str) -> bool:
        if (dataset, split) not in known:
            rows = workspace.scan_examples(dataset).filter(pl.col("split") == split)
            these = rows.select("example_id", "content_hash").collect()
            known[dataset, split] = bool(shared(test, these))
        return known[dataset, split]

    def answers_these(run: Reading) -> bool:
        if workspace.store.holds(run.dataset):
            return concerned(run.dataset, run.split)
        return bool(shared_ids(workspace, run, test))

    first = min((run.started_at for run in every if answers_these(run)), default=None)
    query = """select run.run_id, params, started_at, i.digest as dataset, o.digest from run
               join run_end using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.role = 'dataset'
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = ?
               where kind = ? and error is null order by started_at, run.run_id"""
    made = [
        _declaration(row, first)
        for row in workspace.ledger.rows(query, ROLE, KIND)
        if json.loads(row["params"]).get("test") == rows_digest(test)
        or (workspace.store.holds(str(row["dataset"])) and concerned(str(row["dataset"]), TEST))
    ]
    before = [each for each in made if each["before"]]
    binding = before[-1] if before else None
    since = binding["declared_at"] if binding else ""
    untold = [run.run_id for run in every if run.started_at < since and answered(workspace, run) is None]
    return Declared(binding=binding, all=made, first_answer=first, untold=untold)


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
        seed=int(params.get("seed", 0)),
        content=params.get("content"),
        form=params.get("form"),
        prices=params.get("prices"),
        waived=list(params.get("waived", ())),
    )


def differs(chosen: Settings, bound: Declaration) -> list[str]:
    """The names of what is decided by otherwise than was declared."""
    now, then = cast("dict[str, object]", chosen), cast("dict[str, object]", bound)
    names = [key for key in DECIDES if now.get(key, 0) != then.get(key, 0)]
    limits, told = chosen.get("limits", {}), bound["limits"]
    return names + [f"limit of {key}" for key in LIMITS if limits.get(key) != told.get(key)]


def check_settings(found: Declared, chosen: Settings, usual: str, scored: Scored | None = None) -> Check:
    """Whether what decides was fixed before any answer could be seen.

    `usual` is the primary metric that the program takes where nobody says: with nothing declared, only
    the program's own defaults were fixed before. `scored`: by what the compared scores were made.
    """
    scored, bound = scored or Scored(), found["binding"]
    if bound is None:
        return _undeclared(chosen, usual, scored)
    who = "by default" if bound["by"] == "predict" else "by hand"
    when = f"declared {who} on {bound['declared_at'][:16].replace('T', ' ')}, before any answer"
    if differs(chosen, bound):
        return _fixed(
            "fail",
            f"{when}: {said_of(bound)} ({bound['digest'][:8]}); this comparison has {said_of(chosen)}",
            "seatrial compare without options takes what was declared; other settings need fresh test rows",
        )
    if other := _other_content(bound, scored):
        return _fixed(
            "fail",
            f"{when}: {said_of(bound)} ({bound['digest'][:8]}); {other} since",
            "seatrial score with what was declared; another metric or form needs fresh test rows",
        )
    if unsaid := _unsaid(chosen, bound, usual, scored):
        return unsaid
    if (untold := found.get("untold")) and not _defaults(chosen, usual):
        return _fixed(
            "not measured",
            f"run {untold[0]} came before the declaration, and its rows are not here any more: it may have answered these",
            "import and split the version that was purged again, so that its rows can be told from these",
        )
    later = sum(not each["before"] for each in found["all"])
    changed = f"; {later} declared after the answers, which do not bind" if later else ""
    return _fixed("pass", f"{said_of(bound)}, {when} ({bound['digest'][:8]}){changed}")


def _undeclared(chosen: Settings, usual: str, scored: Scored) -> Check:
    if _defaults(chosen, usual):
        said = f"nothing was declared: the program's own defaults, {said_of(chosen)}"
        return _unsaid(chosen, None, usual, scored) or _fixed("pass", said)
    return _fixed(
        "fail",
        f"{said_of(chosen)}: not declared before these rows were answered, and not the defaults",
        f"seatrial compare --primary {usual} --margin {MARGIN:g} --alpha {ALPHA:g}, or fresh test rows "
        "and seatrial declare before they are answered",
    )


def _fixed(state: State, detail: str, remedy: str = "") -> Check:
    return Check(check="settings fixed before", state=state, required=True, detail=detail, remedy=remedy)


def _defaults(chosen: Settings, usual: str) -> bool:
    """Whether these are the program's own, which nobody could choose."""
    same = (chosen["primary"], chosen["margin"], chosen["alpha"]) == (usual, MARGIN, ALPHA)
    return same and not chosen.get("seed") and not chosen.get("limits")


def _other_content(bound: Declaration, scored: Scored) -> str | None:
    """In what the scores were made by something else than was declared, in words."""
    content, form = bound.get("content"), bound.get("form")
    if content is not None and scored.content is not None and content != scored.content:
        return f"{bound['primary']} was changed (its text, settings or judge)"
    if form is not None and form != scored.form:
        return "the form that answers must have was changed"
    return None


def _unsaid(chosen: Settings, bound: Declaration | None, usual: str, scored: Scored) -> Check | None:
    """Not measured: where what decides is not built in, and its content stands in no declaration."""
    primary = chosen["primary"]
    content, form = (bound.get("content"), bound.get("form")) if bound else (None, None)
    if not built_in(primary) and (content is None or scored.content is None):
        where = "declared" if content is None else "recorded with the scores"
        return _fixed(
            "not measured",
            f"{primary} is not built in, and what it does was not {where}: it may have been changed",
            "fresh test rows, and seatrial declare with the file or judge itself before they are answered",
        )
    # without labels a form adds a condition; where there are labels it takes the place of theirs
    if form is None and scored.form is not None and (primary == FORM or usual == "accuracy"):
        return _fixed(
            "not measured",
            "the form that answers must have came with the scores and was not declared before any answer",
            "fresh test rows, and seatrial declare with the form before they are answered",
        )
    return None


def said_of(what: Settings | Declaration) -> str:
    """The settings in a line, as `primary accuracy, margin 1.0 point, alpha .05`."""
    words = f"primary {what['primary']}, margin {points(what['margin'])}, alpha {plain(what['alpha'])}"
    words += f", seed {what['seed']}" if what.get("seed") else ""
    limits = cast("dict[str, float]", what.get("limits") or {})
    words += "".join(f", {name.replace('_', ' ')} {plain(value)}" for name, value in sorted(limits.items()))
    if prices := what.get("prices"):
        words += f", {prices_words(prices)}"
    return words + "".join(f", without {name} at an endpoint" for name in what.get("waived") or ())
