"""Run in the peer's own environment: presidio-evaluator's SpanEvaluator on spans that were found.

Reads {"texts": [...], "gold": [[[start, end, label], ...], ...], "found": [[[start, end, label, score], ...], ...]};
prints each label's counts, precision, recall and F2, and those of all together as `PII`.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pandas as pd
import spacy
from presidio_evaluator import span_to_tag
from presidio_evaluator.evaluation import SpanEvaluator


def main() -> None:
    """Print the scores as one JSON object."""
    logging.disable(logging.CRITICAL)
    read = json.loads(Path(sys.argv[1]).read_text())
    tokenizer = spacy.blank("en")
    rows = []
    for number, (text, gold, found) in enumerate(
        zip(read["texts"], read["gold"], read["found"], strict=True)
    ):
        tokens = tokenizer.make_doc(text)
        sides = []
        for spans in ([(*span, 1.0) for span in gold], found):
            starts, ends, labels, scores = (
                (list(column) for column in zip(*spans, strict=True)) if spans else ([], [], [], [])
            )
            sides.append(span_to_tag("IO", text, starts, ends, labels, scores, tokens=tokens))
        rows += [
            (number, token.text, true, said, token.idx)
            for token, true, said in zip(tokens, *sides, strict=True)
        ]
    columns = ["sentence_id", "token", "annotation", "prediction", "start_indices"]
    result = SpanEvaluator().calculate_score_on_df(pd.DataFrame(rows, columns=columns), beta=2)
    scores = {
        label: {
            "gold": each.num_annotated,
            "found": each.num_predicted,
            "precision": each.precision,
            "recall": each.recall,
            "f2": each.f_beta,
        }
        for label, each in result.per_type.items()
    }
    scores["PII"] = {
        "gold": result.pii_annotated, "found": result.pii_predicted,
        "precision": result.pii_precision, "recall": result.pii_recall, "f2": result.pii_f,
    }  # fmt: skip
    # JSON has no NaN
    print(
        json.dumps(
            {
                label: {k: None if v != v else float(v) for k, v in each.items()}
                for label, each in scores.items()
            }
        )
    )


main()
