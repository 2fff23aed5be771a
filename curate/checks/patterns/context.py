"""The words that stand before a place in a text, as Presidio reads them with a blank spaCy model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, islice
from typing import NamedTuple

from curate.checks.patterns.english import Tokens, is_punctuation, rules

BEFORE = 6  # the word at the place itself, and five before it
WINDOW = 96  # characters looked at first
KEPT = 100_000  # pieces of text whose words are remembered
_PIECE = re.compile(r"\S+|\s+")


class Word(NamedTuple):
    """One token: where it starts in its piece, its length, its small letters."""

    start: int
    length: int
    lower: str
    counts: bool  # whether it is a word of context: no stop word, no punctuation, no colon within
    parts: tuple[str, ...]  # what stands between its colons: words of context in their own right


class Words:
    """Reads words in the neighbourhood of a place; it remembers the pieces that it has seen."""

    def __init__(self, never_stop: frozenset[str] = frozenset()) -> None:
        """`never_stop` are stop words of English that count nevertheless (`call`)."""
        self._never_stop = never_stop
        self._seen: dict[str, tuple[Word, ...]] = {}

    def near(self, text: str, start: int) -> set[str]:
        """The words of context at and before the token that holds `start`.

        Where that token is none itself, the next one after it is taken as well: Presidio asks for no
        words after a value, but looks for one until it finds it.
        """
        end = _end(text, start)
        width = WINDOW
        while True:
            begin = _edge(text, max(0, start - width))
            words = list(self._read(text, begin, end))
            at = next((i for i, (_, stop, _) in enumerate(words) if start < stop), len(words) - 1)
            told = (word for _, _, word in reversed(words[: at + 1]) if self._tells(text, word))
            found = [word.lower for word in islice(told, BEFORE)]
            if len(found) == BEFORE or begin == 0:
                break
            width *= 4
        if words and not self._tells(text, words[at][2]):
            later = chain(words[at + 1 :], self._read(text, end, len(text), spaced=True))
            found += [word.lower for word in islice((w for _, _, w in later if self._tells(text, w)), 1)]
        return set(found)

    def _read(
        self, text: str, begin: int, end: int, *, spaced: bool = False
    ) -> Iterator[tuple[int, int, Word]]:
        """(start, end, word) of each token from `begin`, which is the start of a piece.

        `spaced` is whether the piece before was words: then it takes one space along.
        """
        for piece in _PIECE.finditer(text, begin, end):
            at, value = piece.start(), piece[0]
            if value.isspace():
                if spaced and value[0] == " ":
                    at, value = at + 1, value[1:]
                spaced = False
                if not value:
                    continue
            else:
                spaced = True
            for word in self._words(value):
                yield at + word.start, at + word.start + word.length, word

    def _words(self, piece: str) -> tuple[Word, ...]:
        known = self._seen.get(piece)
        if known is None:
            if len(self._seen) >= KEPT:
                self._seen.clear()
            known = self._seen[piece] = tuple(
                self._word(start, token) for start, token in _english()[0](piece)
            )
        return known

    def _word(self, start: int, token: str) -> Word:
        lower = token.lower()
        stop = lower in _english()[1] and lower not in self._never_stop
        counts = not stop and not is_punctuation(lower) and lower not in {"-PRON-", "be"}
        parts = tuple(lower.split(":")) if counts and ":" in lower else ()
        return Word(start, len(token), lower, counts and not parts, parts)

    def _tells(self, text: str, word: Word) -> bool:
        return word.counts or (not word.parts and self._is_part(text, word.lower))

    def _is_part(self, text: str, lower: str) -> bool:
        """Whether a stop word is a keyword all the same: for it stands between colons in some token."""
        small = text.lower()
        if f":{lower}" not in small and f"{lower}:" not in small:
            return False
        return any(
            lower in word.parts
            for piece in _PIECE.finditer(text)
            if ":" in piece[0]
            for word in self._words(piece[0])
        )


def _edge(text: str, at: int) -> int:
    """The start of a piece that is no white space, at or before a place (0 where there is none)."""
    while at > 0 and (text[at].isspace() or not text[at - 1].isspace()):
        at -= 1
    return at


def _end(text: str, at: int) -> int:
    """The end of the piece after the one at a place, so that the token at the place is whole."""
    for piece in _PIECE.finditer(text, at):
        if not piece[0].isspace():
            return piece.end()
    return len(text)


@lru_cache(maxsize=1)
def _english() -> tuple[Tokens, frozenset[str]]:
    """What makes the tokens of a piece, and the stop words."""
    own = rules()
    return Tokens(own), own.stops
