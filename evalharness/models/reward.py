"""Reward models: the number that one gives to an answer, and the command that asks for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curate.answer import Answer
from curate.errors import ConfigError, ResourceError, SourceError

if TYPE_CHECKING:
    from evalharness.models.chat import Chat

SPLITS = ("validation", "train", "all")
AT_ONCE = 8  # texts in one pass


def scores(model: Any, texts: Sequence[Sequence[int]], pad: int, device: str) -> list[float]:  # noqa: ANN401
    """The number that a reward model gives to each text, in tokens up to its answer's end token."""
    import torch

    found: list[float] = []
    mode = model.training
    model.eval()
    with torch.no_grad():
        for at in range(0, len(texts), AT_ONCE):
            part = [torch.tensor(text) for text in texts[at : at + AT_ONCE]]
            ids = torch.nn.utils.rnn.pad_sequence(part, batch_first=True, padding_value=pad)
            lengths = torch.tensor([len(text) for text in part])
            mask = torch.arange(ids.shape[1])[None] < lengths[:, None]
            out = model(input_ids=ids.to(device), attention_mask=mask.long().to(device), use_cache=False)
            found += out.logits[:, 0].float().tolist()
    model.train(mode)
    return found


def answered(chat: Chat, messages: Sequence[Mapping[str, Any]], answer: str | None) -> list[int]:
    """A conversation, with this answer after it if one is given, up to the token that ends its last answer."""
    turns: list[Any] = [{"role": each["role"], "content": each["content"] or ""} for each in messages]
    turns += [{"role": "assistant", "content": answer}] if answer is not None else []
    if not turns or turns[-1]["role"] != "assistant":
        raise SourceError("no answer to score")
    ids = chat.ids(chat.told(turns))
    ends = [place for place, token in enumerate(ids) if token in chat.stops]
    return ids[: ends[-1] + 1] if ends else ids


def reward(
    dataset: Annotated[str | None, typer.Argument(help="A version, by name or digest; the newest.")] = None,
    adapter: Annotated[
        str | None, typer.Option(help="The reward model, by name or digest; DATASET-adapter.")
    ] = None,
    split: Annotated[
        str, typer.Option(help="validation, train, or all but the test rows, which stay unread.")
    ] = "validation",
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="JSON lines to write.")] = None,
    threads: Annotated[int | None, typer.Option(help="Processor threads.")] = None,
) -> Answer:
    """Give each answer of a version a number by a reward model.

    Pairs get two numbers, and the share of pairs told right with its 95% interval; other rows get one,
    of their last answer. `seatrial train --set objective=reward` makes a reward model.
    """
    if split not in SPLITS:
        raise ConfigError(f"--split {split}", hint=f"one of {', '.join(SPLITS)}")
    import polars as pl

    from curate.workspace import Workspace

    workspace = Workspace.open()
    digest = workspace.dataset(dataset)
    name = adapter or f"{workspace.name_of(digest) or digest[:12]}-adapter"
    rows = workspace.examples(digest).filter(pl.col("split").fill_null("") != "test")
    rows = rows if split == "all" else rows.filter(pl.col("split") == split)
    if rows.is_empty():
        raise ConfigError(f"no {split} rows to score", hint="--split all takes all but the test rows")
    table, left = _scored(rows, workspace.files(workspace.artifact("adapter", name)), threads)
    if to is not None:
        try:
            to.write_text("".join(json.dumps(each) + "\n" for each in table), encoding="utf-8")
        except OSError as error:
            raise ResourceError(
                f"{to}: {error}", hint="choose a file that you can write with --to"
            ) from error
    lines = [f"{len(table):,} rows scored by {name}", *_told(table)]
    lines += [f"left out: {len(left):,} rows, such as {left[0]}"] if left else []
    lines += [f"written: {to}"] if to else []
    return Answer(lines, {"adapter": name, "split": split, "rows": table, "left_out": left})


def _scored(rows: Any, folder: Path, threads: int | None) -> tuple[list[dict[str, Any]], list[str]]:  # noqa: ANN401
    """(a line for each row, rows that have no answer or do not fit, each with the reason)."""
    from evalharness.models.adapted import is_reward
    from evalharness.models.chat import Chat
    from evalharness.models.loaded import load_model
    from evalharness.models.model_files import adapter_notes

    if not is_reward(folder):
        raise ConfigError(
            "this adapter gives answers, no scores", hint="seatrial train --set objective=reward makes one"
        )
    loaded = load_model(str(adapter_notes(folder)["base"]), adapter=folder, threads=threads, scores=True)
    chat = Chat(loaded)
    table: list[dict[str, Any]] = []
    texts: list[list[int]] = []
    left = []
    for row in rows.iter_rows(named=True):
        pair = row["chosen"] is not None and row["rejected"] is not None
        answers = {"chosen": row["chosen"], "rejected": row["rejected"]} if pair else {"score": None}
        told = {"example_id": row["example_id"], "source": row["source"], "row": row["source_row"]}
        try:
            found = [answered(chat, row["messages"], answer) for answer in answers.values()]
            if max(map(len, found)) > loaded.context:
                raise SourceError(f"longer than {loaded.context:,} tokens")
        except SourceError as error:
            left.append(f"{row['source']}:{row['source_row']} ({error.message})")
            continue
        table.append({**told, **dict.fromkeys(answers)})
        texts += found
    given = iter(scores(loaded.model, texts, int(loaded.tokenizer.pad_token_id or 0), loaded.device))
    for line in table:
        line.update({name: next(given) for name in ("chosen", "rejected", "score") if name in line})
    return table, left


def _told(table: Sequence[Mapping[str, Any]]) -> list[str]:
    """The share of pairs told right, with its interval."""
    from evalharness.statistics.intervals import wilson

    pairs = [each for each in table if "chosen" in each]
    if not pairs:
        return []
    right = sum(each["chosen"] > each["rejected"] for each in pairs)
    sure = wilson(right, len(pairs))
    return [
        f"the chosen answer scores higher in {right:,} of {len(pairs):,} pairs: {right / len(pairs):.3f} "
        f"(95% interval {sure.low:.3f} to {sure.high:.3f})"
    ]
