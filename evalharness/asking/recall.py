"""Whether what was shown before a question holds what its answer needs: recall at k."""

from __future__ import annotations

from collections.abc import Sequence

from evalharness.asking.pool import Shown
from evalharness.asking.task import Solved, Task
from evalharness.retrieval.documents import Passage
from evalharness.retrieval.words import words

BY_LABEL, BY_WORDS = "label", "words"


def kind(task: Task) -> str:
    """By what it is measured: the row's label, or the words of its answer that the question does not have."""
    return BY_LABEL if task.labels else BY_WORDS


def recall_at(task: Task, pairs: Sequence[tuple[Solved, Sequence[Shown]]]) -> dict[str, float]:
    """Recall at 1, 2, 4 ... and at all that is shown, the nearest first; empty where nothing is shown.

    By label: the share of questions with an example of their label, or a passage with its words, among the
    first k. By words: the mean share of the answer's own words that stand in the first k.
    """
    most = max((len(shown) for _, shown in pairs), default=0)
    if not most:
        return {}
    steps = sorted({most, *(2**power for power in range(most.bit_length()) if 2**power <= most)})
    found: dict[str, float] = {}
    for count in steps:
        hits = [hit for solved, shown in pairs if (hit := _hit(task, solved, shown[-count:])) is not None]
        if hits:
            found[str(count)] = sum(hits) / len(hits)
    return found


def _hit(task: Task, solved: Solved, shown: Sequence[Shown]) -> float | None:
    """0 to 1; None where the row has no label, or its answer no word of its own."""
    if task.labels:
        return float(any(_says(solved.label, each) for each in shown)) if solved.label else None
    needed = set(words(solved.answer)) - set(words(solved.query.text))
    if not needed:
        return None
    seen = {
        word for each in shown for word in words(each.whole if isinstance(each, Passage) else each.answer)
    }
    return len(needed & seen) / len(needed)


def _says(label: str, each: Shown) -> bool:
    if isinstance(each, Passage):
        return f" {' '.join(words(label))} " in f" {' '.join(words(each.whole))} "
    return each.label == label
