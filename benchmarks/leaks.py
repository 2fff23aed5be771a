"""How well rephrased test questions are found, at the check's one default threshold, beside n-grams.

`f1_algebra` and `f1_sociology`: the protocol of arXiv 2311.04850, "Rethinking Benchmark and Contamination
for Language Models with Rephrased Samples": of the first 100 questions of an MMLU subject each with its rephrase (true), and
as many pairs of two different originals (false). An empty rephrase is left out, where the paper counts it
as found. The false pairs are all those of an even and an odd question, and their rate counts 100 times.
`hard_recall_at_p99`: all cross pairs of rephrases and originals of one subject, mean of both: the recall at
the highest-ranked cut with a precision of .99. `recall_gsm8k_at_p99`: rephrases of the GSM8K test planted in
its train split, to be told from the other training rows, with all settings as they come: the recall of
what the check tells, cut to the surest if less than .99 of it is right. All through `curate.scanning.scan.scan`.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from curate.checks.leak import Leak
from curate.intake.sources import read_source
from curate.scanning.embedding import NO_ENCODER, Vectors, find_encoder
from curate.scanning.scan import scan

NAME = "leaks"
HELP = "rephrased MMLU and GSM8K questions found at one threshold, beside n-grams"

SUBJECTS = {"algebra": "abstract_algebra", "sociology": "sociology"}
FOLDER = "decontaminator_mmlu_algebra_sociology"
PAIRS = 100  # of each kind in the paper's protocol
PRECISION = 0.99
NGRAMS = (10, 13)
ALL = 10_000  # counterparts of a row: none is left out
LOWEST = 0.3  # the check's smallest threshold: scores below it do not matter to a precision of .99
SHAPE = "--quick shows the shape only"

Row = dict[str, Any]


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """Score the sets of `data`, or small ones of our own."""
    keys = ("f1_algebra", "f1_sociology", "recall_gsm8k_at_p99", "hard_recall_at_p99", "ngram_f1")
    figures: dict[str, float | None] = {**dict.fromkeys(keys), "threshold": Leak().meaning}
    peer = {"name": "n-gram overlap of 10 and 13 words, the better", "version": "own, as in GPT-3 and PaLM"}
    subjects = {name: _mmlu(data, place) if data else _made(name) for name, place in SUBJECTS.items()}
    if quick:
        subjects = {name: (originals[:12], again[:12]) for name, (originals, again) in subjects.items()}
    n = sum(len(again) for _, again in subjects.values())
    figures["ngram_f1"] = float(np.mean([_ngram_f1(*pair) for pair in subjects.values()]))
    if find_encoder("auto") is None:
        return figures, dict.fromkeys([key for key in keys if figures[key] is None], NO_ENCODER), peer, n
    hard = []
    for name, (originals, again) in subjects.items():
        figures[f"f1_{name}"] = _paper_f1(originals, again)
        hard.append(_hard_recall(originals, again))
    figures["hard_recall_at_p99"] = float(np.mean(hard))
    if quick:
        return figures, {"recall_gsm8k_at_p99": SHAPE}, peer, n
    train, test, planted = _gsm8k(data) if data else _made_sums()
    recall, *as_set = _planted_recall(train, test, planted)
    figures["recall_gsm8k_at_p99"] = recall
    figures["gsm8k_precision"], figures["gsm8k_recall"] = as_set  # of all that the check tells as it is set
    return figures, {}, peer, n + len(train) + len(planted)


def _mmlu(data: Path, name: str) -> tuple[list[Row], list[Row]]:
    """The first questions of a subject, and the rephrase of each as a row to train on."""
    with (data / FOLDER / f"{name}_test.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if len(row) == 6 and row[:2] != ["question", "A"]][:PAIRS]
    again = (data / FOLDER / f"{name}_test_rephrase_english_filtered_question.jsonl").read_text("utf-8")
    texts = [json.loads(line)["text"] for line in again.splitlines()][:PAIRS]
    originals = [{"question": row[0], "choices": row[1:5], "answer": row[5]} for row in rows]
    return originals, [{"text": text} for text in texts]


def _gsm8k(data: Path) -> tuple[list[Row], list[Row], list[Row]]:
    """(train, test, rephrases of the test) of GSM8K."""
    with gzip.open(data / "gsm8k" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        train = [json.loads(line) for line in file]
    test, planted = (
        [json.loads(line) for line in (data / "gsm8k" / name).read_text("utf-8").splitlines()]
        for name in ("test.jsonl", "rephrase_gsm8k.jsonl")
    )
    return train, test, planted


def _scored(rows: Sequence[Sequence[Row]], items: Sequence[Row], **settings: float) -> pl.DataFrame:
    """(row, item, score) of what the check tells of rows against protected items, by their numbers.

    `rows` are files of one format each, one after the other.
    """
    with tempfile.TemporaryDirectory() as name:
        tables = []
        for number, part in enumerate((*rows, items)):
            place = Path(name) / f"{number}.jsonl"
            place.write_text("".join(json.dumps(row) + "\n" for row in part), "utf-8")
            tables.append(read_source(str(place)).examples)
            assert tables[-1].height == len(part)
    found = scan(
        pl.concat(tables[:-1]),
        [Leak(**settings)],
        protected=tables[-1],
        vectors=_kept,  # type: ignore[arg-type]
    ).findings
    told = found.filter(pl.col("label").str.starts_with("protected"), pl.col("other_id").is_not_null())
    numbers = [
        pl.concat(part).select("example_id").with_row_index(name)
        for part, name in ((tables[:-1], "row"), (tables[-1:], "item"))
    ]
    return (
        told.join(numbers[0], on="example_id")
        .join(numbers[1], left_on="other_id", right_on="example_id")
        .select("row", "item", "score")
        .cast({"row": pl.Int64, "item": pl.Int64})
    )


_KEPT: dict[str, Vectors] = {}


def _kept(encoder: Any) -> Vectors:  # noqa: ANN401
    """One store of vectors for all scans of this run."""
    return _KEPT.setdefault(encoder.fingerprint, Vectors(encoder))


def _paper_f1(originals: list[Row], again: list[Row]) -> float:
    """F1 over the true pairs and as many random pairs of originals, at the default threshold."""
    true = [at for at, row in enumerate(again) if row["text"].strip()]
    met = _scored([[again[at] for at in true]], originals, counterparts=ALL, crowd=ALL)
    wanted = {(place, at) for place, at in enumerate(true)}
    hits = len(wanted & set(met.select("row", "item").iter_rows()))
    even, odd = originals[::2], originals[1::2]
    false = len(_scored([even], odd, counterparts=ALL, crowd=ALL)) / (len(even) * len(odd)) * len(true)
    return 2 * hits / (hits + false + len(true))


def _hard_recall(originals: list[Row], again: list[Row]) -> float:
    """Recall at a precision of .99 over all pairs of a rephrase and an original."""
    true = [at for at, row in enumerate(again) if row["text"].strip()]
    met = _scored([[again[at] for at in true]], originals, meaning=LOWEST, counterparts=ALL, crowd=ALL)
    right = [true[row] == item for row, item in met.select("row", "item").iter_rows()]
    return _recall_at(met["score"].to_list(), right, len(true))[0]


def _planted_recall(train: list[Row], test: list[Row], planted: list[Row]) -> tuple[float, float, float]:
    """Recall of the surest of what the check tells at precision .99; precision and recall of all that it tells."""
    met = _scored([train, planted], test)
    best = met.group_by("row").agg(pl.col("score").max()).sort("row")
    right = [row >= len(train) for row in best["row"]]
    recall, _ = _recall_at(best["score"].to_list(), right, len(planted))
    return recall, sum(right) / max(len(right), 1), sum(right) / len(planted)


def _recall_at(scores: Sequence[float], right: Sequence[bool], total: int) -> tuple[float, float]:
    """(recall, threshold) of the longest ranking of which PRECISION is right."""
    order = np.argsort(-np.asarray(scores), kind="stable")
    hits = np.cumsum(np.asarray(right)[order])
    precise = np.flatnonzero(hits / np.arange(1, len(hits) + 1) >= PRECISION)
    if not len(precise):
        return 0.0, 1.0
    return float(hits[precise[-1]]) / total, float(np.asarray(scores)[order][precise[-1]])


def _ngram_f1(originals: list[Row], again: list[Row]) -> float:
    """The peer's F1 in the paper's protocol: any shared run of words, the better length."""
    true = [at for at, row in enumerate(again) if row["text"].strip()]
    best = 0.0
    for length in NGRAMS:
        asked = [_runs(row["question"], length) for row in originals]
        hits = sum(bool(asked[at] & _runs(again[at]["text"], length)) for at in true)
        pairs = [(one, other) for one in asked[::2] for other in asked[1::2]]
        false = sum(bool(one & other) for one, other in pairs) / len(pairs) * len(true)
        best = max(best, 2 * hits / (hits + false + len(true)))
    return best


def _runs(text: str, length: int) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}


# rows of our own: small words, so that the figures without --data show that it runs, not how well

_WAYS: Mapping[str, tuple[str, str]] = {
    "algebra": (
        "Find the order of the element {a} in the group of integers modulo {b} under addition, and say which {c} it generates.",
        "In the integers modulo {b} with addition, what order does the element {a} have, and which {c} does it generate?",
    ),
    "sociology": (
        "Which theory holds that {c} are mainly a result of {d} in modern society, as studied in the years after {b}?",
        "What theory claims that {d} in modern society is the main cause of {c}, according to studies made after {b}?",
    ),
}
_THINGS = [
    "subgroups",
    "strikes",
    "families",
    "cosets",
    "schools",
    "ideals",
    "cities",
    "rings",
    "churches",
    "clubs",
]
_CAUSES = [
    "migration",
    "wage labour",
    "mass media",
    "rising rents",
    "public schooling",
    "new technology",
    "war",
]


def _made(name: str) -> tuple[list[Row], list[Row]]:
    """Questions of one template and each said otherwise, seeded."""
    draw = random.Random(f"leaks {name}")
    asked, again = _WAYS[name]
    originals, others = [], []
    for at in range(40):
        words = {"a": draw.randint(2, 99), "b": 100 + 37 * at, "c": _THINGS[at % 10], "d": _CAUSES[at % 7]}
        originals.append(
            {"question": asked.format(**words), "choices": ["none", "one", "two", "all"], "answer": "A"}
        )
        others.append({"text": again.format(**words)})
    return originals, others


def _made_sums() -> tuple[list[Row], list[Row], list[Row]]:
    """Sums in words: (other sums to train on, a test, the test said otherwise)."""
    draw = random.Random("leaks sums")
    names = ["Ada", "Ben", "Cleo", "Dov", "Eva", "Finn", "Gus", "Hana", "Ivo", "Jun"]
    goods = ["pears", "bolts", "stamps", "tickets", "tiles", "coins", "eggs", "ropes"]

    def sums(count: int) -> list[tuple[str, str, int, int]]:
        return [
            (draw.choice(names), draw.choice(goods), draw.randint(2, 999), draw.randint(2, 99))
            for _ in range(count)
        ]

    asked = "{0} buys {2} {1} and gives {3} of them to a friend. How many {1} does {0} have left?"
    again = "After purchasing {2} {1}, {0} hands {3} to a friend. What number of {1} remains with {0}?"
    train, test = sums(200), sums(60)
    return (
        [{"question": asked.format(*each), "answer": str(each[2] - each[3])} for each in train],
        [{"question": asked.format(*each), "answer": str(each[2] - each[3])} for each in test],
        [{"text": again.format(*each)} for each in test],
    )
