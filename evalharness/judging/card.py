"""How far a judge can be believed: what it says of pairs, beside what people say of the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from curate.people.agreement import Kappa, kappa
from evalharness.deciding.comparison import JudgeCard
from evalharness.deciding.wording import points
from evalharness.judging.corrected import Corrected, corrected_rate
from evalharness.judging.pairwise import Merged
from evalharness.judging.rating import Pairing
from evalharness.judging.style import Style, style
from evalharness.judging.winrate import Orders, WinRate, both_orders, win_rate
from evalharness.statistics.intervals import Interval, group_codes, wilson_of_scores

LEAST_KAPPA, LEAST_LABELS = 0.4, 50
ADVISORY, CALIBRATED = "advisory only", "calibrated"


@dataclass(frozen=True)
class Gate:
    """What a judge must reach before its word counts as more than advice."""

    kappa: float = LEAST_KAPPA
    labels: int = LEAST_LABELS

    def enough(self, agreed: Kappa) -> bool:
        """Whether people have said enough to tell."""
        return agreed.n >= self.labels and agreed.kappa is not None

    def fault(self, agreed: Kappa) -> str | None:
        """Why the judge stays advisory; None where it has passed."""
        if agreed.n < self.labels:
            return f"{agreed.n:,} pairs rated by people and judged, {self.labels:,} are needed"
        if agreed.kappa is None:
            return f"no kappa with people: {agreed.reason}"
        if agreed.kappa < self.kappa:
            return f"kappa with people is {agreed.kappa:.2f}, {self.kappa:g} is needed"
        return None


class Injected(NamedTuple):
    """How the newest injection test of this judge ended."""

    moved: int  # answers that talked it round
    n: int  # that it could be tried on
    broken: int  # after which it gave no verdict


class Card(NamedTuple):
    """Everything measured of one judge on one pairing."""

    metric: str
    model: str
    candidate: str
    baseline: str
    pairs: int  # that could be judged
    wins: WinRate
    interval: Interval
    style: Style
    agreed: Kappa
    corrected: Corrected
    fault: str | None  # why it is advisory
    enough: bool  # whether people have said enough to tell
    orders: Orders | None = None  # where each pair was judged in both
    kept: tuple[int, int] = (0, 0)  # repeats with the first one's winner, of how many
    criteria: Mapping[str, float] | None = None  # the mean preference by each
    injected: Injected | None = None
    warnings: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """Calibrated, or advisory only."""
        return ADVISORY if self.fault else CALIBRATED


def card_of(
    pair: Pairing,
    preferences: Mapping[str, float | None],
    people: Mapping[int, float],
    *,
    metric: str,
    model: str,
    gate: Gate = Gate(),
    told: Merged | None = None,
    injected: Injected | None = None,
    warnings: Sequence[str] = (),
) -> Card:
    """The card from preferences by `judged` and people's word by place; both 0 (the baseline) to 1."""
    places = [place for place, item in enumerate(pair.items) if item.judged in preferences]
    said = [preferences[pair.items[place].judged] for place in places]
    groups = group_codes([pair.items[place].group for place in places])
    known = [row for row, value in enumerate(said) if value is not None]
    values = np.array([said[row] for row in known], dtype=np.float64)
    inside = None if groups is None else groups[known]
    theirs = [people.get(places[row]) for row in known]
    units = [
        {"judge": _word(float(own)), "people": _word(other)}
        for own, other in zip(values, theirs, strict=True)
        if other is not None
    ]
    agreed = kappa(units, "judge", "people")
    texts = [[pair.items[place].answers[arm] for place in places] for arm in (pair.candidate, pair.baseline)]
    orders = both_orders(told.as_given, told.swapped) if told else None
    return Card(
        metric=metric,
        model=model,
        candidate=pair.candidate,
        baseline=pair.baseline,
        pairs=len(places),
        wins=win_rate(said, groups),
        interval=wilson_of_scores(values, inside),
        style=style(said, *texts),
        agreed=agreed,
        corrected=corrected_rate(list(values), theirs, inside),
        fault=gate.fault(agreed),
        enough=gate.enough(agreed),
        orders=orders,
        kept=told.kept if told else (0, 0),
        criteria=told.criteria if told else None,
        injected=injected,
        warnings=tuple(warnings),
    )


def as_json(card: Card) -> JudgeCard:
    """The card as the comparison keeps it."""
    orders, (kept, repeats) = card.orders, card.kept
    found = JudgeCard(
        metric=f"{card.metric}, {card.candidate} against {card.baseline}",
        model=card.model,
        status=card.status,
        n=card.agreed.n,
        kappa=card.agreed.kappa,
        kappa_low=card.agreed.low,
        kappa_high=card.agreed.high,
        length_slope=card.style.slope,
        win_rate=card.wins.rate,
        win_rate_low=card.interval.low,
        win_rate_high=card.interval.high,
        win_rate_corrected=card.corrected.rate,
        corrected_low=card.corrected.low,
        corrected_high=card.corrected.high,
        win_rate_length=card.style.rate,
        length_low=card.style.low,
        length_high=card.style.high,
        pairs=card.wins.n,
        not_judged=card.wins.nulls,
        longer=card.style.longer,
        listed=card.style.listed,
        detail=". ".join(_details(card)),
    )
    if orders:
        found |= {"flips": orders.flips / orders.n if orders.n else None, "first": orders.first}
    if repeats:
        found["repeats"] = kept / repeats
    if card.injected and card.injected.n:
        found["talked_round"] = card.injected.moved / card.injected.n
    return found


def _details(card: Card) -> list[str]:
    """What the numbers do not say."""
    found = [card.fault or "it agrees with people as far as was asked for"]
    if not card.orders:
        found.append("it scored each answer by itself: the higher score counts as the better answer")
    if card.style.reason:
        found.append(f"no win rate at equal length: {card.style.reason}")
    if card.corrected.reason:
        found.append(f"no corrected win rate: {card.corrected.reason}")
    if card.corrected.lean:
        favoured = card.candidate if card.corrected.lean > 0 else card.baseline
        found.append(
            f"it favours {favoured} by {points(card.corrected.lean)} beside people, on the rated pairs"
        )
    if card.injected is None:
        found.append("whether an answer can talk it round was not measured")
    return [*found, *card.warnings]


def _word(preference: float) -> str:
    return "candidate" if preference > 0.5 else "baseline" if preference < 0.5 else "neither"
