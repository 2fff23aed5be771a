"""The arms: the ways to get an answer that are compared on the same questions.

An arm decides what stands in the prompt before the question: an instruction, and solved examples or
passages. It is given a `Query`, which has no answer in it, and a `Pool`, which holds examples of the train
split only. Order, decoding and metric are the same for all arms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, get_args

from curate.errors import ConfigError
from evalharness.asking.instructions import Instruction
from evalharness.asking.pool import Choice, Pool, Retrieval, Shown
from evalharness.asking.task import Query

__all__ = ["ARMS", "BASE", "FEW_SHOT", "RAG", "TUNED", "TUNED_RAG", "Arm", "Base", "FewShot", "Pool", "Rag", "Tuned"]  # fmt: skip

BASE, FEW_SHOT, RAG, TUNED = "base", "few-shot", "rag", "tuned"
ARMS = (BASE, FEW_SHOT, RAG, TUNED)  # those that the verdict is about; all others inform
TUNED_RAG = "tuned-rag"
NAMED_TUNED, SERVED = "tuned:", "served:"  # a further adapter; another model behind an endpoint
Source = Literal["rows", "documents"]


def in_order(names: Iterable[str]) -> list[str]:
    """Arms as they are shown: the four of the verdict, then those that inform, by name."""
    known = set(names)
    return [name for name in ARMS if name in known] + sorted(known - set(ARMS))


def is_tuned(name: str) -> bool:
    """Whether an adapter acts in this arm."""
    return name in (TUNED, TUNED_RAG) or name.startswith(NAMED_TUNED)


class Arm(Protocol):
    """One way to prompt."""

    @property
    def name(self) -> str:
        """As it stands in the predictions."""
        ...

    @property
    def instructed(self) -> bool:
        """Whether rows without a system message are given an instruction made from the task."""
        ...

    @property
    def instruction(self) -> Instruction | None:
        """How the system message differs from the row's own; None where it does not."""
        ...

    @property
    def shows(self) -> Source | None:
        """What stands before the question: train rows, passages of documents, or nothing."""
        ...

    def shown(self, query: Query, pool: Pool) -> list[Shown]:
        """The solved examples or passages before the question, the one that matters least first."""
        ...


@dataclass(frozen=True)
class Base:
    """The question alone, under a good instruction; under a name of its own where another model is asked."""

    name: str = BASE
    instruction: Instruction | None = None
    instructed: ClassVar[bool] = True
    shows: ClassVar[Source | None] = None

    def shown(self, query: Query, pool: Pool) -> list[Shown]:
        """Nothing."""
        return []


@dataclass(frozen=True)
class FewShot:
    """`shots` train examples before each question: the same for all, balanced over the labels and drawn by
    `seed`; or the nearest by their words.
    """  # noqa: D205

    name: ClassVar[str] = FEW_SHOT
    instructed: ClassVar[bool] = True
    shows: ClassVar[Source | None] = "rows"
    shots: int = 8
    seed: int = 0
    choice: Choice = "fixed"
    instruction: Instruction | None = None

    def shown(self, query: Query, pool: Pool) -> list[Shown]:
        """The drawn examples; another one in place of the question itself, should it be asked."""
        if self.choice == "nearest":
            return list(pool.nearest(query, self.shots, Retrieval()))
        drawn = [each for each in pool.balanced(self.seed) if each.query.example_id != query.example_id]
        return [*drawn[: self.shots]]


@dataclass(frozen=True)
class Rag:
    """The `neighbours` train examples or passages nearest to the question, from the least to the most similar."""

    name: ClassVar[str] = RAG
    instructed: ClassVar[bool] = True
    neighbours: int = 6
    retrieval: Retrieval = Retrieval()  # noqa: RUF009  frozen
    source: Source = "rows"
    instruction: Instruction | None = None

    @property
    def shows(self) -> Source | None:
        """Train rows or passages."""
        return self.source

    def shown(self, query: Query, pool: Pool) -> list[Shown]:
        """The nearest, never the question itself."""
        if self.source == "documents":
            return list(pool.passages_near(query, self.neighbours, self.retrieval))
        return list(pool.nearest(query, self.neighbours, self.retrieval))


@dataclass(frozen=True)
class Tuned:
    """The question as the trainer showed it, with the row's own system message or with none; with `rag`, what
    that arm shows stands before it.
    """  # noqa: D205

    name: str = TUNED
    rag: Rag | None = None
    instructed: ClassVar[bool] = False
    instruction: ClassVar[Instruction | None] = None

    @property
    def retrieval(self) -> Retrieval | None:
        """As the retrieval that it goes with."""
        return self.rag.retrieval if self.rag else None

    @property
    def shows(self) -> Source | None:
        """As the retrieval that it goes with."""
        return self.rag.source if self.rag else None

    def shown(self, query: Query, pool: Pool) -> list[Shown]:
        """Nothing, or what `rag` shows."""
        return self.rag.shown(query, pool) if self.rag else []


def must_be_choice(choice: str) -> Choice:
    """How shots are chosen; ConfigError for another word."""
    for known in get_args(Choice):
        if choice == known:
            return choice  # type: ignore[return-value]  # one of the words, as just seen
    raise ConfigError(f"--choice {choice}", hint=f"it is one of {', '.join(get_args(Choice))}")
