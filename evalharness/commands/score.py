"""The command `score`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curate.answer import Answer
from curate.errors import ConfigError
from evalharness.commands import options

if TYPE_CHECKING:
    from curate.workspace import Workspace
    from evalharness.judging.judge import Judge
    from evalharness.scoring.score import Scores
    from evalharness.scoring.summary import Labelled, Mean

DATASET = Annotated[str | None, typer.Argument(help="name or digest; by default the one named last")]
PREDICTIONS = Annotated[
    list[str] | None,
    typer.Option(help="of one arm, by digest; else the newest of each"),
]
ASKED = Annotated[str | None, typer.Option(help="whose rows; else those asked last")]
METRIC = Annotated[
    list[str] | None,
    typer.Option(help="a further one: a name, evaluate:NAME, FILE.py"),
]
PERPLEXITY = Annotated[
    bool, typer.Option("--perplexity", help="of the references, by the model that answered")
]
BY_CLASS = Annotated[bool, typer.Option("--by-class", help="precision, recall and F1 of each label")]
ENDPOINT = Annotated[str | None, typer.Option(help="a judge's OpenAI-compatible address")]
MODEL = Annotated[str, typer.Option(help="the judge's name there")]
KEY_ENV = Annotated[str, typer.Option(help="variable with its key")]
SET = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="of a judge: first-answer=90 (s), timeout=60 (s)"),
]
RUBRIC = Annotated[
    list[str] | None,
    typer.Option(help="helpful, tone, grounded, reply-form, FILE.toml"),
]
REGEX = Annotated[str | None, typer.Option(help="the form that a whole answer must match")]
SCHEMA = Annotated[Path | None, typer.Option(help="a file with an answer's JSON Schema")]

KEY = "SEATRIAL_JUDGE_KEY"
RUBRICS = ("helpful",)
WIDTH = 23  # of a metric's name


def score(
    dataset: DATASET = None,
    predictions: PREDICTIONS = None,
    split: ASKED = None,
    metric: METRIC = None,
    perplexity: PERPLEXITY = False,
    by_class: BY_CLASS = False,
    endpoint: ENDPOINT = None,
    model: MODEL = "",
    key_env: KEY_ENV = KEY,
    rubric: RUBRIC = None,
    setting: SET = None,
    format_regex: REGEX = None,
    format_schema: SCHEMA = None,
) -> Answer:
    """Score the arms' answers by the task's metrics, your own, or a judge."""
    from curate.workspace import Workspace
    from evalharness.metrics.asked import asked_metric
    from evalharness.metrics.form import form_of
    from evalharness.scoring.score import foreign, newest, task_in
    from evalharness.scoring.score import score as reckon
    from evalharness.scoring.summary import classes, means

    form = form_of(format_regex, format_schema)
    waits = _waits(setting, endpoint)
    more = [asked_metric(name) for name in metric or ()]
    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    examples = workspace.examples(digest)
    chosen = _chosen(workspace, predictions) if predictions else newest(workspace, digest, split)
    judges = _judges(workspace, (endpoint, model, key_env), waits, rubric, alone=task_in(examples).whole)
    logprobs = None
    if perplexity:
        from evalharness.scoring.perplexity import reference_logprobs

        logprobs = reference_logprobs(workspace, digest, chosen)
    found = reckon(workspace, digest, chosen, judges=judges, form=form, more=more, logprobs=logprobs)
    rows, labelled = means(found.table, examples), classes(found.table, examples)
    believed = _believed(workspace, digest, chosen, found)
    lines = [f"{workspace.name_of(digest) or digest[:8]}: scores of {', '.join(chosen)}"]
    lines += _table(rows)
    lines += [f"  {metric}: {said}; 0 to 1 is the rubric's scale" for metric, (_, said) in believed.items()]
    lines += _class_lines(labelled) if by_class else []
    if not predictions and (other := foreign(workspace, digest, chosen)):
        lines.append(
            f"  newer answers by an adapter trained on other rows were left out: --predictions {other[:8]}"
        )
    lines.append(
        "next: seatrial probe (what was lost), then seatrial compare (each difference with its interval)"
    )
    data = {
        "dataset": digest,
        "scores": found.digest,
        "run": found.run_id,
        "fresh": found.fresh,
        "predictions": chosen,
        "means": [row._asdict() | _known_of(row, believed) for row in rows],
        "classes": [_class_data(each) for each in labelled],
    }
    return Answer(lines, data)


def _waits(setting: list[str] | None, endpoint: str | None) -> dict[str, Any]:
    """How long a judge is waited for; ConfigError where none is asked."""
    waits = options.served(options.settings(setting, options.WAITS))
    if waits and endpoint is None:
        raise ConfigError("--set says how to ask a judge, and none is asked", hint="--endpoint")
    return waits


def _chosen(workspace: Workspace, references: list[str]) -> dict[str, str]:
    """Arm to digest of predictions that were named; ConfigError where an arm is named twice."""
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
    workspace: Workspace,
    where: tuple[str | None, str, str],
    waits: Mapping[str, Any],
    rubrics: list[str] | None,
    *,
    alone: bool,
) -> list[Judge]:
    """The judges; by default one, unless the answers are labels alone, of which nothing can be judged."""
    from evalharness.asking.endpoint import Endpoint
    from evalharness.judging.judge import Judge
    from evalharness.judging.rubric import Rubric

    names = rubrics or (() if alone else RUBRICS)
    url, model, key = where
    endpoint = Endpoint(url, model, key, **waits) if url else None
    return [Judge(Rubric.find(name), endpoint, workspace.root / "judge-cache") for name in names]


def _table(rows: list[Mean]) -> list[str]:
    """A line for each metric, a column for each arm: the mean, and n where it is not that of all."""
    arms = list(dict.fromkeys(row.arm for row in rows))
    full = max(row.n + row.nulls for row in rows)
    wide = max(14, *(len(arm) + 2 for arm in arms), *(len(_cell(row, full)) + 2 for row in rows))
    lines = [f"  {'':<{WIDTH}}" + "".join(f"{arm:>{wide}}" for arm in arms)]
    why: dict[str, list[tuple[int, str]]] = {}
    for metric in dict.fromkeys(row.metric for row in rows):
        found = {row.arm: row for row in rows if row.metric == metric}
        cells = [_cell(found[arm], full) if arm in found else "" for arm in arms]
        if any(row.mean is not None for row in found.values()):  # else the note below says why
            lines.append(f"  {metric:<{WIDTH}}" + "".join(f"{cell:>{wide}}" for cell in cells))
        for row in found.values():
            if row.reason:
                why.setdefault(row.reason, []).append((row.nulls, metric))
        for share in next((row.quantiles for row in found.values() if row.quantiles), {}):
            each = [(found[arm].quantiles or {}).get(share) if arm in found else None for arm in arms]
            cells = ["-" if value is None else _number(value) for value in each]
            lines.append(f"    {share:<{WIDTH - 2}}" + "".join(f"{cell:>{wide}}" for cell in cells))
    lines.append(
        f"  shares from 0 to 1, lengths and times as they are; n = {full:,} rows where nothing else is said"
    )
    for reason, told in why.items():
        counts, metrics = sorted({nulls for nulls, _ in told}), list(dict.fromkeys(name for _, name in told))
        named = ", ".join(metrics) if len(metrics) < 3 else f"{len(metrics)} metrics"
        between = f"{counts[0]:,}" + (f" to {counts[-1]:,}" if len(counts) > 1 else "")
        lines.append(f"  not scored, {between} rows by {named}: {reason}")
    return lines


def _believed(
    workspace: Workspace, dataset: str, chosen: dict[str, str], found: Scores
) -> dict[str, tuple[bool, str]]:
    """By each judge that scored: whether people have calibrated it, against every baseline, and in words."""
    import polars as pl

    from evalharness.deciding.wording import fraction
    from evalharness.judging.stored import cards
    from evalharness.scoring.gathered import splits_asked

    known = found.table.filter(pl.col("metric").str.starts_with("judge:") & pl.col("value").is_not_null())
    names = known["metric"].unique(maintain_order=True).to_list()
    split = next(iter(splits_asked(workspace, found.run_id)), "test") if names else "test"
    told = cards(workspace, dataset, chosen, scores=known, split=split) if names else []
    said: dict[str, tuple[bool, str]] = {}
    for metric in names:
        mine = [card for card in told if card.metric == metric]
        fault = next((f"{card.fault} (against {card.baseline})" for card in mine if card.fault), None)
        if mine and fault is None:
            least = min(mine, key=lambda card: card.agreed.kappa or 0.0).agreed
            said[metric] = True, f"calibrated: kappa with people {fraction(least.kappa)} at the least"
        else:
            why = fault or "no fine-tune and baseline that both have its scores"
            said[metric] = False, f"not calibrated against people, advice only: {why}"
    return said


def _cell(row: Mean, full: int) -> str:
    if row.mean is None:
        return "-"
    return _number(row.mean) + (f" n={row.n}" if row.n < full else "")


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:,.0f}"


def _class_lines(labelled: list[Labelled]) -> list[str]:
    """For each arm and label: precision, recall and F1, and what its rows were taken for most often."""
    lines = [] if labelled else ["  by class: no answer was read as a label"]
    for arm in labelled:
        wide = max([len(row.label) for row in arm.rows] + [5])
        lines.append(
            f"  {arm.arm}, by class  {'':<{max(0, wide - len(arm.arm) - 10)}} precision  recall      F1      n"
        )
        for row in arm.rows:
            shares = "".join(
                f"{'-' if value is None else f'{value:.3f}':>8}"
                for value in (row.precision, row.recall, row.f1)
            )
            wrong = [
                (said, count) for right, said, count in arm.confusion if right == row.label and said != right
            ]
            often = "once" if wrong and wrong[0][1] == 1 else f"{wrong[0][1]:,} times" if wrong else ""
            taken = f"   taken for {wrong[0][0] or 'none'} {often}" if wrong else ""
            lines.append(f"    {row.label:<{wide}}  {shares}{row.n:>7,}{taken}")
    return lines


def _class_data(labelled: Labelled) -> dict[str, Any]:
    rows = [
        {key: asdict(value) if key.endswith("_interval") else value for key, value in row._asdict().items()}
        for row in labelled.rows
    ]
    return {"arm": labelled.arm, "labels": rows, "confusion": labelled.confusion}


def _known_of(row: Mean, believed: dict[str, tuple[bool, str]]) -> dict[str, object]:
    from evalharness.metrics.about import about

    kind = about(row.metric)
    told: dict[str, object] = {"better": kind.better if kind.known else None, "unit": kind.unit}
    if row.metric.startswith("judge:"):
        told["calibrated"] = believed.get(row.metric, (False, ""))[0]
    return told
