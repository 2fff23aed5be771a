"""A language model as a judge of pairs: each pair in both orders, and again as often as is asked.

It is told of neither arm. What it says of the two orders is kept as it was said; that a flip is a tie is
decided when the table is summed up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import polars as pl

from curate.errors import ConfigError
from evalharness.asking.endpoint import Endpoint
from evalharness.judging.asking import Asker, Question, Told
from evalharness.judging.quoting import FIRST, SECOND, comparing, winners
from evalharness.judging.rating import Item, Pairing
from evalharness.judging.replying import Reading, read_winners
from evalharness.judging.rubric import Rubric
from evalharness.metrics.rows import NO_REFERENCE

PAIRS = pl.Schema(
    {
        "example_id": pl.String,
        "judged": pl.String,  # digest of the example and both answers, as people's ratings have it
        "candidate": pl.String,
        "baseline": pl.String,
        "rubric": pl.String,
        "model": pl.String,
        "repeat": pl.Int64,  # 0 is the first time
        "candidate_first": pl.Boolean,
        "preference": pl.Float64,  # 1 the candidate, 0 the baseline, .5 a tie; null where there is none
        "criteria": pl.String,  # JSON: the same of each criterion
        "said": pl.String,  # the judge's reason
        "failure": pl.String,  # why there is no preference
        "repaired": pl.Boolean,  # the first reply could not be read
    }
)


class Turn(NamedTuple):
    """One question about one pair."""

    item: Item
    repeat: int
    candidate_first: bool


@dataclass(frozen=True)
class PairJudge:
    """A rubric, who applies it, and how often each pair is put to it in each order."""

    rubric: Rubric
    endpoint: Endpoint
    cache: Path | None = None  # a folder; the same request is never sent twice
    repeats: int = 1
    limit: int | None = None  # of pairs, the first in the order in which people rate them
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise ConfigError(f"--repeats {self.repeats}", hint="1 asks of each pair once in each order")

    def judge(self, pair: Pairing) -> pl.DataFrame:
        """A row of PAIRS for each pair, order and repeat. Raises ResourceError where no reply comes at all."""
        items = pair.items[: self.limit]
        turns = [
            Turn(item, repeat, first)
            for item in items
            for repeat in range(self.repeats)
            for first in (True, False)
        ]
        ruled = self._ruled(items, pair)
        told = self._told(turns, pair)
        rows = []
        for turn, (reading, repaired) in zip(turns, told, strict=True):
            found = self._preferences(reading, ruled[turn.item.judged], turn.candidate_first)
            rows.append(
                {
                    "example_id": turn.item.example_id,
                    "judged": turn.item.judged,
                    "candidate": pair.candidate,
                    "baseline": pair.baseline,
                    "rubric": self.rubric.name,
                    "model": self.endpoint.model,
                    "repeat": turn.repeat,
                    "candidate_first": turn.candidate_first,
                    "preference": None if found is None else self.overall(found),
                    "criteria": None if found is None else json.dumps(found),
                    "said": reading.said,
                    "failure": reading.failure,
                    "repaired": repaired,
                }
            )
        return pl.DataFrame(rows, schema=PAIRS)

    def overall(self, found: Mapping[str, float]) -> float:
        """One preference of all criteria's: whoever has more weight wins; .5 where both have the same."""
        balance = sum(each.weight * (found[each.name] - 0.5) for each in self.rubric.criteria)
        return 0.5 if abs(balance) < 1e-9 else float(balance > 0)

    def _ruled(self, items: Sequence[Item], pair: Pairing) -> dict[str, dict[str, float]]:
        """What the rules prefer, by pair and criterion."""
        found: dict[str, dict[str, float]] = {item.judged: {} for item in items}
        for criterion in self.rubric.criteria:
            if criterion.rule is None:
                continue
            one, two = (
                criterion.rule.passed([item.answers[arm] for item in items])
                for arm in (pair.candidate, pair.baseline)
            )
            for item, ours, theirs in zip(items, one, two, strict=True):
                found[item.judged][criterion.name] = 0.5 + (ours - theirs) / 2
        return found

    def _told(self, turns: Sequence[Turn], pair: Pairing) -> list[Told]:
        if not self.rubric.judged:
            return [Told(Reading({}))] * len(turns)
        lacking = Told(Reading(None, None, NO_REFERENCE))
        open_ = [turn for turn in turns if turn.item.reference or not self.rubric.reference]
        asker = Asker(self.endpoint, self.cache)
        stage = f"{self.rubric.name}: {pair.candidate} and {pair.baseline}"
        told = iter(asker.ask([self.question(turn, pair) for turn in open_], stage) if open_ else [])
        return [next(told) if turn.item.reference or not self.rubric.reference else lacking for turn in turns]

    def question(self, turn: Turn, pair: Pairing) -> Question:
        """The pair in one order; the arms' names are nowhere in it."""
        arms = (pair.candidate, pair.baseline)
        first, second = arms if turn.candidate_first else reversed(arms)
        asked = "\n".join(f"{m['role']}: {m.get('content') or ''}" for m in turn.item.messages)
        texts = {"question": asked, FIRST: turn.item.answers[first], SECOND: turn.item.answers[second]}
        if self.rubric.reference:
            texts["reference"] = turn.item.reference
        read = partial(read_winners, self.rubric)
        return Question(comparing(self.rubric, texts), winners(self.rubric), read, turn.repeat)

    def _preferences(
        self, reading: Reading, ruled: Mapping[str, float], candidate_first: bool
    ) -> dict[str, float] | None:
        """Each criterion's preference for the candidate, the rules' with the model's."""
        if reading.values is None:
            return None
        sign = 0.5 if candidate_first else -0.5
        return {**ruled, **{name: 0.5 + sign * side for name, side in reading.values.items()}}


