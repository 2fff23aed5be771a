"""Macro-F1, which is a property of the whole: its value, and paired bootstrap through confusion counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalharness.intervals import (
    CHUNK,
    RESAMPLES,
    Codes,
    Floats,
    Interval,
    no_interval,
)
from evalharness.paired import STANDARD, Difference, Rules, Tail, percentile_interval

Labels = Sequence[str | None]


def macro_f1(reference: Labels, predicted: Labels) -> float | None:
    """The mean of F1 over the labels that occur on either side; a null prediction is a miss. None without rows."""
    counts = _counts(reference, predicted)
    return float(_macro(np.ones((1, len(reference))), counts)[0]) if len(reference) else None


@dataclass(frozen=True)
class _Counts:
    """(rows, labels) 0/1 arrays: which label is the reference, which is predicted, which is hit."""

    reference: Floats
    predicted: Floats
    hit: Floats


def _counts(reference: Labels, predicted: Labels) -> _Counts:
    known = sorted({name for side in (reference, predicted) for name in side if name is not None})
    index = {name: column for column, name in enumerate(known)}
    wanted, said = np.zeros((len(reference), len(known))), np.zeros((len(reference), len(known)))
    for row, (right, given) in enumerate(zip(reference, predicted, strict=True)):
        if right is not None:
            wanted[row, index[right]] = 1
        if given is not None:
            said[row, index[given]] = 1
    return _Counts(wanted, said, wanted * said)


def _macro(weights: Floats, counts: _Counts) -> Floats:
    """Macro-F1 under each row of weights; a label that a resample lacks on both sides is left out of its mean."""
    hits = weights @ counts.hit
    both = weights @ (counts.reference + counts.predicted)
    present = both > 0
    scores = np.divide(2 * hits, both, out=np.zeros_like(hits), where=present)
    return np.asarray(scores.sum(axis=1) / np.maximum(1, present.sum(axis=1)))


def _resampled(parts: Sequence[_Counts], groups: Codes | None, resamples: int, seed: int) -> list[Floats]:
    """Macro-F1 of each part under the same resamples of rows, or of whole groups.

    Rows that say the same in every part count together: what is drawn is how often each kind occurs.
    """
    rng = np.random.default_rng(seed)
    n = len(parts[0].hit)
    sides = [side for part in parts for side in (part.reference, part.predicted)]
    kinds = np.hstack([side.astype(np.uint8) for side in sides])
    _, first, kind, sizes = np.unique(
        kinds, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    if groups is None:
        units, shares, table = n, sizes / n, None
    else:
        codes = np.unique(groups, return_inverse=True)[1]
        units = int(codes.max()) + 1
        shares, table = np.full(units, 1 / units), np.zeros((units, len(first)))
        np.add.at(table, (codes, kind), 1)
    small = [_Counts(part.reference[first], part.predicted[first], part.hit[first]) for part in parts]
    results: list[list[Floats]] = [[] for _ in parts]
    step = max(1, CHUNK // max(units if table is not None else 1, len(first)))
    for start in range(0, resamples, step):
        drawn = rng.multinomial(units, shares, size=min(step, resamples - start)).astype(np.float64)
        weights = drawn if table is None else drawn @ table
        for kept, part in zip(results, small, strict=True):
            kept.append(_macro(weights, part))
    return [np.concatenate(kept) for kept in results]


def _too_few(n: int, groups: Codes | None) -> str | None:
    if n < 2:
        return f"{n} example{'s' * (n != 1)}: too few for an interval"
    return "all examples are of one group" if groups is not None and len(np.unique(groups)) < 2 else None


def macro_f1_interval(
    reference: Labels,
    predicted: Labels,
    groups: Codes | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap interval of macro-F1. None with a reason for too few rows or no spread."""
    reason = _too_few(len(reference), groups)
    if reason:
        return no_interval(reason)
    (draws,) = _resampled([_counts(reference, predicted)], groups, resamples, seed)
    if np.all(draws == draws[0]):
        return no_interval("every resample gives the same value")
    return percentile_interval(draws, confidence, "bootstrap" if groups is None else "group bootstrap")


def macro_f1_difference(
    reference: Labels,
    candidate: Labels,
    baseline: Labels,
    groups: Codes | None = None,
    rules: Rules = STANDARD,
) -> Difference:
    """Candidate's macro-F1 minus the baseline's, with paired bootstrap interval and one-sided p.

    p is the share of resamples on the wrong side of 0 or the margin, the observed counted as one.
    """
    n = len(reference)
    units = n if groups is None else len(np.unique(groups))
    parts = [_counts(reference, side) for side in (candidate, baseline)]
    one = np.ones((1, n))
    mean = float(_macro(one, parts[0])[0] - _macro(one, parts[1])[0]) if n else None
    reason = _too_few(n, groups)
    if reason:
        none = no_interval(reason)
        return Difference(n, units, mean, none, none, None, None, None)
    first, second = _resampled(parts, groups, rules.resamples, rules.seed)
    draws = first - second
    tail, margin_tail = (_tail(draws, at) for at in (0.0, rules.margin))
    if np.all(draws == draws[0]):
        none = no_interval("every resample gives the same difference")
        return Difference(n, units, mean, none, none, tail, margin_tail, None)
    method = "paired bootstrap" if groups is None else "paired group bootstrap"
    levels = (rules.confidence, 1 - 2 * rules.alpha)
    wide, inner = (percentile_interval(draws, level, method) for level in levels)
    return Difference(n, units, mean, wide, inner, tail, margin_tail, float(draws.var(ddof=1)) * n)


def _tail(draws: Floats, margin: float) -> Tail:
    above = (1 + int(np.sum(draws <= margin))) / (1 + len(draws))
    below = (1 + int(np.sum(draws >= margin))) / (1 + len(draws))
    return Tail(above, below, "paired bootstrap")
