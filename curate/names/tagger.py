"""The shipped tagger: texts in, spans of names, places, organisations and the like out."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curate.names.labels import FIRST, KINDS, LABELS
from curate.names.network import CHUNK, REACH, Network
from curate.names.tokens import PAD, Lexicon, Token, candidate, features, style, tokens

WEIGHTS = Path(__file__).with_name("weights.npz")
VOCABULARY = 150_000  # words whose activations are kept; then they are made anew
BATCH = 60_000  # words looked at together
LEAN = 0.0  # added to the odds of a name, in natural logarithms: more are found, more are false

NAMED = ("PERSON", "LOCATION", "ORGANIZATION")  # kinds of which a word must look like a name


class Span(NamedTuple):
    """A name's place in a text, in characters, half open, and how sure it is: 0 to 1."""

    start: int
    end: int
    label: str
    score: float


class _Text(NamedTuple):
    """One text on its way: its tokens, and how it is written."""

    found: list[Token]
    style: str


class Tagger:
    """Names in texts by the shipped weights; holds the activations of the words it has seen."""

    def __init__(self, path: Path = WEIGHTS, kinds: Iterable[str] = KINDS, lean: float = LEAN) -> None:
        arrays = np.load(path, allow_pickle=False)
        self._lexicon = _lexicon(path)
        self._network = _network(arrays)
        self._wanted = np.zeros(LABELS, dtype=bool)
        for kind in kinds:
            self._wanted[FIRST[kind] : FIRST[kind] + 2] = True
        self._lean = np.float32(round(lean / float(self._network.output_factor)))
        self._clear()

    def spans(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text, in order, none over another."""
        results: list[list[Span]] = []
        group: list[_Text] = []
        size = 0
        for text in texts:
            group.append(self._read(text))
            size += len(group[-1].found)
            if size >= BATCH:
                results.extend(self._tagged(group))
                group, size = [], 0
        results.extend(self._tagged(group))
        return results

    def _clear(self) -> None:
        """Forget all words but the pad."""
        self._ids: dict[str, int] = {PAD: 0}
        self._candidates = [False]
        self._activations = np.zeros((4096, self._network.embedding.shape[1]), dtype=np.float32)
        self._activations[0] = self._network.word(features(PAD, 0, "n"))

    def _id(self, key: str) -> int:
        """The row of the activations of a word; its text's style stands after it."""
        word, manner = key[:-1], key[-1]
        flags = self._lexicon.flags(word)
        at = len(self._candidates)
        if at == len(self._activations):
            self._activations = np.concatenate([self._activations, np.zeros_like(self._activations)])
        self._activations[at] = self._network.word(features(word, flags, manner))
        self._candidates.append(candidate(word, flags, manner))
        self._ids[key] = at
        return at

    def _read(self, text: str) -> _Text:
        """A text's tokens."""
        return _Text(tokens(text), style(text))

    def _tagged(self, group: list[_Text]) -> list[list[Span]]:
        """Spans of a group of texts."""
        if len(self._candidates) > VOCABULARY:
            self._clear()
        results: list[list[Span]] = [[] for _ in group]
        known, make = self._ids.get, self._id
        ids: list[int] = [0] * REACH
        owners: list[tuple[int, int]] = []  # (text, where its words begin)
        for at, text in enumerate(group):
            owners.append((at, len(ids)))
            for token in text.found:
                word = token.text
                if word[0] == "\n":
                    word = "\n\n" if word.count("\n") > 1 else "\n"
                key = word + text.style
                number = known(key)
                ids.append(make(key) if number is None else number)
            ids.extend([0] * REACH)
        every = np.array(ids)
        wanted = np.array(self._candidates)[every]
        near = np.convolve(wanted, np.ones(2 * REACH + 1, dtype=np.int32), "same") > 0
        labels = np.zeros(len(ids), dtype=np.int64)
        odds = np.zeros(len(ids), dtype=np.float64)
        kept, places = _windows(near)
        for part in range(0, len(kept), CHUNK):
            low, high = max(0, part - REACH), min(len(kept), part + CHUNK + REACH)
            inner = slice(part - low, min(part + CHUNK, len(kept)) - low)
            source = kept[low:high]
            logits = self._network.logits(self._activations[np.where(source < 0, 0, every[source])])[inner]
            label, score = self._chosen(logits, source[inner] >= 0)
            place = kept[part : part + CHUNK]
            labels[place[place >= 0]] = label[place >= 0]
            odds[place[place >= 0]] = score[place >= 0]
        for at, begin in owners:
            results[at] = _spans(group[at].found, labels[begin:], odds[begin:], wanted[begin:])
        return results

    def _chosen(
        self, logits: NDArray[np.float32], real: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The best label of each word, and how likely it is a name; `real` is false on pads."""
        logits[:, 1:] += self._lean
        best = logits.argmax(axis=1)
        powers = np.exp(
            (logits - logits.max(axis=1, keepdims=True)).astype(np.float64) * self._network.output_factor
        )
        share = 1 - powers[:, 0] / powers.sum(axis=1)
        best[~real] = 0
        _mend(best, logits)
        best[~self._wanted[best]] = 0
        return best, share


def _windows(near: NDArray[np.bool_]) -> tuple[NDArray[np.int64], int]:
    """Places to look at, with REACH pads (-1) where some were left out."""
    places = np.flatnonzero(near)
    breaks = np.flatnonzero(np.diff(places) > 1) + 1
    return np.insert(places, np.repeat(breaks, REACH), -1), len(places)


def _mend(best: NDArray[np.int64], logits: NDArray[np.float32]) -> None:
    """Make runs of labels ones that can stand: a later word of a kind only after a word of that kind.

    The best such run is taken for each stretch of words that has a label which cannot stand.
    """
    inner = (best > 0) & (best % 2 == 0)
    before = np.concatenate([[0], best[:-1]])
    wrong = inner & (before != best) & (before != best - 1)
    if not wrong.any():
        return
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (best > 0).astype(np.int8), [0]])))
    for low, high in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if wrong[low:high].any():
            best[low:high] = _path(logits[low:high])


def _path(logits: NDArray[np.float32]) -> NDArray[np.int64]:
    """The labels of the highest sum of which each may follow the one before it."""
    later = np.arange(2, LABELS, 2)
    total = logits[0].copy()
    total[later] = -np.inf
    back = np.zeros((len(logits), LABELS), dtype=np.int64)
    for at in range(1, len(logits)):
        back[at] = total.argmax()
        sums = np.full(LABELS, total.max())
        stays = total[later] >= total[later - 1]
        back[at, later] = np.where(stays, later, later - 1)
        sums[later] = np.where(stays, total[later], total[later - 1])
        total = sums + logits[at]
    path = np.zeros(len(logits), dtype=np.int64)
    path[-1] = total.argmax()
    for at in range(len(logits) - 1, 0, -1):
        path[at - 1] = back[at, path[at]]
    return path


def _spans(
    found: list[Token], labels: NDArray[np.int64], odds: NDArray[np.float64], wanted: NDArray[np.bool_]
) -> list[Span]:
    """Runs of words of one kind as spans; a run without a word that may be a name is none."""
    spans: list[Span] = []
    count = len(found)
    at = 0
    named = np.flatnonzero(labels[:count])
    for place in named.tolist():
        if place < at:
            continue
        kind = (int(labels[place]) - 1) // 2
        first = FIRST[KINDS[kind]]
        at = place + 1
        while at < count and labels[at] == first + 1:
            at += 1
        low, high = place, at
        while high > low and found[high - 1].text[0] == "\n":
            high -= 1
        while low < high and found[low].text[0] == "\n":
            low += 1
        if low < high and (KINDS[kind] not in NAMED or _may_be(found, wanted, low, high)):
            score = round(float(odds[low:high].mean()), 3)
            spans.append(Span(found[low].start, found[high - 1].end, KINDS[kind], score))
    return spans


def _may_be(found: list[Token], wanted: NDArray[np.bool_], low: int, high: int) -> bool:
    """Whether a run has a word, not only numbers, that may be of a name."""
    return any(wanted[at] and found[at].text[0].isalpha() for at in range(low, high))


def _network(arrays: np.lib.npyio.NpzFile) -> Network:
    """The network of the shipped arrays."""
    factors = arrays["factors"]
    convolutions = []
    for at in range(3):
        weights = arrays[f"conv{at}"].astype(np.float32)
        bias = arrays[f"bias{at}"].astype(np.float32)
        convolutions.append((weights, bias, np.full(weights.shape[1], factors[1 + at], dtype=np.float32)))
    return Network(
        arrays["embedding"],
        factors[0],
        tuple(convolutions),
        arrays["output"].astype(np.float32),
        arrays["output_bias"].astype(np.float32),
        factors[4],
    )


@lru_cache(maxsize=2)
def _lexicon(path: Path) -> Lexicon:
    arrays = np.load(path, allow_pickle=False)
    return Lexicon(zlib.decompress(arrays["words"].tobytes()).decode().split("\n"), arrays["flags"])


def lexicon() -> Lexicon:
    """The lists of words that come with the package."""
    return _lexicon(WEIGHTS)


@lru_cache(maxsize=4)
def shipped(kinds: tuple[str, ...] = KINDS) -> Tagger:
    """The tagger that comes with the package."""
    return Tagger(kinds=kinds)
