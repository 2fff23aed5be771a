"""What is known of each word that the tagger has seen."""

from __future__ import annotations

import numpy as np

from curate.names.known_places import well_known
from curate.names.network import Network
from curate.names.tokens import PAD, Lexicon, candidate, features
from curate.names.tongue import MARKS, counts

STYLES = "nlu"


class Words(dict[str, int]):
    """Rows of the memory by word, for texts of one style; a word not seen before gets a row."""

    def __init__(self, memory: Memory, manner: str) -> None:
        super().__init__({PAD: 0})
        self._memory, self._manner = memory, manner

    def __missing__(self, word: str) -> int:
        at = self[word] = self._memory.add(word, self._manner)
        return at


class Memory:
    """A row for each word: its activations, whether it may be of a name, what it tells of the language."""

    def __init__(self, network: Network, lexicon: Lexicon, *, numbers: bool) -> None:
        self._network, self._lexicon, self._numbers = network, lexicon, numbers
        self._new: list[list[int]] = []  # features of the words that have no activations yet
        self._settled = 0
        self._marks: list[tuple[bool, ...]] = []
        self._digits: list[int] = []  # of a word that is a number, else 0
        self.activations = np.zeros((4096, network.embedding.shape[1]), dtype=np.float32)
        self.candidates = np.zeros(0, dtype=bool)
        self.places = self.candidates
        self.tongue = np.zeros((0, MARKS), dtype=bool)
        self.digits = np.zeros(0, dtype=np.int64)
        self.add(PAD, "n")
        self.styles = {manner: Words(self, manner) for manner in STYLES}

    @property
    def count(self) -> int:
        """Rows."""
        return len(self._marks)

    def add(self, word: str, manner: str) -> int:
        """A new row for a word of a text of that style; to be read after `settle`."""
        flags = self._lexicon.flags(word)
        self._new.append(features(word, flags, manner))
        may_be = word != PAD and candidate(word, flags, manner, numbers=self._numbers)
        self._marks.append((may_be, word in well_known(), *counts(word, flags, manner)))
        self._digits.append(sum(map(str.isdigit, word)) if word[0].isdigit() else 0)
        return len(self._marks) - 1

    def settle(self) -> None:
        """Make the rows that were added ready to be read."""
        if not self._new:
            return
        marks = np.array(self._marks[self._settled :], dtype=bool)
        self.candidates = np.concatenate([self.candidates, marks[:, 0]])
        self.places = np.concatenate([self.places, marks[:, 1]])
        self.tongue = np.concatenate([self.tongue, marks[:, 2:]])
        self.digits = np.array(self._digits)
        while len(self.activations) < self.count:
            self.activations = np.concatenate([self.activations, np.zeros_like(self.activations)])
        sizes = np.fromiter(map(len, self._new), dtype=np.int64, count=len(self._new))
        flat = np.fromiter(
            (row for rows in self._new for row in rows), dtype=np.int64, count=int(sizes.sum())
        )
        starts = np.cumsum(sizes) - sizes
        self.activations[self._settled : self.count] = self._network.words(flat, starts)
        self._settled = self.count
        self._new.clear()
