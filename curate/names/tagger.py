"""The shipped tagger: texts in, spans of names, places, organisations and the like out."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.names.addresses import whole
from curate.names.edges import trimmed
from curate.names.evidence import evident
from curate.names.known_places import kind_by_lists
from curate.names.labels import FIRST, KINDS, LABELS, NUMERIC
from curate.names.memory import Memory
from curate.names.network import CHUNK, REACH, Network
from curate.names.ordinary import persons
from curate.names.span import Span
from curate.names.tokens import Lexicon, places, style, words
from curate.names.tongue import is_strange

WEIGHTS = Path(__file__).with_name("weights.npz")
VOCABULARY = 150_000  # words whose activations are kept; then they are made anew
BATCH = 40_000  # words looked at together
LISTED = 0.75  # the score of a well-known place that only the list knows
SHORTEST = 7  # digits of a telephone
NAMED = ("PERSON", "LOCATION", "ORGANIZATION")  # kinds of which a word must look like a name

_OF_TITLE = (FIRST["TITLE"], FIRST["TITLE"] + 1)
_EDGES = "\n,;:|"  # marks that no name begins or ends with
_COMPOUND = re.compile(r"-(?:based|born|style|like|speaking|area|owned|led|trained)\Z")


class Tagger:
    """Names in texts by the shipped weights; holds the activations of the words it has seen.

    Only words near one that may be of a name of the `kinds` are looked at.
    """

    def __init__(self, path: Path = WEIGHTS, kinds: Iterable[str] = KINDS) -> None:
        wanted = self._kinds = frozenset(kinds)
        self._network, self._lexicon = _network(path), _lexicon(path)
        self._numbers = not wanted.isdisjoint(NUMERIC)
        self._only_phones = wanted.isdisjoint(set(NUMERIC) - {"PHONE_NUMBER"})
        self._memory = Memory(self._network, self._lexicon, numbers=self._numbers)

    def spans(self, texts: Sequence[str], rows_of: Sequence[object] = ()) -> list[list[Span]]:
        """The spans of each text, in order, none over another.

        `rows_of` says to which row each text belongs, those of a row together: what is too short to tell its
        language is taken to be in that of the others.
        """
        results: list[list[Span]] = []
        rows: list[int] = [0] * REACH
        starts: list[int] = []
        for at, text in enumerate(texts):
            starts.append(len(rows))
            rows.extend(map(self._memory.styles[style(text)].__getitem__, words(text)))
            rows.extend([0] * REACH)
            last = at + 1 == len(texts)
            if last or (len(rows) >= BATCH and not (rows_of and rows_of[at] == rows_of[at + 1])):
                part = slice(len(results), at + 1)
                results.extend(self._tagged(texts[part], np.array(rows), starts, rows_of[part]))
                rows, starts = [0] * REACH, []
                if self._memory.count > VOCABULARY:
                    self._memory = Memory(self._network, self._lexicon, numbers=self._numbers)
        return results

    def _tagged(
        self, texts: Sequence[str], rows: NDArray[np.int64], starts: list[int], rows_of: Sequence[object]
    ) -> list[list[Span]]:
        """Spans of texts whose words' rows begin at `starts`, with REACH pads before and behind each."""
        results: list[list[Span]] = [[] for _ in texts]
        self._memory.settle()
        wanted = self._memory.candidates[rows]
        if self._only_phones:
            wanted &= ~_lone(self._memory.digits[rows])
        if not wanted.any():
            return results
        labels, odds = self._labels(rows, wanted)
        named = np.flatnonzero(labels)
        beside = self._beside(rows, starts, rows_of)
        for at in np.unique(np.searchsorted(starts, named, side="right") - 1).tolist():
            begin = starts[at]
            end = starts[at + 1] if at + 1 < len(starts) else len(rows)
            part = slice(begin, end)
            stand = places(texts[at])
            spans = _spans(texts[at], stand, labels[part], odds[part], wanted[part])
            if any(span.label == "PERSON" for span in spans):
                spans = trimmed(spans, texts[at], self._lexicon)
                marks = self._memory.tongue[rows[begin : begin + len(stand)]]
                spans = evident(spans, texts[at], stand, marks, self._lexicon, beside=beside(at))
                spans = persons(spans, texts[at], self._lexicon)
            settled = _settled(spans, texts[at], self._lexicon, codes="ZIP_CODE" not in self._kinds)
            results[at] = [span for span in settled if span.label in self._kinds]
        return results

    def _beside(
        self, rows: NDArray[np.int64], starts: list[int], rows_of: Sequence[object]
    ) -> Callable[[int], bool]:
        """Whether all texts of the row that a text stands in are, together, in another language than English.

        Asked of a text by its number; found once a row, however many texts it has.
        """
        heads = [0] * len(rows_of)  # of each text, the first of its row
        for at in range(1, len(rows_of)):
            heads[at] = heads[at - 1] if rows_of[at] == rows_of[at - 1] else at
        lasts = {head: at for at, head in enumerate(heads)}

        @cache
        def strange(head: int) -> bool:
            last = lasts[head]
            end = starts[last + 1] if last + 1 < len(starts) else len(rows)
            return last > head and is_strange(self._memory.tongue[rows[starts[head] : end]])

        return lambda at: bool(heads) and strange(heads[at])

    def _labels(
        self, rows: NDArray[np.int64], wanted: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Each word's label, 0 where none is looked for, and how likely it is of any name."""
        labels = np.zeros(len(rows), dtype=np.int64)
        odds = np.zeros(len(rows), dtype=np.float64)
        kept = _windows(wanted)
        # small products: threads that wait for one another would take several times the processor's time
        with _pools().limit(limits=1, user_api="blas"):
            for part in range(0, len(kept), CHUNK):
                low, high = max(0, part - REACH), min(len(kept), part + CHUNK + REACH)
                inner = slice(part - low, min(part + CHUNK, len(kept)) - low)
                source = kept[low:high]
                known = np.where(source < 0, 0, rows[source])
                logits = self._network.logits(self._memory.activations[known])[inner]
                place = source[inner]
                real = place >= 0
                label, share = _chosen(logits, real, float(self._network.output_factor))
                labels[place[real]], odds[place[real]] = label[real], share[real]
        missed = self._memory.places[rows] & (labels == 0)
        labels[missed], odds[missed] = FIRST["LOCATION"], LISTED
        return labels, odds


def _lone(digits: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The numbers with too few digits about them to be of a telephone."""
    sums = np.concatenate([[0], np.cumsum(digits)])
    at = np.arange(len(digits))
    near = sums[np.minimum(at + REACH + 1, len(digits))] - sums[np.maximum(at - REACH, 0)]
    alone: NDArray[np.bool_] = (digits > 0) & (near < SHORTEST)
    return alone


@cache
def _pools() -> Any:  # noqa: ANN401 - the library has no types
    """The numeric libraries of this process, found once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _windows(wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The words within REACH of one that may be of a name; REACH pads (-1) where some were left out."""
    marks = np.flatnonzero(wanted)
    edges = np.zeros(len(wanted) + 1, dtype=np.int32)
    np.add.at(edges, np.maximum(marks - REACH, 0), 1)
    np.add.at(edges, np.minimum(marks + REACH + 1, len(wanted)), -1)
    places = np.flatnonzero(np.cumsum(edges[:-1]) > 0)
    breaks = np.flatnonzero(np.diff(places) > 1) + 1
    return np.insert(places, np.repeat(breaks, REACH), -1)


def _chosen(
    logits: NDArray[np.float32], real: NDArray[np.bool_], factor: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The best label of each word, and how likely it is a name; `real` is false on pads."""
    best: NDArray[np.int64] = logits.argmax(axis=1)
    best[~real] = 0
    _mend(best, logits)
    share = np.zeros(len(best), dtype=np.float64)
    named = np.flatnonzero(best)
    units = logits[named].astype(np.float64)
    powers = np.exp((units - units.max(axis=1, keepdims=True)) * factor)
    share[named] = 1 - powers[:, 0] / powers.sum(axis=1)
    return best, share


def _mend(best: NDArray[np.int64], logits: NDArray[np.float32]) -> None:
    """Make runs of labels ones that can stand: a later word of a kind only after a word of that kind.

    The best such run is taken for each stretch of words that has a label which cannot stand.
    """
    before = np.concatenate([[0], best[:-1]])
    wrong = (best > 0) & (best % 2 == 0) & (before != best) & (before != best - 1)
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
        back[at, later] = np.where(total[later] >= total[later - 1], later, later - 1)
        sums[later] = np.maximum(total[later], total[later - 1])
        total = sums + logits[at]
    path = np.zeros(len(logits), dtype=np.int64)
    path[-1] = total.argmax()
    for at in range(len(logits) - 1, 0, -1):
        path[at - 1] = back[at, path[at]]
    return path


def _spans(
    text: str,
    stand: list[tuple[int, int]],
    labels: NDArray[np.int64],
    odds: NDArray[np.float64],
    wanted: NDArray[np.bool_],
) -> list[Span]:
    """Runs of words of one kind as spans; a name needs a word, not only numbers, that may be of one."""
    spans: list[Span] = []
    count, at = len(stand), 0
    for place in np.flatnonzero(labels[:count]).tolist():
        if place < at:
            continue
        kind = KINDS[(int(labels[place]) - 1) // 2]
        at = place + 1
        while at < count and labels[at] == FIRST[kind] + 1:
            at += 1
        low, high = place, at
        while high > low and text[stand[high - 1][0]] in _EDGES:
            high -= 1
        while low < high and text[stand[low][0]] in _EDGES:
            low += 1
        may_be = kind not in NAMED or any(wanted[n] and text[stand[n][0]].isalpha() for n in range(low, high))
        # `Brown` and `King` are no candidates by themselves: most of the time they are ordinary words
        may_be = may_be or (kind == "PERSON" and low < high and _titled(text, stand, labels, low))
        if low < high and may_be:
            score = round(float(odds[low:high].mean()), 3)
            # of `Berlin-based` the name is the first part
            begin, end = stand[high - 1]
            end = begin + len(_COMPOUND.sub("", text[begin:end]))
            spans.append(Span(stand[low][0], end, kind, score))
    return spans


def _titled(text: str, stand: list[tuple[int, int]], labels: NDArray[np.int64], at: int) -> bool:
    """Whether a form of address stands just before a word that has a capital."""
    before = at - 2 if at > 1 and text[stand[at - 1][0]] == "." else at - 1
    return before >= 0 and labels[before] in _OF_TITLE and text[stand[at][0]].isupper()


def _settled(spans: list[Span], text: str, lexicon: Lexicon, *, codes: bool) -> list[Span]:
    """The spans with the kinds that the lists alone decide, and addresses whole."""
    known = [s._replace(label=kind_by_lists(s.label, text[s.start : s.end], lexicon)) for s in spans]
    if not any(span.label == "LOCATION" for span in known):
        return known
    return whole(known, text, lexicon, codes=codes)


@lru_cache(maxsize=2)
def _lexicon(path: Path) -> Lexicon:
    """The lists of words in a file of weights."""
    arrays = np.load(path, allow_pickle=False)
    return Lexicon(zlib.decompress(arrays["words"].tobytes()).decode().split("\n"), arrays["flags"])


def lexicon() -> Lexicon:
    """The lists of words that come with the package."""
    return _lexicon(WEIGHTS)


@lru_cache(maxsize=2)
def _network(path: Path) -> Network:
    """The network in a file of weights."""
    arrays = np.load(path, allow_pickle=False)
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


@lru_cache(maxsize=8)
def shipped(kinds: tuple[str, ...] = KINDS) -> Tagger:
    """The tagger that comes with the package, for some kinds."""
    return Tagger(kinds=kinds)
