"""The commands `predict` and `score`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from curate.answer import Answer

if TYPE_CHECKING:
    from curate.workspace import Workspace
    from evalharness.answerers import Local, Served
    from evalharness.arms import Arm
    from evalharness.judge import Judge
    from evalharness.metrics import Format
    from evalharness.predict import Predicted
    from evalharness.score import Mean

DATASET = Annotated[str | None, typer.Argument(help="name or digest; by default the one named last")]
ARM = Annotated[
    list[str] | None,
    typer.Option(help="base, few-shot, rag or tuned; may be repeated; by default all that can be asked"),
]
ADAPTER = Annotated[
    str | None,
    typer.Option(help="digest of an adapter, or its folder; by default the newest trained on this dataset"),
]
BASE = Annotated[str, typer.Option(help="tiny, a folder, or the id of a model on the hub")]
SPLIT = Annotated[str, typer.Option(help="train, validation or test")]
LIMIT = Annotated[int | None, typer.Option(help="ask so many rows, drawn the same each time")]
SHOTS = Annotated[int, typer.Option(help="few-shot: train examples in the prompt", min=1)]
NEIGHBOURS = Annotated[int, typer.Option(help="rag: nearest train examples in the prompt", min=1)]
MAX_DF = Annotated[
    float,
    typer.Option(help="rag: words in more than this share of the train rows do not count", min=0, max=1),
]
SEED = Annotated[int, typer.Option(help="few-shot: which examples are drawn")]
PROMPT_FILE = Annotated[Path | None, typer.Option(help="your own system message for base, few-shot and rag")]
MAX_NEW = Annotated[
    int | None, typer.Option(help="longest answer in tokens; by default by the train answers' lengths", min=1)
]
QUANTIZATION = Annotated[Literal["auto", "nf4", "none"], typer.Option(help="how the base is held")]
DEVICE = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="where the base runs")]
THREADS = Annotated[int | None, typer.Option(help="processor threads", min=1)]
ENDPOINT = Annotated[
    str | None,
    typer.Option(help="ask a model behind an OpenAI-compatible address, as http://localhost:8000/v1"),
]
MODEL = Annotated[str, typer.Option(help="the model's name at the endpoint")]
TUNED_MODEL = Annotated[str | None, typer.Option(help="the fine-tune's name at the endpoint")]
KEY_ENV = Annotated[str, typer.Option(help="environment variable that holds the endpoint's key")]
AGAIN = Annotated[bool, typer.Option("--again", help="ask even if nothing has changed")]
PREDICTIONS = Annotated[
    list[str] | None,
    typer.Option(help="digest of one arm's predictions; may be repeated; by default the newest of each arm"),
]
ASKED = Annotated[str | None, typer.Option(help="which rows' predictions; by default those asked last")]
JUDGE = Annotated[
    str | None, typer.Option(help="the OpenAI-compatible address of a judge, as http://localhost:8000/v1")
]
JUDGE_MODEL = Annotated[str, typer.Option(help="the judge's name at its address")]
RUBRIC = Annotated[list[str] | None, typer.Option(help="helpful, tone, or a TOML file; may be repeated")]
REGEX = Annotated[str | None, typer.Option(help="the form that a whole answer must match")]
SCHEMA = Annotated[Path | None, typer.Option(help="a file with the JSON Schema that an answer must obey")]

KEY = "SEATRIAL_JUDGE_KEY"
RUBRICS = ("helpful",)


def predict(
    dataset: DATASET = None,
    arm: ARM = None,
    adapter: ADAPTER = None,
    base: BASE = "tiny",
    split: SPLIT = "test",
    limit: LIMIT = None,
    shots: SHOTS = 8,
    neighbours: NEIGHBOURS = 6,
    max_df: MAX_DF = 0.08,
    seed: SEED = 0,
    prompt_file: PROMPT_FILE = None,
    max_new_tokens: MAX_NEW = None,
    quantization: QUANTIZATION = "auto",
    device: DEVICE = "auto",
    threads: THREADS = None,
    endpoint: ENDPOINT = None,
    model: MODEL = "",
    tuned_model: TUNED_MODEL = None,
    key_env: KEY_ENV = KEY,
    again: AGAIN = False,
) -> Answer:
    """Answer a split with the arms: base, few-shot, rag, tuned."""
    from curate.workspace import Workspace
    from evalharness.arms import TUNED
    from evalharness.predict import Asking
    from evalharness.predict import predict as ask

    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    asking = Asking(split, limit, max_new_tokens, _instruction(prompt_file))
    found = None if endpoint or (arm and TUNED not in arm) else _adapter(workspace, digest, adapter)
    tuned = bool(tuned_model) if endpoint else found is not None
    arms = _arms(arm, tuned=tuned, shots=shots, neighbours=neighbours, max_df=max_df, seed=seed)
    answerer: Local | Served
    if endpoint:
        from evalharness.answerers import Served
        from evalharness.endpoint import Endpoint

        answerer = Served(Endpoint(endpoint, model, key_env), tuned_model)
    else:
        from evalharness.answerers import Local

        folder, kept = found or (None, None)
        answerer = Local(base, quantization, device, threads, folder, kept)
    done = ask(workspace, digest, arms, answerer, asking, again=again)
    lines = [f"{workspace.name_of(digest) or digest[:8]}, {split} rows, {_model(done[0])}"]
    for each in done:
        lines += _told(each)
    if len(done) < len(arms) or (not tuned and not arm):
        lines.append(
            "no adapter trained on this dataset: the arm tuned was left out (seatrial train makes one)"
        )
    lines.append("next: seatrial score")
    data = {"dataset": digest, "split": split, "arms": [_data(each) for each in done]}
    return Answer(lines, data)


def score(
    dataset: DATASET = None,
    predictions: PREDICTIONS = None,
    split: ASKED = None,
    judge: JUDGE = None,
    judge_model: JUDGE_MODEL = "",
    judge_key_env: KEY_ENV = KEY,
    rubric: RUBRIC = None,
    format_regex: REGEX = None,
    format_schema: SCHEMA = None,
) -> Answer:
    """Score the arms' answers: accuracy, F1, ROUGE, format, judge."""
    from curate.workspace import Workspace
    from evalharness.score import foreign, means, newest, task_in
    from evalharness.score import score as reckon

    form = _form(format_regex, format_schema)
    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    examples = workspace.examples(digest)
    chosen = _chosen(workspace, predictions) if predictions else newest(workspace, digest, split)
    judges = _judges(workspace, judge, judge_model, judge_key_env, rubric, alone=task_in(examples).whole)
    found = reckon(workspace, digest, chosen, judges=judges, form=form)
    rows = means(found.table, examples)
    lines = [f"{workspace.name_of(digest) or digest[:8]}: scores of {', '.join(chosen)}, as points"]
    lines += _table(rows)
    if not predictions and (other := foreign(workspace, digest, chosen)):
        lines.append(
            f"  newer answers by an adapter trained on other rows were left out: --predictions {other[:8]}"
        )
    lines.append("next: seatrial compare gives each difference with its interval")
    data = {
        "dataset": digest,
        "scores": found.digest,
        "run": found.run_id,
        "fresh": found.fresh,
        "predictions": chosen,
        "means": [row._asdict() | _calibration(row) for row in rows],
    }
    return Answer(lines, data)


