"""Our text and label metrics as a metric of Hugging Face `evaluate`, loaded by this file's path.

    metric = evaluate.load("evalharness/metrics/as_evaluate.py")
    metric.compute(predictions=["oak: sent"], references=["oak: sent it"])

Needs no network. Values are means over the pairs that could be scored; None where none could be.
"""

import datasets
import evaluate
import numpy as np

from evalharness.metrics.about import bleu, chrf
from evalharness.metrics.labels import macro_f1
from evalharness.metrics.rouge import KINDS, parse, rouge_of
from evalharness.metrics.text import exact_match, token_f1
from evalharness.metrics.translation import Bleu, chrf_statistics


def mean(values: list[float]) -> float | None:
    """The mean, or None of nothing."""
    return sum(values) / len(values) if values else None


class SeatrialMetrics(evaluate.Metric):  # type: ignore[misc]
    """exact_match, token_f1, rouge1, rouge2, rougeL, rougeLsum, bleu, chrf, and macro_f1 over the texts as labels.

    `compute(..., use_stemmer=True)` counts English words by their stems in ROUGE.
    """

    def _info(self) -> evaluate.MetricInfo:
        texts = {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="",
            inputs_description="predictions and references: lists of texts of one length",
            features=datasets.Features(texts),
        )

    def _compute(
        self, predictions: list[str], references: list[str], *, use_stemmer: bool = False
    ) -> dict[str, float | None]:
        pairs = list(zip(references, predictions, strict=True))
        found: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for pair in pairs:
            wanted, said = (parse(text, stemmed=use_stemmer) for text in pair)
            counted = [kind for kind in KINDS if len(wanted.words) > (kind == "rouge2")]
            for kind, value in rouge_of(wanted, said, counted).items():
                found[kind].append(value.f)
        whole = [(answer, reference) for reference, answer in pairs if reference]
        counts = [Bleu().counts(answer, [reference]) for answer, reference in whole]
        runs = [chrf_statistics(answer, reference) for answer, reference in whole]
        return {
            "exact_match": mean([exact_match(*pair) for pair in pairs]),
            "token_f1": mean([token_f1(*pair) for pair in pairs]),
            **{kind: mean(values) for kind, values in found.items()},
            "bleu": float(bleu(np.array(counts).sum(axis=0, keepdims=True))[0]) if whole else None,
            "chrf": float(chrf(np.array(runs).sum(axis=0, keepdims=True))[0]) if whole else None,
            "macro_f1": macro_f1(references, predictions),
        }
