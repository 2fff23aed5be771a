"""The core for rows that are at hand as a table: sketches of a batch, meetings of all, near pairs.

This is what the near-duplicate check is made of; it knows texts, and nothing of findings.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from curate.dedup.bands import Met, joined, meetings
from curate.dedup.corpus import arithmetic
from curate.dedup.leaders import crowd_of
from curate.dedup.reading import ROWS, Texts, piece_of
from curate.dedup.shingling import Hashes, Numbers, Shingling, bands_for

FEW = 10_000_000  # bytes in one process; fewer are not worth the start of the compiler's library
MANY = 4_000  # shingles of a crowd that are worth that start
MOST = 8  # near rows of one kind that stand for a crowd
SHARE = 0.05  # of the distinct texts: a shingle in more of them belongs to a template ...
OWN = 8  # shingles: a word that is changed makes three of them ...
OWN_SHARE = 0.2  # ... of a set, where fewer are its own
FILLED = 10  # sets with the same part of a template, from which on they are filled in, and not copies
FEWEST = 50  # ... if those are at least so many: copies of one text are rarely more


class Sets(NamedTuple):
    """Sets of shingles, one after the other, each sorted."""

    items: Hashes
    starts: Numbers


class Near(NamedTuple):
    """Near pairs by row number, left < right, each once, with their exact Jaccard index."""

    left: Numbers
    right: Numbers
    score: NDArray[np.float64]
    least: NDArray[
        np.float64
    ]  # the lower of this score and that of their own shingles: what the threshold asks


@dataclass
class _Plain:
    """How much was read in this process without the compiler's library."""

    read: int = 0


_PLAIN = _Plain()


def by(texts: pl.Series) -> ModuleType:
    """The arithmetic that is quicker for so much text; the results are the same."""
    if "curate.dedup.kernels" not in sys.modules:
        _PLAIN.read += int(texts.str.len_bytes().sum() or 0)
        if _PLAIN.read <= FEW:
            return arithmetic(False)
    return arithmetic()


def sketches(texts: pl.Series, shingling: Shingling, threshold: float) -> tuple[pl.Series, pl.Series]:
    """Of each text a key, UInt64 (0: it says nothing; else equal where its words are), and its band keys."""
    bands, module = bands_for(threshold), by(texts)
    keys = np.empty((len(texts), bands.keys), dtype=np.uint64)
    whole = np.empty(len(texts), dtype=np.uint64)
    for begin in range(0, len(texts), ROWS):
        piece = piece_of(texts[begin : begin + ROWS])
        made = module.sketch_piece(piece, Texts(()), shingling, bands)
        keys[begin : begin + ROWS] = made.keys.T
        whole[begin : begin + ROWS] = made.whole
    lists = pl.Series("bands", keys.reshape(-1)).reshape(keys.shape).cast(pl.List(pl.UInt64))
    return pl.Series("key", whole, dtype=pl.UInt64), lists.alias("bands")


def met_by(bands: pl.Series) -> Met:
    """Rows of distinct texts that share a band key; `bands` is as of `sketches`."""
    if not len(bands):
        nothing = np.empty(0, dtype=np.int64)
        return Met(nothing, nothing, nothing)
    keys = np.ascontiguousarray(bands.explode().to_numpy().reshape(len(bands), -1).T)
    rows = np.arange(len(bands), dtype=np.int64)
    return joined([meetings(band, rows, len(bands)) for band in keys])


def sets_of(texts: pl.Series, shingling: Shingling) -> Sets:
    """The shingles of each text."""
    module = by(texts)
    items: list[Hashes] = [np.empty(0, dtype=np.uint64)]
    sizes: list[Numbers] = [np.zeros(1, dtype=np.int64)]
    for begin in range(0, len(texts), ROWS):
        piece = piece_of(texts[begin : begin + ROWS])
        assert piece.bounds is not None
        made = module.sets_of_piece(piece, Texts(()), piece.bounds[:-1], piece.bounds[1:], shingling)
        items.append(made[0])
        sizes.append(np.diff(made[1]))
    return Sets(np.concatenate(items), np.cumsum(np.concatenate(sizes)))


