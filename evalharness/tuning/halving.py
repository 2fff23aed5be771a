"""Successive halving: all candidates on few rows, the better half on more, the best on all."""

from __future__ import annotations

from collections.abc import Sequence

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


def means(scores: Sequence[Sequence[float | None]]) -> list[float | None]:
    """Each candidate's mean over the rows that all have a score for; None for one that is out.

    Out is who lacks a score on more than a tenth of the rows beyond the candidate that lacks fewest.
    """
    missing = [sum(value is None for value in each) for each in scores]
    room = min(missing) + LACKING * len(scores[0])
    inside = [each for each, lost in zip(scores, missing, strict=True) if lost <= room]
    common = [at for at in range(len(scores[0])) if all(each[at] is not None for each in inside)]
    return [
        sum(each[at] or 0.0 for at in common) / len(common) if lost <= room and common else None
        for each, lost in zip(scores, missing, strict=True)
    ]


def survivors(found: Sequence[float | None], default: int = 0) -> list[int]:
    """Positions of those that go on, in their order: the better half, and always the untuned one."""
    ranked = ranking(found)
    best = set(ranked[: max(FINAL, -(-len(found) // 2))]) | {default}
    return sorted(best)


def ranking(found: Sequence[float | None]) -> list[int]:
    """Positions from the best mean to the worst; of equal ones the first, which is the plainest."""
    return sorted(range(len(found)), key=lambda at: (-(found[at] if found[at] is not None else -1.0), at))  # type: ignore[operator]
