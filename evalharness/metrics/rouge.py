"""ROUGE-1 to -9, -L and -Lsum of two texts, as rouge_score 0.1.2 computes them, to the last bit.

C.-Y. Lin, "ROUGE: a package for automatic evaluation of summaries" (2004). Texts are told apart by
runs of a-z and 0-9 alone, so a text in another script has no words. One answer has one reference.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import LCSseq

from evalharness.metrics.stemming import stem

WORD = re.compile(r"[a-z0-9]+")
KINDS = ("rouge1", "rouge2", "rougeL", "rougeLsum")
UNSTEMMED = 3  # words of so many letters are left as they are

Words = Sequence[str]


class Rouge(NamedTuple):
    """Overlap of an answer with its reference, each from 0 to 1."""

    precision: float
    recall: float
    f: float


class Text(NamedTuple):
    """A text as ROUGE sees it."""

    words: list[str]
    lines: list[list[str]]  # the same words by lines, which are the sentences of rougeLsum


def rouge(
    reference: str, answer: str, kinds: Iterable[str] = KINDS, *, stemmed: bool = False
) -> dict[str, Rouge]:
    """Each kind of overlap of one pair. ValueError for a kind that is none."""
    return rouge_of(parse(reference, stemmed=stemmed), parse(answer, stemmed=stemmed), kinds)


def rouge_of(reference: Text, answer: Text, kinds: Iterable[str] = KINDS) -> dict[str, Rouge]:
    """Each kind of overlap of two texts that were parsed alike."""
    found: dict[str, Rouge] = {}
    longest: Rouge | None = None
    for kind in kinds:
        if kind == "rougeL" or (kind == "rougeLsum" and len(reference.lines) == len(answer.lines) == 1):
            found[kind] = longest = longest or rouge_l(reference.words, answer.words)
        elif kind == "rougeLsum":
            found[kind] = rouge_lsum(reference.lines, answer.lines)
        else:
            found[kind] = rouge_n(reference.words, answer.words, order(kind))
    return found


def parse(text: str, *, stemmed: bool = False) -> Text:
    """The words of a text, also by lines."""
    if "\n" not in text:
        words = tokens(text, stemmed=stemmed)
        return Text(words, [words])
    lines = [tokens(line, stemmed=stemmed) for line in text.split("\n") if line]
    return Text([word for line in lines for word in line], lines)


def order(kind: str) -> int:
    """The n of a kind such as rouge2; ValueError for a kind that is none."""
    if not re.fullmatch(r"rouge[1-9]", kind):
        raise ValueError(f"{kind} is no kind of ROUGE: rouge1 to rouge9, rougeL and rougeLsum are")
    return int(kind[5:])


def tokens(text: str, *, stemmed: bool = False) -> list[str]:
    """Runs of a-z and 0-9, lower case; all else divides. With `stemmed`, English words by their stems."""
    words = WORD.findall(text.lower())
    return list(map(_counted, words)) if stemmed else words


@lru_cache(maxsize=1 << 17)
def _counted(word: str) -> str:
    return stem(word) if len(word) > UNSTEMMED else word


def rouge_n(reference: Words, answer: Words, n: int) -> Rouge:
    """Overlap of runs of `n` tokens, each counted as often as it occurs on both sides."""
    wanted, said = _runs(reference, n), _runs(answer, n)
    other = said.get
    common = 0
    for run, count in wanted.items():
        match = other(run)
        if match:
            common += match if match < count else count
    return _rouge(common, max(0, len(answer) - n + 1), max(0, len(reference) - n + 1))


def rouge_l(reference: Words, answer: Words) -> Rouge:
    """Overlap by the longest common subsequence of tokens, which are compared by their 64-bit hashes."""
    return _rouge(LCSseq.similarity(reference, answer), len(answer), len(reference))


def rouge_lsum(reference: Sequence[Words], answer: Sequence[Words]) -> Rouge:
    """Overlap of two summaries by sentences.

    What any sentence of the answer has in common with each of the reference's, every token counted no
    more often than it occurs on both sides.
    """
    wanted = Counter(word for sentence in reference for word in sentence)
    said = Counter(word for sentence in answer for word in sentence)
    hits = 0
    for sentence in reference:
        shared: set[int] = set()
        for other in answer:
            shared |= _places_in_common(sentence, other)
        for place in sorted(shared):
            word = sentence[place]
            if said[word] > 0 and wanted[word] > 0:
                hits += 1
                said[word] -= 1
                wanted[word] -= 1
    return _rouge(hits, sum(map(len, answer)), sum(map(len, reference)))


def _runs(words: Words, n: int) -> Counter[object]:
    return Counter(words) if n == 1 else Counter(zip(*(words[start:] for start in range(n)), strict=False))


def _places(words: Words) -> dict[str, int]:
    """Each word's places, as the bits of one integer."""
    places: dict[str, int] = {}
    bit = 1
    for word in words:
        places[word] = places.get(word, 0) | bit
        bit <<= 1
    return places


def _places_in_common(left: Words, right: Words) -> set[int]:
    """Places in `left` of one longest common subsequence: of several, the one that rouge_score takes.

    By bits of one integer (H. Hyyrö, "Bit-parallel LCS-length computation revisited", 2004). A zero bit i of
    the row after j words of `right` says that the table's cell (i + 1, j) is one more than the cell (i, j);
    so the rows are all of the table that the way back through it needs.
    """
    places = _places(left)
    full = (1 << len(left)) - 1
    rows = [full]
    for word in right:
        match = rows[-1] & places.get(word, 0)
        rows.append(((rows[-1] + match) | (rows[-1] - match)) & full)
    found: set[int] = set()
    i, j = len(left), len(right)
    while i and j:
        if left[i - 1] == right[j - 1]:
            found.add(i - 1)
            i, j = i - 1, j - 1
        elif rows[j] >> (i - 1) & 1:
            i -= 1
        else:
            j -= 1
    return found


def _rouge(common: int, said: int, wanted: int) -> Rouge:
    precision, recall = common / max(said, 1), common / max(wanted, 1)
    f = 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
    return Rouge(precision, recall, f)
