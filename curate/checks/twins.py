"""Questions made from one template that ask of another thing: near by their words, and no leak."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from curate.checks.matter import other_matter
from curate.checks.wording import is_unspaced, named, negations, normalise, numbers, other_names

ONE_FRAME = 0.6  # of the words of two questions in one order, from which on they have one frame
PLACES = 2  # in which rows of one template differ at most
COPY = 0.9  # Jaccard, from which on a question is the other's copy, whatever single words differ
SHORT = 8  # words of an answer that is a value rather than a text
RESULT = re.compile(r"(?:####|\\boxed\{|answer(?: is|:))\s*\$?(-?\d[\d,]*(?:\.\d+)?)", re.IGNORECASE)
LONGEST = 400  # words of a question that are laid beside another's


def asks_otherwise(left: str, right: str) -> bool:
    """Whether two questions differ by a number, a name, a negation or another word of weight."""
    one, two = normalise(left), normalise(right)
    return (
        numbers(one) != numbers(two)
        or negations(one) != negations(two)
        or other_names(named(left), named(right))
        or other_matter(one, two)
    )


def is_twin(left: str, right: str) -> bool:
    """Whether two questions are of one frame, in which each asks of something else: no rephrasing of each other.

    Who says a question again in other words changes words throughout; a template changes them in one place.
    """
    one, two = normalise(left), normalise(right)
    words = [list(text) if is_unspaced(text) else text.split() for text in (one, two)]
    aligned = SequenceMatcher(None, words[0][:LONGEST], words[1][:LONGEST], autojunk=False)
    if aligned.real_quick_ratio() < ONE_FRAME or aligned.ratio() < ONE_FRAME:
        return False
    places = sum(kind != "equal" for kind, *_ in aligned.get_opcodes())
    return places <= PLACES and asks_otherwise(left, right)


def other_answers(left: str, right: str) -> bool:
    """Whether two answers surely differ: another announced result, or two short ones of which none holds the other."""
    results = [RESULT.findall(answer)[-1:] for answer in (left, right)]
    if all(results):
        return results[0] != results[1]
    one, two = normalise(left).split(), normalise(right).split()
    if not one or not two or max(len(one), len(two)) > SHORT:
        return False
    return not (set(one) <= set(two) or set(two) <= set(one))
