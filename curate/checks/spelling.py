"""One word in several spellings: case, Unicode form and blanks around, and how to get from one to another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from unicodedata import category, normalize

_PARTING = re.compile(r"[\s./_-]+")


def tidy(text: str) -> str:
    """The text in Unicode form NFKC, without blanks around."""
    return normalize("NFKC", text).strip()


def plain_spelling(text: str) -> str:
    """What all spellings of a label have in common; empty where it is blank."""
    return normalize("NFKC", tidy(text).casefold()).strip()


def unmarked(text: str) -> str:
    """The plain spelling without what parts its words: `app_crash`, `App-Crash` and `app crash` are one.

    What stands between two numbers stays (`v1.1` is not `v11`), and what stands at an end (`A-` is not `A`).
    """
    plain = plain_spelling(text)

    def joined(found: re.Match[str]) -> str:
        start, end = found.span()
        sides = [category(each)[0] for each in plain[max(start - 1, 0) : start] + plain[end : end + 1]]
        # a vowel may be a mark of its own (M) behind its letter
        return "" if len(sides) == 2 and set(sides) <= set("LMN") and sides != ["N", "N"] else found.group()

    return _PARTING.sub(joined, plain)


def case_of(text: str) -> list[int] | None:
    """The places of a tidy text's capitals; None where case changes its length (`İ`)."""
    small = text.lower()
    if len(small) != len(text):
        return None
    return [at for at, (one, other) in enumerate(zip(text, small, strict=True)) if one != other]


def spelt(text: str, capitals: Sequence[int]) -> str:
    """The text tidy, and in small letters but for those at `capitals`; places beyond its end do not count."""
    letters = list(tidy(text).lower())
    for at in capitals:
        if at < len(letters):
            letters[at] = letters[at].upper()
    return "".join(letters)
