"""The command `predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curate.answer import Answer
from curate.visible import visible
from evalharness.commands import options

if TYPE_CHECKING:
    from curate.workspace import Workspace
    from evalharness.asking.predict import Answerer, Asking, Predicted
    from evalharness.commands.asked import Asked, Given, Model
    from evalharness.tuning.tune import Tuned

ARM = Annotated[
    list[str] | None,
    typer.Option(help="base, few-shot, rag, tuned; or tuned-rag"),
]
SPLIT = Annotated[str, typer.Option(help="train, validation or test")]
SHOTS = Annotated[int | None, typer.Option(help="few-shot: examples shown", min=1)]
NEIGHBOURS = Annotated[int | None, typer.Option(help="rag: nearest shown", min=1)]
MAX_DF = Annotated[
    float | None,
    typer.Option(help="rag: commoner words do not count", min=0, max=1, hidden=True),
]
SEED = Annotated[int | None, typer.Option(help="few-shot: which are drawn", hidden=True)]
PROMPT_FILE = Annotated[Path | None, typer.Option(help="your own system message")]
TUNED_MODEL = Annotated[str | None, typer.Option(help="the fine-tune's name there")]
AS = Annotated[
    str | None,
    typer.Option("--as", help="one more arm there: served:NAME", hidden=True),
]
UNTUNED = Annotated[bool, typer.Option("--untuned", help="nothing from seatrial tune")]
AGAIN = Annotated[bool, typer.Option("--again", help="ask even if nothing has changed")]

NO_ADAPTER = "no adapter trained on this dataset: the arm tuned was left out (seatrial train makes one)"
RARE: dict[str, type] = {
    "choice": str, "retriever": str, "encoder": str, "continuous": bool, **options.SERVED,
}  # fmt: skip


def predict(
    dataset: options.DATASET = None,
    arm: ARM = None,
    adapter: options.ADAPTER = None,
    base: options.BASE = "tiny",
    split: SPLIT = "test",
    limit: options.LIMIT = None,
    shots: SHOTS = None,
    neighbours: NEIGHBOURS = None,
    documents: options.DOCUMENTS = None,
    max_df: MAX_DF = None,
    seed: SEED = None,
    prompt_file: PROMPT_FILE = None,
    untuned: UNTUNED = False,
    max_new_tokens: options.MAX_NEW = None,
    quantization: options.QUANTIZATION = "auto",
    device: options.DEVICE = "auto",
    threads: options.THREADS = None,
    endpoint: options.ENDPOINT = None,
    model: options.MODEL = "",
    tuned_model: TUNED_MODEL = None,
    served_as: AS = None,
    key_env: options.KEY_ENV = "SEATRIAL_JUDGE_KEY",
    setting: options.SET = None,
    again: AGAIN = False,
) -> Answer:
    """Answer a split with the arms: base, few-shot, rag, tuned."""
    from evalharness.asking.instructions import read
    from evalharness.asking.predict import Asking
    from evalharness.commands.asked import Given, Model

    more: dict[str, Any] = options.settings(setting, RARE)
    served: dict[str, Any] = {**options.served(more), "continuous": bool(more.get("continuous"))}
    whom = Model(base, quantization, device, threads, endpoint, model, tuned_model, key_env, **served)
    given = Given(shots, more.get("choice"), seed, neighbours, more.get("retriever"), max_df)
    own = read(prompt_file, "--prompt-file") or None if prompt_file else None
    asking = Asking(split, limit, max_new_tokens, own)
    return _predict(dataset, arm, adapter, whom, given, asking, documents, served_as, untuned, again, more)


def _predict(
    dataset: str | None,
    names: list[str] | None,
    adapter: list[str] | None,
    whom: Model,
    given: Given,
    asking: Asking,
    documents: Path | None,
    served_as: str | None,
    untuned: bool,
    again: bool,
    more: dict[str, Any],
) -> Answer:
    from curate.workspace import Workspace
    from evalharness.asking.arms import is_tuned
    from evalharness.asking.predict import predict as ask
    from evalharness.commands.asked import adapters_of, must_be_arms, prepare
    from evalharness.deciding.declared import declare_by_default, said_of

    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    alone = bool(names) and not any(map(is_tuned, names or ()))
    adapters = [] if whom.endpoint or alone else adapters_of(workspace, digest, adapter)
    tuned = bool(whom.tuned_model) if whom.endpoint else bool(adapters)
    answerer = whom.answerer(adapters)
    if served_as:
        wanted, asking = _as_one_arm(workspace, digest, whom, served_as, names, asking)
    else:
        wanted = must_be_arms(names, tuned=tuned, adapters=adapters)
    tuning = None if untuned or served_as else _tuning(workspace, digest, answerer)
    asked = prepare(
        workspace, digest, wanted, given, tuning,
        documents=documents, encoder=more.get("encoder", "auto"), prompted=bool(asking.instruction),
    )  # fmt: skip
    _warn(workspace, digest, asking.split, _untuned(asked))
    stands = declare_by_default(workspace, digest, asking.split)
    done = ask(
        workspace, digest, asked.arms, answerer, asking, again=again, pool=asked.pool, origins=asked.origins
    )
    lines = [f"{workspace.name_of(digest) or digest[:8]}, {asking.split} rows, {_model(done[0])}"]
    lines += [f"declared, before any answer: {said_of(stands)}"] if stands else []
    lines += _of_tuning(tuning, asked, asking.split)
    for each in done:
        lines += _told(each)
    if not tuned and not names and not served_as:
        lines.append(NO_ADAPTER)
    failed = any(each.notes.get("may_work") for each in done)
    again_first = "the same command asks again what failed; then " if failed else ""
    lines.append(f"next: {again_first}seatrial score")
    data = {
        "dataset": digest,
        "split": asking.split,
        "tuning": tuning.digest if tuning else None,
        "arms": [_data(each) for each in done],
    }
    return Answer(lines, data)


def _untuned(asked: Asked) -> list[str]:
    """The baselines that are asked without what a tuning chose."""
    return [
        name
        for name in ("base", "few-shot", "rag")
        if name in asked.origins and not asked.origins[name].tuning
    ]


def _warn(workspace: Workspace, dataset: str, split: str, untuned: list[str]) -> None:
    """Say what no answer will make pass: now, for once the answers are given the test was read."""
    from evalharness.deciding.ahead import hopeless, warning
    from evalharness.deciding.seal import TEST

    if split == TEST:
        for line in warning(hopeless(workspace, dataset, untuned)):
            typer.echo(line, err=True)


def _tuning(workspace: Workspace, dataset: str, answerer: Answerer) -> Tuned | None:
    """The newest tuning of this version on this model."""
    from evalharness.asking.arms import Base
    from evalharness.tuning.tune import newest

    return newest(workspace, dataset, answerer.identity(Base())[0])


def _as_one_arm(
    workspace: Workspace, dataset: str, whom: Model, name: str, names: list[str] | None, asking: Asking
) -> tuple[list[str], Asking]:
    """The arm `served:NAME`, with the longest answer that the other arms were asked for."""
    from dataclasses import replace

    from curate.errors import ConfigError
    from evalharness.asking.arms import SERVED

    if not whom.endpoint or names:
        raise ConfigError(
            f"--as {name} asks a model at an endpoint, and no arm beside it",
            hint="--endpoint URL --model NAME",
        )
    if asking.max_new_tokens is None:
        asking = replace(asking, max_new_tokens=_longest(workspace, dataset, asking.split))
    return [SERVED + name], asking


def _longest(workspace: Workspace, dataset: str, split: str) -> int | None:
    """The longest answer that the newest run on this split asked for; None where there is none."""
    import json

    query = """select params, o.digest from run join run_end using (run_id)
               join run_artifact i on i.run_id = run.run_id and i.direction = 'in' and i.digest = ?
               join run_artifact o on o.run_id = run.run_id and o.direction = 'out' and o.role = 'notes'
               where run.kind = 'predict' and error is null order by ended_at desc, run.run_id desc"""
    for row in workspace.ledger.rows(query, dataset):
        notes = workspace.json(row["digest"])
        if json.loads(row["params"]).get("split") == split and isinstance(notes, dict):
            return int(notes["max_new_tokens"])
    return None


def _model(done: Predicted) -> str:
    facts = done.notes["model"]
    if "endpoint" in facts:
        return f"{facts['base']} at {facts['endpoint']}"
    return (
        f"base {facts['base']} ({facts['quantization']}, {facts['device']}): {facts['quantization_reason']}"
    )


def _of_tuning(tuning: Tuned | None, asked: Asked, split: str) -> list[str]:
    """What the tuned settings are and where they come from."""
    told = {name: origin.tuning for name, origin in asked.origins.items() if origin.tuning}
    if tuning is None or not told:
        plain = _untuned(asked) if split == "test" else []
        said = f"  not tuned: {', '.join(plain)}; a SHIP needs seatrial tune, and this command again"
        return [said] if plain else []
    first = f"  settings by seatrial tune, run {tuning.run_id}, {tuning.found['rows']:,} validation rows:"
    return [first, *(f"    {name:<9} {words['chosen']}" for name, words in told.items())]


def _told(each: Predicted) -> list[str]:
    notes: dict[str, Any] = each.notes
    took = f"{notes['seconds']:.1f} s" if each.fresh else "recorded before, nothing has changed"
    line = f"  {each.arm:<9} {notes['questions'] - notes['errors']:,} answers, {notes['errors']:,} errors, {took}"
    said = [line + f"  [{each.digest[:8]}]"]
    said += [
        f"            {count:,} failed: {visible(reason)}" for reason, count in notes.get("failures", ())
    ]
    at = notes.get("recall_at") or {}
    if at:
        steps = ", ".join(f"{value:.0%} at {count}" for count, value in at.items())
        what = "the right label was" if notes["recall_by"] == "label" else "of the answers' words there were"
        said.append(f"            {what} among what prompts showed: {steps}")
    if notes["shown_cut"]:
        said.append(
            f"            {notes['shown_cut']:,} prompts had room for fewer examples, at least {notes['shown_fewest']}"
        )
    if notes["instruction"]:
        said.append(f"            {notes['instruction']}")
    if notes["unknown_labels"]:
        said.append(f"            {notes['unknown_labels']:,} rows have a label that no train row has")
    if notes.get("trained_on"):
        said.append(f"            {notes['trained_on']:,} of these rows were among its training rows")
    return said


def _data(each: Predicted) -> dict[str, object]:
    return {
        "arm": each.arm,
        "predictions": each.digest,
        "run": each.run_id,
        "fresh": each.fresh,
        "notes": each.notes,
    }
