"""What tells a copy from what only looks like it: label, preference, numbers, names, denials, other words, the answer."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import polars as pl

from curate.checks.matter import in_few_places, other_matter
from curate.checks.preference import Preference, is_crossed, preference_of
from curate.checks.spelling import plain_spelling
from curate.checks.wording import (
    Named,
    is_unspaced,
    jaccard,
    named,
    negations,
    normalise,
    other_names,
    quantities,
    said,
)

WITNESS = 8  # words of an answer that no two rows have by chance
ANSWERS_ALIKE = 0.5  # of the words; below it two answers are not copies of each other
ANSWERS_NEAR = 0.8  # and cosine, where texts are near in meaning


class Text(NamedTuple):
    """What of a row is looked at."""

    numbers: tuple[str, ...]
    named: Named
    answer: frozenset[str]
    label: str | None  # without regard to case and blanks: label-spelling tells of these
    words: str  # all that is looked at, in normal form
    preference: Preference | None
    rejected: frozenset[str]


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
        ours, theirs = (normalise(answer or chosen), normalise(rejected)) if compare == "whole" else ("", "")
        words = normalise(verbatim)
        plain = None if label is None else plain_spelling(label)
        pair = preference_of(chosen, rejected) if compare == "whole" else None
        found.append(
            Text(quantities(words), named(verbatim), _words(ours), plain, words, pair, _words(theirs))
        )
    return found


def _words(text: str) -> frozenset[str]:
    """The words of a text; where the script sets no spaces, two signs each."""
    if not is_unspaced(text):
        return frozenset(text.split())
    return frozenset(map("".join, pairwise(text))) or frozenset((text,))


def doubt_of(left: Text, right: Text, answers: float | None = None) -> str:
    """Why two near texts are perhaps not copies; empty if nothing speaks against it.

    With `answers`, the cosine of their answers, the two are near in meaning: other words are no doubt then,
    unless they stand in one place or two of texts that are the same besides.
    """
    by_meaning = answers is not None
    if left.label is not None and right.label is not None and left.label != right.label:
        return "labels-differ"
    if is_crossed(left.preference, right.preference):
        return "preference-differs"
    if left.numbers != right.numbers:
        return "numbers-differ"
    if other_names(left.named, right.named):
        return "names-differ"
    if answers is not None and answers < ANSWERS_NEAR:
        return "answers-differ"
    if not by_meaning and left.answer != right.answer and jaccard(left.answer, right.answer) < ANSWERS_ALIKE:
        return "answers-differ"
    if left.rejected != right.rejected and jaccard(left.rejected, right.rejected) < ANSWERS_ALIKE:
        return "answers-differ"
    denied = negations(left.words), negations(right.words)
    if (denied[0] > 0) != (denied[1] > 0) if by_meaning else denied[0] != denied[1]:
        return "negation-differs"
    if (not by_meaning or in_few_places(left.words, right.words)) and other_matter(left.words, right.words):
        return "words-differ"
    return ""


def witnesses(columns: pl.DataFrame) -> pl.Series:
    """Whether another row gives the same answer, of WITNESS words or more; `columns` is as of `wording.said`.

    Rows made from one template ask different things and are answered differently; copies are answered alike.
    """
    answer = pl.when(pl.col("answer") != "").then("answer").otherwise("chosen").str.strip_chars()
    long = answer.str.count_matches(r"\w+|[\u3040-\u30ff\u3400-\u9fff]") >= WITNESS
    return columns.select(witness=(answer.is_duplicated() & long).fill_null(value=False)).to_series()
