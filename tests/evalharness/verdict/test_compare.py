"""Scores of four arms become a comparison; unlike sets are refused."""

import json

import numpy as np
import polars as pl
import pytest

from curate.errors import ConfigError, GateError, NotFoundError
from evalharness.deciding.compare import metric_rows, pair, settings
from evalharness.deciding.comparison import ARMS
from evalharness.deciding.differences import difference_rows
from evalharness.deciding.slices import slice_rows
from evalharness.report.comparing import compare_dataset, read_comparison
from evalharness.report.sidebyside import SHOWN, kind_of
from evalharness.scoring.gathered import newest_scores
from tests.evalharness.verdict.conftest import score_again


def test_means_and_differences_are_those_of_the_table(trial):
    made = trial(rows=90)
    pairs = pair(made.scores, made.examples)
    chosen = settings(made.scores)
    means = {(row["metric"], row["arm"]): row for row in metric_rows(pairs, chosen)}
    accuracy = made.scores.filter(pl.col("metric") == "accuracy")
    for arm in ARMS:
        values = accuracy.filter(pl.col("arm") == arm)["value"].to_numpy()
        row = means["accuracy", arm]
        assert row["mean"] == pytest.approx(values.mean())
        assert (row["n"], row["nulls"]) == (90, 0)
        assert row["low"] < row["mean"] < row["high"]
    for row in difference_rows(pairs, chosen):
        if row["metric"] == "accuracy":
            expected = means["accuracy", "tuned"]["mean"] - means["accuracy", row["baseline"]]["mean"]
            assert row["difference"] == pytest.approx(expected)
            assert row["low"] <= row["lower"] <= row["difference"] <= row["upper"] <= row["high"]
            assert row["p_margin"] >= row["p"]
            assert row["p_holm"] >= row["p"]


def test_how_many_rows_would_show_more_is_left_out_where_nobody_asks(trial):
    made = trial(rows=60)
    chosen = settings(made.scores, primary="rougeL", margin=0.0)
    pairs = pair(made.scores, made.examples)
    told, plain = difference_rows(pairs, chosen), difference_rows(pairs, chosen, planned=False)
    assert any(row["rows_needed"] is not None for row in told)
    assert all(row["rows_needed"] is None for row in plain)
    assert [row["p_margin"] for row in plain] == [row["p_margin"] for row in told]


def test_labels_give_macro_f1_and_metrics_come_in_their_order(trial):
    made = trial(rows=60)
    pairs = pair(made.scores, made.examples)
    assert pairs.metrics == ["accuracy", "macro-f1", "exact-match", "rougeL", "format"]


def test_the_order_of_rows_changes_nothing(trial):
    made = trial(rows=60)
    chosen = settings(made.scores)
    shuffled = made.scores.sample(fraction=1, shuffle=True, seed=1)
    first, second = (difference_rows(pair(s, made.examples), chosen) for s in (made.scores, shuffled))
    assert first == second


def test_an_arm_that_answered_less_is_refused_with_the_count(trial):
    made = trial(rows=60)
    gone = made.examples["example_id"][100]
    short = made.scores.filter((pl.col("arm") != "rag") | (pl.col("example_id") != gone))
    with pytest.raises(GateError, match="rag lacks 1 of 60"):
        pair(short, made.examples)


def test_a_score_given_twice_is_refused(trial):
    made = trial(rows=60)
    with pytest.raises(GateError, match="occur twice"):
        pair(pl.concat([made.scores, made.scores.head(1)]), made.examples)


def test_a_missing_arm_is_named_with_the_command_that_adds_it(trial):
    made = trial(rows=60)
    with pytest.raises(ConfigError, match="no scores of the arm rag") as raised:
        pair(made.scores.filter(pl.col("arm") != "rag"), made.examples)
    assert "seatrial predict --arm rag" in raised.value.hint


