"""Pairs of a preferred and a rejected answer: whether two of them prefer the same."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from curate.checks.wording import is_unspaced, jaccard, normalise

CROSSED = 0.5  # of what is said, from which on one row's preferred answer is the other's rejected one

Said = frozenset[object]


class Preference(NamedTuple):
    """The words of both answers of a row, each with its neighbour too, so that their order counts."""

    chosen: Said
    rejected: Said


def preference_of(chosen: str, rejected: str) -> Preference | None:
    """What a row prefers; None unless it has both answers. Of two that differ in form alone the form counts."""
    if not chosen.strip() or not rejected.strip():
        return None
    one, two = normalise(chosen), normalise(rejected)
    return Preference(_said(one), _said(two)) if one != two else Preference(_said(chosen), _said(rejected))


def _said(words: str) -> Said:
    """Words or, where the script sets no spaces, signs; and each two that follow one another."""
    pieces = list(words) if is_unspaced(words) else words.split()
    return frozenset(pieces) | frozenset(pairwise(pieces))


def is_crossed(left: Preference | None, right: Preference | None) -> bool:
    """Whether an answer that one row prefers is nearer to what the other rejects than to what it prefers, or the other way round."""
    if left is None or right is None:
        return False
    return _taken(left.chosen, right.rejected, right.chosen) or _taken(
        right.chosen, left.rejected, left.chosen
    )


def is_reversed(left: Preference | None, right: Preference | None) -> bool:
    """Whether each of two rows prefers what the other rejects: not both can be right.

    One way alone is none: of three answers in order of merit, the middle one is preferred once and rejected once.
    """
    if left is None or right is None:
        return False
    return _taken(left.chosen, right.rejected, right.chosen) and _taken(
        right.chosen, left.rejected, left.chosen
    )


def _taken(chosen: Said, rejected: Said, preferred: Said) -> bool:
    crossed = jaccard(chosen, rejected)
    return crossed >= CROSSED and crossed > jaccard(chosen, preferred)
