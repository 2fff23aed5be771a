"""Which words a run had read is told by its digest, at a cost that many runs do not multiply."""

from __future__ import annotations

import random

import pytest

from curate.deciding import until
from curate.deciding.until import Words


def word(
    number: int, finding: str, action: str | None, act: int, reviewer: str = "anna"
) -> dict[str, object]:
    return {
        "decision_id": number + 1, "finding_id": finding, "example_id": f"of {finding}", "action": action,
        "edit": None, "reviewer": reviewer, "note": "", "decided_at": f"{act:09}", "uid": f"{number:032x}",
        "settles": None, "turns": None,
    }  # fmt: skip


def wanted(words: Words, known: set[str], upto: int) -> str:
    rows = [row for row in words.rows[:upto] if row["finding_id"] in known]
    return until.decisions_digest(until._decided(rows, {}))


def test_the_words_are_told_whatever_was_seen_of_them():
    """By the number of the last word seen, by the time, or by neither; the shortest that says the same counts."""
    draw = random.Random(3)
    rows, act = [], 0
    for number in range(120):
        act += draw.random() < 0.7
        rows.append(word(number, f"f{draw.randrange(25)}", draw.choice(["keep", "drop"]), act))
    words = Words.of(rows, {})
    for trial in range(40):
        known = {f"f{n}" for n in draw.sample(range(25), 8)}
        ends = [n for n in range(1, 120) if rows[n]["decided_at"] != rows[n - 1]["decided_at"]]
        end = draw.choice(ends)
        said = draw.choice([0, *[n for n in ends if n < end]])
        digest = wanted(words, known, end)
        shortest = min(n for n in (said, *ends) if n >= said and wanted(words, known, n) == digest and all(
            wanted(words, known, m) == digest for m in ends if n <= m <= end))  # fmt: skip
        last = {"seen": end, "other clock": None, "nothing": None}
        for how, seen in last.items():
            began = "999999999" if how == "nothing" else rows[end - 1]["decided_at"]
            told = words.cut(said, known, wanted=digest, began=began, last=seen)
            assert told is not None and wanted(words, known, told) == digest
            if how != "nothing":  # another stretch of words may say the same, nearer to the end
                assert told == shortest, (trial, how)
    assert words.cut(0, {"f1"}, wanted="0" * 32, began="", last=None) is None


@pytest.mark.parametrize("seen", [True, False])
def test_ten_times_the_runs_cost_ten_times_as_much(monkeypatch, seen):
    """Each run looks at the words on its own findings, and not at all that were ever said."""
    looked = []
    decided = until._decided
    monkeypatch.setattr(
        until, "_decided", lambda rows, texts: looked.append(len(rows)) or decided(rows, texts)
    )

    def cost(runs: int) -> int:
        rows = [word(n, f"f{n}", "drop", n // 2) for n in range(runs * 6)]
        words, said = Words.of(rows, {}), 0
        looked.clear()
        for run in range(runs):
            known = {f"f{n}" for n in range(run * 6, run * 6 + 6)}
            end = run * 6 + 6
            digest = wanted(words, known, end)
            last, began = (end, "") if seen else (None, rows[end - 1]["decided_at"])
            said = words.cut(said, known, wanted=digest, began=began, last=last)
            assert said == end
        return sum(looked)

    assert cost(50) <= 10 * cost(5)
