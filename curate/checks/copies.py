"""What tells a copy of a text from another that only looks like it: label, numbers, names, the answer."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from curate.checks.wording import Named, jaccard, named, normalise, numbers, other_names, said

ANSWERS_ALIKE = 0.5  # of the words; below it two answers are not copies of each other


class Text(NamedTuple):
    """What of a row is looked at."""

    numbers: tuple[str, ...]
    named: Named
    answer: frozenset[str]
    label: str | None


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
        found.append(Text(numbers(normalise(verbatim)), named(verbatim), frozenset(ours.split()), label))
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
    return ""
