"""A text in parts that an encoder reads whole: what is longer than its window it cuts off without a word.

How many tokens a text has depends on what it says: 800 characters of prose are less than a window of 256
tokens, 800 of numbers more than two. Only the encoder's own tokenizer can tell.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from curate.errors import ConfigError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

AT_ONCE = 1_024  # texts that are cut into tokens at a time


class Window(NamedTuple):
    """How an encoder cuts texts into tokens, and how many of a text's own it reads."""

    tokenizer: Tokenizer
    room: int


@cache
def window_of(place: str) -> Window | None:
    """The window of the encoder in a folder; None where the folder does not say it.

    Raises ConfigError where its files cannot be read.
    """
    settings, file = Path(place, "sentence_bert_config.json"), Path(place, "tokenizer.json")
    if not place or not settings.is_file() or not file.is_file():
        return None
    from tokenizers import Tokenizer

    try:
        most = json.loads(settings.read_text(encoding="utf-8")).get("max_seq_length")
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises bare Exception
        raise ConfigError(f"{place}: {error}", hint="fetch the encoder's files again") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    room = most - tokenizer.num_special_tokens_to_add(False) if isinstance(most, int) else 0
    return Window(tokenizer, room) if room > 0 else None


def may_exceed(text: str, window: Window) -> bool:
    """Whether a text may be longer than the window: a token has a byte of it or more."""
    return len(text) > window.room or len(text.encode("utf-8", errors="surrogatepass")) > window.room


def parts_of(texts: Sequence[str], window: Window) -> list[list[str]]:
    """Each text in parts that fit, cut at white space where there is some; one that fits is its only part."""
    done: list[list[str]] = []
    for start in range(0, len(texts), AT_ONCE):
        some = list(texts[start : start + AT_ONCE])
        done += [
            _cut(text, offsets, window) for text, offsets in zip(some, _offsets(some, window), strict=True)
        ]
    return done


def _offsets(texts: Sequence[str], window: Window) -> list[list[tuple[int, int]]]:
    """Where the tokens of each text begin and end, in characters."""
    # half a character is no token of any encoder, and tokenizers refuses it
    plain = [text.encode("utf-8", errors="replace").decode("utf-8") for text in texts]
    return [cut.offsets for cut in window.tokenizer.encode_batch(plain, add_special_tokens=False)]


def _cut(text: str, offsets: Sequence[tuple[int, int]], window: Window) -> list[str]:
    """The text in parts. A word that had to be cut may have more tokens then, so each part is looked at again."""
    if len(offsets) <= window.room:
        return [text]
    ends, start = [], 0
    while len(offsets) - start > window.room:
        start = _end(offsets, start, window.room)
        ends.append(offsets[start][0])
    parts = [text[a:b].strip() for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]
    parts = [part for part in parts if part]
    if len(parts) < 2:  # one character that has all these tokens
        return [text]
    again = _offsets(parts, window)
    return [each for part, own in zip(parts, again, strict=True) for each in _cut(part, own, window)]


def _end(offsets: Sequence[tuple[int, int]], start: int, room: int) -> int:
    """The token before which to cut: behind the last white space in the second half of the window."""
    for at in range(start + room, start + room // 2, -1):
        if offsets[at][0] > offsets[at - 1][1]:
            return at
    return start + room
