"""Keys, tokens and passwords that open something.

Five kinds of sign give them away: a form that nothing else has (`tokens`), a block between two lines
(`blocks`), the address or header that carries them (`carried`), the word beside them, before them or above
them (`assigned`, `listed`), and their place in a command or a call (`commanded`).
What is looked for costs next to nothing where its sign is not in the text.
"""

from __future__ import annotations

from collections.abc import Iterator

from curate.checks.secrets.assigned import assigned
from curate.checks.secrets.blocks import SIGN, blocks
from curate.checks.secrets.carried import carried
from curate.checks.secrets.commanded import commanded
from curate.checks.secrets.tokens import tokens

__all__ = ["secrets"]

SHORTEST = 8  # characters; a shorter text says no secret
SHORTEST_TOKEN = 15  # characters without a space, of what is told by its form or by its address


def secrets(text: str) -> Iterator[tuple[str, int, int]]:
    """(label, start, end) of each secret in the text, in characters, some over others; linear in its length."""
    if len(text) < SHORTEST:
        return
    small = text.lower()
    if len(small) != len(text):  # `İ` becomes two characters
        small = "".join(each.lower() if len(each.lower()) == 1 else each for each in text)
    # signs are looked for in what is long enough to hold them: little of a text, and none of most
    long = " ".join([word for word in text.split() if len(word) >= SHORTEST_TOKEN])
    if long:
        yield from tokens(text, small, long)
    if SIGN in text or "Private-Lines" in text:
        yield from blocks(text)
    yield from carried(text, small, long.lower())
    yield from assigned(text, small)
    yield from commanded(text, small, long)