def test_scores_of_another_dataset_are_refused(trial):
    made = trial(rows=60)
    with pytest.raises(GateError, match="not in this dataset"):
        pair(made.scores, made.examples.head(60))


def test_nulls_are_counted_and_never_taken_for_zero(trial):
    made = trial(rows=60)
    first = made.scores["example_id"][0]
    hit = (pl.col("example_id") == first) & (pl.col("arm") == "tuned") & (pl.col("metric") == "rougeL")
    holed = made.scores.with_columns(
        value=pl.when(hit).then(None).otherwise("value"),
        reason=pl.when(hit).then(pl.lit("the endpoint failed")).otherwise("reason"),
    )
    pairs = pair(holed, made.examples)
    row = next(
        r for r in metric_rows(pairs, settings(holed)) if (r["metric"], r["arm"]) == ("rougeL", "tuned")
    )
    values = holed.filter((pl.col("metric") == "rougeL") & (pl.col("arm") == "tuned"))["value"].drop_nulls()
    assert (row["n"], row["nulls"]) == (59, 1)
    assert row["mean"] == pytest.approx(values.mean())
    rows = difference_rows(pairs, settings(holed))
    assert {r["n"] for r in rows if r["metric"] == "rougeL"} == {59}


def test_a_metric_without_any_value_says_why(trial):
    made = trial(rows=60)
    none = made.scores.with_columns(
        value=pl.when(pl.col("metric") == "format").then(None).otherwise("value"),
        reason=pl.when(pl.col("metric") == "format").then(pl.lit("no form is given")).otherwise("reason"),
    )
    rows = metric_rows(pair(none, made.examples), settings(none))
    row = next(r for r in rows if r["metric"] == "format")
    assert row["mean"] is None and row["low"] is None
    assert row["reason"] == "no form is given"


def test_the_primary_metric_is_accuracy_or_else_rouge(trial):
    made = trial(rows=60)
    assert settings(made.scores)["primary"] == "accuracy"
    free = made.scores.with_columns(
        value=pl.when(pl.col("metric") == "accuracy").then(None).otherwise("value")
    )
    assert settings(free)["primary"] == "rougeL"
    with pytest.raises(ConfigError, match="no example has a score"):
        settings(free, primary="accuracy")


@pytest.mark.parametrize("wrong", [{"alpha": 0.0}, {"alpha": 0.7}, {"margin": -0.1}, {"margin": 1.0}])
def test_settings_out_of_range_are_refused(trial, wrong):
    with pytest.raises(ConfigError):
        settings(trial(rows=30).scores, **wrong)


def test_slices_are_sorted_by_the_worst_drop_and_few_rows_have_no_interval(trial):
    made = trial(rows=60)
    examples = made.examples.with_columns(
        label=pl.when(pl.int_range(pl.len()) == 119).then(pl.lit("rare")).otherwise("label")
    )
    rows, _ = slice_rows(pair(made.scores, examples), settings(made.scores))
    assert rows[-1]["label"] == "rare"
    assert rows[-1]["few"] and rows[-1]["low"] is None
    drops = [row["difference"] for row in rows if not row["few"]]
    assert drops == sorted(drops)
    assert sum(row["n"] for row in rows) == 60


def test_kinds_of_examples():
    values = {"base": 0.0, "few-shot": 1.0, "rag": 0.0}
    assert kind_of(values | {"tuned": 0.0}, "tuned") == "lost"
    assert kind_of(values | {"tuned": 1.0}, "tuned") == "alike"
    assert kind_of(dict.fromkeys(values, 0.0) | {"tuned": 1.0}, "tuned") == "won"
    assert kind_of(dict.fromkeys(values, 0.0) | {"tuned": 0.0}, "tuned") == "none right"
    assert kind_of(values | {"tuned": None}, "tuned") == "alike"


