"""Macro-F1, which is a property of the whole: its value, and bootstrap and swap test through confusion counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalharness.statistics.intervals import (
    CHUNK,
    KEPT,
    RESAMPLES,
    Codes,
    Floats,
    Interval,
    drawn_counts,
    no_interval,
    why_too_few,
)
from evalharness.statistics.paired import (
    ALL_FLIPS,
    FLIPS,
    STANDARD,
    Difference,
    Rules,
    Tail,
    percentile_interval,
)
from evalharness.statistics.pooled import EQUAL, Swapped, both_ways

Labels = Sequence[str | None]

ONE_KIND = 400  # to draw how often one kind occurs takes as long as so many products


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
    return _mean_f1(weights @ counts.hit, weights @ (counts.reference + counts.predicted))


def _mean_f1(hits: Floats, both: Floats) -> Floats:
    """(rows, labels) hits, and references plus predictions -> the mean F1 of the labels present in each row."""
    present = both > 0
    scores = np.divide(2 * hits, both, out=np.zeros_like(hits), where=present)
    return np.asarray(scores.sum(axis=1) / np.maximum(1, present.sum(axis=1)))


def _resampled(parts: Sequence[_Counts], groups: Codes | None, resamples: int, seed: int) -> list[Floats]:
    """Macro-F1 of each part under the same resamples of rows, or of whole groups.

    Rows that say the same in every part count together, unless there are about as many kinds as rows:
    what is drawn is how often each kind occurs, or how often each row or group is drawn.
    """
    n = len(parts[0].hit)
    sides = [side for part in parts for side in (part.reference, part.predicted)]
    kinds = np.hstack([side.astype(np.uint8) for side in sides])
    bare = np.dtype((np.void, kinds.shape[1])) if kinds.size else None  # rows as single values sort quicker
    rows = np.ascontiguousarray(kinds).view(bare)[:, 0] if bare else np.zeros(n)
    _, first, kind, sizes = np.unique(rows, return_index=True, return_inverse=True, return_counts=True)
    if (
        groups is None
        and n * resamples <= KEPT
        and len(first) * ONE_KIND > n * (1 + sum(part.hit.shape[1] for part in parts))
    ):
        return _by_rows(parts, drawn_counts(n, resamples, seed))
    rng = np.random.default_rng(seed)
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


def _by_rows(parts: Sequence[_Counts], drawn: NDArray[np.uint8]) -> list[Floats]:
    """Macro-F1 of each part by how often each row is drawn; counts of rows are whole in 32 bits too."""
    table = np.hstack([side for part in parts for side in (part.hit, part.reference + part.predicted)])
    rows = table.astype(np.float32)
    step = max(1, CHUNK // max(1, len(table)))
    blocks = range(0, len(drawn), step)
    sums = np.vstack([drawn[at : at + step].astype(np.float32) @ rows for at in blocks]).astype(float)
    found, start = [], 0
    for part in parts:  # each has columns for the labels that it knows
        middle, end = start + part.hit.shape[1], start + 2 * part.hit.shape[1]
        found.append(_mean_f1(sums[:, start:middle], sums[:, middle:end]))
        start = end
    return found


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
    reason = why_too_few(len(reference), groups)
    if reason:
        return no_interval(reason)
    (draws,) = _resampled([_counts(reference, predicted)], groups, resamples, seed)
    if np.all(draws == draws[0]):
        return no_interval(EQUAL)
    return percentile_interval(draws, confidence, "bootstrap" if groups is None else "group bootstrap")


def macro_f1_difference(
    reference: Labels,
    candidate: Labels,
    baseline: Labels,
    groups: Codes | None = None,
    rules: Rules = STANDARD,
) -> Difference:
    """Candidate's macro-F1 minus the baseline's, with paired bootstrap interval and one-sided p.

    p is the larger of two: the share of resamples on the wrong side of 0 or the margin, the observed
    counted as one, and the swap test's. Resamples that all agree tell nothing of chance: then there is
    no p, unless both systems say the same on every row, which no swap can change.
    """
    n = len(reference)
    units = n if groups is None else len(np.unique(groups))
    parts = [_counts(reference, side) for side in (candidate, baseline)]
    one = np.ones((1, n))
    mean = float(_macro(one, parts[0])[0] - _macro(one, parts[1])[0]) if n else None
    reason = why_too_few(n, groups)
    if reason or mean is None:
        none = no_interval(reason or "no example")
        return Difference(n, units, mean, none, none, None, None, None)
    first, second = _resampled(parts, groups, rules.resamples, rules.seed)
    draws = first - second
    if np.all(draws == draws[0]):
        none = no_interval("every resample gives the same difference")
        same = Tail(1.0, 1.0, "swap test, exact") if list(candidate) == list(baseline) else None
        return Difference(n, units, mean, none, none, same, same, None)
    swapped = _swapped(reference, candidate, baseline, groups, rules.seed)
    tail, margin_tail = (both_ways(draws, swapped, mean, at) for at in (0.0, rules.margin))
    method = "paired bootstrap" if groups is None else "paired group bootstrap"
    levels = (rules.confidence, 1 - 2 * rules.alpha)
    wide, inner = (percentile_interval(draws, level, method) for level in levels)
    return Difference(n, units, mean, wide, inner, tail, margin_tail, float(draws.var(ddof=1)) * n)


def _swapped(
    reference: Labels, candidate: Labels, baseline: Labels, groups: Codes | None, seed: int
) -> Swapped:
    """Under all or many ways to exchange the two systems' predictions, by rows or by whole groups.

    Units that the exchange changes alike count together: what is drawn is how many of each kind change
    sides. Up to 13 units that it changes every pattern is tried.
    """
    # one call for both, so that a label has the same column on both sides
    both = _counts([*reference, *reference], [*candidate, *baseline])
    n = len(reference)
    wanted, said = both.reference[:n], (both.predicted[:n], both.predicted[n:])
    moves = np.hstack([(said[1] - said[0]) * wanted, said[1] - said[0]])  # of hits, of predictions
    if groups is not None:
        codes = np.unique(groups, return_inverse=True)[1]
        table = np.zeros((int(codes.max()) + 1, moves.shape[1]))
        np.add.at(table, codes, moves)
        moves = table
    least = 2.0 ** -len(moves)
    moves = moves[np.any(moves != 0, axis=1)]
    kinds, sizes = np.unique(moves, axis=0, return_counts=True)
    exact = len(moves) <= ALL_FLIPS
    if exact:
        kinds, total = moves, 2 ** len(moves)
    else:
        total = FLIPS
    rng = np.random.default_rng(seed)
    hits = [(wanted * side).sum(axis=0) for side in said]
    sums = [(wanted + side).sum(axis=0) for side in said]
    labels, found = wanted.shape[1], []
    rows = max(1, CHUNK // max(1, len(kinds), moves.shape[1]))
    for start in range(0, total, rows):
        patterns = np.arange(start, min(start + rows, total))[:, None]
        if exact:
            turned = ((patterns >> np.arange(len(moves))) & 1).astype(np.float64)
        else:
            turned = _heads(rng, sizes, len(patterns))
        change = turned @ kinds
        ours = _mean_f1(hits[0] + change[:, :labels], sums[0] + change[:, labels:])
        theirs = _mean_f1(hits[1] - change[:, :labels], sums[1] - change[:, labels:])
        found.append(ours - theirs)
    return Swapped(np.concatenate(found), exact, least)


def _heads(rng: np.random.Generator, sizes: Codes, rows: int) -> Floats:
    """(rows, sizes): of so many tossed coins, how many show heads. Up to 64 coins are the bits of one number."""
    found = np.empty((rows, len(sizes)))
    least = 0
    for most, word in ((8, np.uint8), (64, np.uint64)):
        some = (sizes > least) & (sizes <= most)
        masks = np.array([(1 << int(size)) - 1 for size in sizes[some]], dtype=word)
        drawn = rng.bytes(most // 8 * rows * len(masks))
        coins = np.frombuffer(drawn, dtype=word).reshape(rows, len(masks))
        found[:, some] = np.bitwise_count(np.bitwise_and(coins, masks))
        least = most
    many = sizes > least
    found[:, many] = rng.binomial(sizes[many], 0.5, size=(rows, int(many.sum())))
    return found
