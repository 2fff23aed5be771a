"""The command `tune`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curate.answer import Answer
from evalharness.commands import options

if TYPE_CHECKING:
    from curate.scanning.embedding import Vectors
    from curate.workspace import Workspace
    from evalharness.asking.pool import How, Pool
    from evalharness.tuning.grid import Grid
    from evalharness.tuning.tune import Tuned

PROMPT = Annotated[
    list[Path] | None,
    typer.Option(help="system messages: file or folder"),
]
NUMBERS = Annotated[str, typer.Option(help="few-shot: numbers to try")]
NEIGHBOURS = Annotated[str, typer.Option(help="rag: numbers to try")]
RETRIEVER = Annotated[
    list[str] | None,
    typer.Option(help="rag: bm25, embedding, hybrid; all"),
]
ENCODER = Annotated[str, typer.Option(help="rag: hub id, path, none")]
LIMIT = Annotated[int, typer.Option(help="validation rows")]
BUDGET = Annotated[int | None, typer.Option(help="answers in all, at most", min=1)]
METRIC = Annotated[str | None, typer.Option(help="a name or FILE.py; else what decides")]

AGAIN = Annotated[bool, typer.Option("--again", help="ask even if nothing has changed")]


def tune(
    dataset: options.DATASET = None,
    prompt: PROMPT = None,
    shots: NUMBERS = "4,8,16",
    neighbours: NEIGHBOURS = "3,6,12",
    retriever: RETRIEVER = None,
    documents: options.DOCUMENTS = None,
    encoder: ENCODER = "auto",
    metric: METRIC = None,
    limit: LIMIT = 96,
    budget: BUDGET = None,
    base: options.BASE = "tiny",
    max_new_tokens: options.MAX_NEW = None,
    quantization: options.QUANTIZATION = "auto",
    device: options.DEVICE = "auto",
    threads: options.THREADS = None,
    endpoint: options.ENDPOINT = None,
    model: options.MODEL = "",
    key_env: options.KEY_ENV = "SEATRIAL_JUDGE_KEY",
    setting: options.SET = None,
    again: AGAIN = False,
) -> Answer:
    """Choose prompt, shots and retrieval of the baselines on the validation rows."""
    from curate.workspace import Workspace
    from evalharness.asking.arms import Base
    from evalharness.asking.pool import Pool
    from evalharness.commands.asked import Model
    from evalharness.tuning.measure import primary_of
    from evalharness.tuning.tune import Plan, tried_in_all
    from evalharness.tuning.tune import tune as choose

    served = options.served(options.settings(setting, options.SERVED))
    whom = Model(base, quantization, device, threads, endpoint, model, None, key_env, **served)
    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    passages, kept = _documents(workspace, documents)
    vectors, by = _retrievers(workspace, encoder, retriever)
    pool = Pool(workspace.examples(digest), passages, vectors)
    counts = (_numbers(shots, "--shots"), _numbers(neighbours, "--neighbours"))
    grid = _grid(pool, prompt, counts, by, documents is not None)
    plan = Plan(limit, budget, metric, max_new_tokens)
    answerer = whom.answerer()
    found = choose(workspace, digest, answerer, grid, plan, pool, kept, again=again)
    primary = primary_of(workspace, digest)
    lines = [f"{workspace.name_of(digest) or digest[:8]}: {_head(found, primary)}"]
    for arm in found.found["chosen"]:
        lines += _table(found, arm)
    tunings, candidates = tried_in_all(workspace, digest, answerer.identity(Base())[0])
    if tunings > 1:
        lines.append(
            f"tuning {tunings:,} on this version and model: {candidates:,} candidates tried in all; predict takes the newest"
        )
    lines.append("next: seatrial predict takes these settings for this dataset and base")
    return Answer(
        lines,
        {"dataset": digest, "tuning": found.digest, "run": found.run_id, "fresh": found.fresh}
        | found.found
        | {"tunings": tunings, "tried_in_all": candidates}
        | {"primary": primary, "another_metric": found.found["metric"] != primary},
    )


def _head(found: Tuned, primary: str) -> str:
    from evalharness.deciding.fair import metric_words

    by = metric_words(found.found["metric"], primary)
    guess = "; more of it is taken for better" if found.found.get("more_is_better") == "taken" else ""
    took = "" if found.fresh else ", recorded before"
    return f"tuned on {found.found['rows']:,} validation rows {by}{guess}{took}"


def _table(found: Tuned, arm: str) -> list[str]:
    """The arm's candidates that were asked all rows, and how many were not."""
    from evalharness.tuning.halving import ranking

    part = found.found["arms"][arm]
    tried = part["tried"]
    last = [each for each in tried if each["rows"] == found.found["rows"]]
    lines = [f"  {arm}: {len(tried)} tried, {len(last)} of them on all rows"]
    for at in ranking([each["mean"] for each in last]):
        each = last[at]
        mark = ", ".join(word for word, key in (("chosen", "chosen"), ("untuned", "default")) if each[key])
        mean = "-" if each["mean"] is None else f"{each['mean']:.3f}"
        recall = list(each["recall_at"].values())
        shown = f", recall {recall[-1]:.0%}" if recall else ""
        lines.append(f"    {mean}  {each['words']}{shown}  {mark}".rstrip())
    return lines


def _documents(workspace: Workspace, place: Path | None) -> tuple[list[Any], dict[str, str]]:
    from evalharness.commands.asked import keep_documents
    from evalharness.tuning.tune import DOCUMENTS

    if place is None:
        return [], {}
    digest, passages = keep_documents(workspace, place)
    return passages, {DOCUMENTS: digest}


def _retrievers(
    workspace: Workspace, encoder: str, names: list[str] | None
) -> tuple[Vectors | None, tuple[How, ...]]:
    """The encoder's vectors, and the retrievers to try: as named, or all for which everything is there."""
    from curate.errors import MissingExtraError
    from evalharness.commands.asked import RETRIEVERS, must_be_retriever, vectors_of

    by = tuple(must_be_retriever(name) for name in names) if names else RETRIEVERS
    vectors = vectors_of(workspace, encoder) if set(by) != {"bm25"} else None
    if vectors is None and names and set(by) != {"bm25"}:
        raise MissingExtraError("sentence-transformers", "embed")
    return vectors, by if vectors else ("bm25",)


def _grid(
    pool: Pool,
    prompts: list[Path] | None,
    counts: tuple[tuple[int, ...], tuple[int, ...]],
    by: tuple[How, ...],
    documents: bool,
) -> Grid:
    from evalharness.asking.instructions import given, shipped
    from evalharness.tuning.grid import Grid

    every = (*shipped(pool.task), *given(prompts or []))
    told = pool.vectors.encoder.told if pool.vectors else None
    return Grid(every, *counts, by, told, documents)


def _numbers(text: str, option: str) -> tuple[int, ...]:
    from curate.errors import ConfigError

    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise ConfigError(f"{option} {text}", hint="numbers from 1 on, as 4,8,16")
    return tuple(dict.fromkeys(map(int, parts)))
