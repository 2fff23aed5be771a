"""The seal is on the test rows, not on a version of the dataset; and on what decides."""

import shutil

import polars as pl
import pytest

from curate.errors import ConfigError, GateError, NotFoundError
from evalharness.deciding.comparison import ARMS
from evalharness.deciding.seal import readings
from evalharness.report.comparing import compare_dataset, read_comparison
from tests.evalharness.verdict.conftest import (
    adapter_of,
    answer_test,
    predict_and_score,
    score_again,
)


def state(made, name, **more):
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset, **more))
    return next(check for check in found["checks"] if check["check"] == name), found


def again(made, tmp_path, **more):
    """The same test rows in another version, with every arm asked there after all that was before."""
    train = pl.col("split") == "train"
    made.examples = made.examples.filter(~train | (pl.int_range(pl.len()) > 0))
    made.dataset = made.workspace.put_dataset(made.examples)
    made.scored = {}
    predict_and_score(made, tmp_path / "adapter", **more)


def fresh(made):
    """The trial with test rows that nothing has answered."""
    other = (pl.col("example_id") + "-fresh", pl.lit("fresh ") + pl.col("content_hash"))
    made.examples, made.scored = made.examples.with_columns(*other[:1], content_hash=other[1]), {}
    made.dataset = made.workspace.put_dataset(made.examples)
    for name in ("scores", "predictions"):
        setattr(made, name, getattr(made, name).with_columns(pl.col("example_id") + "-fresh"))
    return made


def tuned(made):
    return made.predictions.filter(pl.col("arm") == "tuned")


def test_rows_that_another_adapter_answered_in_another_version_are_not_sealed(trial, tmp_path):
    """Split again, train again, ask again: the same rows choose among adapters."""
    made = fresh(trial())
    half = tuned(made).head(50)
    first = answer_test(made, made.dataset, half, adapter_of(made, tmp_path / "other", "other"))
    again(made, tmp_path)
    sealed, found = state(made, "test sealed")
    assert sealed["state"] == "fail" and found["verdict"]["outcome"] == "DO NOT SHIP"
    assert f"50 test rows were answered by another adapter before, in run {first}" in sealed["detail"]
    assert "fresh rows" in sealed["remedy"] and "read 4 times for 4 arms" in sealed["detail"]
    assert (found["readings"]["rows_seen"], found["readings"]["seen_in"]) == (50, [first])


def test_the_baselines_may_have_answered_the_rows_before(trial, tmp_path):
    made = fresh(trial())
    for arm in ("base", "few-shot", "rag"):
        table = made.predictions.filter(pl.col("arm") == arm).with_columns(seconds=pl.lit(0.4))
        answer_test(made, made.dataset, table, arm=arm)
    again(made, tmp_path)
    assert state(made, "test sealed")[0]["state"] == "pass"


def test_the_same_adapter_in_another_version_is_another_look(trial, tmp_path):
    """Looking until it is shown: rows added, asked again, compared again."""
    made = trial()
    again(made, tmp_path)
    sealed, found = state(made, "test sealed")
    assert sealed["state"] == "fail" and found["readings"]["rows_seen"] == 120
    assert "by this adapter, with other settings or in another version, before" in sealed["detail"]


def test_the_same_adapter_with_other_settings_before_is_another_look(trial, tmp_path):
    made = fresh(trial())
    few = tuned(made).head(30)
    answer_test(made, made.dataset, few, adapter_of(made, tmp_path / "adapter"), limit=30)
    predict_and_score(made, tmp_path / "adapter")
    sealed, found = state(made, "test sealed")
    assert sealed["state"] == "fail" and found["readings"]["rows_seen"] == 30