# predict


def _instruction(path: Path | None) -> str | None:
    return _text(path, "--prompt-file").strip() or None if path else None


def _text(path: Path, option: str) -> str:
    from curate.errors import ConfigError

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{option} {path}: {error}", hint="it names a text file in UTF-8") from error


def _adapter(workspace: Workspace, dataset: str, reference: str | None) -> tuple[Path, str] | None:
    """(folder, digest) of an adapter in the workspace; a folder from elsewhere is taken in first."""
    from curate.errors import NotFoundError
    from evalharness.model_files import ADAPTER

    if reference is None:
        newest = workspace.made_from(dataset, kind="train", role="adapter")
        return (workspace.files(newest), newest) if newest else None
    try:
        kept = workspace.artifact("adapter", reference)
    except NotFoundError:
        folder = Path(reference)
        if not (folder / ADAPTER).is_file():
            raise
        kept = workspace.put_files("adapter", folder)
    return workspace.files(kept), kept


def _arms(
    names: list[str] | None, *, tuned: bool, shots: int, neighbours: int, max_df: float, seed: int
) -> list[Arm]:
    from curate.errors import ConfigError
    from evalharness.arms import ARMS, BASE, FEW_SHOT, RAG, TUNED, Base, FewShot, Rag, Tuned

    every: dict[str, Arm] = {
        BASE: Base(),
        FEW_SHOT: FewShot(shots, seed),
        RAG: Rag(neighbours, max_df),
        TUNED: Tuned(),
    }
    for name in names or ():
        if name not in every:
            raise ConfigError(f"--arm {name}: no such arm", hint=f"the arms are {', '.join(ARMS)}")
    if names and TUNED in names and not tuned:
        raise ConfigError(
            "the arm tuned needs an adapter, and none was trained on this dataset",
            hint="seatrial train makes one; --adapter names one; at an endpoint --tuned-model does",
        )
    wanted = names or [name for name in ARMS if name != TUNED or tuned]
    return [every[name] for name in ARMS if name in wanted]


