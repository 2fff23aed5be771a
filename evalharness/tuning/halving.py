"""Successive halving: all candidates on few rows, the better half on more, the best on all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from evalharness.tuning.measure import Score

LEAST = 8  # rows that say anything
LACKING = 0.1  # of the rows: a candidate that more of could not be answered with is out
FINAL = 3  # candidates that are asked all rows, beside the untuned one


def rungs(candidates: int, limit: int) -> list[int]:
    """Rows of each round; one round where there is little to choose from."""
    if candidates <= FINAL or limit < 2 * LEAST:
        return [limit]
    first = max(LEAST, limit // 4)
    return sorted({first, max(first, limit // 2), limit})


def cost(candidates: int, limit: int) -> int:
    """Answers that it takes at most, the untuned candidate in each round."""
    total, asked, left = 0, 0, candidates
    for rows in rungs(candidates, limit):
        total += left * (rows - asked)
        asked, left = rows, kept(left)
    return total


def kept(count: int) -> int:
    """Candidates that go on from so many: half of them, and the untuned one if it is not among them."""
    return min(count, max(FINAL, -(-count // 2)) + 1)


def figures(
    scores: Sequence[Sequence[Score]], figure: Callable[[Sequence[Score]], float | None]
) -> list[float | None]:
    """Each candidate's figure over the rows that all have a score for; None for one that is out.

    Out is who lacks a score on more than a tenth of the rows beyond the candidate that lacks fewest.
    """
    missing = [sum(score.value is None for score in each) for each in scores]
    room = min(missing) + LACKING * len(scores[0])
    inside = [each for each, lost in zip(scores, missing, strict=True) if lost <= room]
    common = [at for at in range(len(scores[0])) if all(each[at].value is not None for each in inside)]
    return [
        figure([each[at] for at in common]) if lost <= room and common else None
        for each, lost in zip(scores, missing, strict=True)
    ]


def survivors(found: Sequence[float | None], default: int = 0) -> list[int]:
    """Positions of those that go on, in their order: the better half, and always the untuned one."""
    ranked = ranking(found)
    best = set(ranked[: max(FINAL, -(-len(found) // 2))]) | {default}
    return sorted(best)


def ranking(found: Sequence[float | None]) -> list[int]:
    """Positions from the best figure to the worst; of equal ones the first, which is the plainest."""
    known = [-math.inf if each is None else each for each in found]
    return sorted(range(len(found)), key=lambda at: (-known[at], at))
