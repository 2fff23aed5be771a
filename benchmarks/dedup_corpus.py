"""Texts with planted near duplicates, seeded: long documents, and short instruction rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

VOCABULARY = 120_000
RATES = (0.0, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3)  # of words that are edited in a copy
CHUNK = 10_000  # documents that are shuffled together
LEADS = [
    "b",
    "c",
    "d",
    "f",
    "g",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "w",
    "z",
    "br",
    "cr",
    "dr",
    "fl",
    "gr",
    "pl",
    "st",
    "tr",
    "sh",
    "ch",
]
VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "ou"]
TAILS = ["", "", "n", "r", "s", "t", "l", "nd"]


class Words:
    """A vocabulary with Zipf's law: frequent words are short, some are not ASCII."""

    def __init__(self, draw: np.random.Generator) -> None:
        made: dict[str, None] = {}
        while len(made) < VOCABULARY:
            parts = int(draw.integers(1, 4))
            syllables = (
                LEADS[draw.integers(len(LEADS))] + VOWELS[draw.integers(len(VOWELS))] for _ in range(parts)
            )
            made["".join(syllables) + TAILS[draw.integers(len(TAILS))]] = None
        words = sorted(made, key=lambda word: (len(word) + draw.normal(0, 1.5), word))
        for at in range(500, VOCABULARY, 400):
            words[at] = words[at].replace("e", "é").replace("a", "ä")
        self.words = np.array(words, dtype=object)
        weight = 1 / (np.arange(VOCABULARY) + 2.7) ** 1.05
        self.sums = np.cumsum(weight / weight.sum())
        self.draw = draw

    def ids(self, count: int) -> np.ndarray:
        """Word numbers."""
        return np.minimum(np.searchsorted(self.sums, self.draw.random(count)), VOCABULARY - 1)

    def edited(self, ids: np.ndarray, rate: float) -> np.ndarray:
        """The words with some put in another's place, left out or added."""
        draw = self.draw
        kind = np.where(draw.random(len(ids)) < rate, draw.integers(1, 4, len(ids)), 0)
        ids = np.where(kind == 1, self.ids(len(ids)), ids)
        times = np.where(kind == 2, 0, np.where(kind == 3, 2, 1))
        return np.repeat(ids, times)

    def text(self, ids: np.ndarray, shape: int) -> str:
        """Sentences; `shape` says where they end, so that copies have the same."""
        words = self.words[ids].tolist()
        at, step = 0, 6 + shape % 5
        while at < len(words):
            end = min(len(words), at + step)
            words[at] = words[at].capitalize()
            words[end - 1] += "." if shape % 7 else "…"
            at, step = end, 6 + (step * 7 + shape) % 13
        return " ".join(words)


def documents(count: int, shortest: int, longest: int, copied: float) -> Iterator[tuple[int, str]]:
    """(cluster, text): of `copied` of the bases there are one to five edited copies near by."""
    draw = np.random.default_rng(20_260_101)
    words = Words(draw)
    cluster, made = 0, 0
    while made < count:
        chunk: list[tuple[int, str]] = []
        while len(chunk) < min(CHUNK, count - made):
            ids = words.ids(int(draw.integers(shortest, longest + 1)))
            shape = int(draw.integers(1_000))
            chunk.append((cluster, words.text(ids, shape)))
            if draw.random() < copied:
                for _ in range(int(draw.integers(1, 6))):
                    rate = RATES[draw.integers(len(RATES))]
                    copy = words.edited(ids, rate) if rate else ids
                    chunk.append((cluster, words.text(copy, shape)))
            cluster += 1
        chunk = chunk[: count - made]
        yield from (chunk[at] for at in draw.permutation(len(chunk)).tolist())
        made += len(chunk)


def write(path: Path, rows: Iterator[tuple[int, str]]) -> None:
    """JSON lines with id, cluster and text; every second one with escapes instead of UTF-8."""
    with path.open("w", encoding="utf-8") as file:
        for number, (cluster, text) in enumerate(rows):
            row = {"id": number, "cluster": cluster, "text": text}
            file.write(json.dumps(row, ensure_ascii=bool(number % 2)) + "\n")
