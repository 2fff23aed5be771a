"""What is asked of a model: the question without its answer, the answer kept apart, and the labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import polars as pl

from curate.example import answer_text

Turn = dict[str, Any]  # role, content and, where they are not null, name, tool_calls, tool_call_id

LABELLED = 0.5  # a task has labels when more than this share of its answers begin with their label


class Query(NamedTuple):
    """A question as an arm may see it. The answer is not in it, so no arm can show it to the model."""

    example_id: str
    system: str | None  # the row's own system message
    turns: tuple[Turn, ...]  # all turns before the answer, without the system message

    @property
    def text(self) -> str:
        """What was asked, as one text."""
        return "\n".join(turn.get("content") or "" for turn in self.turns)


class Solved(NamedTuple):
    """A question with its answer."""

    query: Query
    answer: str
    label: str | None


@dataclass(frozen=True)
class Task:
    """The labels to choose from and where an answer has them; without labels, free text."""

    labels: tuple[str, ...] = ()  # sorted
    whole: bool = False  # the answer is the label alone; else the label, a colon and a reply

    def instruction(self) -> str | None:
        """A system message that says what to do, for rows that bring none; None for free text."""
        if not self.labels:
            return None
        listed = ", ".join(self.labels)
        if self.whole:
            return (
                f"Sort the message into exactly one of these labels: {listed}. Answer with the label alone."
            )
        return (
            f"Answer with exactly one of these labels, then a colon and a short reply. The labels: {listed}."
        )


def queries(examples: pl.DataFrame) -> Iterator[Solved]:
    """Each example as question and answer, in the frame's order; `turns` is empty where none was asked."""
    for row in examples.select("example_id", "messages", "chosen", "label").iter_rows(named=True):
        messages = row["messages"] or []
        last = max(
            (i for i, message in enumerate(messages) if message["role"] == "assistant"), default=len(messages)
        )
        before = messages[:last]
        system = "\n\n".join(m["content"] or "" for m in before if m["role"] == "system") or None
        turns = tuple(_turn(m) for m in before if m["role"] != "system")
        answer = answer_text(messages) or row["chosen"] or ""
        yield Solved(Query(row["example_id"], system, turns), answer, row["label"])


def _turn(message: Turn) -> Turn:
    import json

    turn = {key: value for key, value in message.items() if value is not None}
    turn.setdefault("content", "")
    if calls := turn.get("tool_calls"):
        turn["tool_calls"] = json.loads(calls)
    return turn


def task_of(solved: Sequence[Solved]) -> Task:
    """The task that these solved questions show.

    It has labels when most of the answers of the labelled ones begin with their label.
    """
    labelled = [each for each in solved if each.label]
    found = Counter(_place(each.answer, each.label or "") for each in labelled)
    if not labelled or found["whole"] + found["lead"] <= LABELLED * len(labelled):
        return Task()
    labels = tuple(sorted({each.label for each in labelled if each.label}))
    return Task(labels, whole=found["whole"] >= found["lead"])


def _place(answer: str, label: str) -> str:
    match = _leading(label).match(answer)
    if not match:
        return "none"
    return "lead" if answer[match.end() :].strip() else "whole"


def label_of(answer: str, labels: Sequence[str]) -> str | None:
    """The label that the answer begins with, the longest where several fit; None where none does.

    Case does not count, nor does white space around punctuation, which some tokenizers add. The label
    must end there: `card` is not found in `cardboard` or `card_arrival`.
    """
    for label in sorted(labels, key=len, reverse=True):
        if _leading(label).match(answer):
            return label
    return None


def complies(answer: str, labels: Sequence[str]) -> bool:
    """Whether the answer is a known label alone, or begins with one and a colon, as the label is written.

    Only white space around the label does not count: code that compares strings finds neither `Oak` nor
    `card _ arrival`.
    """
    said = answer.strip()
    return any(
        said.startswith(label) and re.match(r"\s*(:|$)", said[len(label) :]) is not None for label in labels
    )


@cache
def _leading(label: str) -> re.Pattern[str]:
    pieces = re.findall(r"[^\W_]+|[^\w\s]|_", label)
    inside = r"\s*".join(re.escape(piece) for piece in pieces)
    return re.compile(rf"\s*{inside}(?![\w]|\s*_)", re.IGNORECASE)
