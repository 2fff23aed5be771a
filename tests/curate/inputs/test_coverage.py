"""A sample of inputs beside the training part: what is missing is found, and what is alike passes."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from curate.errors import ConfigError
from curate.example import frame
from curate.inputs.coverage import Coverage, Limits, coverage, wilson
from curate.inputs.shift import delong, drift_of, mix_of

TOPICS = {
    "refund": ["refund", "money", "back", "broken", "mug", "glass", "plate", "return", "receipt"],
    "parcel": ["parcel", "late", "courier", "tracking", "street", "door", "delivery", "depot"],
    "hotel": ["hotel", "room", "breakfast", "booking", "check", "lobby", "towel", "view"],
}
FILL = [
    "please",
    "tell",
    "me",
    "about",
    "the",
    "new",
    "old",
    "red",
    "blue",
    "my",
    "your",
    "this",
    "that",
    "today",
    "tomorrow",
    "now",
    "again",
    "why",
    "how",
    "when",
    "where",
]


def asked(topic: str, count: int, seed: int) -> pl.DataFrame:
    draw = random.Random(f"{topic}{seed}")
    rows = []
    for n in range(count):
        words = [draw.choice(TOPICS[topic]) for _ in range(5)] + [draw.choice(FILL) for _ in range(5)]
        draw.shuffle(words)
        rows.append(
            {
                "example_id": f"{topic}-{seed}-{n}", "label": topic, "source": f"{topic}.jsonl", "source_row": n + 1,
                "messages": [{"role": "user", "content": " ".join(words)}, {"role": "assistant", "content": "yes"}],
            }
        )  # fmt: skip
    return frame(rows)


@pytest.fixture(scope="module")
def train() -> pl.DataFrame:
    return pl.concat([asked("refund", 200, 0), asked("parcel", 200, 0)])


@pytest.fixture(scope="module")
def new(train: pl.DataFrame) -> Coverage:
    return coverage(train, pl.concat([asked("refund", 60, 1), asked("hotel", 40, 1)]))


def test_a_region_that_training_lacks_is_found_and_named(new: Coverage):
    assert new.different and new.missing >= 38
    words = set(new.regions[0].words)
    assert words & set(TOPICS["hotel"]) and not words & set(TOPICS["refund"])
    assert all(place.startswith("hotel.jsonl:") for place in new.regions[0].places)
    assert new.missing_low < new.missing_share < new.missing_high and new.auc_low < new.auc < new.auc_high


def test_inputs_like_the_training_rows_pass(train: pl.DataFrame):
    same = coverage(train, pl.concat([asked("refund", 80, 2), asked("parcel", 80, 2)]))
    assert not same.different
    assert same.missing_low < 0.05 + 0.05 and same.auc_low < 0.6
    assert all(shift.p > 0.001 for shift in same.drift)


def test_the_mix_of_labels_is_estimated_with_an_interval(train: pl.DataFrame):
    told = coverage(train, pl.concat([asked("refund", 150, 3), asked("parcel", 30, 3)]))
    refund = next(row for row in told.mix if row["label"] == "refund")
    assert refund["train"] == 0.5 and abs(refund["inputs"] - 150 / 180) < 0.08
    assert refund["low"] <= refund["inputs"] <= refund["high"]


def test_it_is_the_same_each_time_and_whatever_the_order(train: pl.DataFrame):
    inputs = asked("hotel", 40, 4)
    one = coverage(train, inputs)
    assert one == coverage(train.reverse(), inputs.reverse())
    assert json.loads(json.dumps(one.as_json()))["missing"] == one.missing


def test_limits_move_the_answer_and_nothing_else(train: pl.DataFrame, new: Coverage):
    inputs = pl.concat([asked("refund", 60, 1), asked("hotel", 40, 1)])
    loose = coverage(train, inputs, limits=Limits(1.0, 1.0))
    assert not loose.different and loose.missing == new.missing


def test_too_few_rows_show_nothing(train: pl.DataFrame):
    with pytest.raises(ConfigError, match="3 distinct input texts"):
        coverage(train, asked("hotel", 3, 0))


def test_intervals_and_tests_are_those_of_the_books():
    low, high = wilson(10, 100)
    assert (round(low, 4), round(high, 4)) == (0.0552, 0.1744)  # Newcombe 1998's method 3
    draw = np.random.default_rng(0)
    auc, low, high = delong(draw.normal(0, 1, 400), draw.normal(1, 1, 400))
    assert low < 0.7602 < high and abs(auc - 0.7602) < 0.04  # Phi(1 / sqrt 2)
    assert delong(np.array([0.0, 1.0]), np.array([1.0, 2.0]))[0] == 0.875
    same = drift_of("length", pl.Series(range(100)), pl.Series(range(100)))
    assert same.effect == 0 and same.p == 1
    apart = drift_of("language", pl.Series(["en"] * 50), pl.Series(["de"] * 50))
    assert apart.effect == 1 and apart.p < 1e-6


def test_labels_that_are_not_there_are_not_estimated():
    points = np.eye(6, dtype=np.float32)
    assert mix_of(points, pl.Series([None] * 6, dtype=pl.String), points) == []


def test_the_command_answers_with_an_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from curate.commands.coverage import coverage as command
    from curate.runs.steps import Reading, import_files
    from curate.workspace import Workspace

    def write(name: str, topics: dict[str, int]) -> str:
        rows = [r for topic, count in topics.items() for r in asked(topic, count, 5).iter_rows(named=True)]
        path = tmp_path / name
        path.write_text("".join(json.dumps({"messages": row["messages"]}) + "\n" for row in rows))
        return str(path)

    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "home"))
    workspace = Workspace.open(create=True)
    import_files(workspace, [write("shop.jsonl", {"refund": 100, "parcel": 100})], Reading(), name="shop")
    settings = {"column": None, "encoder": "none", "max_missing": 0.1, "max_auc": 0.7}
    bad = command("shop", inputs=write("hotel.jsonl", {"hotel": 40}), texts=False, **settings)  # type: ignore[arg-type]
    assert bad.exit_code == 1 and any("region 1" in line for line in bad.lines)
    # places, and no word of any input, unless asked for; neither for a machine
    assert not any(word in line for line in bad.lines for word in ("breakfast", "booking"))
    assert "breakfast" not in json.dumps(bad.data) and bad.data["coverage"]["regions"][0]["places"]
    shown = command("shop", inputs=str(tmp_path / "hotel.jsonl"), texts=True, **settings)  # type: ignore[arg-type]
    assert sum(map(len, shown.lines)) > sum(map(len, bad.lines))
    assert any("breakfast" in line for line in shown.lines)
    assert "breakfast" in shown.data["coverage"]["regions"][0]["words"]
    assert len(workspace.ledger.rows("select 1 from run where kind = 'coverage'")) == 2
    with pytest.raises(ConfigError, match="inputs"):
        command("shop", inputs="", texts=False, **settings)  # type: ignore[arg-type]