def _model(done: Predicted) -> str:
    facts = done.notes["model"]
    if "endpoint" in facts:
        return f"{facts['base']} at {facts['endpoint']}"
    return (
        f"base {facts['base']} ({facts['quantization']}, {facts['device']}): {facts['quantization_reason']}"
    )


def _told(each: Predicted) -> list[str]:
    notes: dict[str, Any] = each.notes
    took = f"{notes['seconds']:.1f} s" if each.fresh else "recorded before, nothing has changed"
    line = f"  {each.arm:<9} {notes['questions'] - notes['errors']:,} answers, {notes['errors']:,} errors, {took}"
    said = [line + f"  [{each.digest[:8]}]"]
    if notes["recall"] is not None:
        said.append(
            f"            the right label was among the examples shown in {notes['recall']:.0%} of prompts"
        )
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


# score


def _form(regex: str | None, schema: Path | None) -> Format | None:
    from curate.errors import ConfigError
    from evalharness.metrics import Format

    if regex is not None and schema is not None:
        raise ConfigError(
            "--format-regex and --format-schema: an answer has one form", hint="give one of them"
        )
    if schema is not None:
        return Format(schema=_text(schema, "--format-schema"))
    return Format(regex=regex) if regex is not None else None


def _chosen(workspace: Workspace, references: list[str]) -> dict[str, str]:
    """Arm to digest of predictions that were named; ConfigError where an arm is named twice."""
    from curate.errors import ConfigError

    chosen: dict[str, str] = {}
    for reference in references:
        digest = workspace.artifact("predictions", reference)
        arm = str(workspace.table(digest)["arm"][0])
        if arm in chosen:
            raise ConfigError(
                f"--predictions {reference}: the arm {arm} was named before", hint="one for each arm"
            )
        chosen[arm] = digest
    return chosen


def _judges(
    workspace: Workspace, url: str | None, model: str, key: str, rubrics: list[str] | None, *, alone: bool
) -> list[Judge]:
    """The judges; by default one, unless the answers are labels alone, of which nothing can be judged."""
    from evalharness.endpoint import Endpoint
    from evalharness.judge import Judge
    from evalharness.rubric import Rubric

    names = rubrics or (() if alone else RUBRICS)
    endpoint = Endpoint(url, model, key) if url else None
    return [Judge(Rubric.find(name), endpoint, workspace.root / "judge-cache") for name in names]


def _table(rows: list[Mean]) -> list[str]:
    """A line for each metric, a column for each arm: the mean, and n where it is not that of all."""
    arms = list(dict.fromkeys(row.arm for row in rows))
    lines = [f"  {'':<15}" + "".join(f"{arm:>14}" for arm in arms)]
    full = max(row.n + row.nulls for row in rows)
    why: dict[tuple[int, str], list[str]] = {}
    for metric in dict.fromkeys(row.metric for row in rows):
        cells = []
        for row in (each for each in rows if each.metric == metric):
            value = "-" if row.mean is None else f"{row.mean:.3f}" + (f" n={row.n}" if row.n < full else "")
            cells.append(f"{value:>14}")
            if row.reason:
                why.setdefault((row.nulls, row.reason), []).append(metric)
        lines.append(f"  {metric:<15}" + "".join(cells))
    lines.append(f"  n = {full:,} rows for each arm where nothing else is said")
    for (nulls, reason), metrics in why.items():
        named = ", ".join(dict.fromkeys(metrics)) if len(set(metrics)) < 3 else f"{len(set(metrics))} metrics"
        lines.append(f"  not scored, {nulls:,} rows by {named}: {reason}")
    for metric in dict.fromkeys(row.metric for row in rows if row.metric.startswith("judge:") and row.n):
        lines.append(f"  {metric}: not calibrated against people; 0 to 1 is the rubric's scale")
    return lines


def _calibration(row: Mean) -> dict[str, object]:
    return {"calibrated": False} if row.metric.startswith("judge:") else {}
