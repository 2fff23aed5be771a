"""How long intervals and tests take: one metric, F1 beside lm-evaluation-harness, and a whole comparison."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.few_shot import peer_python
from evalharness.deciding.compare import metric_rows, pair, settings
from evalharness.deciding.comparison import ARMS, METRICS
from evalharness.deciding.differences import difference_rows
from evalharness.scoring.scored_before import SCORES
from evalharness.statistics.f1 import macro_f1_interval
from evalharness.statistics.intervals import bootstrap_mean

NAME = "bootstrap"
HELP = (
    "10,000 items, 10,000 resamples; macro-F1 beside lm-evaluation-harness; four arms, 8 metrics, 10 slices"
)

ITEMS, RESAMPLES, ROUNDS = 10_000, 10_000, 5
F1_ITEMS, F1_RESAMPLES, PEER_RESAMPLES = 2_000, 100_000, 300
SLICES, LABELS = 10, 10


def seconds(work: Callable[[int], object], rounds: int = ROUNDS) -> float:
    """Median wall seconds, each round on values of its own."""
    spent = []
    for turn in range(rounds):
        began = time.perf_counter()
        work(turn)
        spent.append(time.perf_counter() - began)
    return statistics.median(spent)


def mean(turn: int, items: int = ITEMS) -> None:
    """A metric of many values."""
    bootstrap_mean(np.random.default_rng(turn).random(items), resamples=RESAMPLES, seed=turn)


def binary(turn: int, items: int = ITEMS) -> None:
    """A metric of hits."""
    values = (np.random.default_rng(turn).random(items) < 0.7).astype(float)
    bootstrap_mean(values, resamples=RESAMPLES, seed=turn)


def labels(count: int, seed: int) -> tuple[list[str], list[str]]:
    """Two classes and answers of which four in five are right."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 2, count)
    said = np.where(rng.random(count) < 0.8, gold, 1 - gold)
    return [str(each) for each in gold], [str(each) for each in said]


def f1(turn: int, items: int = F1_ITEMS) -> None:
    """Macro-F1 of two classes."""
    macro_f1_interval(*labels(items, turn), resamples=F1_RESAMPLES, seed=turn)


def scores(items: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(scores, examples) of four arms: three metrics of hits, four of many values, and labels."""
    rng = np.random.default_rng(0)
    ids = [f"{n:032x}" for n in range(items)]
    gold = rng.integers(0, LABELS, items)
    ease = rng.random(items)
    parts = []
    for skill, arm in enumerate(ARMS):
        hit = ease + 0.5 * rng.random(items) < 0.7 + 0.05 * skill
        said = np.where(hit, gold, rng.integers(0, LABELS, items))
        for metric in METRICS:
            if metric == "macro-f1":
                continue
            sharp = metric in ("accuracy", "exact-match", "format")
            value = (said == gold).astype(float) if metric == "accuracy" else hit.astype(float)
            value = value if sharp else np.clip(0.5 * value + 0.5 * rng.random(items), 0, 1)
            rows = {"example_id": ids, "arm": arm, "metric": metric, "value": value}
            more = {"label": [f"queue {each}" for each in said]} if metric == "accuracy" else {}
            empty = {name: pl.lit(None, kind) for name, kind in SCORES.items() if name not in (*rows, *more)}
            parts.append(pl.DataFrame(rows | more).with_columns(**empty).select(SCORES.names()))
    examples = pl.DataFrame(
        {"example_id": ids, "label": [f"queue {each}" for each in gold], "group": [None] * items}
    )
    return pl.concat(parts), examples.cast({"group": pl.String})


def stage(table: pl.DataFrame, examples: pl.DataFrame) -> None:
    """Every interval and every paired test with Holm, of the whole and of each slice."""
    chosen = settings(table)
    each = -(-examples.height // SLICES)
    for part in (examples, *(examples.slice(start * each, each) for start in range(SLICES))):
        inside = table.join(part.select("example_id"), on="example_id", how="semi", maintain_order="left")
        pairs = pair(inside, part)
        metric_rows(pairs, chosen)
        difference_rows(pairs, chosen)


def lm_eval_seconds(folder: Path) -> tuple[float, str]:
    """(seconds for one resample of F1, version) of lm-evaluation-harness, on one core."""
    python = peer_python(folder)
    gold, said = labels(F1_ITEMS, 0)
    source = folder / "labels.json"
    source.write_text(json.dumps({"gold": gold, "said": said, "resamples": PEER_RESAMPLES}))
    script = Path(__file__).parent / "peers" / "lm_eval_bootstrap.py"
    done = subprocess.run([python, str(script), str(source)], check=True, capture_output=True, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    return told["seconds"] / PEER_RESAMPLES, told["version"]


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """Wall seconds through the functions that `seatrial compare` calls; `data` is not read."""
    items = 200 if quick else ITEMS
    if quick:
        stage(*scores(items))
        mean(0, items), binary(0, items), f1(0, items)
        keys = ("seconds_mean", "seconds_binary", "f1_ratio_lm_eval", "stage_seconds")
        return dict.fromkeys(keys), dict.fromkeys(keys, "few items, for a quick look"), {}, items
    table, examples = scores(items)
    figures: dict[str, float | None] = {
        "seconds_mean": round(seconds(mean), 3),
        "seconds_binary": round(seconds(binary), 4),
        "f1_ratio_lm_eval": None,
        "stage_seconds": round(seconds(lambda _: stage(table, examples), 3), 2),
    }
    print(figures, file=sys.stderr)
    with tempfile.TemporaryDirectory() as name:
        peer, told = lm_eval_seconds(Path(name))
    own = seconds(f1) / F1_RESAMPLES
    print(f"F1, one resample: ours {own:.2e} s, lm_eval {peer:.2e} s", file=sys.stderr)
    figures["f1_ratio_lm_eval"] = round(peer / own)
    return figures, {}, {"lm_eval": told}, items
