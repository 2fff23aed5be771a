"""Whether the label is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from evalharness.asking.task import label_of
from evalharness.metrics.rows import Scored, score_rows


@dataclass(frozen=True)
class Accuracy:
    """1 where the predicted label is the row's, else 0.

    The predicted label is the likeliest one (`choice`) where the arm has it, else the one that the
    answer begins with. An answer that begins with none is wrong, and its label is null.
    """

    labels: tuple[str, ...]
    name: ClassVar[str] = "accuracy"
    version: ClassVar[int] = 1

    def score(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Null where the task has no labels or the row has none."""
        return score_rows(predictions, self._one)

    def _one(self, row: Mapping[str, Any]) -> Scored:
        if not self.labels:
            return Scored(None, "the answers do not begin with the row's label, so this is free text")
        said = row["choice"] or label_of(row["answer"], self.labels)
        if row["reference_label"] is None:
            return Scored(None, "the row has no label", said)
        return Scored(float(said == row["reference_label"]), None, said)


def macro_f1(references: Sequence[str], predicted: Sequence[str | None]) -> float | None:
    """The mean of the labels' F1, by scikit-learn; None without rows.

    It goes over all labels that occur among the references or the predictions. A label that is never
    predicted has F1 0 (`zero_division=0`); a row without a predicted label counts as missed and gives
    no label a false alarm.
    """
    if not references:
        return None
    from sklearn.metrics import f1_score

    known = sorted({*references, *(label for label in predicted if label is not None)})
    codes = {label: code for code, label in enumerate(known)}
    value: float = f1_score(
        [codes[label] for label in references],
        [codes[label] if label is not None else -1 for label in predicted],
        labels=list(codes.values()),
        average="macro",
        zero_division=0,
    )
    return float(value)