@pytest.mark.parametrize(
    "settings",
    [
        {"arm": "served:ckpt-1", "endpoint": "http://localhost:8000/v1", "base": "ckpt-1"},
        {"arm": "base", "base": "build/merged-1"},
    ],
)
def test_checkpoints_asked_as_other_models_choose_too(trial, tmp_path, settings):
    """As served models, or merged into the base: the ledger cannot tell them from fine-tunes."""
    made = fresh(trial())
    table = tuned(made).with_columns(arm=pl.lit(settings["arm"]))
    run = answer_test(made, made.dataset, table, **settings)
    again(made, tmp_path)
    sealed, found = state(made, "test sealed")
    assert sealed["state"] == "fail" and found["readings"]["seen_in"] == [run]
    assert "120 test rows were answered by another model before" in sealed["detail"]


def test_a_model_that_was_put_under_the_same_name_at_its_address_is_another(trial, tmp_path):
    made = fresh(trial())
    served = {"endpoint": "http://localhost:8000/v1", "base": "ft"}
    first = answer_test(made, made.dataset, tuned(made), **served)
    again(made, tmp_path)
    table = tuned(made).with_columns(seconds=pl.lit(0.9))
    last = answer_test(made, made.dataset, table, **served)
    read = readings(made.workspace, made.dataset, made.examples.tail(120), last, ARMS, set())
    assert first in read["seen_in"] and read["rows_seen"] == 120


@pytest.mark.parametrize("answers", [True, False])
def test_rows_of_a_version_that_was_purged_are_not_called_unread(trial, tmp_path, answers):
    """What is left of it are the ids of its answers; without them nothing can be told."""
    made = fresh(trial())
    old = made.dataset
    moved = tuned(made) if answers else tuned(made).with_columns(pl.col("example_id") + "-before")
    run = answer_test(made, old, moved, adapter_of(made, tmp_path / "other", "other"))
    again(made, tmp_path)
    shutil.move(made.workspace.store.path(old), tmp_path / "purged")
    sealed, found = state(made, "test sealed")
    assert sealed["state"] == ("fail" if answers else "not measured")
    assert run in sealed["detail"] and found["verdict"]["exit_code"] == 1


def test_what_another_adapter_answered_later_does_not_count_in_another_version(trial, tmp_path):
    made = trial()
    other = made.workspace.put_dataset(made.examples.tail(100))
    answer_test(made, other, tuned(made).tail(90), adapter_of(made, tmp_path / "other", "other"))
    assert state(made, "test sealed")[0]["state"] == "pass"


def test_equal_questions_to_the_same_adapter_are_one_reading(trial, tmp_path):
    made = trial()
    answer_test(made, made.dataset, tuned(made), adapter_of(made, tmp_path / "adapter"))
    sealed, found = state(made, "test sealed")
    assert sealed["state"] == "pass" and found["readings"]["count"] == 4


def test_each_asking_of_an_endpoint_is_a_reading(trial):
    """What lies behind the address may have changed."""
    made = trial()
    for seconds in (0.5, 0.6):
        table = tuned(made).with_columns(seconds=pl.lit(seconds))
        answer_test(made, made.dataset, table, arm="base", endpoint="http://localhost:8000/v1")
    assert state(made, "test sealed")[1]["readings"]["count"] == 6


def uncurated(made, adapter, *, away=True):
    """A version split away from the test or not, on which the adapter was trained, with answers to its own test."""
    workspace = made.workspace
    ids = made.examples["example_id"].str.reverse()
    own = made.examples.with_columns(
        source=pl.lit("uncurated.jsonl"), example_id=ids, content_hash=pl.lit("other ") + ids
    )
    before = workspace.put_dataset(own.with_columns(split=pl.lit(None, dtype=pl.String)))
    inputs = {"dataset": before} | ({"away_from": made.dataset} if away else {})
    with workspace.run("split", {"random": True}, inputs) as run:
        run.outputs["dataset"] = version = workspace.put_dataset(own)
    with workspace.run("train", {}, {"dataset": version}) as run:
        run.outputs["adapter"] = adapter
    table = tuned(made).with_columns(pl.col("example_id").str.reverse())
    answer_test(made, version, table.with_columns(seconds=pl.lit(0.7)), adapter)
    return version


