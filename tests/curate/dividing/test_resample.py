"""Over- and undersampling: of the training part only, marked, accounted for, and the same each time."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from curate.dividing.resample import Balance, balance, repeated, times_of, unmarked
from curate.errors import ConfigError
from curate.example import frame
from curate.runs.export import export_dataset

SIZES = {"big": 60, "mid": 20, "small": 5}


def rows(sizes: dict[str, int] | None = None) -> pl.DataFrame:
    made = []
    for split, share in (("train", 1), ("validation", 5), ("test", 5)):
        for label, count in (sizes or SIZES).items():
            made += [
                {
                    "example_id": f"{split}-{label}-{n}", "label": label, "split": split, "source": "s",
                    "source_row": len(made) + n, "meta": "{}", "layout": '{"format":"messages","turns":[]}',
                    "messages": [{"role": "user", "content": f"{label} {n}"}, {"role": "assistant", "content": "yes"}],
                }
                for n in range(max(1, count // share))
            ]  # fmt: skip
    return frame(made)


def met(examples: pl.DataFrame) -> Counter[str]:
    train = repeated(examples).filter(split="train")
    return Counter(train["label"])


def test_oversampling_evens_out_the_training_part_and_nothing_else():
    before = rows()
    after, told = balance(before, Balance("oversample", cap=20))
    assert met(after) == {"big": 60, "mid": 60, "small": 60}
    assert told is not None and (told.before, told.after, told.copies, told.left_out) == (85, 180, 95, 0)
    assert after.height == before.height  # copies are marks, not rows
    held = pl.col("split") != "train"
    assert after.filter(held).equals(before.filter(held))
    assert repeated(after).filter(held).equals(before.filter(held))


def test_undersampling_leaves_rows_without_a_split_and_loses_none():
    before = rows()
    after, told = balance(before, Balance("undersample", cap=100))
    assert met(after) == {"big": 5, "mid": 5, "small": 5}
    assert told is not None and told.left_out == 70 and told.after == 15
    assert after.height == before.height and after["split"].null_count() == 70


def test_both_keeps_about_as_many_rows():
    after, told = balance(rows(), Balance("both", cap=20))
    assert set(met(after).values()) == {28} and told is not None and abs(told.after - 85) <= 3


def test_temperature_lies_between_as_it_is_and_equal():
    assert met(balance(rows(), Balance("oversample", 1))[0]) == SIZES
    half = met(balance(rows(), Balance("oversample", 2, 100))[0])
    assert half == {"big": 60, "mid": round(60 * math.sqrt(1 / 3)), "small": round(60 * math.sqrt(1 / 12))}


def test_the_cap_holds_and_is_said():
    after, told = balance(rows(), Balance("oversample", cap=2))
    assert met(after) == {"big": 60, "mid": 40, "small": 10}
    assert told is not None and told.capped == 2 and any("cap" in line for line in told.lines())


def test_the_order_of_rows_does_not_matter_and_the_seed_does():
    def left(examples: pl.DataFrame, seed: int) -> set[str]:
        after, _ = balance(examples, Balance("undersample"), seed=seed)
        return set(after.filter(pl.col("split").is_null())["example_id"])

    examples = rows()
    assert left(examples, 1) == left(examples.reverse(), 1) != left(examples, 2)


def test_marks_do_not_pile_up_and_are_taken_away():
    before = rows()
    once, _ = balance(before, Balance("oversample"))
    assert balance(once, Balance("oversample"))[0].equals(once)
    assert balance(once, Balance())[0].equals(before) and unmarked(once).equals(before)


def test_a_mark_counts_only_in_train():
    marked, _ = balance(rows(), Balance("oversample"))
    moved = marked.with_columns(split=pl.lit("test"))
    assert times_of(moved).sum() == moved.height and repeated(moved).height == moved.height


def test_copies_have_ids_of_their_own_and_stand_in_the_file(tmp_path: Path):
    after, _ = balance(rows(), Balance("oversample", cap=20))
    copies = repeated(after)
    assert copies["example_id"].is_unique().all() and set(after["example_id"]) <= set(copies["example_id"])
    written = dict(export_dataset(after, tmp_path, format="openai", name="x"))
    assert written[tmp_path / "x-train.jsonl"] == 180
    lines = [json.loads(line) for line in (tmp_path / "x-test.jsonl").read_text().splitlines()]
    assert len(lines) == after.filter(split="test").height


def test_rows_without_a_label_stay_as_they_are():
    examples = rows().with_columns(label=pl.when(pl.col("label") == "mid").then(None).otherwise("label"))
    assert met(balance(examples, Balance("oversample", cap=20))[0])[None] == 20  # type: ignore[index]


@pytest.mark.parametrize(
    "wrong", [("smote", 1, 2), ("both", 0.5, 2), ("both", math.nan, 2), ("both", 2, 0.5)]
)
def test_what_makes_no_sense_is_refused(wrong: tuple[str, float, float]):
    with pytest.raises(ConfigError):
        Balance(*wrong)
    with pytest.raises(ConfigError, match="label"):
        balance(rows().with_columns(label=pl.lit(None, dtype=pl.String)), Balance("both"))
