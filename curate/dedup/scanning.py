"""From the bytes of a file to folded code points, compiled by numba: UTF-8, JSON and the folding table.

What is rare or doubtful (several fields, odd escapes, characters not met before) is left to Python,
which then also says what is wrong with a line. Who changes this file also touches kernels.py, whose
kept machine code holds it.
"""

# mypy: disable-error-code="untyped-decorator,return-value,no-any-return"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from curate.dedup.folding import DROPPED, SLOW, UNKNOWN

U = np.uint64
WIDE, CODE = U(21), U((1 << 21) - 1)
QUOTE, BACKSLASH, COMMA, COLON, OPEN, CLOSE, LINE = 34, 92, 44, 58, 123, 125, 10
DONE, HARD, ABSENT = 0, 1, 2  # what became of a text: folded, left to Python, not there

Bytes = NDArray[np.uint8]
Array = NDArray[Any]


@njit(inline="always")
def _decoded(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """The code point of the UTF-8 sequence at a place, and its length; -1 where there is none."""
    first = np.int64(data[at])
    size = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    if first < 0xC2 or first > 0xF4 or at + size > end:
        return -1, 1
    code = first & (0xFF >> (size + 1))
    for step in range(1, size):
        follower = np.int64(data[at + step])
        if follower & 0xC0 != 0x80:
            return -1, 1
        code = (code << 6) | (follower & 0x3F)
    return code, size


@njit(inline="always")
def _hex(data: Bytes, at: int) -> int:
    """The number that four hexadecimal digits stand for; -1 where they are none."""
    value = np.int64(0)
    for step in range(4):
        letter = np.int64(data[at + step])
        if 48 <= letter <= 57:
            digit = letter - 48
        elif 97 <= letter | 32 <= 102:
            digit = (letter | 32) - 87
        else:
            return -1
        value = value * 16 + digit
    return value


@njit(inline="always")
def _escaped(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """The code point of the JSON escape at a place (its backslash), and its length; -1: leave it."""
    if at + 1 >= end:
        return -1, 1
    letter = data[at + 1]
    if letter == 110:  # n
        return 10, 2
    if letter in (34, 92, 47):
        return np.int64(letter), 2
    if letter == 116:  # t
        return 9, 2
    if letter in (114, 98, 102):  # r, b, f
        return 13 if letter == 114 else 8 if letter == 98 else 12, 2
    if letter != 117 or at + 6 > end:
        return -1, 1
    code = _hex(data, at + 2)
    if 0xD800 <= code < 0xDC00 and at + 12 <= end and data[at + 6] == 92 and data[at + 7] == 117:
        low = _hex(data, at + 8)
        if 0xDC00 <= low < 0xE000:
            return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00), 12
    return (-1, 1) if 0xD800 <= code < 0xE000 else (code, 6)


@njit(inline="always")
def folded(
    data: Bytes, at: int, end: int, json: bool, becomes: Array, plain: Bytes, codes: Array
) -> tuple[int, int, int]:
    """Fold a text into `codes`: how many there are, where the text ended, and DONE or HARD.

    In JSON the text ends at its closing quote, else at `end`. `plain` is the folded byte of ASCII that
    stands for itself, else 0.
    """
    count = 0
    last = end
    # a code point takes two bytes for at most three code points that it becomes
    end = min(end, at + (codes.shape[0] - 4) // 3 * 2)
    while at < end:
        byte = data[at]
        simple = plain[byte]
        if simple != 0:
            codes[count] = simple
            count += 1
            at += 1
            continue
        if json and byte == QUOTE:
            return count, at, DONE
        if byte >= 128:
            code, size = _decoded(data, at, end)
        elif json:
            if byte != BACKSLASH:
                return count, at, HARD
            code, size = _escaped(data, at, end)
        else:
            code, size = np.int64(byte), 1
        if code < 0:
            return count, at, HARD
        at += size
        entry = becomes[code]
        if entry == DROPPED:
            continue
        if (entry == UNKNOWN and code != 0) or entry == SLOW:
            return count, at, HARD
        codes[count] = np.uint32(entry & CODE)
        count += 1
        entry >>= WIDE
        while entry != 0:
            codes[count] = np.uint32(entry & CODE)
            count += 1
            entry >>= WIDE
    return count, at, HARD if json or at < last else DONE


@njit(inline="always")
def skip_space(data: Bytes, at: int, end: int) -> int:
    """Past blanks, tabs and carriage returns; a line end stays."""
    while at < end and (data[at] == 32 or data[at] == 9 or data[at] == 13):
        at += 1
    return at


@njit(inline="always")
def _skip_string(data: Bytes, at: int, end: int) -> int:
    """Past the closing quote of a string whose opening quote stands at a place; -1: not closed."""
    at += 1
    while at < end:
        byte = data[at]
        if byte == QUOTE:
            return at + 1
        if byte < 32:
            return -1
        at += 2 if byte == BACKSLASH else 1
    return -1


@njit
def _skip_value(data: Bytes, at: int, end: int) -> int:
    """Past a JSON value, loosely read; -1 where there is none."""
    if at >= end:
        return -1
    if data[at] == QUOTE:
        return _skip_string(data, at, end)
    depth = 0
    while at < end:
        byte = data[at]
        if byte == QUOTE:
            at = _skip_string(data, at, end)
            if at < 0:
                return -1
            continue
        if byte == 123 or byte == 91:
            depth += 1
        elif byte == 125 or byte == 93:
            if depth == 0:
                return at
            depth -= 1
            if depth == 0:
                return at + 1
        elif byte == LINE or (depth == 0 and (byte == COMMA or byte <= 32)):
            return -1 if depth else at
        at += 1
    return -1


@njit(inline="always")
def _is_key(data: Bytes, at: int, key: Bytes) -> bool:
    """Whether the string that opens at a place is this key, written without escapes."""
    for i in range(key.shape[0]):
        if data[at + 1 + i] != key[i]:
            return False
    return bool(data[at + 1 + key.shape[0]] == QUOTE)


@njit
def _member(data: Bytes, at: int, end: int, key: Bytes) -> tuple[int, int]:
    """Read on to the wanted key's string: (where it begins, DONE), or where reading ended, and why."""
    while True:
        at = skip_space(data, at, end)
        if at < end and data[at] == CLOSE:
            at = skip_space(data, at + 1, end)
            return at, ABSENT if at == end or data[at] == LINE else HARD
        if at >= end or data[at] != QUOTE:
            return at, HARD
        wanted = _is_key(data, at, key)
        name_end = _skip_string(data, at, end)
        if name_end < 0:
            return at, HARD
        at = skip_space(data, name_end, end)
        if at >= end or data[at] != COLON:
            return at, HARD
        at = skip_space(data, at + 1, end)
        if wanted:
            return (at + 1, DONE) if at < end and data[at] == QUOTE else (at, HARD)
        at = _skip_value(data, at, end)
        if at < 0:
            return end, HARD
        at = skip_space(data, at, end)
        if at < end and data[at] == COMMA:
            at += 1


@njit(inline="always")
def json_text(
    data: Bytes, at: int, end: int, key: Bytes, becomes: Array, plain: Bytes, codes: Array
) -> tuple[int, int, int]:
    """Fold the wanted text of one JSON line into `codes`: how many, where the line ended, DONE or HARD."""
    if data[at] != OPEN:
        return 0, at, HARD
    at, state = _member(data, at + 1, end, key)
    if state != DONE:
        return 0, at, HARD
    count, at, state = folded(data, at, end, True, becomes, plain, codes)
    if state != DONE:
        return 0, at, HARD
    at = skip_space(data, at + 1, end)
    if at < end and data[at] == COMMA:
        at += 1
    at, state = _member(data, at, end, key)
    return count, at, DONE if state == ABSENT else HARD
