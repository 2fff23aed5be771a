"""Labels that are hardly told apart by their texts: two names of one class, used for each other."""

from __future__ import annotations

import json
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.checks.wrong_label.opinions import Codes, Table

CONFUSED = 0.25  # of two labels, product of how much the other is said of its rows, beside itself; 1 by lot
TOLD_APART = 0.6  # the share of mixed pairs that is ordered right, at most: by lot it is one half
AT_MOST = 0.75  # and what it may be with 95 % confidence: with few rows nothing is said
FROM_OTHERS = 0.75  # and the share of pairs with a row of a third label, at least
SURE = 1.645


class Alike(NamedTuple):
    """Two labels by code, and the share of mixed pairs of their rows that is ordered right (one half by lot)."""

    one: int
    other: int
    told_apart: float


def alike(table: Table, codes: Codes) -> list[Alike]:
    """The labels that are said for each other, and that no opinion tells apart, though it tells both from the rest."""
    classes = table.shape[1]
    rows = np.bincount(codes, minlength=classes)
    said = np.zeros((classes, classes))
    np.add.at(said, codes, table)
    said /= np.maximum(np.diag(said)[:, None], 1e-9)
    found = []
    for one, other in np.argwhere(np.triu(said * said.T >= CONFUSED, 1)):
        here = (codes == one) | (codes == other)
        both = table[:, one].astype(np.float64) + table[:, other]
        share = table[:, one] / np.maximum(both, 1e-12)
        apart = ordered(share[codes == one], share[codes == other])
        doubt = SURE * np.sqrt((rows[one] + rows[other] + 1) / (12 * rows[one] * rows[other]))
        hardly = apart <= TOLD_APART and apart + doubt <= AT_MOST
        if hardly and not here.all() and ordered(both[here], both[~here]) >= FROM_OTHERS:
            found.append(Alike(int(one), int(other), apart))
    return found


def ordered(high: NDArray[np.floating], low: NDArray[np.floating]) -> float:
    """The share of pairs of one of each in which the first is higher; ties count half."""
    among = np.sort(low)
    below = np.searchsorted(among, high, side="left") + np.searchsorted(among, high, side="right")
    return float(below.mean() / (2 * len(low)))


def groups(pairs: list[Alike], codes: Codes, classes: int) -> Codes:
    """(class,): of each label the one that stands for it: of those alike the one of most rows.

    Of labels in a row (1 to 5 stars) each may be like the next and the ends unlike: only labels of which each
    two are alike are one, the least told apart first.
    """
    known = {pair[:2] for pair in pairs}
    group = np.arange(classes)
    for pair in sorted(pairs, key=lambda pair: (pair.told_apart, pair)):
        ours, theirs = (np.flatnonzero(group == group[code]).tolist() for code in pair[:2])
        if all((min(one, other), max(one, other)) in known for one in ours for other in theirs):
            group[theirs] = group[pair.one]
    rows = np.bincount(codes, minlength=classes)
    kept = {
        int(each): int(members[rows[members].argmax()])
        for each in np.unique(group)
        for members in [np.flatnonzero(group == each)]
    }
    return np.array([kept[int(each)] for each in group], dtype=np.int64)


def as_one(table: Table, group: Codes) -> Table:
    """The table in which what is said of alike labels is said of the one that stands for them."""
    merged = np.zeros_like(table)
    np.add.at(merged.T, group, table.T)
    kept = np.unique(group)
    return np.asarray(merged[:, kept], dtype=np.float32)


def told(pairs: list[Alike], group: Codes, codes: Codes, ids: list[str], schema: pl.Schema) -> pl.DataFrame:
    """A finding for each row whose label another of more rows could stand for."""
    rows = np.bincount(codes, minlength=len(group))
    apart = {pair[:2]: pair.told_apart for pair in pairs}
    first = {int(code): ids[int(np.flatnonzero(codes == code)[0])] for code in np.unique(group)}
    found = []
    for at in np.flatnonzero(group[codes] != codes):
        given, other = int(codes[at]), int(group[codes[at]])
        measured = apart[min(given, other), max(given, other)]
        evidence = {
            "looks_like": first[other],
            "rows": int(rows[given]),
            "of_the_other": int(rows[other]),
            "told_apart": round(measured, 3),
            "by_lot": 0.5,
        }
        score = min(0.999_999, 1.0 - max(0.0, 2 * measured - 1))
        found.append((ids[int(at)], None, "same-label", score, json.dumps(evidence)))
    return pl.DataFrame(found, schema=schema, orient="row")
