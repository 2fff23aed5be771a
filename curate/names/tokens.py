"""Words of a text with their places, and what is known of each word by itself."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

import numpy as np

BUCKETS = 1 << 15  # rows of the embedding that hashed features share
PAD = "\x00"  # stands between two texts
RARE = 24  # characters; a longer word has no features of its letters

# A word keeps its inner hyphens and apostrophes but not a final 's; letters and digits mixed are one
# token, as identifiers are; so are addresses of mail and web, and runs of rules such as `----`.
_WORD = r"['’]s\b|[^\W\d_]++(?:['’-](?!s\b)[^\W\d_]++)*+(?![\d_])|\d++(?:-\d++)*+(?!\w)|\w+|\n\s*|[-=*#~.]{2,}|[^\w\s]|_"
_TOKEN = re.compile(_WORD)
_TOKEN_AND_LINK = re.compile(rf"(?:https?|ftp)://\S+|www\.\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|{_WORD}")

FLAGS = (
    "first", "last", "city", "big_city", "city_part", "country", "state", "code", "demonym", "faith", "title",
    "corporate", "institution", "industry", "organisation", "ending", "road", "month", "weekday", "job", "kin",
    "product", "known", "english_300", "english_1500", "english_5000", "english_15000", "english_60000",
)  # fmt: skip
BIT = {name: 1 << at for at, name in enumerate(FLAGS)}
ENGLISH = (
    (300, "english_300"),
    (1500, "english_1500"),
    (5000, "english_5000"),
    (15000, "english_15000"),
    (60000, "english_60000"),
)
_NAMES = sum(
    BIT[name] for name in ("first", "last", "city", "big_city", "country", "state", "demonym", "faith")
)
_COMMON = sum(BIT[name] for name in ("english_300", "english_1500", "english_5000"))
_PLAIN = _COMMON | BIT["english_15000"]
_WEAK = sum(BIT[name] for name in ("last", "city", "city_part"))  # lists that hold many ordinary words


class Token(NamedTuple):
    """A word or mark and where it stands, in characters, half open."""

    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """The tokens of a text in order; a line break is one, other white space is none."""
    return [Token(found[0], found.start(), found.end()) for found in _pattern(text).finditer(text)]


def places(text: str) -> list[tuple[int, int]]:
    """Where the tokens of a text stand, as in `tokens`, faster."""
    return [found.span() for found in _pattern(text).finditer(text)]


def words(text: str) -> list[str]:
    """The texts of the tokens alone, several times faster."""
    found: list[str] = _pattern(text).findall(text)
    return found


def _pattern(text: str) -> re.Pattern[str]:
    """What parts a text; a slower one where there may be links in it."""
    return _TOKEN_AND_LINK if "@" in text or "://" in text or "www." in text else _TOKEN


def shape(word: str) -> str:
    """A word's outline: `Xx` for Anna, `d3-d4` for 555-1234, `XxXx` for McCoy; runs of letters are one."""
    made: list[str] = []
    digits = 0
    for char in word[:RARE]:
        kind = "d" if char.isdigit() else "X" if char.isupper() else "x" if char.isalpha() else char
        if kind == "d":
            digits += 1
            continue
        if digits:
            made.append(f"d{min(digits, 9)}")
            digits = 0
        if not made or made[-1] != kind:
            made.append(kind)
    if digits:
        made.append(f"d{min(digits, 9)}")
    return "".join(made)


def style(text: str) -> str:
    """How a text is written: `l` all in small letters, `u` all in capitals, else `n`."""
    return "l" if text.islower() else "u" if text.isupper() else "n"


def features(word: str, flags: int, style: str) -> list[int]:
    """The rows of the embedding that a word is the sum of; the first is the word itself.

    `flags` says in which lists the lower-cased word stands (bits of FLAGS), `style` how its text is
    written. The order is: word, lists and their joint with the outline, outline, beginnings and
    endings, runs of three letters.
    """
    if word == PAD:
        return [row("pad")]
    if word[0] == "\n":
        return [row("break2" if word.count("\n") > 1 else "break")]
    if "://" in word or "@" in word[1:] or word.startswith("www."):
        return [row("link")]
    lower, outline = word.lower(), shape(word)
    found = [row("w=" + lower), *_of_lists(flags), row(f"j={style},{flags:x},{outline[:4]}")]
    found += _of_form(style, outline)
    if len(word) == 1 and not word.isalnum():
        return found
    found.append(_LENGTHS[min(len(word), 12)])
    if outline[0] != "d" and len(word) <= RARE:
        found += [_on(_STARTS[n], lower[:n]) for n in (1, 2, 3)]
        found += [_on(_ENDS[n], lower[-n:]) for n in (1, 2, 3, 4)]
        padded = f"^{lower}$"
        found += [_on(_WITHIN, padded[at : at + 3]) for at in range(len(padded) - 2)]
    return found


def listed(count: int, flags: int) -> int:
    """How many of a word's features, after the first, tell of lists: those that training may leave out."""
    return min(count - 1, flags.bit_count() + 1)


def row(feature: str) -> int:
    """The row of the embedding that a feature has."""
    return _on(0, feature)


def _on(begun: int, rest: str) -> int:
    """The row of a feature whose beginning has the checksum `begun`."""
    return crc32(rest.encode("utf-8", "surrogatepass"), begun) % BUCKETS


_LENGTHS = [row(f"n={length}") for length in range(13)]
_STARTS = {n: crc32(f"p{n}=".encode()) for n in (1, 2, 3)}
_ENDS = {n: crc32(f"e{n}=".encode()) for n in (1, 2, 3, 4)}
_WITHIN = crc32(b"t=")


@lru_cache(maxsize=20_000)
def _of_lists(flags: int) -> tuple[int, ...]:
    return tuple(row(f"g={name}") for name in FLAGS if flags & BIT[name])


@lru_cache(maxsize=20_000)
def _of_form(style: str, outline: str) -> tuple[int, ...]:
    return row(f"s={style},{outline}"), row("y=" + style)


def candidate(word: str, flags: int, style: str, *, numbers: bool) -> bool:
    """Whether a word may be (part of) a name, so that it is worth a look at its surroundings.

    With `numbers` a number may be one too: a date, an age, a telephone.
    """
    first = word[0]
    if first.isdigit():
        return numbers
    if flags & BIT["title"] and style == "n" and first.isupper():
        return True
    if not first.isalpha() or len(word) < 2:
        return False
    if style == "u":
        return not flags & _PLAIN or bool(flags & _NAMES)
    if first.isupper():
        names = flags & _NAMES & ~(_WEAK if flags & _COMMON else 0)
        return bool(names) or not flags & _PLAIN
    if style == "n":  # in a text with capitals a name in small letters is rare
        return False
    strong = flags & _NAMES & ~(_WEAK if flags & _PLAIN else 0)
    return bool(strong) or not flags


class Lexicon:
    """Which lists a lower-cased word stands in."""

    def __init__(self, words: list[str], flags: np.ndarray) -> None:
        self._flags: dict[str, int] = dict(zip(words, flags.tolist(), strict=True))

    def flags(self, word: str) -> int:
        """Bits of FLAGS; 0 for a word in no list. A hyphenated word has those common to its parts."""
        lower = word.lower()
        found = self._flags.get(lower)
        if found is None and "-" in lower:
            parts = [self._flags.get(part, 0) for part in lower.split("-") if part]
            found = 0
            if parts:
                found = parts[0]
                for part in parts[1:]:
                    found &= part
        return found or 0
