"""Of an arm's labels: precision, recall and F1 of each, micro-F1, and which label was taken for which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from evalharness.metrics.about import f1
from evalharness.statistics.intervals import Codes, Floats, Interval, wilson_of_scores
from evalharness.statistics.pooled import pooled_interval, pooled_value

RESAMPLES = 1000
Labels = Sequence[str | None]


class ClassRow(NamedTuple):
    """One label. A figure without rows to measure it by is None; intervals are 95 %."""

    label: str
    n: int  # rows that have it
    said: int  # rows for which it was said
    hits: int  # both
    precision: float | None
    precision_interval: Interval
    recall: float | None
    recall_interval: Interval
    f1: float | None
    f1_interval: Interval


def by_class(
    reference: Labels, predicted: Labels, groups: Codes | None = None, seed: int = 0
) -> list[ClassRow]:
    """Each label that occurs on either side, in order; a null prediction is a miss and no label's false alarm."""
    rows = []
    for label in sorted({name for side in (reference, predicted) for name in side if name is not None}):
        has, said = (
            np.array([each == label for each in side], dtype=float) for side in (reference, predicted)
        )
        hits = has * said
        table = np.column_stack([hits, said, has])
        shares: list[tuple[float | None, Interval]] = []
        for side in (said, has):
            inside = side > 0
            kept = _groups(groups, inside)
            value = float(hits[inside].mean()) if inside.any() else None
            shares.append((value, wilson_of_scores(hits[inside], kept)))
        interval = pooled_interval(table, f1, groups, resamples=RESAMPLES, seed=seed)
        counts = (int(has.sum()), int(said.sum()), int(hits.sum()))
        rows.append(ClassRow(label, *counts, *shares[0], *shares[1], pooled_value(table, f1), interval))
    return rows


def micro(reference: Labels, predicted: Labels) -> Floats:
    """(rows, 3): hit, said, wanted; micro-F1 is `about.f1` of their sums.

    It is accuracy where every row has a label on both sides; a null prediction costs recall alone.
    """
    hit = [right is not None and right == said for right, said in zip(reference, predicted, strict=True)]
    sides = [[each is not None for each in side] for side in (predicted, reference)]
    return np.column_stack([np.array(each, dtype=float) for each in (hit, *sides)])


def confusion(reference: Labels, predicted: Labels) -> list[tuple[str | None, str | None, int]]:
    """How often each label (null: none) was given for each, the most frequent first."""
    counts = Counter(zip(reference, predicted, strict=True))
    pairs = [(right, said, count) for (right, said), count in counts.items()]
    return sorted(pairs, key=lambda pair: (-pair[2], pair[0] or "", pair[1] or ""))


def _groups(groups: Codes | None, inside: np.ndarray) -> Codes | None:
    if groups is None:
        return None
    kept = groups[inside]
    return None if len(np.unique(kept)) == len(kept) else kept
