"""Train, validation and test: stratified by label, and no cluster or group ever divided.

Pure and deterministic: where a row goes depends on the seed and on the rows' ids, never on their
order, on a clock or on random state.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import polars as pl

from curate.divide import divide
from curate.errors import ConfigError

SPLITS = ("train", "validation", "test")
SIZES = (0.7, 0.15, 0.15)
LINKS = pl.Schema({"example_id": pl.String, "other_id": pl.String})


@dataclass(frozen=True)
class SplitReport:
    """What came of a split, counted on the result and not taken from the way it was made."""

    sizes: dict[str, float]  # as asked, summing to 1
    rows: dict[str, int]
    labels: dict[str, dict[str, int]]  # label to rows by split; at most LABELS_SHOWN, largest first
    label_count: int
    max_label_deviation: float  # largest |a label's share of a part - its share of the whole|
    max_label_deviation_rows: float  # largest |rows - rows wanted| of a label in a part
    components: int  # sets of rows that must stay together, single rows not counted
    largest_component: int
    crossing_groups: int
    crossing_clusters: int
    seed: int = 0
    random: bool = False  # a plain random split, for comparison only
    by: str | None = None  # the column stratified by
    pinned: int = 0  # rows that came with a split and kept it
    random_would_leak: dict[str, int] = field(default_factory=dict)  # as `leaks` counts
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """The report as plain values."""
        return asdict(self)


LABELS_SHOWN = 200


class Split(NamedTuple):
    """The examples with `split` set, in the order they came, and the report."""

    examples: pl.DataFrame
    report: SplitReport


def split(
    examples: pl.DataFrame,
    links: pl.DataFrame,
    *,
    sizes: Sequence[float] = SIZES,
    seed: int = 0,
    by: str | None = "label",
    group: bool = True,
    keep_existing: bool = False,
    random: bool = False,
) -> Split:
    """Divide the examples into train, validation and test.

    `links` (columns of LINKS) are pairs that must not be divided: duplicates, near duplicates,
    contradictions, leaks; a name that is no row here still binds the rows that name it. `sizes` are
    the shares of the three parts, normalised; a share of 0 leaves a part out. `by` is a column of
    strings, or None for no stratification. With `keep_existing`, rows whose `split` is set keep it,
    and what hangs on them follows. `random` divides plainly at random, to show what that would do.
    Raises ConfigError where a part that was asked for would be empty.
    """
    shares = _shares(sizes)
    ids = examples["example_id"].to_list()
    whole = _together(examples, ids, links, group=group)
    strata, names = _codes(examples, by)
    pins = _pins(examples) if keep_existing else np.full(len(ids), -1)
    warnings: list[str] = []
    if random:
        part = plain(ranks(ids, seed, "random"), shares)
    else:
        order = ranks(ids, seed, "split")
        parts, warnings = divide(
            strata.tolist(), whole.tolist(), order.tolist(), pins.tolist(), shares.tolist()
        )
        part = np.array(parts, dtype=np.int64)
    counts = np.bincount(part, minlength=3)
    missing = [SPLITS[k] for k in range(3) if shares[k] > 0 and counts[k] == 0]
    if missing:
        raise ConfigError(
            f"the {' and '.join(missing)} part would be empty: {len(ids):,} rows, of which the largest set "
            f"that must stay together holds {int(np.bincount(whole).max(initial=0)):,}",
            hint="use more rows, larger --sizes, or a higher link threshold; --sizes 80,0,20 leaves a part out",
        )
    divided = examples.with_columns(pl.Series("split", [SPLITS[k] for k in part], dtype=pl.String))
    report = _report(examples, links, part, whole, strata, names, shares)
    pinned = int((pins >= 0).sum())
    told = replace(report, seed=seed, random=random, by=by, pinned=pinned, warnings=warnings)
    chance = plain(ranks(ids, seed, "random"), shares)
    return Split(divided, replace(told, random_would_leak=leaks(examples, links, chance)))


def _shares(sizes: Sequence[float]) -> np.ndarray:
    sound = len(sizes) == 3 and math.isfinite(sum(sizes)) and min(sizes) >= 0 and sizes[0] > 0
    if not sound:
        raise ConfigError(
            f"sizes {', '.join(str(s) for s in sizes)}",
            hint="three numbers, none negative, train above 0: 70,15,15",
        )
    return np.asarray(sizes, dtype=float) / sum(sizes)


def ranks(ids: Sequence[str], seed: int, purpose: str) -> np.ndarray:
    """A place for each id, 0 to n - 1, that looks random and depends on nothing but ids and seed."""
    salt = f"{purpose}:{seed}:".encode()
    keys = [blake2b(salt + i.encode(), digest_size=8).digest() for i in ids]
    places = np.empty(len(ids), dtype=np.int64)
    places[sorted(range(len(ids)), key=lambda n: (keys[n], ids[n]))] = np.arange(len(ids))
    return places


def components(ids: Sequence[str], links: Sequence[pl.DataFrame]) -> np.ndarray:
    """A number for each id: equal where a chain of links leads from one to the other."""
    number = {example_id: n for n, example_id in enumerate(ids)}
    parent = list(range(len(ids)))

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    for pairs in links:
        for left, right in pairs.drop_nulls().iter_rows():
            for name in (left, right):
                if name not in number:
                    number[name] = len(parent)
                    parent.append(len(parent))
            a, b = root(number[left]), root(number[right])
            parent[max(a, b)] = min(a, b)
    roots = np.array([root(n) for n in range(len(ids))], dtype=np.int64)
    return np.unique(roots, return_inverse=True)[1] if len(ids) else roots


def _together(examples: pl.DataFrame, ids: Sequence[str], links: pl.DataFrame, *, group: bool) -> np.ndarray:
    """Components over links and, if asked, groups."""
    pairs = [links.select("example_id", "other_id")]
    if group:
        grouped = examples.select("example_id", "group").drop_nulls("group")
        pairs.append(grouped.select("example_id", other_id=pl.col("example_id").min().over("group")))
    return components(ids, pairs)


def _codes(examples: pl.DataFrame, by: str | None) -> tuple[np.ndarray, list[str | None]]:
    """(stratum of each row, the strata's names in order); null is a stratum of its own."""
    if by is None:
        return np.zeros(examples.height, dtype=np.int64), [None]
    if by not in examples.columns or examples.schema[by] != pl.String:
        raise ConfigError(
            f"no column `{by}` to stratify by", hint="label is the column for it: import with --label"
        )
    names = sorted(examples[by].unique().to_list(), key=lambda n: (n is not None, n or ""))
    code = {name: number for number, name in enumerate(names)}
    return np.array([code[name] for name in examples[by]], dtype=np.int64), names


def _pins(examples: pl.DataFrame) -> np.ndarray:
    number = {name: k for k, name in enumerate(SPLITS)}
    strange = set(examples["split"].drop_nulls().unique()) - set(SPLITS)
    if strange:
        raise ConfigError(f"a row's split is `{min(strange)}`", hint="known are train, validation and test")
    return np.array([-1 if s is None else number[s] for s in examples["split"]], dtype=np.int64)


def plain(places: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """A plain random split: the part of each row by its place alone."""
    edges = np.round(np.cumsum(shares) * len(places)).astype(np.int64)
    return np.searchsorted(edges[:2], places, side="right")


# telling


def _report(
    examples: pl.DataFrame,
    links: pl.DataFrame,
    part: np.ndarray,
    whole: np.ndarray,
    strata: np.ndarray,
    names: Sequence[str | None],
    shares: np.ndarray,
) -> SplitReport:
    """What can be counted on a division; not how it was asked for."""
    table, deviation, in_rows = _by_label(part, strata, names, shares)
    together = np.bincount(whole)
    cluster = components(examples["example_id"].to_list(), [links.select("example_id", "other_id")])
    return SplitReport(
        sizes=dict(zip(SPLITS, (round(float(s), 6) for s in shares), strict=True)),
        rows=dict(zip(SPLITS, np.bincount(part, minlength=3).tolist(), strict=True)),
        labels=table,
        label_count=len(names),
        max_label_deviation=deviation,
        max_label_deviation_rows=in_rows,
        components=int((together > 1).sum()),
        largest_component=int(together.max(initial=0)),
        crossing_groups=_crossing(part, examples["group"].to_list()),
        crossing_clusters=_crossing(part, cluster.tolist()),
    )


def _by_label(
    part: np.ndarray, strata: np.ndarray, names: Sequence[str | None], shares: np.ndarray
) -> tuple[dict[str, dict[str, int]], float, float]:
    """(rows by label and part, largest deviation in share, largest deviation in rows)."""
    table = np.zeros((len(names), 3), dtype=np.int64)
    np.add.at(table, (strata, part), 1)
    rows = table.sum(axis=1)
    in_part = table / np.maximum(table.sum(axis=0), 1)
    deviation = np.abs(in_part - (rows / max(rows.sum(), 1))[:, None])[:, shares > 0].max(initial=0.0)
    in_rows = np.abs(table - rows[:, None] * shares).max(initial=0.0)
    largest = sorted(range(len(names)), key=lambda n: (-rows[n], names[n] or ""))[:LABELS_SHOWN]
    told = {names[n] or "(none)": dict(zip(SPLITS, table[n].tolist(), strict=True)) for n in largest}
    return told, round(float(deviation), 6), round(float(in_rows), 3)


def _crossing(part: np.ndarray, keys: Sequence[object]) -> int:
    """How many keys (None aside) have rows in more than one part."""
    parts: dict[object, set[int]] = {}
    for key, k in zip(keys, part.tolist(), strict=True):
        if key is not None:
            parts.setdefault(key, set()).add(k)
    return sum(len(found) > 1 for found in parts.values())


def leaks(examples: pl.DataFrame, links: pl.DataFrame, part: np.ndarray) -> dict[str, int]:
    """Test rows of a division that have a twin in train, a group mate in train, either.

    A twin is a row that a link names, or that is linked to the same name that is no row here (a
    cluster's).
    """
    where = dict(zip(examples["example_id"], part.tolist(), strict=True))
    names: dict[str, set[str]] = {}
    for left, right in links.select("example_id", "other_id").drop_nulls().iter_rows():
        names.setdefault(left, set()).add(right)
        names.setdefault(right, set()).add(left)
    tainted = {name for name in names if name not in where and any(where.get(n) == 0 for n in names[name])}
    groups = {g for g, k in zip(examples["group"], part.tolist(), strict=True) if g is not None and k == 0}
    twins = mates = either = 0
    for example_id, group in examples.select("example_id", "group").iter_rows():
        if where[example_id] != 2:
            continue
        twin = any(where.get(n) == 0 or n in tainted for n in names.get(example_id, ()))
        mate = group in groups
        twins, mates, either = twins + twin, mates + mate, either + (twin or mate)
    return {"test_rows": int((part == 2).sum()), "twins": twins, "group_mates": mates, "either": either}
