"""What a text is cut into, and the numbers that stand for it: hashes of shingles, MinHash, band keys.

Everything here is arithmetic on unsigned integers that wrap, so that the numpy path (below) and the
compiled one (kernels.py) give the same bits.

A text in normal form is its words; a character of a script without spaces is a word of its own. The
hash of a word is the sum of its code points times powers of ODD, and the hash of a run of words the
same sum of their hashes: so each is a difference of two prefix sums, brought to the same power.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curate.dedup.folding import ALNUM, CHARACTER, HAN, MARK, SPACE, Codes, learn_kinds
from curate.errors import ConfigError

Hashes = NDArray[np.uint64]
Numbers = NDArray[np.int64]

ODD = 0x9E3779B97F4A7C15
MIX = 0xD6E8FEB86659FD93
FOLD = 0xBF58476D1CE4E5B9
PERMUTATIONS = 64
SEED = 20_260_101
SURE = 0.9997  # chance that a pair just at the threshold shares a band
EMPTY = np.uint64(0)  # the hash of a text that says nothing; such texts are compared with none


@dataclass(frozen=True)
class Shingling:
    """How many words, or characters where the script sets no spaces, make a shingle.

    Ideographs say more than letters: of them one less is taken, but at least two. A text of fewer is
    one shingle, itself.
    """

    words: int = 5
    characters: int = 3

    def __post_init__(self) -> None:
        for name in ("words", "characters"):
            if not 1 <= getattr(self, name) <= 64:
                raise ConfigError(f"{name} to a shingle: {getattr(self, name)}", hint="it is from 1 to 64")

    @property
    def ideographs(self) -> int:
        """How many ideographs make a shingle."""
        return min(self.characters, max(2, self.characters - 1))


class Bands(NamedTuple):
    """How MinHash values are put together to band keys."""

    keys: int  # to a text
    rows: int  # MinHash values to a key


class Cut(NamedTuple):
    """Texts as hashes."""

    shingles: Hashes  # of all texts, one after the other; as they come, repeated ones too
    starts: Numbers  # where each text's shingles begin, and the end
    whole: Hashes  # of each text as a whole; EMPTY where it says nothing


@cache
def bands_for(threshold: float) -> Bands:
    """The widest bands in which a pair at the threshold still meets with a chance of SURE."""
    for rows in range(PERMUTATIONS, 1, -1):
        count = PERMUTATIONS // rows
        if 1 - (1 - threshold**rows) ** count >= SURE:
            return Bands(count, rows)
    return Bands(PERMUTATIONS, 1)


@cache
def permutations() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """The factors (odd) and terms of the permutations of 32-bit hashes, by splitmix64."""
    drawn = []
    state = SEED
    for _ in range(2 * PERMUTATIONS):
        state = (state + ODD) % 2**64
        value = state
        for shift, factor in ((30, FOLD), (27, 0x94D049BB133111EB)):
            value = (value ^ (value >> shift)) * factor % 2**64
        drawn.append((value ^ (value >> 31)) >> 32)
    factors = np.array(drawn[:PERMUTATIONS], dtype=np.uint32) | np.uint32(1)
    return factors, np.array(drawn[PERMUTATIONS:], dtype=np.uint32)


@cache
def _powers(bits: int) -> tuple[Hashes, Hashes]:
    """ODD to the powers from 0, and their inverses; 2 to the `bits` of each."""
    made = []
    for factor in (ODD, pow(ODD, -1, 2**64)):
        powers = np.ones(1 << bits, dtype=np.uint64)
        for level in range(bits):
            step = pow(factor, 1 << level, 2**64)
            powers[1 << level : 2 << level] = powers[: 1 << level] * np.uint64(step)
        made.append(powers)
    return made[0], made[1]


def powers(length: int) -> tuple[Hashes, Hashes]:
    """At least `length` powers of ODD and of its inverse."""
    return _powers(max(16, (length - 1).bit_length()))


def mixed(values: Hashes) -> Hashes:
    """Each value with its bits spread."""
    high = np.uint64(32)
    values = (values ^ (values >> high)) * np.uint64(MIX)
    return values ^ (values >> high)


def cut(texts: Sequence[Codes], shingling: Shingling) -> Cut:
    """The shingles of folded texts, with numpy alone."""
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    codes = np.concatenate([*texts, np.empty(0, dtype=np.uint32)])
    owner = np.repeat(np.arange(len(texts)), lengths)
    kinds = learn_kinds(codes)
    words = _words(codes, kinds, owner, len(texts), marks_count=False)
    bare = (np.diff(words.starts) == 0) & (lengths > 0)
    if bare.any():  # marks alone: they are all that these texts say
        again = _words(codes, kinds, owner, len(texts), marks_count=True, only=bare)
        words = _words(codes, kinds, owner, len(texts), marks_count=False, also=again.kept)
    return _shingles(words, shingling)


class _Words(NamedTuple):
    """Words of texts, one after the other."""

    kept: NDArray[np.bool_]  # the code points that words are made of
    starts: Numbers  # where each text's words begin, and the end
    hashes: Hashes
    alone: NDArray[np.bool_]  # words that are one character of a script without spaces
    han: NDArray[np.bool_]


def _words(
    codes: Codes,
    kinds: NDArray[np.uint8],
    owner: Numbers,
    count: int,
    *,
    marks_count: bool,
    only: NDArray[np.bool_] | None = None,
    also: NDArray[np.bool_] | None = None,
) -> _Words:
    """Cut at spaces and at marks that no letter or digit holds on both sides."""
    size = len(codes)
    same = np.ones(size, dtype=np.bool_)
    same[1:] = owner[1:] == owner[:-1]
    letter = (kinds == ALNUM) | (kinds >= CHARACTER)
    before, after = np.zeros(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_)
    before[1:] = letter[:-1] & same[1:]
    after[:-1] = letter[1:] & same[1:]
    kept = (kinds != SPACE) & ((kinds != MARK) | (before & after) | marks_count)
    if only is not None:
        kept &= only[owner]
    if also is not None:
        kept |= also
    alone = kept & (kinds >= CHARACTER)
    # a word ends where the next code point is not kept, or is of another text, or stands alone
    end = kept.copy()
    end[:-1] &= ~kept[1:] | ~same[1:] | alone[1:] | alone[:-1]
    up, down = powers(size)
    sums = np.cumsum(np.where(kept, codes.astype(np.uint64) * up[:size], np.uint64(0)))
    ends = np.flatnonzero(end)
    prefix = np.concatenate([np.zeros(1, dtype=np.uint64), sums[ends]])
    starts = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(owner[ends], minlength=count), out=starts[1:])
    hashes = mixed((prefix[1:] - prefix[:-1]) * down[ends])
    return _Words(kept, starts, hashes, alone[ends], kinds[ends] == HAN)


def _shingles(words: _Words, shingling: Shingling) -> Cut:
    """Runs of words, as many as the text's script asks for."""
    sizes = np.diff(words.starts)
    alone = np.concatenate([[0], np.cumsum(words.alone)])
    han = np.concatenate([[0], np.cumsum(words.han)])
    characters = alone[words.starts[1:]] - alone[words.starts[:-1]]
    ideographs = han[words.starts[1:]] - han[words.starts[:-1]]
    width = np.where(ideographs * 4 >= characters * 3, shingling.ideographs, shingling.characters)
    width = np.where(characters * 2 >= sizes, width, shingling.words)
    width = np.minimum(width, sizes)
    counts = np.where(sizes > 0, sizes - width + 1, 0)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    owner = np.repeat(np.arange(len(sizes)), counts)
    first = np.arange(starts[-1]) - starts[owner] + words.starts[owner]
    up, down = powers(len(words.hashes) + 1)
    sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(words.hashes * up[: len(words.hashes)])])
    run = (sums[first + width[owner]] - sums[first]) * down[first]
    begins, ends = words.starts[:-1], words.starts[1:]
    whole = mixed((sums[ends] - sums[begins]) * down[begins]) | np.uint64(1)
    return Cut(mixed(run), starts, np.where(sizes > 0, whole, EMPTY))


def band_keys(cut_texts: Cut, bands: Bands) -> Hashes:
    """(band, text): the band keys, with numpy alone; those of a text that says nothing mean nothing."""
    factors, terms = permutations()
    count = len(cut_texts.whole)
    full = np.flatnonzero(np.diff(cut_texts.starts))
    keys = np.zeros((bands.keys, count), dtype=np.uint64)
    if not len(full):
        return keys
    short = (cut_texts.shingles >> np.uint64(32)).astype(np.uint32)
    starts = cut_texts.starts[full]
    for band in range(bands.keys):
        key = np.full(len(full), (band + 1) * ODD % 2**64, dtype=np.uint64)
        for row in range(band * bands.rows, (band + 1) * bands.rows):
            least = np.minimum.reduceat(short * factors[row] + terms[row], starts)
            key = (key ^ least) * np.uint64(FOLD)
            key ^= key >> np.uint64(29)
        keys[band, full] = key
    return keys
