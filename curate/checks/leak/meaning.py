"""Leaks by meaning: rows that ask what a test or a benchmark asks, in other words.

The score of a row and an item is the cosine of their nearest pieces (question, question with an
option), less what speaks against one being made from the other:

    cosine - WEIGHT x (1 - (shared + PRIOR) / (all + PRIOR)) - CONTRAST x (next - CENTRE)

`shared` and `all` count the numbers of both questions; PRIOR makes one stray number say less than five.
`next` is the mean cosine of the row with the five items that come after its nearest: a row that is as
near to other items belongs to their subject, and repeats none of them (after the local scaling of
Conneau et al. 2018, "Word translation without parallel data", section 2.3).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.checks import overlap
from curate.checks.frame import FEWEST, SHARE
from curate.checks.leak.sides import PAIRS, PROTECTED, REPHRASED, UNCOVERED, Sides, remark
from curate.checks.overlap import Places, Sets

Matrix = NDArray[np.float32]

WEIGHT = 0.4  # of numbers that differ
PRIOR = 3.0  # numbers that two texts are taken to share before any is read
CONTRAST = 0.4  # of being as near to other items
CENTRE = 0.5  # cosine of the next items at which nothing is added or taken off
LOWEST = 0.25  # mean cosine of the next items below which nothing more is added
NEXT = 5  # items after the nearest
TWIN = 0.95  # score without the contrast of what counts even in a crowd
KIN = 0.2  # share of one's own test rows that are near to training rows; above it all are of one kind
LOOKED_AT = 64  # items of one row that are scored, the nearest
BLOCK = 16_000_000  # cosines in memory at once
ALL_LANGUAGES = frozenset(("multilingual", "multi", "mul"))


class Units(NamedTuple):
    """The encoded texts of some rows, row after row."""

    vectors: Matrix
    texts: Sets  # row numbers of the vectors
    pieces: Places  # how many of a row's texts are pieces of its question; the others are variants of it
    numbers: Sets
    allowed: Sets


class Limits(NamedTuple):
    """What is told."""

    threshold: float
    most: int  # items of one row
    crowd: int  # rows over the threshold for one item; more of them are near by nature: only twins count


class Met(NamedTuple):
    """Rows (left) and items (right) that may say the same."""

    left: Places
    right: Places
    score: NDArray[np.float64]
    bare: NDArray[np.float64]  # the score without the contrast


def covered(sketches: pl.DataFrame, languages: tuple[str, ...]) -> pl.Series:
    """Whether the encoder covers a row's language; so where that is not sure, or the card says nothing."""
    if not languages or ALL_LANGUAGES & set(languages):
        return pl.Series("covered", [True] * sketches.height, dtype=pl.Boolean)
    known = [code.split("-")[0].split("_")[0].lower() for code in languages]
    return sketches.select(covered=pl.col("language").is_null() | pl.col("language").is_in(known)).to_series()


def rephrased(sides: Sides, vectors: Matrix, languages: tuple[str, ...], limits: Limits) -> pl.DataFrame:
    """PAIRS: for each row its nearest items of those that it says again; and what was not looked at."""
    goes = sides.goes.filter(covered(sides.goes, languages), pl.col("pieces") > 0)
    stays = sides.stays.filter(covered(sides.stays, languages), pl.col("pieces") > 0)
    parts = [PAIRS.to_frame(), *_uncovered(sides, languages)]
    if not goes.is_empty() and not stays.is_empty():
        parts.append(_found(Sides(sides.name, goes, stays), vectors, limits))
    return pl.concat(parts)


def _uncovered(sides: Sides, languages: tuple[str, ...]) -> Iterator[pl.DataFrame]:
    """What is to be said of rows in languages that the encoder does not cover."""
    rows, items = (part.filter(~covered(part, languages)) for part in (sides.goes, sides.stays))
    if rows.is_empty() and items.is_empty():
        return
    first = rows["example_id"][0] if rows.height else sides.goes["example_id"][0]
    told = {
        "rows": rows.height, "of_rows": sides.goes.height,
        "items": items.height, "of_items": sides.stays.height,
        "languages": sorted({*rows["language"].drop_nulls(), *items["language"].drop_nulls()}),
        "encoder_covers": sorted(languages),
    }  # fmt: skip
    yield remark(sides, UNCOVERED, first, told)


