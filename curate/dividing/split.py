"""Train, validation and test: stratified by label, and no cluster or group ever divided.

Pure and deterministic: where a row goes depends on the seed and on the rows' ids, never on their
order, on a clock or on random state.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.answer import counted
from curate.dividing.bridges import Bridge, blocks, bridges
from curate.dividing.divide import Asked, Reals, divide
from curate.dividing.strata import Stratum, cells_of, strata_of
from curate.dividing.together import LINKS, Ints, Ties, crossing, hashes, parts_by_place, places, ranks, ties
from curate.dividing.together import components_of as components
from curate.errors import ConfigError

__all__ = [
    "LINKS",
    "SIZES",
    "SPLITS",
    "Split",
    "SplitReport",
    "components",
    "leaks",
    "plain",
    "ranks",
    "split",
]

SPLITS = ("train", "validation", "test")
SIZES = (0.7, 0.15, 0.15)
LABELS_SHOWN = 200
TOLD = 5  # labels that are named where what was asked could not be met, the worst first
SHORT = 0.5  # of the rows asked for: a part with fewer is not what was asked
DUE = 2  # rows of a label asked for in a part, from which having none is not what was asked
OFF = 0.005  # of a label's rows: less than that beside what was asked is not worth a warning


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
    deviation_by: dict[str, float] = field(default_factory=dict)  # largest deviation of each column's values
    mean_component: dict[str, float] = field(default_factory=dict)  # rows in the set of a row, by split: mean
    seed: int = 0
    random: bool = False  # a plain random split, for comparison only
    by: str | None = None  # the columns stratified by
    pinned: int = 0  # rows that came with a split and kept it
    left_out: int = 0  # rows in no part, where counts were asked for that do not add up to all rows
    random_would_leak: dict[str, int] = field(default_factory=dict)  # as `leaks` counts
    warnings: list[str] = field(default_factory=list)
    short: list[str] = field(default_factory=list)  # parts that are not what was asked, in words
    bridges: list[tuple[str, str]] = field(
        default_factory=list
    )  # ids of rows set aside, each with one it is linked to

    def as_json(self) -> dict[str, object]:
        """The report as plain values."""
        return asdict(self)


class Split(NamedTuple):
    """The examples with `split` set, in the order they came, and the report."""

    examples: pl.DataFrame
    report: SplitReport


class Counted(NamedTuple):
    """What a division is counted on."""

    bonds: Ties
    part: Ints
    whole: Ints
    strata: Sequence[Stratum]

    def without(self, stays: NDArray[np.bool_], *, group: bool) -> Counted:
        """The same for the rows that stay: what hung together by way of others hangs together no more."""
        if stays.all():
            return self
        bonds = _without(self.bonds, stays)
        strata = [stratum._replace(codes=stratum.codes[stays]) for stratum in self.strata]
        return Counted(bonds, self.part[stays], bonds.wholes(group=group), strata)


def split(
    examples: pl.DataFrame,
    links: pl.DataFrame | None = None,
    *,
    sizes: Sequence[float] = SIZES,
    rows: Sequence[int | None] | None = None,
    seed: int = 0,
    by: str | Sequence[str] | None = "label",
    group: bool = True,
    keep_existing: bool = False,
    random: bool = False,
    set_aside_bridges: bool = False,
) -> Split:
    """Divide the examples into train, validation and test.

    `examples` needs `example_id`, and `group`, `split` and what `by` names where they are used; `links`
    (columns of LINKS) are pairs that must not be divided; a name that is no row here still binds the rows
    that name it. `sizes` are the shares of the three parts, normalised; 0 leaves a part out. `rows`, instead,
    are their rows, one of them None for the rest; rows beyond them get no split. `by` is a column of
    strings, or several, the most important first (see `strata_of`), or None for no stratification.
    With `keep_existing`, rows whose `split` is set keep it, and what hangs on them follows. `random`
    divides plainly, for comparison. With `set_aside_bridges`, sets larger than the smallest part are taken
    apart: rows that link different parts get no split. ConfigError where a part would be empty.
    """
    if examples.is_empty():
        raise ConfigError("there are no rows to divide", hint="seatrial log tells what dropped them")
    shares = _shares(sizes) if rows is None else _shares_of_rows(rows, examples.height)
    _anew(random or keep_existing, set_aside_bridges)
    bonds = ties(_with_columns(examples), pl.DataFrame(schema=LINKS) if links is None else links)
    whole = bonds.wholes(group=group)
    strata = strata_of(examples, by)
    pins = _pins(examples) if keep_existing else np.full(examples.height, -1)
    ids, hashed = examples["example_id"], hashes(examples["example_id"])
    chance = parts_by_place(ids, hashed, seed, "random", _edges(shares, len(ids)))
    asked = Asked(
        [s.codes for s in strata], cells_of(strata), whole, places(ids, hashed, seed, "split"), pins, shares
    )
    if random:
        part, warnings, gone = chance, list[str](), list[Bridge]()
    elif set_aside_bridges:
        part, warnings, gone = _apart(asked, bonds, group=group)
    else:
        (part, warnings), gone = divide(asked), []
    stays = np.ones(len(part), dtype=bool)
    stays[[each.row for each in gone]] = False
    here = Counted(bonds, part, whole, strata).without(stays, group=group)
    _no_part_empty(here.part, shares, here.whole, here.strata)
    report = replace(
        _report(here, shares, group=group),
        seed=seed,
        random=random,
        by=", ".join(s.column for s in strata) or None,
        pinned=int((pins >= 0).sum()),
        random_would_leak=_leaks(bonds, chance),
        warnings=warnings + ([] if random else _unmet(here.part, here.whole, here.strata[0], shares)),
        short=[] if random else _missed(here.part, here.strata[0], shares, len(ids)),
        bridges=[(ids[each.row], ids[each.other]) for each in gone],
    )
    names = pl.Series("split", [*SPLITS, None], dtype=pl.String)
    return Split(examples.with_columns(names.gather(np.where(stays, part, len(SPLITS)))), report)


def _anew(bound: bool, set_aside_bridges: bool) -> None:
    """Refuse to set rows aside in a division that is not free to place the others."""
    if bound and set_aside_bridges:
        raise ConfigError("bridges are set aside where rows are divided anew, and not at random")


def _apart(asked: Asked, bonds: Ties, *, group: bool) -> tuple[Ints, list[str], list[Bridge]]:
    """(the part of each row, warnings, rows to be set aside), with sets larger than the smallest part cut into blocks."""
    least = float(asked.shares[asked.shares > 0].min()) * len(asked.order)
    cut = replace(asked, whole=blocks(bonds, asked.whole, asked.order, least, group=group))
    part, warnings = divide(cut)
    return part, warnings, bridges(bonds, part, asked.order)


def _without(bonds: Ties, stays: NDArray[np.bool_]) -> Ties:
    """The bonds between the rows that stay; what bound others through a row that goes binds them no more."""
    number = np.concatenate([stays, np.ones(bonds.nodes - bonds.rows, dtype=bool)])
    new = np.cumsum(number) - 1
    keep = number[bonds.left] & number[bonds.right]
    group = bonds.group[stays]
    return Ties(int(stays.sum()), int(number.sum()), new[bonds.left[keep]], new[bonds.right[keep]], group)


def _with_columns(examples: pl.DataFrame) -> pl.DataFrame:
    """The examples' ids and groups; no group where the frame has no such column."""
    if "example_id" not in examples.columns:
        raise ConfigError("the rows have no column `example_id`", hint="a string that names each row once")
    missing = [] if "group" in examples.columns else [pl.lit(None, dtype=pl.String).alias("group")]
    return examples.with_columns(missing).select("example_id", "group")


