"""What compiled.py does, with numpy alone: slower, and equal to the bit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curate.dedup.folding import codes_of
from curate.dedup.leaders import crowd_pairs, settle
from curate.dedup.reading import Piece, Source
from curate.dedup.shingling import Bands, Cut, Hashes, Numbers, Shingling, band_keys, cut

__all__ = ["Sketches", "crowd_pairs", "jaccards", "repeated", "sets_of_piece", "settle", "sketch_piece"]

AT_ONCE = 1 << 17  # code points whose shingles are made at once


class Sketches(NamedTuple):
    """What is kept of each text of a piece of a file."""

    keys: Hashes  # (band, text)
    whole: Hashes  # 0 where a text says nothing
    begins: Numbers  # byte at which its line begins, counted from the piece
    ends: Numbers


def sketch_piece(piece: Piece, source: Source, shingling: Shingling, bands: Bands) -> Sketches:
    """Sketch the texts of a piece."""
    begins, ends = places(piece)
    parts = _cuts(_texts(piece, source, begins, ends), shingling)
    keys = [band_keys(part, bands) for part in parts]
    whole = [part.whole for part in parts]
    nothing = np.empty((bands.keys, 0), dtype=np.uint64)
    return Sketches(
        np.concatenate([nothing, *keys], axis=1), np.concatenate([nothing[0], *whole]), begins, ends
    )


def sets_of_piece(
    piece: Piece, source: Source, begins: Numbers, ends: Numbers, shingling: Shingling
) -> tuple[Hashes, Numbers]:
    """The sorted distinct shingles of these texts of a piece, and where each set begins."""
    sets = [
        np.unique(part.shingles[part.starts[at] : part.starts[at + 1]])
        for part in _cuts(_texts(piece, source, begins, ends), shingling)
        for at in range(len(part.whole))
    ]
    starts = np.concatenate([[0], np.cumsum([len(each) for each in sets])]).astype(np.int64)
    return np.concatenate([np.empty(0, dtype=np.uint64), *sets]), starts


def jaccards(
    sets: Hashes, starts: Numbers, left: Numbers, right: Numbers, floor: float
) -> NDArray[np.float64]:
    """The exact Jaccard index of each pair of sets; 0 where the sizes alone keep it below `floor`."""
    sizes = np.diff(starts)
    out = np.zeros(len(left), dtype=np.float64)
    small, large = np.minimum(sizes[left], sizes[right]), np.maximum(sizes[left], sizes[right])
    for at in np.flatnonzero((small >= floor * large) & (small > 0)).tolist():
        a, b = left[at], right[at]
        both = np.concatenate([sets[starts[a] : starts[a + 1]], sets[starts[b] : starts[b + 1]]])
        both.sort()
        shared = int((both[1:] == both[:-1]).sum())
        out[at] = shared / (len(both) - shared)
    return out


def repeated(keys: Hashes, rows: Numbers) -> tuple[Hashes, Numbers]:
    """Keys and rows, of which those that surely stand alone may be missing: here none are."""
    return keys, rows


def places(piece: Piece) -> tuple[Numbers, Numbers]:
    """Where each text, or each line that is not blank, begins and ends."""
    if piece.bounds is not None:
        return piece.bounds[:-1], piece.bounds[1:]
    data = piece.data[: piece.size]
    ends = np.flatnonzero(data == 10)
    if piece.size and data[-1] != 10:
        ends = np.append(ends, piece.size)
    begins = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    text = data.tobytes()
    full = [bool(text[begin:end].strip()) for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]
    return begins[full].astype(np.int64), ends[full].astype(np.int64)


def _texts(piece: Piece, source: Source, begins: Numbers, ends: Numbers) -> list[str]:
    data = piece.data[: piece.size].tobytes()
    return [
        source.text_of(data[begin:end]) for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)
    ]


def _cuts(texts: list[str], shingling: Shingling) -> list[Cut]:
    """The shingles of the texts, some at a time."""
    parts, some, size = [], [], 0
    for text in texts:
        some.append(codes_of(text))
        size += len(some[-1])
        if size >= AT_ONCE:
            parts.append(cut(some, shingling))
            some, size = [], 0
    return [*parts, cut(some, shingling)] if some else parts
