"""The same arithmetic as shingling.py, compiled by numba: from the bytes of a file to band keys.

Import it only where numba is installed. The first call in a fresh installation compiles (some
seconds); the machine code is kept beside this file or, where that cannot be written, in the user's
cache folder, and where that cannot be written either, each process compiles.
"""

# mypy: disable-error-code="untyped-decorator,return-value,no-any-return"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from curate.dedup import leaders
from curate.dedup.folding import ALNUM, CHARACTER, HAN, MARK, SPACE
from curate.dedup.scanning import DONE, HARD, LINE, Array, Bytes, folded, json_text, skip_space
from curate.dedup.shingling import FOLD, MIX, ODD

U = np.uint64
ONE, HIGH, FOLD_SHIFT, ONE8 = U(1), U(32), U(29), np.uint8(1)
MIXER, FOLDER, STEP = U(MIX), U(FOLD), U(ODD)
BUCKET = U(56)

# of one text: code points, their kinds, ends of words, terms or sums, words, shingles; powers, inverses
Scratch = tuple[Array, Array, Array, Array, Array, Array, Array, Array]


def compiled(function: Callable[..., Any]) -> Any:  # noqa: ANN401
    """The function as machine code, kept for the next process where any folder can be written."""
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # no such folder: a container that is read-only, say
        return njit(nogil=True)(function)


@njit(inline="always")
def _mixed(value: np.uint64) -> np.uint64:
    value = (value ^ (value >> HIGH)) * MIXER
    return value ^ (value >> HIGH)


@njit(inline="always")
def _words(codes: Array, count: int, kinds: Bytes, marks: bool, space: Scratch) -> tuple[int, int, int]:
    """Hash the words of a folded text: their number, of them characters that stand alone, ideographs.

    The loops have no branches: the ends of words cannot be foretold, and most loops become vectors.
    """
    _, kind, end, terms, words, _, up, down = space
    kind[0] = kind[count + 1] = SPACE
    for i in range(count):
        kind[i + 1] = kinds[codes[i]]
    alone = han = 0
    for i in range(count + 1):
        alone += kind[i] >= CHARACTER
        han += kind[i] == HAN
    _ends(kind, count, marks, end)
    for i in range(count):
        terms[i] = U(codes[i]) * up[i] * U(end[i] & ONE8)
    number = U(0)
    total = U(0)
    last = U(0)
    for i in range(count):
        total += terms[i]
        words[number] = (total - last) * down[i]
        ends = U(end[i] >> ONE8)
        last += (total - last) * ends
        number += ends
    return np.int64(number), alone, han


@njit(inline="always")
def _ends(kind: Bytes, count: int, marks: bool, end: Bytes) -> None:
    """For each code point 1 if it is kept, 3 if also a word ends with it, else 0."""
    for i in range(count + 1):
        before, own, after = kind[i], kind[i + 1], kind[i + 2]
        # of the kinds, ALNUM and the two that stand alone are letters
        held = ((before == ALNUM) | (before >= CHARACTER)) & ((after == ALNUM) | (after >= CHARACTER))
        end[i] = np.uint8((own != SPACE) & ((own != MARK) | held | marks))
    for i in range(count):
        single = (kind[i + 1] >= CHARACTER) | (kind[i + 2] >= CHARACTER)
        ends = end[i] & (np.uint8(end[i + 1] == 0) | np.uint8(single))
        end[i] = end[i] | np.uint8(ends << ONE8)


@njit(inline="always")
def _shingles(codes: Array, count: int, kinds: Bytes, widths: Array, space: Scratch) -> tuple[int, np.uint64]:
    """Write the shingles of a folded text into the scratch space: their number, and the hash of the whole."""
    _, _, _, sums, words, out, up, down = space
    number, alone, han = _words(codes, count, kinds, False, space)
    if number == 0:  # marks alone: they are all that this text says
        number, alone, han = _words(codes, count, kinds, True, space)
        if number == 0:
            return 0, U(0)
    width = widths[0]
    if alone * 2 >= number:
        width = widths[2] if han * 4 >= alone * 3 else widths[1]
    width = min(width, number)
    total = U(0)
    for i in range(number):
        sums[i] = total
        total += _mixed(words[i]) * up[i]
    sums[number] = total
    for i in range(number - width + 1):
        out[i] = _mixed((sums[i + width] - sums[i]) * down[i])
    return number - width + 1, _mixed(total) | ONE