def _shares(sizes: Sequence[float]) -> Reals:
    sound = len(sizes) == 3 and math.isfinite(sum(sizes)) and min(sizes) >= 0 and sizes[0] > 0
    if not sound:
        raise ConfigError(
            f"sizes {', '.join(str(s) for s in sizes)}",
            hint="three numbers, none negative, train above 0: 70,15,15",
        )
    return np.asarray(sizes, dtype=float) / sum(sizes)


def _shares_of_rows(rows: Sequence[int | None], total: int) -> Reals:
    """The shares that give so many rows, of None what is left; a fourth share where not all are asked for."""
    known = [count for count in rows if count is not None]
    hint = "three whole numbers, train above 0; one may be `rest`: rest,1000,1000"
    if len(rows) != 3 or len(known) < 2 or min(known) < 0 or rows[0] == 0:
        raise ConfigError(f"rows {', '.join('rest' if r is None else str(r) for r in rows)}", hint=hint)
    left = total - sum(known)
    if left < 0 or (left == 0 and len(known) == 2):
        raise ConfigError(f"{sum(known):,} rows asked for, of {total:,} that there are", hint=hint)
    counts = [left if count is None else count for count in rows]
    if len(known) == 3 and left:
        counts.append(left)
    return np.asarray(counts, dtype=float) / max(total, 1)