def _found(sides: Sides, vectors: Matrix, limits: Limits) -> pl.DataFrame:
    """The rows over the threshold, in the form of PAIRS."""
    met = _met(sides, _units(sides.goes, vectors), _units(sides.stays, vectors), limits.threshold)
    per_item = np.bincount(met.right, minlength=sides.stays.height)
    counts = met.bare >= TWIN
    if sides.name == PROTECTED or len(per_item) < FEWEST or (per_item > 0).mean() <= KIN:
        counts |= per_item[met.right] <= limits.crowd
    kept = Met(met.left[counts], met.right[counts], met.score[counts], met.bare[counts])
    order = np.lexsort((kept.right, -kept.score, kept.left))
    place = np.arange(len(order)) - np.searchsorted(kept.left[order], kept.left[order])
    order = order[place < limits.most]
    left, right, score = kept.left[order], kept.right[order], np.clip(kept.score[order], 0, 1)
    crowded = per_item[right]
    told = [
        json.dumps({"question": REPHRASED, "measure": round(float(one), 4), "rows_as_near": int(many)})
        for one, many in zip(score, crowded, strict=True)
    ]
    found = pl.DataFrame(
        {
            "example_id": sides.goes["example_id"].gather(left),
            "other_id": sides.stays["example_id"].gather(right),
            "sides": [sides.name] * len(left),
            "kind": [REPHRASED] * len(left),
            "score": score.round(4),
            "action": ["review"] * len(left),
            # what says a benchmark again is a leak; between splits of one's own data it is a twin, for
            # the split to keep together. That nothing else is near is no proof by itself: of open requests
            # hardly two are near, and one of the same topic stands alone as one in other words does
            "blocking": (kept.bare[order] >= limits.threshold) & (sides.name == PROTECTED),
            "brief": [False] * len(left),
            "evidence": told,
        },
        schema=PAIRS,
    )
    return pl.concat([found, *_crowds(sides, met, ~counts)])


def _met(sides: Sides, rows: Units, items: Units, threshold: float) -> Met:
    """All pairs over the threshold; two of one template are compared by what is not the template.

    That is: with the mean of its rows taken off each vector.
    """
    here, there = sides.goes["frame"], sides.stays["frame"]
    counts = pl.concat([here, there]).drop_nulls().value_counts(name="rows")
    least = max(FEWEST, SHARE * (len(here) + len(there)))
    large = counts.filter(pl.col("rows") >= least)["frame"].sort()
    met = _scored(rows, items, threshold, LOWEST)
    if large.is_empty():
        return met
    codes = pl.DataFrame({"frame": large, "code": pl.arange(len(large), eager=True, dtype=pl.Int64)})
    one, other = (
        part.to_frame("frame").join(codes, on="frame", how="left", maintain_order="left")["code"]
        .fill_null(-1).to_numpy()
        for part in (here, there)
    )  # fmt: skip
    apart = (one[met.left] != other[met.right]) | (one[met.left] < 0)
    parts = [Met(met.left[apart], met.right[apart], met.score[apart], met.bare[apart])]
    for code in range(len(large)):
        left, right = np.flatnonzero(one == code), np.flatnonzero(other == code)
        if len(left) and len(right):
            some = _centred(_some(rows, left), _some(items, right))
            found = _scored(*some, threshold, CENTRE)
            parts.append(Met(left[found.left], right[found.right], found.score, found.bare))
    return _joined(parts)


def _some(units: Units, rows: Places) -> Units:
    """These rows of them, with vectors of their own."""
    texts = units.texts.of(rows)
    own = Sets(np.arange(len(texts.values)), texts.starts)
    vectors = units.vectors[texts.values]
    return Units(vectors, own, units.pieces[rows], units.numbers.of(rows), units.allowed.of(rows))


def _centred(rows: Units, items: Units) -> tuple[Units, Units]:
    """Both with the mean of all vectors taken off, at unit length again."""
    mean = np.concatenate([rows.vectors, items.vectors]).mean(axis=0, dtype=np.float64).astype(np.float32)
    made = []
    for units in (rows, items):
        vectors = units.vectors - mean
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
        made.append(units._replace(vectors=vectors))
    return made[0], made[1]


def _joined(parts: list[Met]) -> Met:
    """All of them."""
    return Met(
        np.concatenate([part.left for part in parts]),
        np.concatenate([part.right for part in parts]),
        np.concatenate([part.score for part in parts]),
        np.concatenate([part.bare for part in parts]),
    )


def _crowds(sides: Sides, met: Met, left_out: NDArray[np.bool_]) -> Iterator[pl.DataFrame]:
    """What is to be said of items that very many rows are near to, none of them a twin."""
    if left_out.any():
        rows, items = np.unique(met.left[left_out]), np.unique(met.right[left_out])
        told = {"crowded_items": len(items), "of_items": sides.stays.height, "rows": len(rows)}
        yield remark(sides, f"{REPHRASED}-crowd", sides.goes["example_id"][int(rows[0])], told)


def _units(rows: pl.DataFrame, vectors: Matrix) -> Units:
    """The rows as arrays."""
    texts = overlap.sets_of(rows["units"])
    pieces = rows["pieces"].to_numpy().astype(np.int64)
    return Units(vectors, texts, pieces, overlap.sets_of(rows["numbers"]), overlap.sets_of(rows["allowed"]))


