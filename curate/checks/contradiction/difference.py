"""What two answers to one question say differently, as far as words can tell."""

from __future__ import annotations

import re
from typing import NamedTuple

from curate.checks.contradiction.reading import Asked, result_of
from curate.checks.wording import jaccard, named, negations, numbers

ALIKE = 0.6  # of the words of two answers: so alike, one number, name or `not` makes the difference
_VERDICT = re.compile(r"\A\W*(yes|yeah|true|correct|no|nope|not|false|incorrect)\b")
_YES = frozenset({"yes", "yeah", "true", "correct"})


class Difference(NamedTuple):
    """What differs (`label` or `answer`), why it counts, and how surely, 0 to 1."""

    differs: str
    why: str
    weight: float
    shared_words: float | None = None

    @property
    def evidence(self) -> dict[str, object]:
        """It in a finding's evidence, without the words."""
        told: dict[str, object] = {"differs": self.differs}
        if self.why:
            told["why"] = self.why
        if self.shared_words is not None:
            told["shared_words"] = self.shared_words
        return told


def difference(left: Asked, right: Asked, overlap: float) -> Difference | None:
    """What the two say differently; None if nothing that counts. Labels, where both have one, decide."""
    if left.label is not None and right.label is not None:
        return None if left.label == right.label else Difference("label", "", 1.0)
    if left.answer == right.answer or not left.answer or not right.answer:
        return None
    shared = round(jaccard(frozenset(left.answer.split()), frozenset(right.answer.split())), 4)
    why = _clear(left, right) or _subtle(left, right, shared)
    if why:
        return Difference("answer", why, 1.0 if why in ("yes against no", "another result") else 0.9, shared)
    if left.is_open or right.is_open or shared >= overlap:
        return None
    return Difference("answer", "other words", 0.8, shared)


def _clear(left: Asked, right: Asked) -> str:
    """A leading yes against a no, or another value as the result."""
    verdicts = [found[1] in _YES for row in (left, right) if (found := _VERDICT.match(row.answer))]
    if len(verdicts) == 2 and verdicts[0] != verdicts[1]:
        return "yes against no"
    results = [result_of(row) for row in (left, right)]
    return "another result" if all(results) and results[0] != results[1] else ""


def _subtle(left: Asked, right: Asked, shared: float) -> str:
    """The one thing in which two answers of nearly the same words differ."""
    if shared < ALIKE or left.is_open or right.is_open:
        return ""
    if numbers(left.answer) != numbers(right.answer):
        return "other numbers"
    if (negations(left.answer) > 0) != (negations(right.answer) > 0):
        return "negation"
    one, two = named(left.verbatim), named(right.verbatim)
    return "other names" if one.names - two.words and two.names - one.words else ""
