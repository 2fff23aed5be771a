"""ROUGE of many pairs of 120 words, as `seatrial score` computes it, beside rouge_score."""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path

import polars as pl

from evalharness.metrics import RougeF, score_rouges
from evalharness.metrics.rouge import KINDS

NAME = "rouge"
HELP = "ROUGE-1, -2, -L, -Lsum with stemming beside rouge_score at 120 words; the largest difference of F"

WORDS = 120
PAIRS, UNSTEMMED, ROUNDS = 400, 100, 5
ENDS = ["", "", "", "s", "ed", "ing", "er", "ly", "ness", "ation", "ize", "ful", "ement", "al"]


def texts(rng: random.Random, data: Path | None) -> list[str]:
    """Words to cut texts from: those of real dialogues, or made ones that are as often said again."""
    if data is not None:
        lines = (data / "dialogsum_test" / "dialogsum.test.jsonl").read_text(encoding="utf-8").splitlines()
        return " ".join(json.loads(line)["dialogue"] for line in lines).split()
    begins = [
        "".join(rng.choices("bcdfglmnprst", k=2)) + rng.choice("aeiou") + rng.choice("dlmnt")
        for _ in range(900)
    ]
    made = [begin + rng.choice(ENDS) for begin in begins]
    return [made[int(len(made) * rng.random() ** 3)] for _ in range(60_000)]


def pairs(rng: random.Random, words: list[str], count: int) -> pl.DataFrame:
    """Answers and references of 120 words each."""
    cut = [
        " ".join(words[start : start + WORDS])
        for start in (rng.randrange(len(words) - WORDS) for _ in range(2 * count))
    ]
    return pl.DataFrame(
        {
            "example_id": [str(n) for n in range(count)],
            "answer": cut[:count],
            "reference": cut[count:],
            "error": [None] * count,
        },
        schema_overrides={"error": pl.String},
    )


def ours(table: pl.DataFrame, *, stemmed: bool) -> tuple[float, list[list[float]]]:
    """CPU seconds, and F of each kind and pair."""
    metrics = [RougeF(kind + (":stem" if stemmed else "")) for kind in KINDS]
    began = time.process_time()
    found = score_rouges(metrics, table)
    return time.process_time() - began, [each["value"].to_list() for each in found]


def theirs(table: pl.DataFrame, *, stemmed: bool) -> tuple[float, list[list[float]]]:
    """The same by rouge_score."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(list(KINDS), use_stemmer=stemmed)
    began = time.process_time()
    found = [scorer.score(*pair) for pair in table.select("reference", "answer").iter_rows()]
    spent = time.process_time() - began
    return spent, [[each[kind].fmeasure for each in found] for kind in KINDS]


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """Ours and theirs in turn on new texts each round; the ratio is of CPU seconds, median of rounds."""
    rng = random.Random(0)
    words = texts(rng, data)
    if quick:
        ours(pairs(rng, words, 10), stemmed=True)
        why = dict.fromkeys(
            ("ratio_rouge_score", "max_difference"), "rouge_score is not run for a quick look"
        )
        return dict.fromkeys(why), why, {}, 10
    ratios, largest = [], 0.0
    for _ in range(ROUNDS):
        for stemmed in (True, False):
            table = pairs(rng, words, PAIRS if stemmed else UNSTEMMED)
            (mine, first), (peer, second) = ours(table, stemmed=stemmed), theirs(table, stemmed=stemmed)
            apart = (
                abs(a - b)
                for left, right in zip(first, second, strict=True)
                for a, b in zip(left, right, strict=True)
            )
            largest = max(largest, *apart)
            if stemmed:
                ratios.append(peer / mine)
                print(
                    f"{PAIRS / mine:,.0f} pairs/s, rouge_score {PAIRS / peer:,.0f}: {peer / mine:.0f}x",
                    file=sys.stderr,
                )
    figures: dict[str, float | None] = {
        "ratio_rouge_score": round(statistics.median(ratios), 1),
        "max_difference": largest,
    }
    return figures, {}, {"rouge-score": version("rouge-score")}, ROUNDS * (PAIRS + UNSTEMMED)
