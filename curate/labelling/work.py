"""One person's work on one task and one version: which row comes next, what is proposed, what was said."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from statistics import median
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from curate.errors import ConfigError
from curate.labelling.answers import (
    Said,
    Suggestion,
    Turn,
    Turns,
    packed,
    shown_hash,
    shown_hashes,
    standing,
    standing_on,
    unpacked,
)
from curate.labelling.doubted import doubted
from curate.labelling.gold import gold_of
from curate.labelling.sharing import drawn, mine
from curate.labelling.suggestions import Proposed, proposed
from curate.labelling.tasks import Task, Value, column_of
from curate.workspace import Annotation, Workspace
from curate.workspace.limits import LONGEST, must_fit

Order = Literal["file", "uncertain", "differ"]
ORDERS: dict[Order, str] = {
    "file": "in order",
    "uncertain": "least sure first",
    "differ": "where people differ",
}
PACED = 100  # the answers over which the median time is taken
RECENT = 4
LOOKED_AT = 4096  # rows looked at in one go for one that is open

Places = npt.NDArray[np.int64]


class Work:
    """Rows are named by their place in the version, from 0. Reading it takes a moment: do it in a thread."""

    def __init__(self, workspace: Workspace, dataset: str, name: str, task: Task, reviewer: str) -> None:
        self.workspace, self.dataset, self.name = workspace, dataset, name
        self.task, self.reviewer = task, reviewer
        columns = workspace.scan_examples(dataset).select("example_id", current=column_of(task.column))
        self.rows: pl.DataFrame = columns.collect()
        self.gold: dict[int, Value] = gold_of(workspace, dataset, task)
        self.doubted = doubted(workspace, dataset) if task.column == "label" else frozenset()
        self.mine = mine(task, reviewer, self.rows["example_id"])
        self.answered = np.zeros(self.rows.height, dtype=bool)
        self.own: dict[int, Value] = {}  # place to one's own standing answer
        self.paces: deque[float] = deque(maxlen=PACED)
        self.turns = Turns(workspace, task, reviewer, self._shown)
        self.model: Proposed | None = None
        self.prepared: tuple[Mapping[str, Any], str] = {}, ""  # a row, and the hash of what it shows
        self.seen: dict[int, tuple[Said, ...]] = {}  # place to what people differ on, as it was read
        self._read_answers()
        self.model = self.newer_model()
        self.order: Order = "uncertain" if self.model is not None else "file"
        self.chose_order = False
        self.ids: Places = self._ordered(None)

    # reading

    def _read_answers(self) -> None:
        """Who has answered what of the rows as they are now."""
        said, self.strange = standing(self.workspace, self.task)
        here = self.current(said)
        own = [each for each in here if each[1].reviewer == self.reviewer]
        for place, word in sorted(own, key=lambda each: each[1].at):
            self._own(place, word.value)
            if word.seconds is not None:
                self.paces.append(word.seconds)
        by_place: dict[int, list[Said]] = {}
        for place, word in here:
            by_place.setdefault(place, []).append(word)
        self.seen = {place: tuple(words) for place, words in by_place.items() if _differ(words)}
        self.total_answers = len(here)

    def current(self, said: Iterable[Said]) -> list[tuple[int, Said]]:
        """(place, answer) of those that were given to what a row of this version says now."""
        words = list(said)
        return list(placed(self.workspace, self.dataset, self.task, words))

    def _shown(self, example_ids: Iterable[str]) -> dict[str, str]:
        """What rows of this version show, as hashes."""
        now = shown_now(self.workspace, self.dataset, self.task, example_ids)
        return {example_id: shown for example_id, (_, shown) in now.items()}

    def newer_model(self) -> Proposed | None:
        """Suggestions newer than those at hand, or None. It reads a file: do it in a thread."""
        found = proposed(self.workspace, self.dataset, self.task)
        if found is None or (self.model is not None and found.made_at == self.model.made_at):
            return None
        return found.placed(self.rows["example_id"])

    def take_model(self, model: Proposed, current: int | None = None) -> None:
        """Let new suggestions count from here; the order follows, unless the person chose another."""
        self.model = model
        if self.order == "uncertain" or (self.order == "file" and not self.chose_order):
            self.order = "uncertain"
            self.ids = self._ordered(current)

    # what comes next

    def arrange(self, order: Order, current: int | None = None) -> None:
        """Put the rows in another order. Raises ConfigError where there is nothing to order by."""
        if order == "uncertain" and self.model is None:
            raise ConfigError("no model has ordered the rows yet", hint=self.model_told())
        if order == "differ" and not self.seen:
            raise ConfigError("people differ on no row of this version", hint="o goes on to the next order")
        self.order, self.chose_order = order, True
        self.ids = self._ordered(current)

    def following_order(self) -> Order | None:
        """The next order that there is; None where there is but one."""
        orders = list(ORDERS)
        at = orders.index(self.order)
        for order in [*orders[at + 1 :], *orders[:at]]:
            if (order != "uncertain" or self.model is not None) and (order != "differ" or self.seen):
                return order
        return None

    def _ordered(self, current: int | None) -> Places:
        """Places in order: in that of the model those that are answered first, then the current one."""
        if self.order == "differ":
            return np.array(sorted(self.seen), dtype=np.int64)
        places = np.flatnonzero(self.mine)
        if self.order == "uncertain" and self.model is not None:
            done = [place for place in self.own if self.mine[place]]
            first = [*done, *([current] if current is not None and current not in self.own else [])]
            rest = places[~np.isin(places, first)]
            rest = rest[np.argsort(self.model.rank[rest], kind="stable")]
            mixed = self._with_gold(rest)
            return np.concatenate([np.array(first, dtype=np.int64), mixed])
        return self._with_gold(places)

    def _with_gold(self, places: Places) -> Places:
        """The rows with a gold one at some place of every `gold_every`; what is gold is not told by where."""
        gold = [int(place) for place in places if int(place) in self.gold] if self.gold else []
        if not gold:
            return places
        others = [int(place) for place in places if int(place) not in self.gold]
        every = self.task.gold_every
        mixed: list[int] = []
        for number, start in enumerate(range(0, len(others), every - 1)):
            block = others[start : start + every - 1]
            if number < len(gold):
                word = f"{self.task.name} {self.reviewer} {number}".encode()
                block.insert(drawn(word) % every, gold[number])
            mixed += block
        return np.array(mixed + gold[len(range(0, len(others), every - 1)) :], dtype=np.int64)

    def next_open(self, position: int) -> int | None:
        """The position in `ids` of the next row to answer, after `position`, else from the top."""
        count = len(self.ids)
        for first, last in ((position + 1, count), (0, min(position + 1, count))):
            for start in range(first, last, LOOKED_AT):
                part = self.ids[start : min(start + LOOKED_AT, last)]
                waits = np.isin(part, list(self.seen)) if self.order == "differ" else ~self.answered[part]
                if waits.any():
                    return start + int(waits.argmax())
        return None

    def position(self, place: int) -> int | None:
        """Where in `ids` a row stands; None if it is not among them."""
        found = np.flatnonzero(self.ids == place)
        return int(found[0]) if len(found) else None

    def where(self, example_id: str) -> int | None:
        """The place of a row; None if it is not of this version."""
        found = self.rows["example_id"].index_of(example_id)
        return None if found is None else int(found)

    # what is said of a row

    def suggestion(self, place: int) -> Suggestion | None:
        """What to propose for a row: the column's value or the model's, as the task says."""
        by_model = self.model.suggestion(self.task, place) if self.model is not None else None
        if self.task.suggest == "none":
            return None
        if self.task.suggest == "model":
            return by_model
        value = self.task.read(self.rows["current"][place])
        # what a check doubts is not proposed: one would only confirm it
        if value is None or (self.doubted and self.rows["example_id"][place] in self.doubted):
            return by_model
        sure = by_model.probability if by_model is not None and by_model.value == value else None
        return Suggestion(value, sure, "label")

    def people(self, place: int) -> str:
        """What each says where people differ; empty where they do not, or are not to be seen."""
        if self.order != "differ":
            return ""  # who has not answered yet answers on their own
        return "; ".join(f"{word.reviewer}: {told(word.value)}" for word in self.seen.get(place, ()))

    # answers: on return they are on the disk

    def checked(self, value: object) -> Value:
        """The value, if it answers the task and leaves room for what is kept with it. Raises ConfigError."""
        checked = self.task.checked(value)
        must_fit([("an answer", packed(checked), LONGEST // 2)])
        return checked

    def prepare(self, example: Mapping[str, Any]) -> None:
        """Find ahead what an answer to this row will need: it takes some milliseconds."""
        self.prepared = example, shown_hash(self.task, example)

    def answer(
        self,
        place: int,
        example: Mapping[str, Any],
        value: Value,
        seconds: float | None = None,
        suggestion: Suggestion | None = None,
    ) -> None:
        """Answer one row; `suggestion` is what was shown beside it. Raises ConfigError for what is no answer."""
        checked = self.checked(value)
        settles = tuple(word.uid for word in self.seen.get(place, ())) if self.order == "differ" else ()
        word = packed(checked, seconds, suggestion, raw=self.task.kind == "text")
        of, known = self.prepared
        example_id, shown = example["example_id"], known if of is example else shown_hash(self.task, example)
        said = Annotation(example_id, shown, self.task.key, word, self.reviewer, settles)
        self.workspace.ledger.annotate([said])
        self.turns.here[example_id] = shown
        if settles:
            self.seen.pop(place, None)
        self.total_answers += place not in self.own
        self._own(place, checked)
        if seconds is not None:
            self.paces.append(seconds)

    def undo(self) -> tuple[Turn | None, int | None]:
        """Take the newest answer back: what came of it, and the place of its row here."""
        return self._turned(self.turns.undo())

    def redo(self) -> tuple[Turn | None, int | None]:
        """Give the newest undone answer again: what came of it, and the place of its row here."""
        return self._turned(self.turns.redo())

    def _turned(self, turn: Turn | None) -> tuple[Turn | None, int | None]:
        place = self.where(turn.example_id) if turn is not None else None
        if turn is None or place is None:
            return turn, None
        answer = unpacked(self.task, turn.value) if turn.value is not None else None
        if answer is not None:
            self._own(place, answer["answer"])
        else:
            self.own.pop(place, None)
            self.answered[place] = False
        if self.order == "differ":  # what it had settled may be open again
            words = standing_on(self.workspace, self.task, turn.example_id, turn.shown)
            self.seen.pop(place, None)
            if _differ(words):
                self.seen[place] = tuple(words)
        return turn, place

    def _own(self, place: int, value: Value) -> None:
        self.own.pop(place, None)  # the newest stands last
        self.own[place] = value
        self.answered[place] = True

    # notes and flags

    def note(self, example: Mapping[str, Any]) -> str:
        """One's own note on a row."""
        return self._newest(example, f"note:{self.task.name}", self.reviewer) or ""

    def annotate(self, example: Mapping[str, Any], note: str) -> None:
        """Write a note on a row; an empty one takes it away."""
        self._say(example, f"note:{self.task.name}", note or None)

    def flagged(self, example: Mapping[str, Any]) -> bool:
        """Whether anyone's last word on a row's flag is that it is set."""
        return bool(self._newest(example, "flag"))

    def flag(self, example: Mapping[str, Any]) -> None:
        """Set a flag on a row, or take it off."""
        self._say(example, "flag", None if self.flagged(example) else "yes")

    def _say(self, example: Mapping[str, Any], key: str, value: str | None) -> None:
        said = Annotation(example["example_id"], example["content_hash"], key, value, self.reviewer)
        self.workspace.ledger.annotate([said])

    def _newest(self, example: Mapping[str, Any], key: str, reviewer: str = "") -> str | None:
        query = """select value from annotation where example_id = ? and key = ? and (? = '' or reviewer = ?)
                   order by annotated_at desc, uid desc limit 1"""
        rows = self.workspace.ledger.rows(query, example["example_id"], key, reviewer, reviewer)
        return rows[0]["value"] if rows else None

    # how far one is

    @property
    def open(self) -> int:
        """How many of one's own rows are not answered."""
        return int(np.count_nonzero(self.mine & ~self.answered))

    @property
    def recent(self) -> list[str]:
        """One's own last answers that stand, the newest last."""
        return [told(value) for value in list(islice(reversed(self.own.values()), RECENT))[::-1]]

    @property
    def pace(self) -> float | None:
        """Median seconds of the last answers, idle time taken out."""
        return median(self.paces) if self.paces else None

    @property
    def gold_score(self) -> tuple[int, int]:
        """(right, answered) of the gold rows."""
        said = [(self.own[place], value) for place, value in self.gold.items() if place in self.own]
        return sum(own == value for own, value in said), len(said)

    def due(self, asked: int) -> bool:
        """Whether so many answers are new that the model is to be trained again.

        `asked` is how many there were when that was last begun.
        """
        every = self.task.retrain
        trained = self.model.trained_on if self.model is not None else 0
        new = self.total_answers - max(trained, asked)
        return self.task.kind != "text" and every > 0 and new >= every

    def model_told(self) -> str:
        """What the model knows, or why there is none."""
        if self.task.kind == "text":
            return "no model proposes texts"
        if self.model is None:
            return f"no model yet: it is trained from {max(self.task.retrain, 2)} answers on, of two kinds"
        new = self.total_answers - self.model.trained_on
        right = "" if self.model.right is None else f", {self.model.right:.0%} right"
        return f"model of {self.model.trained_on:,} answers{right}{self.model.sample}" + (
            f", {new:,} newer" if new > 0 else ""
        )


def told(value: Value) -> str:
    """An answer in words."""
    return (", ".join(value) or "none of them") if isinstance(value, list) else str(value)


def _differ(words: Iterable[Said]) -> bool:
    return len({packed(word.value) for word in words}) > 1


def placed(
    workspace: Workspace, dataset: str, task: Task, said: Sequence[Said]
) -> Iterable[tuple[int, Said]]:
    """(place, answer) of those answers that were given to what a row of a version says now."""
    if not said:
        return
    now = shown_now(workspace, dataset, task, (word.example_id for word in said))
    for word in said:
        place, shown = now.get(word.example_id, (None, None))
        if place is not None and shown == word.shown:
            yield place, word


def shown_now(
    workspace: Workspace, dataset: str, task: Task, example_ids: Iterable[str]
) -> dict[str, tuple[int, str]]:
    """Example id to the row's place in a version and the hash of what it shows there."""
    ids = list(dict.fromkeys(example_ids))
    rows = workspace.scan_examples(dataset).with_row_index("place")
    found = rows.filter(pl.col("example_id").is_in(ids)).collect()
    shown = zip(found["place"].to_list(), shown_hashes(task, found), strict=True)
    return dict(zip(found["example_id"], shown, strict=True))
