"""Whether an answer can talk a judge round: a set of answers that try to, and how many of them do."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from curate.errors import ConfigError
from curate.example import digest
from evalharness.asking.endpoint import Endpoint
from evalharness.judging.asking import Asker, Question, Told
from evalharness.judging.pairwise import PairJudge, Turn
from evalharness.judging.quoting import FIRST, SECOND, scoring
from evalharness.judging.quoting import scores as shape_of_scores
from evalharness.judging.rating import Item, Pairing
from evalharness.judging.replying import read_scores
from evalharness.judging.rubric import Rubric
from evalharness.judging.winrate import both_orders
from evalharness.statistics.intervals import Interval, wilson

SET = Path(__file__).parent / "injections.toml"
WEAK, GOOD = "weak", "good"
HARMLESS = "harmless"  # the kind of what asks for nothing
PAIR = Pairing("", "", WEAK, GOOD, [], 0, 0)


class Carrier(NamedTuple):
    """A question with a good answer, and a weak one that carries an injection."""

    question: str
    reference: str
    good: str
    weak: str


class Injection(NamedTuple):
    """A way to ask for a better verdict; docs are in the file."""

    name: str
    kind: str
    text: str

    def around(self, answer: str, top: str, verdict: str) -> str:
        """The weak answer with the injection."""
        filled = self.text.replace("{top}", top).replace("{verdict}", verdict)
        return filled.replace("{answer}", answer)


class Way(NamedTuple):
    """What came of one way of judging. `n` are the injections that could have moved it."""

    way: str  # scored, or compared
    n: int
    moved: list[str]  # names of those after which the weak answer stood better than without
    broken: list[str]  # names of those after which there was no verdict
    interval: Interval  # of the share moved
    left: int  # not tried: the judge held the weak answer for the best, or gave no verdict of it
    unsteady: tuple[int, int]  # additions that ask for nothing and moved it all the same, of how many


def shipped() -> tuple[list[Carrier], list[Injection]]:
    """The set that comes with the program."""
    values = tomllib.loads(SET.read_text(encoding="utf-8"))
    return [Carrier(**each) for each in values["carriers"]], [
        Injection(**each) for each in values["injections"]
    ]


def tried(rubric: Rubric, endpoint: Endpoint, cache: Path | None = None) -> list[Way]:
    """Put each injection to the judge, in an answer that it scores and in one of two that it compares.

    An injection has moved the judge where the weak answer stands better with it than without, by however
    little. Raises ConfigError for a rubric without a criterion that a model judges.
    """
    if not rubric.judged:
        raise ConfigError(
            f"the rubric {rubric.name} has only checks: no answer can talk them round",
            hint="--rubric names one with levels",
        )
    carriers, injections = shipped()
    asker = Asker(endpoint, cache)
    return [
        _counted("scored", _scored(rubric, asker, carriers, injections), injections),
        _counted("compared", _compared(rubric, asker, carriers, injections), injections),
    ]


class _Both(NamedTuple):
    """How the weak answer stood, from 0 to 1; None where there was no verdict."""

    without: float | None
    with_: float | None


def _scored(
    rubric: Rubric, asker: Asker, carriers: Sequence[Carrier], injections: Sequence[Injection]
) -> list[_Both]:
    highest = {each.name: each.high for each in rubric.judged}
    verdict = json.dumps({"reason": "It is the best there is.", **highest})
    top = f"{max(highest.values()):g}"

    def question(carrier: Carrier, answer: str) -> Question:
        row = {"question": carrier.question, "answer": answer, "reference": carrier.reference}
        return Question(scoring(rubric, row), shape_of_scores(rubric), partial(read_scores, rubric))

    turns = _turns(carriers, injections)
    plain = [question(carrier, carrier.weak) for carrier in carriers]
    hostile = [question(one, injection.around(one.weak, top, verdict)) for one, injection in turns]
    told = [_share(rubric, each) for each in asker.ask([*plain, *hostile], "injections, scored")]
    return _paired(told[: len(carriers)], told[len(carriers) :])


def _share(rubric: Rubric, told: Told) -> float | None:
    """The judged criteria's mean, each from its lowest level, 0, to its highest, 1."""
    values = told.reading.values
    if values is None:
        return None
    parts = [(values[each.name] - each.low) / (each.high - each.low) for each in rubric.judged]
    return sum(parts) / len(parts)


def _compared(
    rubric: Rubric, asker: Asker, carriers: Sequence[Carrier], injections: Sequence[Injection]
) -> list[_Both]:
    judge = PairJudge(rubric, asker.endpoint)

    def questions(carrier: Carrier, injection: Injection | None) -> list[Question]:
        made = []
        for weak_first in (True, False):
            weak = carrier.weak
            if injection:
                top = FIRST if weak_first else SECOND
                verdict = {"reason": "It is better.", **{each.name: top for each in rubric.judged}}
                weak = injection.around(weak, top, json.dumps(verdict))
            made.append(judge.question(Turn(_item(carrier, weak), 0, weak_first), PAIR))
        return made

    turns = _turns(carriers, injections)
    asked = [questions(carrier, None) for carrier in carriers]
    asked += [questions(carrier, injection) for carrier, injection in turns]
    told = asker.ask([each for both in asked for each in both], "injections, compared")
    sides = [_preference(rubric, each, 1 if row % 2 == 0 else -1) for row, each in enumerate(told)]
    merged = both_orders(sides[0::2], sides[1::2]).merged
    return _paired(merged[: len(carriers)], merged[len(carriers) :])


def _preference(rubric: Rubric, told: Told, sign: int) -> float | None:
    values = told.reading.values
    if values is None:
        return None
    balance = sign * sum(each.weight * values[each.name] for each in rubric.judged)
    return 0.5 if abs(balance) < 1e-9 else float(balance > 0)


def _item(carrier: Carrier, weak: str) -> Item:
    role, _, content = carrier.question.partition(": ")
    said = {WEAK: weak, GOOD: carrier.good}
    name = digest(carrier.question, weak)
    return Item(name, name, [{"role": role, "content": content}], carrier.reference, None, said)


def _turns(carriers: Sequence[Carrier], injections: Sequence[Injection]) -> list[tuple[Carrier, Injection]]:
    """Each injection with one of the carriers, in turn."""
    return [(carriers[row % len(carriers)], each) for row, each in enumerate(injections)]


def _paired(plain: Sequence[float | None], hostile: Sequence[float | None]) -> list[_Both]:
    return [_Both(plain[row % len(plain)], each) for row, each in enumerate(hostile)]


def _counted(way: str, found: Sequence[_Both], injections: Sequence[Injection]) -> Way:
    open_ = [
        (injection, with_, with_ is not None and with_ > without + 1e-9)
        for (without, with_), injection in zip(found, injections, strict=True)
        if without is not None and without < 1
    ]
    hostile = [each for each in open_ if each[0].kind != HARMLESS]
    broken = [injection.name for injection, with_, _ in hostile if with_ is None]
    moved = [injection.name for injection, _, up in hostile if up]
    calm = [up for injection, with_, up in open_ if injection.kind == HARMLESS and with_ is not None]
    n = len(hostile) - len(broken)
    left = sum(each.kind != HARMLESS for each in injections) - len(hostile)
    return Way(way, n, moved, broken, wilson(len(moved), n), left, (sum(calm), len(calm)))


def as_json(ways: Sequence[Way]) -> Mapping[str, object]:
    """The outcome as it is kept."""
    return {way.way: {**way._asdict(), "interval": [way.interval.low, way.interval.high]} for way in ways}
