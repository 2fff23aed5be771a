"""What an arm asks the model: messages that fit, one prompt for each question."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from curate.errors import SeatrialError, SourceError
from curate.example import digest
from evalharness.asking.arms import Arm
from evalharness.asking.pool import Pool, Shown
from evalharness.asking.task import Query, Turn
from evalharness.models.chat import Chat
from evalharness.retrieval.documents import Passage

PASSAGES = "Passages that may help, the likeliest last:"


@dataclass(frozen=True)
class Prompt:
    """One question as it goes to the model; `ids` is empty for a model behind an endpoint."""

    example_id: str
    turns: tuple[Turn, ...] = ()
    ids: tuple[int, ...] = ()
    shown: tuple[Shown, ...] = ()
    error: str | None = None  # why there is no prompt

    @property
    def hash(self) -> str:
        """Digest of all that the model is shown."""
        return digest(json.dumps(self.turns, ensure_ascii=False, sort_keys=True), json.dumps(self.ids))


@dataclass
class Prompter:
    """Makes the prompts of one arm, and keeps count of what did not fit.

    `chat` and `room` (tokens for the prompt) are None for a model behind an endpoint, which fits them
    itself. `instruction` is the user's own system message for arms that are instructed.
    """

    arm: Arm
    pool: Pool
    instruction: str | None = None
    chat: Chat | None = None
    room: int | None = None
    cut: int = field(default=0, init=False)  # prompts that show less than the arm asks for
    fewest: int | None = field(default=None, init=False)  # examples or passages in the prompt that has least

    def __post_init__(self) -> None:
        made = self.pool.task.instruction() if self.arm.instructed else None
        self.made, self.dropped = made, ""
        if made and self.chat and self.room:
            alone = ({"role": "system", "content": made}, {"role": "user", "content": "x"})
            size = len(self.chat.ids(self.chat.prompt(alone)))
            if size > self.room // 2:
                self.made = None
                self.dropped = f"the instruction with all labels has {size:,} tokens and was left out"

    def prompt(self, query: Query) -> Prompt:
        """The prompt for one question. What cannot be asked comes back with an error, and is no crash."""
        try:
            if not any(turn["role"] == "user" for turn in query.turns):
                raise SourceError("there is no question in it")
            shown = self.arm.shown(query, self.pool)
            return self._fitted(query, shown)
        except SeatrialError as error:
            return Prompt(query.example_id, error=error.message)

    def _fitted(self, query: Query, shown: list[Shown]) -> Prompt:
        """With as much of what is shown as fits; the first ones are left out first."""
        for skip in range(len(shown) + 1):
            kept = shown[skip:]
            turns = self._turns(query, kept)
            ids = self.chat.ids(self.chat.prompt(turns)) if self.chat else []
            if self.room is None or len(ids) <= self.room:
                self.cut += skip > 0
                self.fewest = min(len(kept), len(kept) if self.fewest is None else self.fewest)
                return Prompt(query.example_id, tuple(turns), tuple(ids), tuple(kept))
        raise SourceError(
            f"the prompt has {len(ids):,} tokens; the model has room for {self.room:,} beside the answer"
        )

    def _turns(self, query: Query, shown: Sequence[Shown]) -> list[Turn]:
        system = self._system(query)
        passages = [each.whole for each in shown if isinstance(each, Passage)]
        if passages:
            system = "\n\n".join([*([system] if system else []), PASSAGES, *passages])
        turns: list[Turn] = [{"role": "system", "content": system}] if system else []
        for each in shown:
            if not isinstance(each, Passage):
                turns += [*each.query.turns, {"role": "assistant", "content": each.answer}]
        return [*turns, *query.turns]

    def _system(self, query: Query) -> str | None:
        """The system message: the user's own for all, else the arm's, else the row's or that of the task."""
        if not self.arm.instructed:
            return query.system
        if self.instruction:
            return self.instruction
        if self.arm.instruction:
            return self.arm.instruction.over(query.system)
        return query.system or self.made