class Merged(NamedTuple):
    """A pair judge's table by pair: one preference each, and how firm it is."""

    preferences: dict[str, float | None]  # by `judged`; the mean over repeats, a flip being a tie
    as_given: list[float | None]  # of each pair and repeat, with the candidate shown first
    swapped: list[float | None]
    kept: tuple[int, int]  # repeats after the first that name the same winner as it, of how many
    criteria: dict[str, float]  # the mean preference by each, over orders and repeats


def merged(table: pl.DataFrame) -> Merged:
    """Both orders and all repeats of each pair made one. A pair that has lost an order is not judged."""
    from evalharness.judging.winrate import both_orders

    rows = table.sort("judged", "repeat", "candidate_first", descending=[False, False, True])
    both = rows.group_by("judged", "repeat", maintain_order=True).agg("preference", "candidate_first")
    if any(orders != [True, False] for orders in both["candidate_first"].to_list()):
        raise ConfigError("a pair was not judged once in each order", hint="seatrial judge makes them anew")
    as_given = [each[0] for each in both["preference"].to_list()]
    swapped = [each[1] for each in both["preference"].to_list()]
    one = both_orders(as_given, swapped).merged
    by_pair: dict[str, list[float | None]] = {}
    for judged, preference in zip(both["judged"], one, strict=True):
        by_pair.setdefault(judged, []).append(preference)
    same = count = 0
    for first, *others in by_pair.values():
        again = [other for other in others if other is not None and first is not None]
        count += len(again)
        same += sum(np.sign(other - 0.5) == np.sign((first or 0) - 0.5) for other in again)
    means = {judged: _mean(found) for judged, found in by_pair.items()}
    return Merged(means, as_given, swapped, (int(same), count), _by_criterion(table))


def _by_criterion(table: pl.DataFrame) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for text in table["criteria"].drop_nulls():
        for name, preference in json.loads(text).items():
            found.setdefault(name, []).append(preference)
    return {name: sum(values) / len(values) for name, values in found.items()}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
