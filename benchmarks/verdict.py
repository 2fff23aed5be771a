"""How often the verdict errs: simulated comparisons of 300 paired items, each through the product's own functions.

Each trial makes a table of scores as `seatrial score` keeps it and goes the way of `seatrial compare`: pairing,
settings, the differences with intervals and tests, the decision; every condition is taken as passed, so that
what is counted is the test alone. Right-or-wrong rows of shared difficulty (a Gaussian copula, correlation .5).
The margin is 0, as in the simulation that the figures are held against; `_margin` is with the margin that the
product takes where nobody says: a gain of 8 points is then 7 beyond what is tested. For the tests of graded
scores and for macro-F1, where a trial costs more, a quarter of the trials. `skewed`: 100 rows, or groups of 1 to 4,
of which most gain .04 and one in 33 loses all, so that the truth is the margin itself; `few_groups`: 40 of them, of
which three in ten samples show no loss at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

NAME = "verdict"
HELP = (
    "2,000 simulated comparisons of 300 items: how often a tie ships, and how often a gain of 8 points does"
)
TRIALS, ITEMS, ALPHA = 2000, 300, 0.05
TIED = (
    0.70,
    0.40,
    0.40,
    0.70,
)  # base, few-shot, rag, tuned: the worst case, equal to the best, far above the rest
BETTER = (0.70, 0.70, 0.70, 0.78)  # 8 points above each
GAIN, LOST, MARGIN = 0.04, 0.03, 0.01  # of the skewed ones; a loss is all that the baseline had
Figures = dict[str, float | None]


def right(rates: Sequence[float], items: int, draw: np.random.Generator) -> np.ndarray:
    """(items, arms): whether each arm got each item right, with a difficulty that the arms share."""
    from scipy.stats import norm

    hidden = np.sqrt(0.5) * draw.normal(size=(items, 1)) + np.sqrt(0.5) * draw.normal(
        size=(items, len(rates))
    )
    return np.asarray(hidden < norm.ppf(rates))


def table(hits: np.ndarray, metric: str, draw: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(scores, examples) as `score` and `import` keep them; two labels, and graded scores for another metric."""
    from evalharness.deciding.comparison import ARMS

    items = len(hits)
    ids = [f"{number:05d}" for number in range(items)]
    labels = draw.choice(["oak", "viola"], items)
    parts = []
    for column, arm in enumerate(ARMS):
        hit = hits[:, column]
        said = np.where(hit, labels, np.where(labels == "oak", "viola", "oak"))
        value = hit.astype(float) if metric == "accuracy" else 0.4 * hit + 0.6 * draw.random(items)
        parts.append(
            pl.DataFrame({"example_id": ids, "arm": arm, "metric": metric, "value": value, "reason": None,
                          "label": said if metric == "accuracy" else None},
                         schema_overrides={"reason": pl.String, "label": pl.String})
        )  # fmt: skip
    examples = pl.DataFrame(
        {"example_id": ids, "label": labels, "group": None}, schema_overrides={"group": pl.String}
    )
    return pl.concat(parts), examples


def ships(
    rates: Sequence[float], trials: int, margin: float, *, primary: str = "accuracy", seed: int = 0
) -> float:
    """The share of trials whose verdict is SHIP."""
    from evalharness.deciding.compare import pair, settings
    from evalharness.deciding.comparison import Check
    from evalharness.deciding.differences import difference_rows
    from evalharness.deciding.verdict import decide

    passed = [Check(check="no errors", state="pass", required=True, detail="", remedy="")]
    draw = np.random.default_rng(seed)
    shipped = 0
    for _ in range(trials):
        metric = "rougeL" if primary == "rougeL" else "accuracy"
        scores, examples = table(right(rates, ITEMS, draw), metric, draw)
        chosen = settings(scores, primary=primary, margin=margin, alpha=ALPHA)
        found = decide(difference_rows(pair(scores, examples), chosen, planned=False), passed, chosen)
        shipped += found["outcome"] == "SHIP"
    return shipped / trials


def skewed(trials: int, *, count: int, groups: bool, seed: int) -> float:
    """The share of trials that ship though the fine-tune leads by exactly the margin: by small gains and rare losses."""
    from evalharness.deciding.compare import pair, settings
    from evalharness.deciding.comparison import ARMS, Check
    from evalharness.deciding.differences import difference_rows
    from evalharness.deciding.verdict import decide

    passed = [Check(check="no errors", state="pass", required=True, detail="", remedy="")]
    draw = np.random.default_rng(seed)
    loss = ((1 - LOST) * GAIN - MARGIN) / LOST
    shipped = 0
    for _ in range(trials):
        delta = np.where(draw.random(count) < LOST, -loss, GAIN + draw.normal(0, GAIN / 8, count))
        units = np.repeat(np.arange(count), draw.integers(1, 5, count)) if groups else np.arange(count)
        ids = [f"{number:05d}" for number in range(len(units))]
        values = {arm: np.full(len(units), 0.2) for arm in ARMS} | {"base": np.full(len(units), loss)}
        values["tuned"] = loss + delta[units]
        scores = pl.concat(
            [pl.DataFrame({"example_id": ids, "arm": arm, "metric": "rougeL", "value": value, "reason": None, "label": None},
                          schema_overrides={"reason": pl.String, "label": pl.String})
             for arm, value in values.items()]
        )  # fmt: skip
        names = [f"g{unit}" for unit in units] if groups else None
        examples = pl.DataFrame(
            {"example_id": ids, "label": None, "group": names},
            schema_overrides={"label": pl.String, "group": pl.String},
        )
        chosen = settings(scores, primary="rougeL", margin=MARGIN, alpha=ALPHA)
        found = decide(difference_rows(pair(scores, examples), chosen, planned=False), passed, chosen)
        shipped += found["outcome"] == "SHIP"
    return shipped / trials


def run(data: Path | None, quick: bool) -> tuple[Figures, dict[str, str], dict[str, str], int]:
    """The shares of shipped trials, when truly tied with the best baseline and when 8 points above all."""
    trials = 20 if quick else TRIALS
    few = max(5, trials // 4)
    figures: Figures = {
        "false_ship_tied": ships(TIED, trials, 0.0),
        "power_8pp_all": ships(BETTER, trials, 0.0, seed=1),
        "alpha": ALPHA,
        "false_ship_tied_margin": ships(TIED, trials, 0.01, seed=2),
        "power_8pp_all_margin": ships(BETTER, trials, 0.01, seed=3),
        "false_ship_tied_graded": ships(TIED, few, 0.0, primary="rougeL", seed=4),
        "power_8pp_all_graded": ships(BETTER, few, 0.0, primary="rougeL", seed=8),
        "false_ship_tied_macro_f1": ships(TIED, few, 0.0, primary="macro-f1", seed=5),
        "false_ship_skewed": skewed(trials, count=100, groups=False, seed=6),
        "false_ship_skewed_groups": skewed(trials, count=100, groups=True, seed=7),
        "false_ship_skewed_few_groups": skewed(few, count=40, groups=True, seed=9),
    }
    return {key: None if value is None else round(value, 4) for key, value in figures.items()}, {}, {}, trials