def test_the_run_is_recorded_and_repeats_to_the_same_digest(trial):
    made = trial(rows=60)
    first = compare_dataset(made.workspace, made.dataset)
    second = compare_dataset(made.workspace, made.dataset)
    assert first == second
    assert made.workspace.store.derive(first, "comparison") == first
    (row, *_) = made.workspace.ledger.ancestry(first)
    assert row["kind"] == "compare"
    assert json.loads(row["params"])["settings"]["margin"] == 0.01
    report = made.workspace.artifact("report")
    assert {p.name for p in made.workspace.files(report).iterdir()} == {
        "report.html", "report.md", "report.json", "report.xml"
    }  # fmt: skip


def test_changed_settings_are_told_in_the_next_report(trial):
    made = trial(rows=60)
    compare_dataset(made.workspace, made.dataset, primary="rougeL", margin=0.0)
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    assert [(s["primary"], s["margin"]) for s in found["other_settings"]] == [("rougeL", 0.0)]


def test_at_most_two_hundred_examples_are_shown_and_every_kind_has_its_place(trial):
    made = trial(rows=400, rates={"base": 0.5, "few-shot": 0.5, "rag": 0.5, "tuned": 0.5})
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    shown = found["examples"]["rows"]
    assert len(shown) == SHOWN == 200
    assert found["examples"]["total"] == sum(found["examples"]["kinds"].values()) == 400
    assert shown[0]["kind"] == "lost"
    assert {row["kind"] for row in shown} == {"lost", "won", "none right", "alike"}


def test_the_newest_scores_of_each_arm_are_taken(trial):
    made = trial(rows=60)
    better = made.scores.filter(pl.col("arm") == "rag").with_columns(
        value=pl.when(pl.col("metric") == "accuracy").then(1.0).otherwise("value")
    )
    score_again(made, better)
    scores, sources = newest_scores(made.workspace, made.dataset)
    rag = scores.filter((pl.col("arm") == "rag") & (pl.col("metric") == "accuracy"))
    assert rag.height == 60 and rag["value"].min() == 1.0
    assert len(sources) == 2


def test_nothing_scored_says_what_to_run(trial):
    made = trial(rows=30)
    other = made.workspace.put_dataset(made.examples.head(10))
    with pytest.raises(NotFoundError) as raised:
        compare_dataset(made.workspace, other)
    assert "seatrial score" in raised.value.hint


def test_grouped_test_rows_are_told_and_drawn_whole(trial):
    made = trial(rows=120, groups=40)
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    assert found["groups"] == 40
    row = next(r for r in found["differences"] if r["metric"] == "accuracy")
    assert row["units"] == 40 and row["n"] == 120
    assert row["test"] == "sign-flip and bootstrap-t"


def test_no_number_in_a_comparison_is_nan(trial):
    made = trial(rows=60)
    text = json.dumps(made.workspace.json(compare_dataset(made.workspace, made.dataset)), allow_nan=False)
    assert "NaN" not in text
    assert np.isfinite(len(text))


def test_rows_that_were_not_asked_are_told_where_more_rows_are_needed(trial):
    """A limit on the questions: the block says how many of the split, and where the missing rows are."""
    from evalharness.deciding.verdict import verdict_block

    made = trial(rows=120)
    kept = made.examples["example_id"].to_list()[120:160]
    place = pl.col("example_id").replace_strict(dict(zip(kept, range(40), strict=True)))
    right = {
        "base": place < 5,
        "few-shot": place < 10,
        "rag": place < 25,
        "tuned": (place >= 3) & (place < 32),
    }
    hit = pl.coalesce(
        [pl.when(pl.col("arm") == arm).then(rule.cast(pl.Float64)) for arm, rule in right.items()]
    )
    few = made.scores.filter(pl.col("example_id").is_in(kept)).with_columns(
        value=pl.when(pl.col("metric") == "accuracy").then(hit).otherwise("value")
    )
    score_again(made, few)
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    assert "40 of 120 test rows" in " ".join(verdict_block(found))
    assert found["verdict"]["outcome"] == "NOT SHOWN"
    assert "80 test rows were not asked" in found["verdict"]["advice"]
