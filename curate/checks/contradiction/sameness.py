"""How surely two rows ask the same, by their words or by their meaning."""

from __future__ import annotations

from collections import Counter

from curate.checks.contradiction.reading import Asked, result_of
from curate.checks.matter import other_matter
from curate.checks.wording import jaccard, other_names

CLOSE = 0.72  # cosine of two questions that may be one, if they share their numbers and names ...
CLOSEST = 0.9  # ... and if they have hardly any of these
MANY = 3  # shared, below which the numbers of two questions have to be equal
SPECIFIC = 2  # numbers and names shared, from which on a question is told by them


def by_words(left: Asked, right: Asked, threshold: float) -> float:
    """Jaccard of the questions' shingles (1 where they are equal), 0 where they are not the same one.

    Not the same: below the threshold, other numbers, more negations, other names, or a word of weight
    in another's place.
    """
    if left.system != right.system:
        return 0.0
    if left.question == right.question:
        return 1.0
    if left.numbers != right.numbers or left.negations != right.negations:
        return 0.0
    if other_names(left.named, right.named) or other_matter(left.question, right.question):
        return 0.0
    score = jaccard(left.shingles, right.shingles)
    return score if score >= threshold else 0.0


def by_meaning(left: Asked, right: Asked, cosine: float) -> float:
    """The cosine, less where numbers and names differ: 0 to 1, 0 where the two are not the same question.

    A question said in other words keeps its numbers (some of them spelt out) and its names; one made
    from the same template has others. The share of the numbers is the mean of two: of those in digits
    and of all. One that denies what the other says is another question.
    """
    if left.system != right.system or (left.negations > 0) != (right.negations > 0):
        return 0.0
    shared = sum((left.amounts & right.amounts).values()) + len(left.capitals & right.capitals)
    if shared < SPECIFIC and cosine < CLOSEST:
        return 0.0
    if shared < MANY and left.figures != right.figures and left.amounts != right.amounts:
        return 0.0
    same_numbers = (_overlap(left.figures, right.figures) + _overlap(left.amounts, right.amounts)) / 2
    every = left.capitals | right.capitals
    same_names = len(left.capitals & right.capitals) / len(every) if every else 1.0
    return cosine * same_numbers * (1 + same_names) / 2


def turned_round(left: Asked, right: Asked) -> bool:
    """Whether each gives as a fact what the other asks for: a question turned round has another answer."""
    one, two = result_of(left), result_of(right)
    return len(one) == len(two) == 1 and _given(one[0], right, left) and _given(two[0], left, right)


def _given(result: str, there: Asked, here: Asked) -> bool:
    """Whether the result stands as a number in one question and not in its own."""
    if not result.replace(".", "", 1).lstrip("-").isdecimal():
        return False
    value = float(result)
    return value in there.amounts and value not in here.amounts


def _overlap(left: Counter[float], right: Counter[float]) -> float:
    """Shared over all, each as often as it stands there; 1 where there is nothing."""
    every = sum((left | right).values())
    return sum((left & right).values()) / every if every else 1.0