def _no_part_empty(part: Ints, shares: Reals, whole: Ints, strata: Sequence[Stratum]) -> None:
    counts = np.bincount(part, minlength=len(shares))
    missing = [SPLITS[k] for k in range(3) if shares[k] > 0 and counts[k] == 0]
    if missing and strata and _one_set_each(whole, strata[0]):
        raise ConfigError(
            f"the {' and '.join(missing)} part would be empty: the rows of each {strata[0].column} are one set that must "
            f"stay together, so no {strata[0].column} can stand in two parts",
            hint='--by with another column, or with none (--by ""): then each stands in one part alone',
        )
    if missing:
        raise ConfigError(
            f"the {' and '.join(missing)} part would be empty: {len(part):,} rows, of which the largest set "
            f"that must stay together holds {int(np.bincount(whole).max(initial=0)):,}",
            hint="use more rows, larger --sizes, or a higher link threshold; --sizes 80,0,20 leaves a part out",
        )


def _one_set_each(whole: Ints, stratum: Stratum) -> bool:
    """Whether the rows of each value are one set, and there are several."""
    pairs = {(int(code), int(name)) for code, name in zip(stratum.codes, whole, strict=True)}
    return 1 < len(pairs) == len({code for code, _ in pairs}) < len(whole)


def _pins(examples: pl.DataFrame) -> Ints:
    strange = set(examples["split"].drop_nulls().unique()) - set(SPLITS)
    if strange:
        raise ConfigError(f"a row's split is `{min(strange)}`", hint="known are train, validation and test")
    codes = examples["split"].cast(pl.Enum(SPLITS)).to_physical().cast(pl.Int64)
    return codes.fill_null(-1).to_numpy()


def plain(places: Ints, shares: Reals) -> Ints:
    """A plain random split: the part of each row by its place alone."""
    return np.searchsorted(np.asarray(_edges(shares, len(places))), places, side="right")


def _edges(shares: Reals, rows: int) -> list[int]:
    """The place at which each part but the first begins."""
    return [round(float(share) * rows) for share in np.cumsum(shares)[:-1]]


# telling


def _report(counted_on: Counted, shares: Reals, *, group: bool) -> SplitReport:
    """What can be counted on a division; not how it was asked for."""
    bonds, part, whole, strata = counted_on
    tables = [_table(part, stratum, len(shares)) for stratum in strata]
    deviations = [_deviation(table, shares) for table in tables]
    rows = tables[0].sum(axis=1)
    together = np.bincount(whole)
    inside = np.flatnonzero(part < 3)
    linked = whole if not group else bonds.wholes(group=False)
    own = together[whole]
    counts = np.bincount(part, minlength=4)
    return SplitReport(
        sizes=dict(zip(SPLITS, (round(float(s), 6) for s in shares), strict=False)),
        rows=dict(zip(SPLITS, counts[:3].tolist(), strict=True)),
        labels=_shown(tables[0], strata[0].values),
        label_count=len(strata[0].values),
        max_label_deviation=deviations[0],
        max_label_deviation_rows=round(float(np.abs(tables[0] - rows[:, None] * shares).max(initial=0.0)), 3),
        components=int((together > 1).sum()),
        largest_component=int(together.max(initial=0)),
        crossing_groups=crossing(bonds.group[inside], part[inside]),
        crossing_clusters=crossing(linked[inside], part[inside]) if len(bonds.left) else 0,
        deviation_by={s.column: d for s, d in zip(strata, deviations, strict=True) if s.column},
        mean_component={
            name: round(float(own[part == k].mean()), 2) for k, name in enumerate(SPLITS) if counts[k]
        },
        left_out=int(counts[3]),
    )


def _table(part: Ints, stratum: Stratum, parts: int) -> Ints:
    """(value, part): rows."""
    cells = len(stratum.values) * parts
    return np.bincount(stratum.codes * parts + part, minlength=cells).reshape(-1, parts)


def _deviation(table: Ints, shares: Reals) -> float:
    """The largest |share of a value in a part - its share of the whole|."""
    rows = table.sum(axis=1)
    in_part = table / np.maximum(table.sum(axis=0), 1)
    off = np.abs(in_part - (rows / max(rows.sum(), 1))[:, None])[:, shares > 0]
    return round(float(off.max(initial=0.0)), 8)