@njit(inline="always")
def _keys(
    shingles: Array, number: int, factors: Array, terms: Array, least: Array, rows: int, keys: Array, row: int
) -> None:
    """Write the band keys of one text into a column of `keys`."""
    for j in range(factors.shape[0]):
        least[j] = np.uint32(0xFFFFFFFF)
    for i in range(number):
        short = np.uint32(shingles[i] >> HIGH)
        for j in range(factors.shape[0]):
            value = np.uint32(factors[j] * short + terms[j])
            least[j] = min(least[j], value)
    for band in range(keys.shape[0]):
        key = U(band + 1) * STEP
        for j in range(band * rows, (band + 1) * rows):
            key = (key ^ U(least[j])) * FOLDER
            key ^= key >> FOLD_SHIFT
        keys[band, row] = key


@njit(inline="always")
def _line_end(data: Bytes, at: int, size: int) -> int:
    """Where the line ends that a place is in."""
    while at < size and data[at] != LINE:
        at += 1
    return at


@compiled
def sketch_lines(
    data: Bytes, size: int, begins: Array, ends: Array, key: Bytes, becomes: Array, kinds: Bytes, plain: Bytes,
    widths: Array, factors: Array, terms: Array, rows: int, space: Scratch, keys: Array, whole: Array, hard: Array,
) -> int:  # fmt: skip
    """Band keys and whole hash of the wanted text of each JSON line; blank lines are none.

    Gives their number, and where each begins and ends; `hard` marks those left to Python. `space`
    is for one text; 64 bytes past `size` may be read.
    """
    codes, shingles = space[0], space[5]
    least = np.empty(factors.shape[0], dtype=np.uint32)
    row = 0
    at = 0
    while at < size:
        at = skip_space(data, at, size)
        if at < size and data[at] == LINE:
            at += 1
            continue
        if at >= size:
            break
        begins[row] = at
        count, end, state = json_text(data, at, size, key, becomes, plain, codes)
        if state == DONE and end < size and data[end] != LINE:
            state = HARD
        if state != DONE:
            end = _line_end(data, at, size)
        ends[row] = end
        hard[row] = state != DONE
        if state == DONE:
            number, whole[row] = _shingles(codes, count, kinds, widths, space)
            if number:
                _keys(shingles, number, factors, terms, least, rows, keys, row)
        row += 1
        at = end + 1
    return row


@compiled
def sketch_texts(
    data: Bytes, bounds: Array, becomes: Array, kinds: Bytes, plain: Bytes,
    widths: Array, factors: Array, terms: Array, rows: int, space: Scratch, keys: Array, whole: Array, hard: Array,
) -> None:  # fmt: skip
    """The same of UTF-8 texts that stand one after the other; `bounds` is where each begins, and the end."""
    codes, shingles = space[0], space[5]
    least = np.empty(factors.shape[0], dtype=np.uint32)
    for row in range(bounds.shape[0] - 1):
        count, _, state = folded(data, bounds[row], bounds[row + 1], False, becomes, plain, codes)
        hard[row] = state != DONE
        if state == DONE:
            number, whole[row] = _shingles(codes, count, kinds, widths, space)
            if number:
                _keys(shingles, number, factors, terms, least, rows, keys, row)


@compiled
def sketch_codes(
    text_codes: Array, bounds: Array, where: Array, kinds: Bytes, widths: Array,
    factors: Array, terms: Array, rows: int, space: Scratch, keys: Array, whole: Array,
) -> None:  # fmt: skip
    """The same of texts that Python has folded; `where` is the row of each."""
    codes, shingles = space[0], space[5]
    least = np.empty(factors.shape[0], dtype=np.uint32)
    for text in range(where.shape[0]):
        count = bounds[text + 1] - bounds[text]
        codes[:count] = text_codes[bounds[text] : bounds[text + 1]]
        row = where[text]
        number, whole[row] = _shingles(codes, count, kinds, widths, space)
        if number:
            _keys(shingles, number, factors, terms, least, rows, keys, row)


