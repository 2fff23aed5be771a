"""Options that `predict`, `tune` and `score` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from curate.errors import ConfigError

DATASET = Annotated[str | None, typer.Argument(help="name or digest; by default the one named last")]
ADAPTER = Annotated[
    list[str] | None,
    typer.Option(
        help="digest of an adapter, or its folder; by default the newest trained on this dataset; "
        "each further one is an arm tuned:NAME"
    ),
]
BASE = Annotated[str, typer.Option(help="tiny, a folder, or the id of a model on the hub")]
LIMIT = Annotated[int | None, typer.Option(help="ask so many rows, drawn the same each time")]
DOCUMENTS = Annotated[
    Path | None, typer.Option(help="rag: a file or folder of text, Markdown or JSONL, in place of train rows")
]
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
KEY_ENV = Annotated[str, typer.Option(help="environment variable that holds the endpoint's key")]
SET = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="a rarer setting (docs/evaluate.md lists them)"),
]


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