def _shown(table: Ints, values: Sequence[str | None]) -> dict[str, dict[str, int]]:
    """Rows by label and part, the largest labels first."""
    rows = table.sum(axis=1)
    largest = sorted(range(len(values)), key=lambda n: (-rows[n], values[n] or ""))[:LABELS_SHOWN]
    return {values[n] or "(none)": dict(zip(SPLITS, table[n].tolist(), strict=False)) for n in largest}


def _unmet(part: Ints, whole: Ints, labels: Stratum, shares: Reals) -> list[str]:
    """What was asked for and could not be had, in words with the numbers."""
    table = _table(part, labels, len(shares))
    rows = table.sum(axis=1)
    said = []
    for k in range(3):
        empty = np.flatnonzero((table[:, k] == 0) & (rows > 1) & (shares[k] > 0))
        if len(empty) and len(rows) > 1:
            most, one = int(rows[empty].max()), len(empty) == 1
            said.append(
                f"{len(empty):,} of {len(rows):,} labels {'has' if one else 'have'} no row in {SPLITS[k]}: "
                f"{'it has' if one else 'they have at most'} {most:,} rows, too few or in too few sets for a part "
                "of that size"
            )
    sums, asked = table.sum(axis=0), rows.sum() * shares
    for k in range(3):
        if abs(sums[k] - asked[k]) > max(1.5, OFF * rows.sum()):
            said.append(f"{SPLITS[k]}: {asked[k]:,.0f} rows asked for, {sums[k]:,} came out")
    wanted = rows[:, None] * shares
    off = np.abs(table - wanted)[:, :3]
    bad = np.argwhere((off > np.maximum(1.5, OFF * rows[:, None])) & (len(rows) > 1))
    bad = bad[np.argsort(-off[bad[:, 0], bad[:, 1]], kind="stable")][:TOLD]
    for label, k in bad.tolist():
        own = np.bincount(whole[labels.codes == label])
        name = labels.values[label] or "(none)"
        said.append(
            f"{name} in {SPLITS[k]}: {wanted[label, k]:,.1f} rows asked for, {table[label, k]:,} came out; "
            f"its {rows[label]:,} rows are in {int((own > 0).sum()):,} sets, the largest of {int(own.max()):,}"
        )
    return said


def _missed(part: Ints, labels: Stratum, shares: Reals, rows: int) -> list[str]:
    """The parts that are not what was asked: less than half of their rows, or none of a label that has rows to give."""
    table = _table(part, labels, len(shares))
    sums, said = table.sum(axis=0), []
    for k in range(3):
        wanted = rows * shares[k]
        if sums[k] < SHORT * wanted:
            said.append(f"{SPLITS[k]} has {sums[k]:,} of {wanted:,.0f} rows")
        due = np.flatnonzero((table.sum(axis=1) * shares[k] >= DUE) & (table[:, k] == 0))
        if len(due) and len(table) > 1:
            named = ", ".join(labels.values[label] or "(none)" for label in due[:TOLD])
            more = f" and {len(due) - TOLD:,} more" if len(due) > TOLD else ""
            said.append(f"{SPLITS[k]} has no row of {counted(len(due), 'label')} ({named}{more})")
    return said


def leaks(examples: pl.DataFrame, links: pl.DataFrame, part: Ints) -> dict[str, int]:
    """Test rows of a division that have a twin in train, a group mate in train, either.

    A twin is a row that a link names, or that is linked to the same name that is no row here (a
    cluster's).
    """
    return _leaks(ties(_with_columns(examples), links), part)


def _leaks(bonds: Ties, part: Ints) -> dict[str, int]:
    tainted = np.zeros(bonds.nodes, dtype=bool)  # train rows, and then the hubs that they hang on
    tainted[: bonds.rows] = part == 0
    beside = np.zeros(bonds.nodes, dtype=bool)
    for one, other in ((bonds.left, bonds.right), (bonds.right, bonds.left)):
        tainted[one[(one >= bonds.rows) & (other < bonds.rows) & tainted[other]]] = True
    for one, other in ((bonds.left, bonds.right), (bonds.right, bonds.left)):
        beside[one[tainted[other]]] = True
    test = part == 2
    twin = beside[: bonds.rows] & test
    groups = np.zeros(int(bonds.group.max(initial=-1)) + 2, dtype=bool)
    groups[bonds.group[part == 0]] = True
    groups[-1] = False  # -1: no group
    mate = groups[bonds.group] & test
    return {
        "test_rows": int(test.sum()),
        "twins": int(twin.sum()),
        "group_mates": int(mate.sum()),
        "either": int((twin | mate).sum()),
    }
