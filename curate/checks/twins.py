"""Questions made from one template that ask of another thing: near by their words, and no leak."""

from __future__ import annotations

import re

from curate.checks.matter import in_few_places, other_matter
from curate.checks.wording import named, negations, normalise, other_names, quantities

COPY = 0.9  # Jaccard, from which on a question is the other's copy, whatever single words differ
SHORT = 8  # words of an answer that is a value rather than a text
RESULT = re.compile(r"(?:####|\\boxed\{|answer(?: is|:))\s*\$?(-?\d[\d,]*(?:\.\d+)?)", re.IGNORECASE)


def asks_otherwise(left: str, right: str) -> bool:
    """Whether two questions differ by a number, a name, a negation or another word of weight."""
    one, two = normalise(left), normalise(right)
    return (
        quantities(one) != quantities(two)
        or negations(one) != negations(two)
        or other_names(named(left), named(right))
        or other_matter(one, two)
    )


def is_twin(left: str, right: str) -> bool:
    """Whether two questions are of one frame, in which each asks of something else: no rephrasing of each other.

    Who says a question again in other words changes words throughout; a template changes them in one place.
    """
    return in_few_places(normalise(left), normalise(right)) and asks_otherwise(left, right)


def other_answers(left: str, right: str) -> bool:
    """Whether two answers surely differ: another announced result, or two short ones of which none holds the other."""
    results = [RESULT.findall(answer)[-1:] for answer in (left, right)]
    if all(results):
        return results[0] != results[1]
    one, two = normalise(left).split(), normalise(right).split()
    if not one or not two or max(len(one), len(two)) > SHORT:
        return False
    return not (set(one) <= set(two) or set(two) <= set(one))
