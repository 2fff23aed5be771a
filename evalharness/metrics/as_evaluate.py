"""Our text and label metrics as a metric of Hugging Face `evaluate`, loaded by this file's path.

    metric = evaluate.load("evalharness/metrics/as_evaluate.py")
    metric.compute(predictions=["oak: sent"], references=["oak: sent it"])

Needs no network. Values are means over the pairs that could be scored; None where none could be.
"""

import datasets
import evaluate

from evalharness.metrics.labels import macro_f1
from evalharness.metrics.text import exact_match, token_f1
from evalharness.rouge import rouge_l, rouge_n, tokens


def mean(values: list[float]) -> float | None:
    """The mean, or None of nothing."""
    return sum(values) / len(values) if values else None


class SeatrialMetrics(evaluate.Metric):  # type: ignore[misc]
    """exact_match, token_f1, rouge1, rouge2, rougeL, and macro_f1 over the whole texts as labels."""

    def _info(self) -> evaluate.MetricInfo:
        texts = {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="",
            inputs_description="predictions and references: lists of texts of one length",
            features=datasets.Features(texts),
        )

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, float | None]:
        pairs = list(zip(references, predictions, strict=True))
        split = [(tokens(reference), tokens(answer)) for reference, answer in pairs]
        return {
            "exact_match": mean([exact_match(*pair) for pair in pairs]),
            "token_f1": mean([token_f1(*pair) for pair in pairs]),
            "rouge1": mean([rouge_n(*pair, 1).f for pair in split if pair[0]]),
            "rouge2": mean([rouge_n(*pair, 2).f for pair in split if len(pair[0]) > 1]),
            "rougeL": mean([rouge_l(*pair).f for pair in split if pair[0]]),
            "macro_f1": macro_f1(references, predictions),
        }
