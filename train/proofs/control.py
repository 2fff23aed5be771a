"""The control: trained on answers that belong to other questions, an adapter must not be found worth shipping."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from evalharness.compare import MARGIN, Pairs, difference_rows
from evalharness.comparison import Settings, Verdict
from evalharness.intervals import RESAMPLES, Floats
from evalharness.verdict import decide
from train import metric
from train.batches import Encoded
from train.checks import Checked, must
from train.outline import steps
from train.proofs.subject import Trial

STEPS, ROWS, FEWEST, SHIFTS = 60, 64, 8, 8
ALPHA = 0.02  # at the product's own .05 one sound run in 20 would stop here by chance
ARMS = ("base", "guess", "tuned")
PRIMARY = "control"


def shuffled(rows: Sequence[Encoded], seed: int) -> list[Encoded]:
    """Each row's prompt with the last answer of another, all answers used once."""
    parts = [metric.parted(row) for row in rows]
    answers = [answer for _, answer in parts]
    random.Random(seed).shuffle(answers)
    return [
        replace(row, ids=(*prompt, *answer), trained=(*row.trained[: len(prompt)], *[True] * len(answer)))
        for row, (prompt, _), answer in zip(rows, parts, answers, strict=True)
    ]


def control(trial: Trial) -> Checked | str:
    """By the product's own comparison, on validation rows: better than the base and than guessing is a failure.

    Guessing is the control's own answers held against the references of other rows, so that a habit, such
    as the most frequent label, is no gain.
    """
    given, recipe = trial.given, trial.given.recipe
    if recipe.objective != "sft":
        return "pairs have no answers that could be another question's"
    if len(given.validation) < FEWEST:
        return f"{len(given.validation)} validation rows are too few to compare on"
    room = recipe.room(given.loaded.context)
    rows = [row for row in shuffled(given.rows, recipe.seed) if len(row.ids) <= room]
    count = min(STEPS, steps(len(rows), recipe))
    kept = {
        key: getattr(recipe, key) for key in ("dropout", "schedule", "warmup", "weight_decay", "accumulate")
    }
    underway = trial.short(rows, "control", max_steps=count, **kept)
    underway.go()
    examples = given.examples
    asked = metric.questions(
        replace(recipe, metric_rows=ROWS),
        examples.filter(pl.col("split") == "train"),
        examples.filter(pl.col("split") == "validation"),
        given.validation,
    )
    assert asked is not None  # there are validation rows
    now = underway.now
    table = metric.answered(now, asked)
    with now.without_adapter():
        base = metric.values(asked, metric.answered(now, asked))
    told = {"base": base, "guess": _guessed(asked, table), "tuned": metric.values(asked, table)}
    verdict = judged(told)
    means = ", ".join(f"{arm} {np.nanmean(values):.3f}" for arm, values in told.items())
    compared = (
        f"{asked.name} on {len(asked.rows)} validation rows after {count} steps on shuffled answers: {means}; "
        f"the comparison says {verdict['outcome']}: times that it says SHIP"
    )
    return must("shuffled answers", compared, verdict["outcome"] == "SHIP", "equal", 0)


def _guessed(asked: metric.Questions, table: pl.DataFrame) -> Floats:
    """The mean score of each answer against the references of other rows."""
    shifts = range(1, min(SHIFTS, table.height - 1) + 1)
    moved = [
        metric.values(
            asked,
            table.with_columns(
                pl.col("reference", "reference_label").gather((pl.int_range(pl.len()) + by) % pl.len())
            ),
        )
        for by in shifts
    ]
    return np.asarray(np.nanmean(moved, axis=0))


def judged(values: dict[str, Floats]) -> Verdict:
    """The verdict of the product's comparison over each arm's scores of the same rows."""
    chosen = Settings(
        primary=PRIMARY, margin=MARGIN, alpha=ALPHA, confidence=0.95, resamples=RESAMPLES, seed=0
    )
    count = len(values["tuned"])
    pairs = Pairs(
        tuple(map(str, range(count))), (None,) * count, None,
        {(PRIMARY, arm): scores for arm, scores in values.items()}, {}, {},
    )  # fmt: skip
    return decide(difference_rows(pairs, chosen, ARMS), [], chosen)
