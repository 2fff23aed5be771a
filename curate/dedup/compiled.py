"""The compiled kernels called with what they need: tables, powers, scratch space of each thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.dedup import kernels
from curate.dedup.folding import codes_of, learn, learn_kinds, table
from curate.dedup.kernels import crowd_pairs, settle
from curate.dedup.plain import Sketches
from curate.dedup.reading import Piece, Source
from curate.dedup.shingling import Bands, Hashes, Numbers, Shingling, cut, permutations, powers

__all__ = ["Sketches", "crowd_pairs", "jaccards", "repeated", "sets_of_piece", "settle", "sketch_piece"]

FEW = 1_000  # keys that are sorted as they are
LONGEST = 1 << 16  # code points of a text that the scratch space holds; longer ones get their own
_own = threading.local()

Scratch = tuple[NDArray[Any], ...]


@cache
def _plain(json: bool) -> NDArray[np.uint8]:
    """The folded byte of each byte that stands for itself, else 0."""
    plain = table().becomes[:256].astype(np.uint8)
    plain[128:] = 0
    if json:
        plain[:32] = 0
        plain[[34, 92]] = 0
    return plain


def _scratch(longest: int = LONGEST) -> Scratch:
    """Space for one text, the thread's own."""
    if longest > LONGEST:
        return _space(longest)
    if not hasattr(_own, "space"):
        _own.space = _space(LONGEST)
    space: Scratch = _own.space
    return space


def _space(longest: int) -> Scratch:
    """See kernels.Scratch."""
    size = longest + 8
    kinds = (np.uint32, np.uint8, np.uint8, np.uint64, np.uint64, np.uint64)
    return (*(np.empty(size, dtype=kind) for kind in kinds), *powers(longest))


def _widths(shingling: Shingling) -> Numbers:
    return np.array([shingling.words, shingling.characters, shingling.ideographs], dtype=np.int64)


def _drawn(bands: Bands) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    factors, terms = permutations()
    used = bands.keys * bands.rows
    return factors[:used], terms[:used]


def sketch_piece(piece: Piece, source: Source, shingling: Shingling, bands: Bands) -> Sketches:
    """Sketch the texts of a piece."""
    data, known = piece.data, table()
    count = len(piece.bounds) - 1 if piece.bounds is not None else int(_line_count(piece))
    keys = np.zeros((bands.keys, count), dtype=np.uint64)
    whole, hard = np.zeros(count, dtype=np.uint64), np.zeros(count, dtype=np.bool_)
    rest = (
        known.becomes, known.kind, _plain(piece.bounds is None), _widths(shingling),
        *_drawn(bands), bands.rows, _scratch(), keys, whole, hard,
    )  # fmt: skip
    if piece.bounds is not None:
        kernels.sketch_texts(data, piece.bounds, *rest)
        begins, ends = piece.bounds[:-1], piece.bounds[1:]
    else:
        begins, ends = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
        count = kernels.sketch_lines(data, piece.size, begins, ends, _key(source), *rest)
    where = np.flatnonzero(hard[:count])
    if len(where):
        _sketch_hard(_texts(piece, source, begins[where], ends[where]), where, shingling, bands, keys, whole)
    return Sketches(keys[:, :count], whole[:count], begins[:count], ends[:count])


def sets_of_piece(
    piece: Piece, source: Source, begins: Numbers, ends: Numbers, shingling: Shingling
) -> tuple[Hashes, Numbers]:
    """The sorted distinct shingles of these texts of a piece, and where each set begins."""
    known = table()
    out = np.empty(int((ends - begins).sum()) + 2 * len(begins) + 16, dtype=np.uint64)
    starts = np.zeros(len(begins) + 1, dtype=np.int64)
    hard = np.zeros(len(begins), dtype=np.bool_)
    filled = kernels.sets_of_texts(
        piece.data, begins, ends, _key(source), known.becomes, known.kind, _plain(piece.bounds is None),
        _widths(shingling), _scratch(), out, starts, hard,
    )  # fmt: skip
    where = np.flatnonzero(hard)
    if not len(where):
        return out[:filled].copy(), starts
    made = cut([codes_of(text) for text in _texts(piece, source, begins[where], ends[where])], shingling)
    by_hand = {
        row: np.unique(made.shingles[made.starts[at] : made.starts[at + 1]])
        for at, row in enumerate(where.tolist())
    }
    parts = [by_hand.get(row, out[starts[row] : starts[row + 1]]) for row in range(len(begins))]
    sizes = np.cumsum([len(part) for part in parts])
    return np.concatenate(parts), np.concatenate([[0], sizes]).astype(np.int64)


def repeated(keys: Hashes, rows: Numbers) -> tuple[Hashes, Numbers]:
    """Keys and rows, of which those that surely stand alone may be missing."""
    if len(keys) < FEW:
        return keys, rows
    bits = (len(keys) - 1).bit_length() + 2
    some = np.empty(len(keys) + 1, dtype=np.int64)
    found = kernels.repeated(keys, np.uint64(64 - bits), np.zeros(1 << bits, dtype=np.uint8), some)
    return keys[some[:found]], rows[some[:found]]


def jaccards(
    sets: Hashes, starts: Numbers, left: Numbers, right: Numbers, floor: float
) -> NDArray[np.float64]:
    """The exact Jaccard index of each pair of sets; 0 where the sizes alone keep it below `floor`."""
    out = np.empty(len(left), dtype=np.float64)
    kernels.jaccards(sets, starts, left, right, floor, out)
    return out


def _key(source: Source) -> NDArray[np.uint8]:
    return np.frombuffer(source.key, dtype=np.uint8)


def _line_count(piece: Piece) -> int:
    """At least the number of lines."""
    return int(np.count_nonzero(piece.data[: piece.size] == 10)) + 1


def _texts(piece: Piece, source: Source, begins: Numbers, ends: Numbers) -> list[str]:
    """Texts that Python reads."""
    return [
        source.text_of(piece.data[begin:end].tobytes())
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)
    ]


def _sketch_hard(
    texts: Sequence[str], where: Numbers, shingling: Shingling, bands: Bands, keys: Hashes, whole: Hashes
) -> None:
    """Fold texts in Python, and learn their characters for the next time."""
    folded = [codes_of(text) for text in texts]
    for text in texts:
        learn(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32))
    bounds = np.concatenate([[0], np.cumsum([len(codes) for codes in folded])]).astype(np.int64)
    joined = np.concatenate(folded)
    learn_kinds(joined)
    longest = int(np.diff(bounds).max(initial=0))
    kernels.sketch_codes(
        joined, bounds, where, table().kind, _widths(shingling),
        *_drawn(bands), bands.rows, _scratch(longest), keys, whole,
    )  # fmt: skip