@pytest.mark.parametrize(("away", "expected"), [(True, "pass"), (False, "fail")])
def test_a_declared_reading_before_the_candidates_counts_unless_trained_away(trial, tmp_path, away, expected):
    made = fresh(trial())
    other = adapter_of(made, tmp_path / "other", "other")
    dirty = uncurated(made, other, away=away)
    answer_test(made, made.dataset, tuned(made).with_columns(seconds=pl.lit(0.5)), other)
    made.scored = {}
    predict_and_score(made, tmp_path / "adapter")
    sealed, found = state(made, "test sealed", believed=dirty)
    assert (sealed["state"], found["readings"]["declared"]) == (expected, 1 if away else 0)
    assert found["readings"]["rows_seen"] == (0 if away else 120)


def test_the_candidates_own_reading_is_never_subtracted(trial, tmp_path):
    """Told as believed, the candidate's reading still counts, and so does the other adapter's before it."""
    made = trial()
    dirty = uncurated(made, adapter_of(made, tmp_path / "adapter"))
    answer_test(
        made,
        made.dataset,
        tuned(made).with_columns(seconds=pl.lit(0.5)),
        adapter_of(made, tmp_path / "b", "b"),
    )
    sealed, found = state(made, "test sealed", believed=dirty)
    assert found["readings"]["declared"] == 0
    assert sealed["state"] == "fail" and sealed["detail"].startswith("read 5 times for 4 arms")


# what is compared


def test_scores_on_another_split_are_no_scores_on_test(trial):
    """Newer scores of validation answers do not ship as test rows."""
    made = trial(rows=60)
    workspace = made.workspace
    answer_test(made, made.dataset, tuned(made).head(9), split="validation")
    with workspace.run(
        "score",
        {},
        {"dataset": made.dataset, "predictions": workspace.put_table("predictions", tuned(made).head(9))},
    ) as run:
        run.outputs["scores"] = workspace.put_table("scores", made.scores.head(9))
    found = read_comparison(workspace, compare_dataset(workspace, made.dataset))
    assert found["artifacts"]["scores"] == made.digests["scores"]


def test_only_validation_scores_are_refused_in_words(trial):
    made = trial(rows=30)
    made.dataset = made.workspace.put_dataset(made.examples.head(50))
    answer_test(made, made.dataset, tuned(made), split="validation")
    score_again(
        made,
        made.scores,
        {"dataset": made.dataset, "p": made.workspace.put_table("predictions", tuned(made).head(7))},
    )
    with pytest.raises(NotFoundError, match="nothing is scored on the test rows"):
        compare_dataset(made.workspace, made.dataset)


def test_a_compared_row_that_is_not_a_test_row_is_refused(trial):
    """However the answers came to be called test."""
    made = trial(rows=30)
    moved = made.examples.with_columns(
        split=pl.when(pl.int_range(pl.len()) < 35).then(pl.lit("validation")).otherwise("split")
    )
    made.dataset = made.workspace.put_dataset(moved)
    score_again(made, made.scores, {**made.scored, "dataset": made.dataset})
    with pytest.raises(
        GateError, match="5 of the 30 compared examples are not test rows: they are in validation"
    ):
        compare_dataset(made.workspace, made.dataset)


@pytest.mark.parametrize("other", [{"base": "meta/other"}, {"max_new_tokens": 64}, {"decoding": "sampled"}])
def test_arms_of_different_score_runs_must_have_been_asked_alike(trial, tmp_path, other):
    made = trial(rows=30)
    table = tuned(made).with_columns(seconds=pl.lit(0.7))
    answer_test(made, made.dataset, table, adapter_of(made, tmp_path / "adapter"), **other)
    digest = made.workspace.put_table("predictions", table)
    score_again(
        made,
        made.scores.filter(pl.col("arm") == "tuned"),
        {"dataset": made.dataset, "predictions-tuned": digest},
    )
    with pytest.raises(ConfigError, match=f"not asked alike: {next(iter(other))} is"):
        compare_dataset(made.workspace, made.dataset)
