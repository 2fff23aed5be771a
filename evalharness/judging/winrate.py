"""What stored judgements of pairs come to: win rates, with length taken out, and how far to trust them.

A preference is from 0 (the baseline's answer is better) to 1 (the candidate's), a tie is a half, and None
is a pair that was not judged. Pure functions; nothing is asked of a judge here.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from curate.people import agreement
from evalharness.statistics.intervals import Codes, Floats
from evalharness.statistics.paired import mean_variance

Preferences = Sequence[float | None]

STEPS = 100
STEEP = 30.0  # a log odds beyond this is no estimate but a run to infinity
BETTER = 0.5


class WinRate(NamedTuple):
    """The mean preference. `error` is the standard error of the mean; None with fewer than two pairs."""

    rate: float | None
    error: float | None
    n: int  # pairs judged
    wins: int
    losses: int
    ties: int
    nulls: int  # pairs not judged: left out, and counted here


def win_rate(preferences: Preferences, groups: Codes | None = None) -> WinRate:
    """The candidate's win rate over the judged pairs, its error by whole groups where there are groups.

    The error is s / sqrt(n) with n - 1 in s, as alpaca_eval prints it; of groups it is Miller's (2024).
    """
    known = _known(preferences)
    values = np.array([value for value in preferences if value is not None], dtype=float)
    n = len(values)
    wins, losses = int(np.sum(values > BETTER)), int(np.sum(values < BETTER))
    inside = None if groups is None else groups[known]
    alone = inside is not None and len(np.unique(inside)) < 2
    error = None if n < 2 or alone else math.sqrt(mean_variance(values, inside))
    rate = float(values.mean()) if n else None
    return WinRate(rate, error, n, wins, losses, n - wins - losses, len(preferences) - n)


class Controlled(NamedTuple):
    """A win rate as it would be between answers of one length."""

    rate: float | None
    error: float | None
    slope: float | None  # log odds for one standard deviation more of length, near 0; above 0: longer wins
    n: int
    reason: str  # why there is none; empty where there is one


def length_controlled(
    preferences: Preferences, lengths: Sequence[int], baseline_lengths: Sequence[int]
) -> Controlled:
    """The win rate at equal length, by a logistic regression of preference on the difference in length.

    P(candidate) = 1 / (1 + exp(-(a + b tanh((own - baseline) / s)))), s the standard deviation of the
    differences; the rate is that at difference 0 (Y. Dubois et al., "Length-controlled AlpacaEval", 2024,
    without their terms for model and instruction, which need other models' judgements). The error is the
    sandwich's, so that preferences between 0 and 1 count for what they are.
    """
    known = _known(preferences)
    chosen = np.array([value for value in preferences if value is not None], dtype=float)
    apart = (np.asarray(lengths, dtype=float) - np.asarray(baseline_lengths, dtype=float))[known]
    n = len(chosen)
    if n < 3:
        return Controlled(None, None, None, n, f"{n} pairs judged: too few")
    if np.ptp(apart) == 0:
        return Controlled(None, None, None, n, "all pairs differ by the same length")
    table = np.column_stack([np.ones(n), np.tanh(apart / apart.std())])
    found = logistic(table, chosen)
    if found is None:
        return Controlled(None, None, None, n, "length alone tells all wins from all losses")
    weights, covariance = found
    rate = 1 / (1 + math.exp(-weights[0]))
    return Controlled(rate, math.sqrt(covariance[0, 0]) * rate * (1 - rate), float(weights[1]), n, "")


def logistic(table: Floats, wanted: Floats, precision: Floats | float = 0.0) -> tuple[Floats, Floats] | None:
    """(weights, their sandwich covariance) by Newton's method; None where it runs away.

    `precision`: of a normal prior around 0 on each weight, so that a perfect split ends somewhere.
    """
    weights = np.zeros(table.shape[1])
    prior = np.diag(np.broadcast_to(precision, weights.shape))
    free = np.diag(prior) == 0
    for _ in range(STEPS):
        said = 1 / (1 + np.exp(-table @ weights))
        curvature = (table.T * (said * (1 - said))) @ table + prior
        if np.linalg.cond(curvature) > 1e12:
            return None
        step = np.linalg.solve(curvature, table.T @ (wanted - said) - prior @ weights)
        weights = weights + step
        if np.abs(weights[free]).max(initial=0) > STEEP:
            return None
        if np.abs(step).max() < 1e-12:
            break
    said = 1 / (1 + np.exp(-table @ weights))
    bread = np.linalg.inv((table.T * (said * (1 - said))) @ table + prior)
    filling = (table.T * (wanted - said) ** 2) @ table
    return weights, bread @ filling @ bread


class Orders(NamedTuple):
    """One judge on the same pairs in both orders, where it spoke in both."""

    merged: list[float | None]  # the preference of each pair: a flip is a tie, half a judgement is none
    n: int  # pairs judged in both orders
    same: int  # of these, the same winner in both
    flips: int  # each order named another winner
    first: float | None  # share of choices, ties aside, that fell on the answer shown first; .5 is no habit
    kappa: float | None  # Cohen's, of one order with the other


def both_orders(as_given: Preferences, swapped: Preferences) -> Orders:
    """Both orders' preferences made one, both told as preference for the candidate.

    `as_given` are those with the candidate shown first. Where the orders name different winners the
    judge told the places apart and not the answers: that is a tie (L. Zheng et al., "Judging
    LLM-as-a-judge", 2023). Else the mean of both.
    """
    merged: list[float | None] = []
    sides: list[tuple[int, int]] = []
    firsts: list[bool] = []
    for one, two in zip(as_given, swapped, strict=True):
        if one is None or two is None:
            merged.append(None)
            continue
        sides.append((_side(one), _side(two)))
        flip = sides[-1][0] * sides[-1][1] < 0
        merged.append(0.5 if flip else (one + two) / 2)
        firsts += [side > 0 for side in (sides[-1][0], -sides[-1][1]) if side]
    same = sum(one == two for one, two in sides)
    flips = sum(one * two < 0 for one, two in sides)
    habit = sum(firsts) / len(firsts) if firsts else None
    return Orders(
        merged, len(sides), same, flips, habit, cohen_kappa(*zip(*sides, strict=True)) if sides else None
    )


class Right(NamedTuple):
    """How often a judge names the winner that people named; a pair not judged is not right."""

    n: int
    as_given: float
    swapped: float
    mean: float
    both: float  # right in both orders
    same: float  # the same word in both orders


def right_in_both_orders(
    gold: Sequence[Hashable], as_given: Sequence[Hashable], swapped: Sequence[Hashable]
) -> Right | None:
    """Shares of right winners by order, as LLMBar tells them; None without pairs."""
    n = len(gold)
    if not n:
        return None
    one = [said == right for said, right in zip(as_given, gold, strict=True)]
    two = [said == right for said, right in zip(swapped, gold, strict=True)]
    both = sum(a and b for a, b in zip(one, two, strict=True)) / n
    same = sum(a == b for a, b in zip(as_given, swapped, strict=True)) / n
    return Right(n, sum(one) / n, sum(two) / n, (sum(one) + sum(two)) / (2 * n), both, same)


def cohen_kappa(one: Sequence[Hashable], two: Sequence[Hashable]) -> float | None:
    """Cohen's kappa of two raters; None for no units, or where chance alone makes them agree.

    With its interval: `curate.people.agreement.kappa`.
    """
    units = [{"one": repr(a), "two": repr(b)} for a, b in zip(one, two, strict=True)]
    return agreement.kappa(units, "one", "two").kappa


def fleiss_kappa(counts: Sequence[Sequence[int]]) -> float | None:
    """Fleiss's kappa (1971) of a table: a row for each unit, how many raters gave each word.

    All units have the same number of raters, two or more (ValueError); None where all say one word.
    """
    table = np.asarray(counts, dtype=float)
    raters = table.sum(axis=1)
    if not len(table) or raters[0] < 2 or np.any(raters != raters[0]):
        raise ValueError("each unit needs the same number of raters, at least two")
    shares = table.sum(axis=0) / table.sum()
    chance = float(shares @ shares)
    agreed = float(((table * (table - 1)).sum(axis=1) / (raters * (raters - 1))).mean())
    return None if chance == 1 else (agreed - chance) / (1 - chance)


def share_longer(
    preferences: Preferences, lengths: Sequence[int], baseline_lengths: Sequence[int]
) -> float | None:
    """Of the pairs with a winner and unlike lengths, the share that the longer answer won."""
    won = [
        (side > 0) == (own > other)
        for value, own, other in zip(preferences, lengths, baseline_lengths, strict=True)
        if value is not None and (side := _side(value)) and own != other
    ]
    return sum(won) / len(won) if won else None


def _side(preference: float) -> int:
    return (preference > BETTER) - (preference < BETTER)


def _known(preferences: Preferences) -> np.ndarray:
    return np.array([value is not None for value in preferences], dtype=bool)
