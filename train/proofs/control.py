"""The control: trained on answers that belong to other questions, an adapter must not be found worth shipping."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from evalharness.adapters.checked import Checked, must
from evalharness.deciding import controlled
from evalharness.encoding.encode import Encoded
from evalharness.encoding.questions import answered, parted, questions
from train.outline import steps
from train.proofs.subject import Trial

STEPS, ROWS, FEWEST = 60, 64, 8
KEPT = ("dropout", "schedule", "warmup", "weight_decay", "accumulate")


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

    It shows something only where the same comparison says SHIP to the right answers themselves.
    """
    given, recipe = trial.given, trial.given.recipe
    if recipe.objective != "sft":
        return "pairs have no answers that could be another question's"
    if len(given.validation) < FEWEST:
        return f"{len(given.validation)} validation rows are too few to compare on"
    room = recipe.room(given.loaded.context)
    rows = [row for row in shuffled(given.rows, recipe.seed) if len(row.ids) <= room]
    count = min(STEPS, steps(len(rows), recipe))
    underway = trial.short(rows, "control", max_steps=count, **{key: getattr(recipe, key) for key in KEPT})
    underway.go()
    train, validation = (given.examples.filter(pl.col("split") == part) for part in ("train", "validation"))
    asked = questions(given.validation, train, validation, ROWS)
    assert asked is not None  # there are validation rows
    now = underway.now
    tuned = answered(now, asked)
    with now.without_adapter():
        base = answered(now, asked)
    told = controlled.arms(asked, base, tuned)
    means = ", ".join(f"{arm} {controlled.mean(scores):.3f}" for arm, scores in told.items())
    if (said := controlled.judged(told, "right")) != "SHIP":
        return (
            f"not shown: on {len(asked.rows)} validation rows the comparison says {said} to the right answers "
            f"too ({asked.name}: {means})"
        )
    said = controlled.judged(told, "tuned")
    compared = (
        f"{asked.name} on {len(asked.rows)} validation rows after {count} steps on shuffled answers: {means}; "
        f"the comparison says {said} (and SHIP to the right answers): times that it says SHIP"
    )
    return must("shuffled answers", compared, said == "SHIP", "equal", 0)
