"""Our figures beside published ones: for each reference, the largest difference from its digits.

Without `--data`, only the references whose cases are numbers that stand here; the others need the stored
answers and judgements of `rouge_fixture`, `dialogsum_test`, `alpaca_eval`, `llmbar` and `pandalm_testset`, and
the texts in sacrebleu's source distribution.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.wmt17 import significance
from curate.people.agreement import alpha
from evalharness.judging.winrate import (
    both_orders,
    cohen_kappa,
    fleiss_kappa,
    length_controlled,
    right_in_both_orders,
    win_rate,
)
from evalharness.metrics.about import bleu, by_token, chrf
from evalharness.metrics.rouge import rouge
from evalharness.metrics.text import token_f1
from evalharness.metrics.translation import chrf_statistics, corpus_bleu
from evalharness.statistics.intervals import clopper_pearson, resampled_means, wilson
from evalharness.statistics.paired import holm, mcnemar_exact, mean_variance, score_z
from evalharness.statistics.power import detectable_effect, rows_needed

NAME = "references"
HELP = "largest difference from the published digits: ROUGE, BLEU, SQuAD, win rates, judges, tests, intervals"

Gaps = list[float]
THIRD = {  # how AlpacaEval 1 writes a tie
    0: 0.5,
    1.5: 0.5,
}


def beyond(ours: float, told: str | float) -> float:
    """How far ours is from a printed number, beyond what its last digit leaves open."""
    if isinstance(told, float):
        return abs(ours - told)
    digits = len(told.partition(".")[2])
    return max(0.0, abs(ours - float(told)) - 0.5 * 10.0**-digits * (1 + 1e-9))


def rouge_fixture(data: Path | None) -> Gaps:
    """ROUGE-1.5.5's values of two pairs as rouge_score's tests assert them, and its small cases."""
    assert data is not None
    folder = data / "rouge_fixture"
    told = json.loads((folder / "expected.json").read_text())
    pairs = list(
        zip(
            *((folder / f"{side}.txt").read_text().splitlines() for side in ("target", "prediction")),
            strict=True,
        )
    )
    gaps = []
    for name, stemmed in (("no_stem", False), ("stem", True)):
        for kind, rows in told[name].items():
            for pair, row in zip(pairs, rows, strict=True):
                found = rouge(*pair, [kind], stemmed=stemmed)[kind]
                gaps += [
                    beyond(ours, f"{value:.5f}")
                    for ours, value in zip((found.recall, found.precision, found.f), row, strict=True)
                ]
    for case in told["small"]:
        for kind in set(case) - {"target", "prediction"}:
            found = rouge(case["target"], case["prediction"], [kind])[kind]
            exact = zip((found.recall, found.precision, found.f), case[kind], strict=True)
            gaps += [
                beyond(ours, float(value) if len(str(value)) > 8 else f"{value:.4f}") for ours, value in exact
            ]
    return gaps


def dialogsum(data: Path | None) -> Gaps:
    """The BART baseline of DialogSum: means with stemming by rouge_score, and its README's bootstrap middle."""
    assert data is not None
    folder = data / "dialogsum_test"
    rows = [
        json.loads(line)
        for line in (folder / "dialogsum.test.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    said = (folder / "test_output.txt").read_text(encoding="utf-8").splitlines()
    kinds = ("rouge1", "rouge2", "rougeL")
    found = [rouge(row["summary1"], text, kinds, stemmed=True) for row, text in zip(rows, said, strict=True)]
    gaps = []
    for kind, mean, middle in zip(
        kinds, ("45.9089", "21.3200", "38.7098"), (45.9458, 21.3612, 38.7189), strict=True
    ):
        values = np.array([each[kind].f for each in found])
        gaps.append(beyond(100 * float(values.mean()), mean))
        # the README's is the median of 1,000 unseeded resamples: it is one of those that ours give
        draws = 100 * resampled_means(values, None, 4000, 0)
        gaps.append(
            max(0.0, abs(float(np.median(draws)) - middle) - 5 * float(draws.std()) / math.sqrt(1000))
        )
    return gaps


def sacrebleu(data: Path | None) -> Gaps:
    """The cases of sacrebleu's own tests."""
    answers = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
    references = [
        ["The dog bit the man.", "The dog had bit the man."],
        ["It was not unexpected.", "No one was surprised."],
        ["The man bit him first.", "The man had bitten the dog."],
    ]
    cases = (("13a", "48.530827"), ("none", "49.1919566"), ("intl", "43.91623493"))
    gaps = [beyond(100 * corpus_bleu(answers, references, tokenize), told) for tokenize, told in cases]
    counts = np.array([[11, 11, 9, 7, 5, 3, 10, 8, 6, 4]], dtype=float)
    gaps.append(beyond(float(bleu(counts)[0]), "0.8375922397"))
    for answer, reference, told in (
        ("a", "a", 100.0),
        ("a b c", "abc", 100.0),
        ("aa", "ab", 25.0),
        ("", "c", 0.0),
    ):
        gaps.append(beyond(100 * float(chrf(np.array([chrf_statistics(answer, reference)]))[0]), told))
    return gaps


def squad(data: Path | None) -> Gaps:
    """F1 of published pairs."""
    cases = (
        ("new york new york", "new york", 2 / 3),
        ("to be or not to be", "to be or not", 0.8),
        ("the cat sat on the mat", "cat on mat", 6 / 7),
    )
    return [beyond(token_f1(reference, answer), told) for reference, answer, told in cases]


def alpaca_eval(data: Path | None) -> Gaps:
    """Win rates and standard errors of stored judgements against both leaderboards."""
    assert data is not None
    gaps = []
    for kind in ("alpaca_eval_gpt4", "weighted_alpaca_eval_gpt4_turbo"):
        with (data / "alpaca_eval" / f"{kind}_leaderboard.csv").open(encoding="utf-8", newline="") as file:
            board = {row[""]: row for row in csv.DictReader(file)}
        for path in sorted((data / "alpaca_eval" / kind).glob("*.json.gz")):
            rows = json.loads(gzip.decompress(path.read_bytes()))
            said = [row["preference"] for row in rows]
            found = win_rate([None if each is None else THIRD.get(each, each - 1) for each in said])
            told = board[path.name.removesuffix(".annotations.json.gz")]
            assert found.rate is not None and found.error is not None
            gaps += [
                abs(100 * found.rate - float(told["win_rate"])),
                abs(100 * found.error - float(told["standard_error"])),
            ]
            gaps.append(abs(found.n - int(told["n_total"])))
    return [*gaps, _at_equal_length(data / "alpaca_eval" / "alpaca_eval_gpt4")]


def _at_equal_length(folder: Path) -> float:
    """The win rate at equal length of a stored model, by the paper's form with length and intercept alone."""
    rows = json.loads(gzip.decompress((folder / "falcon-7b-instruct.annotations.json.gz").read_bytes()))
    said = [
        None if row["preference"] is None else THIRD.get(row["preference"], row["preference"] - 1)
        for row in rows
    ]
    own, other = ([len(row[name]) for row in rows] for name in ("output_2", "output_1"))
    return beyond(100 * (length_controlled(said, own, other).rate or 0.0), "39.62")


def llmbar(data: Path | None) -> Gaps:
    """Accuracy, agreement and kappas of stored judgements in both orders against the authors' statistics."""
    assert data is not None
    gaps = []
    for path in sorted((data / "llmbar").glob("*/*_result.json.gz")):
        rows = json.loads(gzip.decompress(path.read_bytes()))
        told = json.loads(
            path.with_name(path.name.replace("_result.json.gz", "_statistics.json")).read_text()
        )
        gold = [str(row["label"]) for row in rows]
        one, two = (
            [row["results"][-1][f"swap = {swap}"]["winner"] for row in rows] for swap in (False, True)
        )
        found = right_in_both_orders(gold, one, two)
        assert found is not None
        shares = dict(
            zip(
                ("correct_False", "correct_True", "correct_average", "correct_both", "equal"),
                found[1:],
                strict=True,
            )
        )
        gaps += [
            abs(100 * ours - float(re.findall(r"[\d.]+(?=%)", told[key])[0])) for key, ours in shares.items()
        ]
        # their kappas read only "1" as a winner and all else as 0, whatever the labels are: told as they did
        read = [[int(each) if each == "1" else 0 for each in side] for side in (one, two)]
        labels = [int(each) for each in gold]
        kappas = {"kappa_False": cohen_kappa(read[0], labels), "kappa_True": cohen_kappa(read[1], labels),
                  "kappa_agreement": cohen_kappa(*read)}  # fmt: skip
        gaps += [abs((ours or 0.0) - told[key]) for key, ours in kappas.items()]
        preferences = [[None if each is None else float(each == "1") for each in side] for side in (one, two)]
        orders = both_orders(*preferences)
        both = sum(a is not None and a == b for a, b in zip(one, two, strict=True))
        gaps.append(abs(orders.same - both))
    return gaps


def pandalm(data: Path | None) -> Gaps:
    """Kappas of three people, what most of them say, and a judge's accuracy against it (a tie is their 0)."""
    assert data is not None
    folder = data / "pandalm_testset"
    rows, judged = (
        json.loads(gzip.decompress((folder / f"{name}.json.gz").read_bytes()))
        for name in ("testset-v1", "gpt-3.5-turbo-testset-v1")
    )
    people = [[str(row[f"annotator{n}"]) for row in rows] for n in (1, 2, 3)]
    pairs = ((0, 1, "0.852"), (0, 2, "0.879"), (1, 2, "0.862"))
    gaps = [beyond(cohen_kappa(people[a], people[b]) or 0.0, told) for a, b, told in pairs]
    most = [Counter(said).most_common(1)[0][0] for said in zip(*people, strict=True)]
    gaps += [abs(most.count(word) - told) for word, told in (("0", 105), ("1", 422), ("2", 472))]
    said = [{"Tie": "0"}.get(row["gpt_result"], row["gpt_result"]) for row in judged]
    found = right_in_both_orders(most, said, said)
    assert found is not None
    return [*gaps, beyond(found.as_given, "0.6977")]


def intervals(data: Path | None) -> Gaps:
    """Newcombe's four cases, by Wilson and exactly."""
    cases = ((81, 263), (15, 148), (0, 20), (1, 29))
    scores = (("0.2553", "0.3662"), ("0.0624", "0.1605"), ("0.0000", "0.1611"), ("0.0061", "0.1718"))
    exact = (("0.2527", "0.3676"), ("0.0578", "0.1617"), ("0.0000", "0.1684"), ("0.0009", "0.1776"))
    gaps = []
    for method, told in ((wilson, scores), (clopper_pearson, exact)):
        for case, ends in zip(cases, told, strict=True):
            found = method(*case)
            gaps += [
                beyond(ours or 0.0, end) for ours, end in zip((found.low, found.high), ends, strict=True)
            ]
    return gaps


def mcnemar(data: Path | None) -> Gaps:
    """Exact and plain p of statsmodels; 1 where the arms always agree."""
    cases = ((25, 10, "0.016673847800120715"), (12, 3, "0.03515625"))
    gaps = [beyond(2 * mcnemar_exact(better, worse), float(told)) for better, worse, told in cases]
    gaps.append(beyond(2e6 * mcnemar_exact(121, 59), "4.4344"))
    plain = math.erfc(score_z(25, 10, 300, 0.0) / math.sqrt(2))
    return [*gaps, beyond(plain, 0.011229886652916672), beyond(mcnemar_exact(0, 0), 1.0)]


def adjusted(data: Path | None) -> Gaps:
    """Holm's adjusted p of statsmodels."""
    found = holm([0.01, 0.04, 0.03, 0.005])
    return [beyond(ours or 0.0, told) for ours, told in zip(found, (0.03, 0.06, 0.06, 0.02), strict=True)]


def clustered(data: Path | None) -> Gaps:
    """Standard errors of 40 clusters of 5: naive, and with C / (C - 1) as statsmodels' CR1."""
    rng = np.random.default_rng(7)
    groups = np.repeat(np.arange(40), 5)
    values = (rng.normal(size=40)[groups] + rng.normal(size=200) > 0).astype(float)
    sums = np.bincount(groups, weights=values - values.mean())
    miller = math.sqrt(float((sums**2).sum())) / 200  # the formula of the paper's appendix, written out
    ours = math.sqrt(mean_variance(values, groups))
    gaps = [beyond(ours, miller * math.sqrt(40 / 39))]
    return [*gaps, beyond(math.sqrt(mean_variance(values, None)), float(values.std(ddof=1)) / math.sqrt(200))]


def miller(data: Path | None) -> Gaps:
    """Rows needed and detectable effects with w^2 = 1/9, s^2 = 1/6, two-sided .05, power .8."""
    gaps = []
    for variance, rows, effect in (
        (1 / 9 + 2 / 6, 3876, "0.1327"),
        (1 / 9 + 2 / 60, 1260, "0.0757"),
        (1 / 9, 969, None),
    ):
        needed = rows_needed(variance, 0.03, sides=2)
        gaps.append(abs(round(needed or 0) - rows))
        if effect:
            gaps.append(beyond(detectable_effect(variance, 198, sides=2) or 0.0, effect))
    return gaps


def agreement(data: Path | None) -> Gaps:
    """Krippendorff's example, Fleiss's of 14 raters, Cohen's of scikit-learn's page."""
    columns = ("*****34121133*3", "1*213343*******", "**21344*21133*4")
    units = [{str(n): row[at] for n, row in enumerate(columns) if row[at] != "*"} for at in range(15)]
    told = (("nominal", "0.691358"), ("interval", "0.810845"), ("ordinal", "0.806721"))
    gaps = [beyond(alpha(units, metric).alpha or 0.0, value) for metric, value in told]  # type: ignore[arg-type]
    table = ["0000E", "02642", "00356", "03920", "22811", "77000", "32630", "25322", "65210", "02237"]
    counts = [[int(each, 16) for each in row] for row in table]
    gaps.append(beyond(fleiss_kappa(counts) or 0.0, "0.2099307"))
    first = ["negative", "positive", "negative", "neutral", "positive"]
    return [*gaps, beyond(cohen_kappa(first, [*first[:4], "negative"]) or 0.0, 0.6875)]


def uniform(data: Path | None) -> Gaps:
    """Perplexity of a uniform model is its number of words."""
    lengths = np.array([3.0, 10.0])
    rows = np.column_stack([lengths * math.log(1 / 50), lengths])
    return [beyond(float(by_token(rows.sum(axis=0, keepdims=True))[0]), 50.0)]


STORED: dict[str, Callable[[Path | None], Gaps]] = {
    "rouge": rouge_fixture, "dialogsum": dialogsum, "alpaca_eval": alpaca_eval, "llmbar": llmbar, "pandalm": pandalm,
    "significance": significance,
}  # fmt: skip
HERE: dict[str, Callable[[Path | None], Gaps]] = {
    "sacrebleu": sacrebleu, "squad": squad, "wilson": intervals, "mcnemar": mcnemar, "holm": adjusted,
    "clustered": clustered, "miller": miller, "agreement": agreement, "perplexity": uniform,
}  # fmt: skip


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """Every reference that there is data for; n is how many numbers were compared."""
    figures: dict[str, float | None] = {}
    why: dict[str, str] = {}
    compared = 0
    known: dict[str, Any] = STORED | HERE
    for name, reference in known.items():
        if name in STORED and (data is None or quick):
            figures[name] = None
            why[name] = "its stored texts are read with --data, and not for a quick look"
            continue
        try:
            gaps = reference(data)
        except FileNotFoundError as error:
            figures[name], why[name] = None, str(error)
            continue
        compared += len(gaps)
        figures[name] = max(gaps)
    return figures, why, {}, compared