def fewest_of_a_frame(texts: int) -> int:
    """In so many of so many texts in all stands what belongs to a template."""
    return int(np.ceil(max(FEWEST, SHARE * texts)))


def without_frame(sets: Sets, texts: int, witness: NDArray[np.bool_] | None = None) -> Sets:
    """The sets without what belongs to a template; a set as it was where next to nothing else is in it.

    Of a template is a shingle that stands in FEWEST of these sets and in SHARE of all `texts`. Many
    copies of one text, each with a word or two changed, look like a template too. But a filled-in
    template has the whole of it, as all the others have, while each copy lacks another part. So a set
    of which less than OWN shingles and less than OWN_SHARE are left is compared whole, if not FILLED
    sets have the same part of the template, or if something else bears `witness` that it is a copy.
    """
    least = fewest_of_a_frame(texts)
    ordered = np.sort(sets.items)
    repeated = ordered[least - 1 :] == ordered[: max(0, len(ordered) - least + 1)]
    frame = np.unique(ordered[least - 1 :][repeated])
    if not len(frame):
        return sets
    own = frame[np.minimum(np.searchsorted(frame, sets.items), len(frame) - 1)] != sets.items
    owner = np.repeat(np.arange(len(sets.starts) - 1), np.diff(sets.starts))
    left = np.bincount(owner[own], minlength=len(sets.starts) - 1)
    part = np.zeros(len(sets.starts) - 1, dtype=np.uint64)  # a sum stands for a set's part of the template
    np.add.at(part, owner[~own], sets.items[~own])
    _, same, filled = np.unique(part, return_inverse=True, return_counts=True)
    few = (left < OWN) & (left < OWN_SHARE * np.diff(sets.starts))
    bare = (left == 0) | (few & (filled[same] < FILLED))
    if witness is not None:
        bare |= few & witness
    keep = own | bare[owner]
    sizes = np.bincount(owner[keep], minlength=len(sets.starts) - 1)
    return Sets(sets.items[keep], np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64))


def near_pairs(met: Met, sets: Sets, own: Sets, threshold: float, marks: Numbers, texts: pl.Series) -> Near:
    """The near ones of the pairs met, and of the crowd those that `leaders.crowd_pairs` finds.

    Near is a Jaccard index of at least `threshold` of both the sets and the `own` ones. `marks` are
    numbers of the crowd's rows; copies have equal ones.
    """
    crowd = crowd_of(met.crowd, own.items, own.starts, met.crowd, threshold)
    # without the compiler a crowd is compared in Python, step by step
    module = by(texts) if len(crowd.items) < MANY else arithmetic()
    left, right = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    if len(met.crowd):
        owner = np.repeat(marks, np.diff(crowd.starts)).astype(np.uint64)
        _, marked = np.unique((owner << np.uint64(32)) | crowd.items.astype(np.uint64), return_inverse=True)
        room = 4 * MOST * len(met.crowd)
        places = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
        kinds = int(marked.max(initial=-1)) + 1
        scores = np.empty(room, dtype=np.float64)
        count = module.crowd_pairs(crowd, marked.astype(np.int64), kinds, threshold, MOST, *places, scores)
        left, right = met.crowd[places[0][:count]], met.crowd[places[1][:count]]
    left, right = np.concatenate([met.left, left]), np.concatenate([met.right, right])
    score = module.jaccards(sets.items, sets.starts, left, right, threshold)
    near = score >= threshold
    least = score.copy()
    if own is not sets:
        bare = module.jaccards(own.items, own.starts, left[near], right[near], threshold)
        least[near] = np.minimum(score[near], bare)
        near = least >= threshold
    return Near(left[near], right[near], score[near], least[near])
