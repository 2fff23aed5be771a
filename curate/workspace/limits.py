"""How long a word in the ledger may be: no longer than a journal carries it to others."""

from __future__ import annotations

from collections.abc import Iterable

from curate.errors import ConfigError

NAME = 1_000  # characters of a name at most
LONGEST = 1_000_000  # and of a note or an answer


def must_fit(words: Iterable[tuple[str, str | None, int]]) -> None:
    """ConfigError where one of (what it is, text, characters at most) cannot be written down or carried on.

    It is said when a word is given: a journal that others refuse would be told of much later.
    """
    for name, text, most in words:
        if text is None:
            continue
        if len(text) > most:
            raise ConfigError(
                f"{name} of {len(text):,} characters is too long; nothing was written",
                hint=f"at most {most:,}: no journal carries more to other people",
            )
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ConfigError(
                f"{name} holds half a character (a lone surrogate); nothing was written",
                hint=f"take it out: it is character {error.start + 1:,}",
            ) from error
