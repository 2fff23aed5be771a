"""What tells a copy of a text from another that only looks like it: label, numbers, names, what it denies, other words, the answer."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from curate.checks.matter import other_matter
from curate.checks.wording import Named, jaccard, named, negations, normalise, numbers, other_names, said

WITNESS = 8  # words of an answer that no two rows have by chance
ANSWERS_ALIKE = 0.5  # of the words; below it two answers are not copies of each other


class Text(NamedTuple):
    """What of a row is looked at."""

    numbers: tuple[str, ...]
    named: Named
    answer: frozenset[str]
    label: str | None
    words: str  # all that is looked at, in normal form


def texts_of(rows: pl.DataFrame, compare: str) -> list[Text]:
    """What is looked at, of each of these rows; `compare` says which part of it (`wording.COMPARE`)."""
    found = []
    for label, (question, answer, chosen, rejected) in zip(
        rows["label"], said(rows).iter_rows(), strict=True
    ):
        parts = {"prompt": (question,), "answer": (answer or chosen,)}.get(
            compare, (question, answer, chosen, rejected)
        )
        verbatim = "\n".join(parts)
        ours = normalise(answer or chosen) if compare == "whole" else ""
        words = normalise(verbatim)
        found.append(Text(numbers(words), named(verbatim), frozenset(ours.split()), label, words))
    return found


def doubt_of(left: Text, right: Text) -> str:
    """Why two near texts are perhaps not copies; empty if nothing speaks against it."""
    if left.label is not None and right.label is not None and left.label != right.label:
        return "labels-differ"
    if left.numbers != right.numbers:
        return "numbers-differ"
    if other_names(left.named, right.named):
        return "names-differ"
    if left.answer != right.answer and jaccard(left.answer, right.answer) < ANSWERS_ALIKE:
        return "answers-differ"
    if negations(left.words) != negations(right.words):
        return "negation-differs"
    if other_matter(left.words, right.words):
        return "words-differ"
    return ""


def witnesses(columns: pl.DataFrame) -> pl.Series:
    """Whether another row gives the same answer, of WITNESS words or more; `columns` is as of `wording.said`.

    Rows made from one template ask different things and are answered differently; copies are answered alike.
    """
    answer = pl.when(pl.col("answer") != "").then("answer").otherwise("chosen").str.strip_chars()
    long = answer.str.count_matches(r"\w+|[\u3040-\u30ff\u3400-\u9fff]") >= WITNESS
    return columns.select(witness=(answer.is_duplicated() & long).fill_null(value=False)).to_series()
