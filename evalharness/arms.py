"""The arms: the ways to get an answer that are compared on the same questions.

An arm decides what stands in the prompt before the question: an instruction, and solved examples. It
is given a `Query`, which has no answer in it, and a `Pool`, which holds examples of the train split
only. Order, decoding and metric are the same for all arms.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from functools import cache, cached_property
from typing import ClassVar, Protocol

import polars as pl

from evalharness.retrieval import Retriever
from evalharness.task import Query, Solved, Task, queries, task_of

BASE, FEW_SHOT, RAG, TUNED = "base", "few-shot", "rag", "tuned"
ARMS = (BASE, FEW_SHOT, RAG, TUNED)


class Pool:
    """The solved examples that may be shown: those of the train split, and no other."""

    def __init__(self, examples: pl.DataFrame) -> None:
        train = examples.filter(pl.col("split") == "train")
        self.solved: list[Solved] = [each for each in queries(train) if each.query.turns and each.answer]
        self.retriever = cache(self._retriever)
        self.balanced = cache(self._balanced)

    @cached_property
    def task(self) -> Task:
        """What the train examples show is asked."""
        return task_of(self.solved)

    @cached_property
    def positions(self) -> dict[str, int]:
        """Position of each example by its id."""
        return {each.query.example_id: position for position, each in enumerate(self.solved)}

    def _retriever(self, max_df: float) -> Retriever:
        return Retriever([each.query.text for each in self.solved], max_df)

    def _balanced(self, seed: int) -> list[Solved]:
        """All of them in a drawn order that takes each label in turn."""
        rng = random.Random(seed)
        by_label: defaultdict[str, list[Solved]] = defaultdict(list)
        for each in self.solved:
            by_label[each.label or ""].append(each)
        piles = [by_label[label] for label in sorted(by_label)]
        rng.shuffle(piles)
        for pile in piles:
            rng.shuffle(pile)
        rounds = max(map(len, piles), default=0)
        return [pile[turn] for turn in range(rounds) for pile in piles if turn < len(pile)]


class Arm(Protocol):
    """One way to prompt."""

    @property
    def name(self) -> str:
        """One of ARMS."""
        ...

    @property
    def instructed(self) -> bool:
        """Whether rows without a system message are given an instruction made from the task."""
        ...

    def shown(self, query: Query, pool: Pool) -> list[Solved]:
        """The solved examples before the question, the one that matters least first."""
        ...


@dataclass(frozen=True)
class Base:
    """The question alone, under a good instruction."""

    name: ClassVar[str] = BASE
    instructed: ClassVar[bool] = True

    def shown(self, query: Query, pool: Pool) -> list[Solved]:
        """Nothing."""
        return []


@dataclass(frozen=True)
class FewShot:
    """The same `shots` train examples before each question, balanced over the labels, drawn by `seed`."""

    name: ClassVar[str] = FEW_SHOT
    instructed: ClassVar[bool] = True
    shots: int = 8
    seed: int = 0

    def shown(self, query: Query, pool: Pool) -> list[Solved]:
        """The drawn examples; another one in place of the question itself, should it be asked."""
        drawn = [each for each in pool.balanced(self.seed) if each.query.example_id != query.example_id]
        return drawn[: self.shots]


@dataclass(frozen=True)
class Rag:
    """The `neighbours` train examples nearest to the question, from the least to the most similar."""

    name: ClassVar[str] = RAG
    instructed: ClassVar[bool] = True
    neighbours: int = 6
    max_df: float = 0.08  # words in more than this share of the train questions do not count

    def shown(self, query: Query, pool: Pool) -> list[Solved]:
        """The nearest, never the question itself."""
        own = pool.positions.get(query.example_id)
        near = pool.retriever(self.max_df).neighbours(query.text, self.neighbours, without=own)
        return [pool.solved[position] for position in reversed(near)]


@dataclass(frozen=True)
class Tuned:
    """The question alone, as the trainer showed it: with the row's own system message or with none."""

    name: ClassVar[str] = TUNED
    instructed: ClassVar[bool] = False

    def shown(self, query: Query, pool: Pool) -> list[Solved]:
        """Nothing."""
        return []
