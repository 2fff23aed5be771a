"""What arms may show before a question: solved train rows, and passages of given documents."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal, TypeAlias

import polars as pl

from curate.errors import ConfigError, MissingExtraError
from curate.scanning.embedding import Vectors
from evalharness.asking.task import Query, Solved, Task, queries, task_of
from evalharness.retrieval.documents import Passage
from evalharness.retrieval.meaning import ByMeaning, Fused, Search, nearest
from evalharness.retrieval.words import Retriever

Choice = Literal["fixed", "nearest"]
How = Literal["bm25", "embedding", "hybrid"]
Shown: TypeAlias = Solved | Passage


@dataclass(frozen=True)
class Retrieval:
    """How what is near is found."""

    by: How = "bm25"
    max_df: float = 0.08  # words in more than this share of the texts do not count
    encoder: str | None = None  # name and fingerprint, where meaning counts


class Pool:
    """The solved examples that may be shown: those of the train split, and no other."""

    def __init__(
        self, examples: pl.DataFrame, passages: Sequence[Passage] = (), vectors: Vectors | None = None
    ) -> None:
        train = examples.filter(pl.col("split") == "train")
        self.solved: list[Solved] = [each for each in queries(train) if each.query.turns and each.answer]
        self.passages = list(passages)
        self.vectors = vectors
        self.search = cache(self._search)
        self.balanced = cache(self._balanced)

    @cached_property
    def task(self) -> Task:
        """What the train examples show is asked."""
        return task_of(self.solved)

    @cached_property
    def positions(self) -> dict[str, int]:
        """Position of each example by its id."""
        return {each.query.example_id: position for position, each in enumerate(self.solved)}

    def nearest(self, query: Query, count: int, how: Retrieval) -> list[Solved]:
        """The nearest examples, the nearest last; never the question itself."""
        own = self.positions.get(query.example_id)
        near = nearest(self.search(how, "rows"), query.text, count, without=own)
        return [self.solved[position] for position in reversed(near)]

    def passages_near(self, query: Query, count: int, how: Retrieval) -> list[Passage]:
        """The nearest passages, the nearest last."""
        near = nearest(self.search(how, "documents"), query.text, count)
        return [self.passages[position] for position in reversed(near)]

    def prepare(self, how: Retrieval, asked: Sequence[Query]) -> None:
        """Encode all questions at once, where meaning counts: far quicker than one by one."""
        if how.by != "bm25" and self.vectors is not None:
            self.vectors.of_whole([query.text for query in asked])

    def _search(self, how: Retrieval, source: Literal["rows", "documents"]) -> Search:
        texts = (
            [each.query.text for each in self.solved]
            if source == "rows"
            else [passage.whole for passage in self.passages]
        )
        if source == "documents" and not texts:
            raise ConfigError("no documents were given to retrieve from", hint="--documents FILE or FOLDER")
        words = Retriever(texts, how.max_df)
        if how.by == "bm25":
            return words
        if self.vectors is None:
            raise MissingExtraError("sentence-transformers", "embed")
        meaning = ByMeaning(texts, self.vectors)
        return meaning if how.by == "embedding" else Fused([words, meaning])

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