def _scored(rows: Units, items: Units, threshold: float, lowest: float) -> Met:
    """All pairs over the threshold, of each row at most the LOOKED_AT nearest; block by block.

    What `next` is at least is `lowest`: that nothing else is near proves no more than so much.
    """
    columns = _Columns(items)
    size = max(1, BLOCK // max(len(columns.vectors), 1))
    parts: list[Met] = []
    first, count = 0, len(rows.pieces)
    while first < count:
        last = int(np.searchsorted(rows.texts.starts, rows.texts.starts[first] + size, side="right")) - 1
        last = max(first + 1, min(last, count))
        texts = rows.texts.values[rows.texts.starts[first] : rows.texts.starts[last]]
        starts = rows.texts.starts[first:last] - rows.texts.starts[first]
        cosines = columns.cosines(rows.vectors[texts], starts)
        parts.append(_passing(cosines, first, rows, items, threshold, lowest))
        first = last
    return _joined(parts)


def _pieces(items: Units, several: Places) -> Sets:
    """Of these items the pieces alone, without the variants behind them."""
    texts, count = items.texts.of(several), items.pieces[several]
    place = np.arange(len(texts.values)) - np.repeat(texts.starts[:-1], texts.sizes)
    starts = np.concatenate([[0], np.cumsum(count)])
    return Sets(texts.values[place < np.repeat(count, texts.sizes)], starts)


class _Columns:
    """The items' vectors, those of one piece first: of these the nearest text counts, of others the mean piece."""

    def __init__(self, items: Units) -> None:
        one = np.flatnonzero(items.pieces == 1)
        several = np.flatnonzero(items.pieces > 1)
        self.order = np.concatenate([one, several])
        single, cut = items.texts.of(one), _pieces(items, several)
        self.vectors = items.vectors[np.concatenate([single.values, cut.values])]
        self.single, self.starts, self.cut, self.sizes = (
            len(single.values),
            single.starts,
            cut.starts,
            cut.sizes,
        )

    def cosines(self, vectors: Matrix, starts: Places) -> Matrix:
        """(row, item); `starts` are the places at which each row's texts begin."""
        near = np.maximum.reduceat(vectors @ self.vectors.T, starts, axis=0)
        found = np.empty((len(starts), len(self.order)), dtype=np.float32)
        ones = len(self.starts) - 1
        if ones:
            found[:, self.order[:ones]] = np.maximum.reduceat(
                near[:, : self.single], self.starts[:-1], axis=1
            )
        if len(self.sizes):
            total = np.add.reduceat(near[:, self.single :], self.cut[:-1], axis=1)
            found[:, self.order[ones:]] = total / self.sizes
        return found


def _passing(cosines: Matrix, first: int, rows: Units, items: Units, threshold: float, lowest: float) -> Met:
    """The pairs of a block of rows over the threshold; `first` is the number of its first row."""
    many = cosines.shape[1]
    top = -np.sort(-_largest(cosines, min(many, NEXT + 1)), axis=1)
    # items that are not there count as such at the centre
    following = (top[:, 1:].sum(axis=1) + CENTRE * (NEXT - (top.shape[1] - 1))) / NEXT
    taken = CONTRAST * (np.maximum(following.astype(np.float64), lowest) - CENTRE)
    floor = threshold + taken
    if many > LOOKED_AT:
        floor = np.maximum(floor, _largest(cosines, LOOKED_AT).min(axis=1))
    left, right = np.nonzero(cosines >= floor[:, None].astype(np.float32))
    against = WEIGHT * (1 - _numbers_agree(rows, items, left + first, right))
    bare = cosines[left, right].astype(np.float64) - against
    score = bare - taken[left]
    keep = score >= threshold
    return Met(left[keep] + first, right[keep], score[keep], bare[keep])


def _largest(cosines: Matrix, count: int) -> Matrix:
    """The `count` largest of each row, in any order."""
    if cosines.shape[1] <= count:
        return cosines
    return np.partition(cosines, cosines.shape[1] - count, axis=1)[:, -count:]


def _numbers_agree(rows: Units, items: Units, left: Places, right: Places) -> NDArray[np.float64]:
    """0 to 1: the share of numbers that two questions have in common, with PRIOR for each side.

    A number that stands in the other side's options or at the end of its answer is no stray one.
    """
    one, other = rows.numbers.sizes[left], items.numbers.sizes[right]
    agree = np.ones(len(left))
    some = np.flatnonzero((one > 0) | (other > 0))
    if len(some):
        left, right, one, other = left[some], right[some], one[some], other[some]
        common = overlap.shared(items.numbers, rows.numbers, right, left)
        extra = one - overlap.shared(items.allowed, rows.numbers, right, left)
        missing = other - overlap.shared(items.numbers, rows.allowed, right, left)
        agree[some] = (common + PRIOR) / (common + extra + missing + PRIOR)
    return agree
