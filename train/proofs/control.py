"""The control: trained on answers that belong to other questions, an adapter must not be found worth shipping."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from evalharness.checked import Checked, must
from evalharness.compare import MARGIN, Pairs, difference_rows
from evalharness.comparison import Settings, Verdict
from evalharness.encoding.encode import Encoded
from evalharness.encoding.questions import Questions, answered, parted, questions, values
from evalharness.intervals import RESAMPLES, Floats
from evalharness.verdict import decide
from train.outline import steps
from train.proofs.subject import Trial

STEPS, ROWS, FEWEST, SHIFTS = 60, 64, 8, 8
ALPHA = 0.02  # at the product's own .05 one sound run in 20 would stop here by chance
ARMS = ("base", "guess", "tuned")
PRIMARY = "control"


def shuffled(rows: Sequence[Encoded], seed: int) -> list[Encoded]:
    """Each row's prompt with the last answer of another, all answers used once."""
    parts = [parted(row) for row in rows]
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
    parts = (examples.filter(pl.col("split") == part) for part in ("train", "validation"))
    asked = questions(given.validation, *parts, ROWS)
    assert asked is not None  # there are validation rows
    now = underway.now
    table = answered(now, asked)
    with now.without_adapter():
        base = values(asked, answered(now, asked))
    told = {"base": base, "guess": _guessed(asked, table), "tuned": values(asked, table)}
    verdict = judged(told)
    means = ", ".join(f"{arm} {np.nanmean(scores):.3f}" for arm, scores in told.items())
    compared = (
        f"{asked.name} on {len(asked.rows)} validation rows after {count} steps on shuffled answers: {means}; "
        f"the comparison says {verdict['outcome']}: times that it says SHIP"
    )
    return must("shuffled answers", compared, verdict["outcome"] == "SHIP", "equal", 0)


def _guessed(asked: Questions, table: pl.DataFrame) -> Floats:
    """The mean score of each answer against the references of other rows."""
    shifts = range(1, min(SHIFTS, table.height - 1) + 1)
    moved = [
        values(
            asked,
            table.with_columns(
                pl.col("reference", "reference_label").gather((pl.int_range(pl.len()) + by) % pl.len())
            ),
        )
        for by in shifts
    ]
    return np.asarray(np.nanmean(moved, axis=0))


def judged(told: dict[str, Floats]) -> Verdict:
    """The verdict of the product's comparison over each arm's scores of the same rows."""
    chosen = Settings(
        primary=PRIMARY, margin=MARGIN, alpha=ALPHA, confidence=0.95, resamples=RESAMPLES, seed=0
    )
    count = len(told["tuned"])
    pairs = Pairs(
        tuple(map(str, range(count))), (None,) * count, None,
        {(PRIMARY, arm): scores for arm, scores in told.items()}, {}, {},
    )  # fmt: skip
    return decide(difference_rows(pairs, chosen, ARMS), [], chosen)
