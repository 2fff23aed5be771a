"""How far accuracy rests on reading answers kindly: code that compares strings reads them as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from evalharness.asking.task import label_of
from evalharness.deciding.comparison import Check, Verdict

TOLD = 0.01  # of the answers: what rests on it in fewer is not told
SHOWN = 40  # characters of an answer that is shown


class Written(NamedTuple):
    """Of one arm's answers, how many are the label that accuracy counts, as that label is written."""

    answers: int
    normalised: int  # its label only after normalisation: case, white space inside
    otherwise: int  # no label or another one: counted is the label of the highest likelihood
    example: str  # the first that is normalised

    @property
    def words(self) -> str:
        """What rests on kind reading in more than 1 % of the answers, as a clause; else empty."""
        said = []
        if self.normalised > TOLD * self.answers:
            said.append(
                f"{_share(self.normalised, self.answers)} of the answers spell their label in another way, as "
                f"`{self.example}`"
            )
        if self.otherwise > TOLD * self.answers:
            said.append(
                f"in {_share(self.otherwise, self.answers)} of the answers the text does not say the label that "
                "was counted, the one that the model finds likeliest"
            )
        return "; ".join(said)


def written(predictions: pl.DataFrame | None, labels: Sequence[str], arm: str) -> Written:
    """How one arm's answers are written; all 0 where the task has no labels or nothing was answered."""
    rows = None if predictions is None else predictions.filter(pl.col("arm") == arm).drop_nulls("answer")
    if rows is None or not labels:
        return Written(0, 0, 0, "")
    normalised, otherwise, example = 0, 0, ""
    for answer, choice in rows.select(pl.col("answer").str.strip_chars(), "choice").iter_rows():
        if choice is not None and (answer == choice or answer.startswith(f"{choice}:")):
            continue
        read = label_of(answer, labels)
        counted = choice or read
        if counted is None:
            continue  # a miss, which accuracy counts as one
        if read != counted:
            otherwise += 1
        elif not answer.startswith(counted):
            normalised += 1
            example = example or answer.replace("\n", " ")[:SHOWN].replace("`", "'")
    return Written(rows.height, normalised, otherwise, example)


def told_in(checks: Sequence[Check], found: Written) -> list[Check]:
    """The conditions, that on the form with what accuracy rests on."""
    said = found.words
    return [
        {**check, "detail": f"{check['detail']}; {said}"} if said and check["check"] == "format" else check
        for check in checks
    ]


def told_beside(verdict: Verdict, found: Written) -> Verdict:
    """The verdict, whose advice says what its accuracy rests on."""
    if not found.words:
        return verdict
    said = f"Code that compares strings will not score so: {found.words}."
    advice = verdict["advice"].rstrip()
    end = "" if not advice or advice.endswith((".", "?", "!")) else "."
    return {**verdict, "advice": f"{advice}{end} {said}".strip()}


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.0f} %"
