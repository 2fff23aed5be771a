"""The control: a comparison that says SHIP to everything, or to nothing, says nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from evalharness.deciding.compare import MARGIN, Pairs
from evalharness.deciding.comparison import Settings
from evalharness.deciding.differences import difference_rows
from evalharness.deciding.verdict import decide
from evalharness.encoding.questions import Questions, values
from evalharness.statistics.intervals import RESAMPLES, Floats

SHIFTS = 8
ALPHA = 0.02  # at the product's own .05 one sound run in 20 would stop here by chance
ARMS = ("base", "guess", "tuned")
PRIMARY = "control"


def arms(asked: Questions, base: pl.DataFrame, tuned: pl.DataFrame) -> dict[str, Floats]:
    """Scores of the base, of the tuned model, of guessing, and of the right answers themselves.

    Guessing is the model's own answers held against the references of other rows, so that a habit, such as
    the most frequent label, is no gain.
    """
    right = tuned.with_columns(answer="reference", choice="reference_label", finish_reason=pl.lit("stop"))
    shifts = range(1, min(SHIFTS, tuned.height - 1) + 1)
    others = [
        tuned.with_columns(
            pl.col("reference", "reference_label").gather((pl.int_range(pl.len()) + by) % pl.len())
        )
        for by in shifts
    ]
    guessed = mean([values(asked, each) for each in others])
    told = {"base": base, "tuned": tuned, "right": right}
    return {"guess": guessed, **{arm: values(asked, table) for arm, table in told.items()}}


def mean(scores: Sequence[Floats] | Floats) -> Floats:
    """Over the first axis, of what could be scored; NaN where nothing could."""
    stacked = np.asarray(scores)
    known = ~np.isnan(stacked)
    counts = known.sum(axis=0)
    sums = np.where(known, stacked, 0.0).sum(axis=0)
    return np.asarray(np.where(counts, sums / np.maximum(counts, 1), np.nan))


def judged(told: dict[str, Floats], arm: str) -> str:
    """What the product's comparison says of an arm, beside the base and guessing, on the same rows."""
    chosen = Settings(
        primary=PRIMARY, margin=MARGIN, alpha=ALPHA, confidence=0.95, resamples=RESAMPLES, seed=0
    )
    scores = {"base": told["base"], "guess": told["guess"], "tuned": told[arm]}
    count = len(told[arm])
    pairs = Pairs(
        tuple(map(str, range(count))), (None,) * count, None,
        {(PRIMARY, name): values for name, values in scores.items()}, {}, {},
    )  # fmt: skip
    return str(decide(difference_rows(pairs, chosen, ARMS, planned=False), [], chosen)["outcome"])
