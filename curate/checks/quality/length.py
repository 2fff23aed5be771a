"""How long a row is, in words and in tokens of a tokenizer that the user names."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from curate.checks.quality.text import Problem
from curate.errors import MissingExtraError, NotFoundError
from curate.scanning.fingerprint import parted, text_digest, told

# words of scripts with spaces; of Han, Kana and Thai each letter counts as one
WORDS = (
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]"
    r"|[^\s\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]+"
)


def lengths(
    said: pl.DataFrame, max_words: int, min_words: int, max_tokens: int, tokenizer: str
) -> Iterator[tuple[int, Problem]]:
    """(row, problem) of the rows beyond a limit; `said` has row, role, message, text."""
    if max_words or min_words:
        counted = said.with_columns(words=pl.col("text").str.count_matches(WORDS))
        if max_words:
            yield from _over(counted, "words", max_words)
        answers = counted.filter(pl.col("role") == "assistant").group_by("row", maintain_order=True).last()
        for row, words in answers.filter(pl.col("words") < min_words).select("row", "words").iter_rows():
            measured: dict[str, object] = {"words": words, "limit": min_words}
            yield (
                row,
                Problem(
                    "too-short",
                    None,
                    None,
                    0.9,
                    "the answer has fewer words than asked for",
                    measured=measured,
                ),
            )
    if max_tokens:
        cut = _tokenizer(tokenizer)
        tokens = [len(code) for code in cut.encode_batch(said["text"].to_list(), add_special_tokens=False)]
        counted = said.with_columns(tokens=pl.Series(tokens, dtype=pl.Int64))
        yield from _over(counted, "tokens", max_tokens, tokenizer=_told(tokenizer))


def _over(said: pl.DataFrame, unit: str, limit: int, **by: object) -> Iterator[tuple[int, Problem]]:
    """Rows with more of a unit than the limit; `by` is what counted."""
    sums = said.group_by("row", maintain_order=True).agg(pl.col(unit).sum()).filter(pl.col(unit) > limit)
    for row, count in sums.iter_rows():
        said_of: dict[str, object] = {unit: count, "limit": limit, **by}
        yield (
            row,
            Problem("too-long", None, None, 0.9, f"the row has more {unit} than the limit", measured=said_of),
        )


@cache
def _told(place: str) -> str:
    """The tokenizer's name, and a digest of what it does: a name may come to mean another one."""
    return told(parted(place)[0], tokenizer_digest(place))


def tokenizer_digest(place: str) -> str:
    """128 bits, in hex, of what a tokenizer does."""
    return text_digest(_tokenizer(place).to_str())


@cache
def _tokenizer(place: str) -> Any:  # noqa: ANN401 - the library has no types
    """The tokenizer of a folder, a file or a hub id; loaded once a process."""
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingExtraError("tokenizers", "train") from error
    place, _ = parted(place)
    path = Path(place)
    file = path / "tokenizer.json" if path.is_dir() else path
    if file.is_file():
        return Tokenizer.from_file(str(file))
    try:
        return Tokenizer.from_pretrained(place)
    except Exception as error:  # the library raises bare Exception for whatever went wrong
        raise NotFoundError(
            f"no tokenizer at `{place}`",
            hint="a folder with tokenizer.json, that file, or a hub id that can be reached",
        ) from error
