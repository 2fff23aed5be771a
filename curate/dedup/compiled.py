"""The compiled kernels called with what they need: tables, powers, scratch space of each thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from curate.dedup import kernels
from curate.dedup.folding import Codes, codes_of, learn, table
from curate.dedup.shingling import Bands, Hashes, Numbers, Shingling, permutations, powers

LONGEST = 1 << 16  # code points of a text that the scratch space holds; longer ones get their own
_own = threading.local()

Scratch = tuple[Codes, Hashes, Numbers, Hashes]


class Sketches(NamedTuple):
    """What is kept of each text of a piece of a file."""

    keys: Hashes  # (band, text)
    whole: Hashes  # 0 where a text says nothing
    begins: Numbers  # byte at which its line begins, counted from the piece
    ends: Numbers


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
    size = longest + 8
    return (
        np.empty(size, dtype=np.uint32),
        np.empty(size, dtype=np.uint64),
        np.empty(size, dtype=np.int64),
        np.empty(size, dtype=np.uint64),
    )


def _widths(shingling: Shingling) -> Numbers:
    return np.array([shingling.words, shingling.characters, shingling.ideographs], dtype=np.int64)


def _drawn(bands: Bands) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    factors, terms = permutations()
    used = bands.count * bands.rows
    return factors[:used], terms[:used]


def sketch_lines(
    data: NDArray[np.uint8],
    size: int,
    count: int,
    key: bytes,
    shingling: Shingling,
    bands: Bands,
    text_of: Callable[[bytes], str],
) -> Sketches:
    """Sketch the JSON lines of a buffer, `count` at most; `text_of` reads a line that is hard to read."""
    keys = np.zeros((bands.count, count), dtype=np.uint64)
    whole = np.zeros(count, dtype=np.uint64)
    hard = np.zeros(count, dtype=np.bool_)
    begins, ends = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    known = table()
    up, down = powers(LONGEST)
    found = kernels.sketch_lines(
        data, size, begins, ends, np.frombuffer(key, dtype=np.uint8), known.becomes, known.kind, _plain(True),
        _widths(shingling), up, down, *_drawn(bands), bands.rows, _scratch(), keys, whole, hard,
    )  # fmt: skip
    where = np.flatnonzero(hard[:found])
    if len(where):
        texts = [text_of(data[begins[row] : ends[row]].tobytes()) for row in where.tolist()]
        _sketch_hard(texts, where, shingling, bands, keys, whole)
    return Sketches(keys[:, :found], whole[:found], begins[:found], ends[:found])


def sketch_texts(data: NDArray[np.uint8], bounds: Numbers, shingling: Shingling, bands: Bands) -> Sketches:
    """Sketch UTF-8 texts that stand one after the other in a buffer."""
    count = len(bounds) - 1
    keys = np.zeros((bands.count, count), dtype=np.uint64)
    whole = np.zeros(count, dtype=np.uint64)
    hard = np.zeros(count, dtype=np.bool_)
    known = table()
    up, down = powers(LONGEST)
    kernels.sketch_texts(
        data, bounds, known.becomes, known.kind, _plain(False),
        _widths(shingling), up, down, *_drawn(bands), bands.rows, _scratch(), keys, whole, hard,
    )  # fmt: skip
    where = np.flatnonzero(hard)
    if len(where):
        texts = [data[bounds[row] : bounds[row + 1]].tobytes().decode() for row in where.tolist()]
        _sketch_hard(texts, where, shingling, bands, keys, whole)
    return Sketches(keys, whole, bounds[:-1], bounds[1:])


def _sketch_hard(
    texts: Sequence[str], where: Numbers, shingling: Shingling, bands: Bands, keys: Hashes, whole: Hashes
) -> None:
    """Fold texts in Python, and learn their characters for the next time."""
    folded = [codes_of(text) for text in texts]
    for text in texts:
        learn(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32))
    learn_all(folded)
    bounds = np.concatenate([[0], np.cumsum([len(codes) for codes in folded])]).astype(np.int64)
    longest = 2 * int(np.diff(bounds).max(initial=0)) + 2
    up, down = powers(max(LONGEST, longest))
    kernels.sketch_codes(
        np.concatenate(folded), bounds, where, table().kind, _widths(shingling), up, down,
        *_drawn(bands), bands.rows, _scratch(longest), keys, whole,
    )  # fmt: skip


def learn_all(folded: Sequence[Codes]) -> None:
    """Know the class of each folded code point."""
    from curate.dedup.folding import learn_kinds

    for codes in folded:
        learn_kinds(codes)


def sets_of_lines(
    data: NDArray[np.uint8],
    begins: Numbers,
    ends: Numbers,
    key: bytes,
    shingling: Shingling,
    text_of: Callable[[bytes], str],
) -> tuple[Hashes, Numbers]:
    """The sorted distinct shingles of these lines, one after the other, and where each set begins."""
    from curate.dedup.shingling import cut

    known = table()
    up, down = powers(LONGEST)
    out = np.empty(int((ends - begins).sum()) + 2 * len(begins) + 16, dtype=np.uint64)
    starts = np.zeros(len(begins) + 1, dtype=np.int64)
    hard = np.zeros(len(begins), dtype=np.bool_)
    filled = kernels.sets_of_lines(
        data, begins, ends, np.frombuffer(key, dtype=np.uint8), known.becomes, known.kind, _plain(bool(key)),
        _widths(shingling), up, down, _scratch(), out, starts, hard,
    )  # fmt: skip
    where = np.flatnonzero(hard).tolist()
    if not where:
        return out[:filled].copy(), starts
    texts = [text_of(data[begins[row] : ends[row]].tobytes()) for row in where]
    made = cut([codes_of(text) for text in texts], shingling)
    by_hand = {
        row: np.unique(made.shingles[made.starts[at] : made.starts[at + 1]]) for at, row in enumerate(where)
    }
    parts = [by_hand.get(row, out[starts[row] : starts[row + 1]]) for row in range(len(begins))]
    return np.concatenate(parts), np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(
        np.int64
    )


def jaccards(
    sets: Hashes, starts: Numbers, left: Numbers, right: Numbers, floor: float
) -> NDArray[np.float64]:
    """The exact Jaccard index of each pair of sets; 0 where the sizes alone keep it below `floor`."""
    out = np.empty(len(left), dtype=np.float64)
    kernels.jaccards(sets, starts, left, right, floor, out)
    return out


def ready() -> Any:  # noqa: ANN401
    """The module of kernels, for whoever wants to know that it is there."""
    return kernels
