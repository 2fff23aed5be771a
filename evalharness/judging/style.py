"""What in a judge's preference is style: length and lists, measured, and taken out of the win rate."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from evalharness.judging.winrate import Preferences, logistic, share_longer
from evalharness.statistics.intervals import Floats

ITEM = re.compile(r"^\s{0,8}(?:[-*+\u2022]|\d{1,3}[.)])\s+\S", re.MULTILINE)
ITEMS = 2  # lines that begin like an item, from which on an answer has a list
PRECISION = 0.01  # of the prior on the weights of style: a standard deviation of 10 in log odds
FEWEST = 10  # pairs judged
BESIDE = 0.1  # share of pairs on either side of equal length, at least
Z = 1.959963984540054  # of the normal distribution, 97.5 %


class Style(NamedTuple):
    """How far length and lists sway a judge, and the win rate without them; None with the reason."""

    rate: float | None  # as between answers of one length, both or neither with a list
    low: float | None  # 95 %
    high: float | None
    slope: float | None  # log odds for one standard deviation more of length, near 0; above 0: longer wins
    lists: float | None  # log odds for having a list where the other has none
    longer: float | None  # of the pairs with a winner and unlike lengths, the share that the longer won
    listed: float | None  # of the pairs with a winner where one has a list, the share that the list won
    n: int
    n_listed: int
    reason: str  # why there is no rate; empty where there is one


def has_list(text: str) -> bool:
    """Whether an answer has a list of items, in Markdown or with numbers."""
    return len(ITEM.findall(text)) >= ITEMS


def style(preferences: Preferences, answers: Sequence[str], baseline: Sequence[str]) -> Style:
    """Measured over the pairs that were judged; a preference is from 0 (the baseline) to 1 (the candidate).

    The win rate at equal style is that of a logistic regression at no difference: on length as in
    `length_controlled` (Dubois et al., 2024), and on whether one of the two alone has a list. A weak prior
    on the two weights gives a judge that looks at nothing else an answer too. Exchanging the arms turns
    each rate into 1 less it. Where one of the two is nearly always the longer, no difference lies beyond what
    was judged, and there is no rate.
    """
    own, other = [len(text) for text in answers], [len(text) for text in baseline]
    sides = [has_list(a) - has_list(b) for a, b in zip(answers, baseline, strict=True)]
    known = np.array([value is not None for value in preferences], dtype=bool)
    chosen = np.array([value for value in preferences if value is not None], dtype=float)
    n = len(chosen)
    apart = (np.array(own, dtype=float) - np.array(other, dtype=float))[known]
    marked = np.array(sides, dtype=float)[known]
    alike = _alike(apart) if n else ""
    listed = [
        (value > 0.5) == (side > 0)
        for value, side in zip(chosen, marked, strict=True)
        if side and value != 0.5
    ]
    features = {"length": np.tanh(apart / apart.std())} if n and apart.std() > 0 else {}
    if n and marked.std() > 0:
        features["lists"] = marked
    found = (alike or _weights(features, chosen)) if n >= FEWEST else f"{n} pairs judged: too few"
    longer = share_longer([None if value is None else float(value) for value in preferences], own, other)
    share = sum(listed) / len(listed) if listed else None
    if isinstance(found, str):
        return Style(None, None, None, None, None, longer, share, n, len(listed), found)
    weights, error = found
    rate, low, high = (_share(weights["all"] + step * error) for step in (0, -Z, Z))
    slope, lists = weights.get("length"), weights.get("lists")
    return Style(rate, low, high, slope, lists, longer, share, n, len(listed), "")


def _alike(apart: Floats) -> str:
    """Why equal length is beyond what was judged; empty where pairs lie on both sides of it."""
    least = min(float((apart >= 0).mean()), float((apart <= 0).mean()))
    if least >= BESIDE or np.ptp(apart) == 0:
        return ""
    return f"one of the two is the longer in {1 - least:.0%} of the pairs: equal length lies beyond what was judged"


def _weights(features: Mapping[str, Floats], chosen: Floats) -> tuple[dict[str, float], float] | str:
    """(weight by feature, standard error of that of `all`); or why there are none."""
    if not features:
        return "all pairs differ by the same length"
    if np.all(chosen == chosen[0]) and chosen[0] in (0.0, 1.0):
        return "one of the two always wins"
    table = np.column_stack([np.ones(len(chosen)), *features.values()])
    precision = np.array([0.0, *(PRECISION for _ in features)])
    found = logistic(table, chosen, precision)
    if found is None:
        return "style and the arms cannot be told apart"
    weights, covariance = found
    # where style tells nearly all, the sandwich's error is too small: the larger of it and the model's own
    told = 1 / (1 + np.exp(-table @ weights))
    model = np.linalg.inv((table.T * (told * (1 - told))) @ table + np.diag(precision))
    names = ("all", *features)
    return dict(zip(names, map(float, weights), strict=True)), math.sqrt(max(covariance[0, 0], model[0, 0]))


def _share(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
