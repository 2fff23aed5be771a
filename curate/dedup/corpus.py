"""Near duplicates of a corpus in two passes over its file: sketches of all texts, sets of some.

First each text becomes a few band keys, which is all that is kept of it. Texts that share a key are
read a second time, and every such pair is measured exactly.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from curate.dedup.bands import Met, joined, meetings
from curate.dedup.leaders import Fallen, crowd_of, fallen
from curate.dedup.plain import Sketches
from curate.dedup.reading import Piece, Source, source_of
from curate.dedup.shingling import Hashes, Numbers, Shingling, bands_for
from curate.errors import ConfigError

LEAST = 0.3  # threshold below which bands would find everything
KEEP = ("first", "last", "longest", "shortest")
SLICE = 20_000  # pairs measured at once

Item = TypeVar("Item")
Result = TypeVar("Result")


class Pairs(NamedTuple):
    """Pairs of rows of the corpus with their exact Jaccard index, at least the threshold."""

    kept_first: Numbers  # the one that is preferred
    other: Numbers
    score: NDArray[np.float64]


@dataclass(frozen=True)
class NearDuplicates:
    """What was found; rows are numbered from 0 as they stand in the source."""

    kept: Numbers  # rows that stay, ascending
    dropped: Numbers  # rows that go, ascending
    stays: Numbers  # for each dropped row the one that stays for it
    score: NDArray[np.float64]  # exact Jaccard of the two, at least the threshold
    pairs: Pairs  # all near pairs of different texts; of the crowd those that decided
    rows: int
    equal: int  # dropped rows whose text in normal form is the kept one's
    empty: int  # rows that say nothing: all of them stay
    candidates: int  # pairs that were measured, the crowd's apart
    crowd: int  # rows in buckets too large to be taken pair by pair; searched exactly all the same
    threshold: float


class _Pass(NamedTuple):
    """What the first pass leaves of the texts."""

    keys: Hashes  # (band, row)
    whole: Hashes
    begins: Numbers
    ends: Numbers
    pieces: Numbers  # where the rows of each piece begin, and the end


def near_duplicates(
    what: str | Path | Iterable[str | None],
    *,
    text: str = "text",
    threshold: float = 0.8,
    keep: str = "first",
    words: int = 5,
    characters: int = 3,
    threads: int = 0,
    compiled: bool | None = None,
) -> NearDuplicates:
    """Which texts of a file (JSONL, JSON, Parquet; packed JSONL too) or of an iterable to keep.

    A text goes only if its shingles overlap those of a text that stays by at least `threshold`
    (Jaccard, 0.3 to 1, exact). `keep` says which of two stays: first, last, longest or shortest.
    `threads` is 0 for one a core. `compiled` None takes numba where it is installed; the result is the
    same without it. Raises ConfigError for a setting out of range and SourceError for what cannot be read.
    """
    if not LEAST <= threshold <= 1:
        raise ConfigError(f"the threshold is {threshold}", hint=f"it is from {LEAST} to 1")
    if keep not in KEEP:
        raise ConfigError(f"keep is `{keep}`", hint=f"it is one of {', '.join(KEEP)}")
    run = Run(source_of(what, text), Shingling(words, characters), threshold, threads or cores(), compiled)
    return run.result(keep)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def arithmetic(compiled: bool | None = None) -> ModuleType:
    """The module that computes: compiled, or with numpy alone; both have the same functions."""
    if compiled if compiled is not None else find_spec("numba") is not None:
        from curate.dedup import compiled as module
    else:
        from curate.dedup import plain as module  # type: ignore[no-redef]
    return module


@dataclass(frozen=True)
class Run:
    """One search for near duplicates."""

    source: Source
    shingling: Shingling
    threshold: float
    threads: int
    compiled: bool | None = None

    def result(self, keep: str) -> NearDuplicates:
        """Both passes, and which rows stay."""
        first = self._first_pass()
        order = _order(keep, first)
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        copies = equal_texts(first.whole[order], first.keys[0][order])
        alone = copies == np.arange(len(order))
        active = np.flatnonzero(alone & (first.whole[order] != 0))
        met = self._met(first, order, active)
        first = first._replace(keys=first.keys[:0, :0].copy())  # not needed any more, and large
        members = np.unique(np.concatenate([met.left, met.right, met.crowd]))
        sets, starts = self._second_pass(first, order[members])
        slots = np.zeros(len(order), dtype=np.int64)
        slots[members] = np.arange(len(members))  # sets stand in the order of ranks
        scores = self._scores(sets, starts, slots[met.left], slots[met.right])
        crowd = crowd_of(met.crowd, sets, starts, slots[met.crowd], self.threshold)
        went = fallen(
            len(order), met.left, met.right, scores, crowd, self.threshold, arithmetic(self.compiled).settle
        )
        return self._told(first, order, copies, met, scores, went)

    def _first_pass(self) -> _Pass:
        """Sketch every text."""
        bands = bands_for(self.threshold)
        module = arithmetic(self.compiled)

        def work(read: Callable[[], Piece]) -> Sketches:
            made: Sketches = module.sketch_piece(read(), self.source, self.shingling, bands)
            return made

        found = list(mapped(work, self.source.pieces(), self.threads))
        sizes = [len(part.whole) for part in found]
        pieces = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        keys = np.empty((bands.keys, int(pieces[-1])), dtype=np.uint64)
        for at, part in enumerate(found):
            keys[:, pieces[at] : pieces[at + 1]] = part.keys
            found[at] = part._replace(keys=keys[:, :0])  # freed as it is copied
        nothing = [np.empty(0, dtype=np.int64)]
        return _Pass(
            keys,
            np.concatenate([np.empty(0, dtype=np.uint64), *(part.whole for part in found)]),
            np.concatenate([*nothing, *(part.begins for part in found)]),
            np.concatenate([*nothing, *(part.ends for part in found)]),
            pieces,
        )

    def _met(self, first: _Pass, order: Numbers, active: Numbers) -> Met:
        """Ranks that share a band key."""
        rows = order[active]
        plain = bool(len(order)) and bool((np.diff(order) > 0).all()) and len(active) == len(order)
        module = arithmetic(self.compiled)

        def work(band: int) -> tuple[Hashes, Numbers]:
            keys = first.keys[band] if plain else first.keys[band][rows]
            some, ranks = module.repeated(keys, active)
            return meetings(some, ranks, len(order))

        return joined(list(mapped(work, range(len(first.keys)), self.threads)))

    def _second_pass(self, first: _Pass, rows: Numbers) -> tuple[Hashes, Numbers]:
        """The sets of these rows of the source, in the order of `rows`."""
        module = arithmetic(self.compiled)
        ascending = np.argsort(rows, kind="stable")
        wanted = rows[ascending]
        cuts = np.searchsorted(wanted, first.pieces)

        def work(job: tuple[int, Callable[[], Piece]]) -> tuple[Hashes, Numbers]:
            at, read = job
            some = wanted[cuts[at] : cuts[at + 1]]
            if not len(some):
                return np.empty(0, dtype=np.uint64), np.zeros(1, dtype=np.int64)
            made: tuple[Hashes, Numbers] = module.sets_of_piece(
                read(), self.source, first.begins[some], first.ends[some], self.shingling
            )
            return made

        found = list(mapped(work, enumerate(self.source.pieces()), self.threads))
        sizes = np.concatenate([np.empty(0, dtype=np.int64), *(np.diff(starts) for _, starts in found)])
        sets = np.concatenate([np.empty(0, dtype=np.uint64), *(part for part, _ in found)])
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        if (np.diff(ascending) > 0).all():
            return sets, starts
        return _reordered(sets, starts, np.argsort(ascending, kind="stable"))

    def _scores(self, sets: Hashes, starts: Numbers, left: Numbers, right: Numbers) -> NDArray[np.float64]:
        """The exact Jaccard index of each pair."""
        module = arithmetic(self.compiled)

        def work(at: int) -> NDArray[np.float64]:
            some = slice(at, at + SLICE)
            made: NDArray[np.float64] = module.jaccards(sets, starts, left[some], right[some], self.threshold)
            return made

        parts = mapped(work, range(0, len(left), SLICE), self.threads)
        return np.concatenate([np.empty(0, dtype=np.float64), *parts])

    def _told(
        self,
        first: _Pass,
        order: Numbers,
        copies: Numbers,
        met: Met,
        scores: NDArray[np.float64],
        went: Fallen,
    ) -> NearDuplicates:
        """The result, in the rows of the source."""
        ranks = np.arange(len(order))
        stays = went.to[copies]
        out = stays != ranks
        score = went.score[copies]
        dropped = order[ranks[out]]
        ascending = np.argsort(dropped)
        near = scores >= self.threshold
        return NearDuplicates(
            kept=np.sort(order[~out]),
            dropped=dropped[ascending],
            stays=order[stays[out]][ascending],
            score=score[out][ascending],
            pairs=Pairs(order[met.left[near]], order[met.right[near]], scores[near]),
            rows=len(order),
            equal=int((out & (stays == copies)).sum()),
            empty=int((first.whole == 0).sum()),
            candidates=len(scores),
            crowd=len(met.crowd),
            threshold=self.threshold,
        )


def equal_texts(whole: Hashes, keys: Hashes) -> Numbers:
    """For each row the first one of equal text, by two hashes; its own number for one that says nothing."""
    count = len(whole)
    first = np.arange(count, dtype=np.int64)
    order = np.argsort(whole, kind="stable")
    order = order[whole[order] != 0]
    same = np.zeros(len(order), dtype=np.bool_)
    same[1:] = (whole[order[1:]] == whole[order[:-1]]) & (keys[order[1:]] == keys[order[:-1]])
    heads = np.maximum.accumulate(np.where(same, 0, np.arange(len(order))))
    first[order] = order[heads]
    return first


def mapped(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """`function(item)` for each item, in order, by threads; few items are in flight at once."""
    if threads == 1:
        yield from map(function, items)
        return
    flight: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                flight.append(pool.submit(function, item))
                if len(flight) > 2 * threads:
                    yield flight.popleft().result()
            while flight:
                yield flight.popleft().result()
        finally:
            for future in flight:
                future.cancel()


def _order(keep: str, first: _Pass) -> Numbers:
    """The rows, those to keep first."""
    count = len(first.whole)
    if keep == "first":
        return np.arange(count, dtype=np.int64)
    if keep == "last":
        return np.arange(count - 1, -1, -1, dtype=np.int64)
    sizes = first.ends - first.begins
    return np.argsort(-sizes if keep == "longest" else sizes, kind="stable").astype(np.int64)


def _reordered(sets: Hashes, starts: Numbers, order: Numbers) -> tuple[Hashes, Numbers]:
    """The same sets in another order."""
    sizes = np.diff(starts)[order]
    begins = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    owner = np.repeat(np.arange(len(order)), sizes)
    return sets[np.arange(begins[-1]) - begins[owner] + starts[order][owner]], begins
