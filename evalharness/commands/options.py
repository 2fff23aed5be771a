"""Options that `predict`, `tune` and `probe` share; what is rarely wanted is told in docs/evaluate.md alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from curate.errors import ConfigError

DATASET = Annotated[str | None, typer.Argument(help="name or digest; the one named last")]
ADAPTER = Annotated[
    list[str] | None,
    typer.Option(help="the newest here; more: tuned:NAME"),
]
BASE = Annotated[str, typer.Option(help="tiny, a folder, a hub id")]
LIMIT = Annotated[int | None, typer.Option(help="so many rows, always the same")]
DOCUMENTS = Annotated[Path | None, typer.Option(help="rag: file or folder, not train rows")]
MAX_NEW = Annotated[int | None, typer.Option(help="longest answer in tokens", min=1, hidden=True)]
QUANTIZATION = Annotated[
    Literal["auto", "nf4", "none"], typer.Option(help="how the base is held", hidden=True)
]
DEVICE = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="where the base runs", hidden=True)]
THREADS = Annotated[int | None, typer.Option(help="processor threads", min=1, hidden=True)]
ENDPOINT = Annotated[
    str | None,
    typer.Option(help="an OpenAI-compatible address"),
]
MODEL = Annotated[str, typer.Option(help="the model's name there")]
KEY_ENV = Annotated[str, typer.Option(help="variable with the key", hidden=True)]
SET = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="first-answer=90 (s) and rarer: docs/evaluate.md"),
]
WAITS: dict[str, type] = {"timeout": float, "first-answer": float, "silence": float}  # seconds
SERVED: dict[str, type] = {"in-flight": int, "stream": bool, **WAITS}  # how a model at an endpoint is asked


def served(more: Mapping[str, Any]) -> dict[str, Any]:
    """Of rarer settings those of an endpoint, as arguments; ConfigError for a time that is none."""
    found = {key: more[key] for key in SERVED if key in more}
    for key, value in found.items():
        if not isinstance(value, bool) and not 0 < value < float("inf"):
            raise ConfigError(f"--set {key}={value}", hint="more than 0")
    return {key.replace("-", "_"): value for key, value in found.items()}


def settings(words: list[str] | None, known: dict[str, type]) -> dict[str, str | int | float | bool]:
    """`key=value` as a value of the key's kind; ConfigError for a key or a value that is none."""
    found: dict[str, str | int | float | bool] = {}
    for word in words or ():
        key, equals, value = word.partition("=")
        if not equals or key not in known:
            raise ConfigError(f"--set {word}", hint=f"KEY=VALUE; the keys are {', '.join(known)}")
        kind = known[key]
        try:
            found[key] = {"yes": True, "no": False}[value] if kind is bool else kind(value)
        except (ValueError, KeyError) as error:
            asked = "yes or no" if kind is bool else f"a {kind.__name__}"
            raise ConfigError(f"--set {word}: {asked} is needed") from error
    return found