@njit(inline="always")
def _sorted(values: Array, number: int, place: Array, other: Array) -> Array:
    """The values sorted into `other`: hashes, which by their upper bits are nearly where they belong."""
    place[:] = 0
    for i in range(number):
        place[values[i] >> BUCKET] += 1
    at = 0
    for slot in range(place.shape[0]):
        size = place[slot]
        place[slot] = at
        at += size
    for i in range(number):
        slot = values[i] >> BUCKET
        other[place[slot]] = values[i]
        place[slot] += 1
    for i in range(1, number):
        value = other[i]
        j = i - 1
        while j >= 0 and other[j] > value:
            other[j + 1] = other[j]
            j -= 1
        other[j + 1] = value
    return other


@njit(inline="always")
def _distinct(shingles: Array, number: int, out: Array, filled: int, place: Array, other: Array) -> int:
    """Append the sorted distinct shingles of one text; how many are filled then."""
    first = filled
    if number > 1 << 14:
        shingles[:number].sort()
        ordered = shingles
    else:
        ordered = _sorted(shingles, number, place, other)
    for i in range(number):
        if filled == first or ordered[i] != out[filled - 1]:
            out[filled] = ordered[i]
            filled += 1
    return filled


@compiled
def sets_of_texts(
    data: Bytes, begins: Array, ends: Array, key: Bytes, becomes: Array, kinds: Bytes, plain: Bytes,
    widths: Array, space: Scratch, out: Array, starts: Array, hard: Array,
) -> int:  # fmt: skip
    """The sorted distinct shingles of these JSON lines, one text after the other; how many in all.

    Without a key (empty), of these UTF-8 texts. Those in `hard` have none yet.
    """
    codes, shingles = space[0], space[5]
    place = np.empty(256, dtype=np.int64)
    filled = 0
    starts[0] = 0
    for row in range(begins.shape[0]):
        if key.shape[0] > 0:
            count, _, state = json_text(data, begins[row], ends[row], key, becomes, plain, codes)
        else:
            count, _, state = folded(data, begins[row], ends[row], False, becomes, plain, codes)
        hard[row] = state != DONE
        if state == DONE:
            number, _ = _shingles(codes, count, kinds, widths, space)
            filled = _distinct(shingles, number, out, filled, place, space[3])
        starts[row + 1] = filled
    return filled


@njit(inline="always")
def _shared(sets: Array, left: int, left_end: int, right: int, right_end: int) -> int:
    """How many hashes two sorted sets share."""
    count = 0
    while left < left_end and right < right_end:
        one = sets[left]
        other = sets[right]
        count += one == other
        left += one <= other
        right += other <= one
    return count


@compiled
def jaccards(sets: Array, starts: Array, left: Array, right: Array, floor: float, out: Array) -> None:
    """The exact Jaccard index of each pair of sets; 0 where the sizes alone keep it below `floor`."""
    for pair in range(left.shape[0]):
        a, b = left[pair], right[pair]
        size_a, size_b = starts[a + 1] - starts[a], starts[b + 1] - starts[b]
        out[pair] = 0.0
        if min(size_a, size_b) >= floor * max(size_a, size_b) and size_a > 0:
            shared = _shared(sets, starts[a], starts[a + 1], starts[b], starts[b + 1])
            out[pair] = shared / (size_a + size_b - shared)


@compiled
def repeated(keys: Array, shift: np.uint64, counts: Bytes, out: Array) -> int:
    """Write the places of keys whose upper bits occur twice or more; how many there are.

    `counts` has a place for each value of the upper bits and is zero.
    """
    for i in range(keys.shape[0]):
        slot = keys[i] >> shift
        counts[slot] = min(counts[slot] + 1, 2)
    found = 0
    for i in range(keys.shape[0]):
        out[found] = i
        found += counts[keys[i] >> shift] > 1
    return found


settle = compiled(leaders.settle)
crowd_pairs = compiled(leaders.crowd_pairs)
