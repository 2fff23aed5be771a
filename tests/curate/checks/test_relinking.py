"""Pairs of a version with more rows, from those of the version before: the same as from nothing, or not told."""

from __future__ import annotations

import random
from dataclasses import replace

import polars as pl
import pytest

from curate.checks.near_duplicate import NearDuplicate
from curate.example import frame, with_ids

WORDS = [f"{a}{b}" for a in "bdfgklmnprst" for b in ("am", "el", "ip", "or", "un", "at")]


def examples(count: int, seed: int, *, copies: float = 0.3, labels: bool = False) -> pl.DataFrame:
    """Rows of which many are near copies of others, and some equal; with `labels` later ones may be preferred."""
    draw = random.Random(seed)
    texts: list[str] = []
    for _ in range(count):
        if texts and draw.random() < copies:
            words = draw.choice(texts).split() or [WORDS[0]]
            words[draw.randrange(len(words))] = draw.choice([words[0], draw.choice(WORDS)])
        else:
            words = draw.choices(WORDS, k=draw.choice([0, 2, 14, 25]))
        texts.append(" ".join(words))
    rows = [
        {
            "messages": [{"role": "user", "content": text}],
            "source": "rows",
            "source_row": n,
            "label": draw.choice([None, "a"]) if labels else "a",
        }
        for n, text in enumerate(texts)
    ]
    return with_ids(frame(rows), [f"{n}" for n in range(count)])


@pytest.mark.parametrize("labels", [False, True])
def test_the_pairs_are_those_of_a_link_from_nothing(labels):
    told = 0
    for seed in range(12):
        rows = examples(400, seed, labels=labels)
        check = NearDuplicate() if seed % 2 else replace(NearDuplicate(), keep=("longest",), threshold=0.5)
        sketches = check.sketch(rows)
        for known in (300, 380, 399, 400):
            found = check.relinked(sketches, known, check.link(sketches.head(known)))
            if found is not None:
                told += 1
                assert found.equals(check.link(sketches)), (seed, known)
    assert told >= (10 if labels else 30), "most are told, where no new row takes the place of an old one"


def test_what_the_old_pairs_do_not_tell_is_not_told():
    check = NearDuplicate()
    crowd = examples(200, 1, copies=0.0)
    alike = crowd[:1].select(pl.all().repeat_by(60).explode()).with_columns(
        messages=pl.Series([[{"role": "user", "content": " ".join([*WORDS[:40], f"end{n}"])}] for n in range(60)], dtype=crowd.schema["messages"]),
        example_id=pl.Series([f"{n:032}" for n in range(60)]),
    )  # fmt: skip
    many = check.sketch(pl.concat([crowd, alike]))
    assert check.relinked(many, 250, check.link(many.head(250))) is None, "there was a crowd"
    assert check.relinked(many, 205, check.link(many.head(205))) is None, "it comes to be one"
    few = check.sketch(examples(300, 2, copies=0.0))
    assert check.relinked(few, 100, check.link(few.head(100))) is None, "keys are told apart by fewer bits"
    assert check.relinked(few, 100, check.link(few.head(0))) is None


def test_rows_that_say_nothing_new_change_nothing():
    check = NearDuplicate()
    rows = examples(300, 3)
    again = rows[:20].with_columns(example_id=pl.col("example_id").str.reverse())
    sketches = check.sketch(pl.concat([rows, again]))
    before = check.link(sketches.head(300))
    assert check.relinked(sketches, 300, before).equals(before)
