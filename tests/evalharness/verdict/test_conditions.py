"""The conditions beside the gain, each from a workspace: pass, fail or not measured."""

import polars as pl
import pytest

from curate.finding import FINDINGS
from evalharness.deciding import evidence
from evalharness.deciding.comparison import Settings
from evalharness.deciding.verdict import verdict_block
from evalharness.report.comparing import compare_dataset, read_comparison
from tests.evalharness.verdict.conftest import score_again


def state(made, name):
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    return next(check for check in found["checks"] if check["check"] == name), found


def test_all_conditions_pass_on_a_clean_trial(trial):
    made = trial()
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    assert {c["check"]: c["state"] for c in found["checks"]} == {
        "data clean": "pass", "leaks between splits": "pass", "test rows not trained on": "pass", "test sealed": "pass",
        "pairing complete": "pass", "adapter acts": "pass", "no errors": "pass", "format": "pass",
        "judge": "not measured", "groups not divided": "pass", "settings fixed before": "pass",
        "latency": "pass", "cost": "pass", "forgetting": "pass", "red team": "pass",
        "instrument": "pass", "held-out loss": "pass", "baselines tuned": "pass", "test stands for the data": "pass",
    }  # fmt: skip
    assert found["verdict"]["outcome"] == "SHIP"


def test_a_version_that_was_never_scanned_is_not_called_clean(trial):
    made = trial(scanned=False)
    clean, found = state(made, "data clean")
    assert clean["state"] == "not measured"
    assert state(made, "leaks between splits")[0]["state"] == "not measured"
    assert found["verdict"]["outcome"] == "NOT SHOWN"
    assert any(item.startswith("leaks between splits") for item in found["not_measured"])


def finding(made, check, action="drop", blocking=True):
    ids = made.examples["example_id"]
    row = dict.fromkeys(FINDINGS) | {
        "finding_id": f"f-{check}", "check": check, "version": 1, "label": "train/test", "example_id": ids[-1],
        "other_id": ids[0], "score": 0.9, "action": action, "blocking": blocking, "evidence": "{}",
    }  # fmt: skip
    return pl.DataFrame([row], schema=FINDINGS, orient="row")


def scan(made, dataset, findings, params=None):
    with made.workspace.run("scan", params or {"leak": {}}, {"dataset": dataset}) as run:
        run.outputs["findings"] = made.workspace.put_table("findings", findings)


def test_a_leak_after_the_split_stops_the_ship(trial):
    made = trial()
    scan(made, made.dataset, finding(made, "leak"))
    leak, found = state(made, "leaks between splits")
    assert leak["state"] == "fail" and "1 leaks, on 1 examples" in leak["detail"]
    assert found["verdict"]["outcome"] == "DO NOT SHIP"


def test_a_leak_that_a_person_keeps_is_settled_and_one_only_decided_to_drop_is_not(trial):
    from curate.workspace import Decision

    made = trial()
    scan(made, made.dataset, finding(made, "leak"))
    example = made.examples["example_id"][-1]
    made.workspace.ledger.decide([Decision("f-leak", example, "drop", "ann")])
    assert state(made, "leaks between splits")[0]["state"] == "fail"
    made.workspace.ledger.decide([Decision("f-leak", example, "keep", "ann")])
    assert state(made, "leaks between splits")[0]["state"] == "pass"


@pytest.mark.parametrize("params", [{"pii": {}}, {"leak": {}, "not_run": {"leak": "no split"}}])
def test_a_scan_that_did_not_look_for_leaks_measures_none(trial, params):
    made = trial(scanned=False)
    scan(made, made.dataset, finding(made, "pii", blocking=False), params)
    assert state(made, "leaks between splits")[0]["state"] == "not measured"


def test_open_blocking_findings_before_the_split_stop_the_ship(trial):
    made = trial()
    parent = evidence._parent(made.workspace, made.dataset)
    assert parent != made.dataset
    scan(made, parent, finding(made, "pii"))
    clean, found = state(made, "data clean")
    assert clean["state"] == "fail" and "1 blocking findings open" in clean["detail"]
    assert found["verdict"]["outcome"] == "DO NOT SHIP"


def test_a_test_split_that_was_read_again_and_again_is_not_sealed(trial):
    made = trial()
    for n in range(2):
        with made.workspace.run(
            "predict", {"arm": "tuned", "split": "test", "try": n}, {"dataset": made.dataset}
        ):
            pass
    sealed, found = state(made, "test sealed")
    assert sealed["state"] == "fail" and sealed["detail"].startswith("read 6 times for 4 arms")
    assert found["readings"]["count"] == 6
    assert "read 6 times" in "\n".join(verdict_block(found))


def test_other_splits_and_broken_runs_are_no_reading(trial):
    made = trial()
    with made.workspace.run("predict", {"arm": "tuned", "split": "validation"}, {"dataset": made.dataset}):
        pass
    with (
        pytest.raises(KeyboardInterrupt),
        made.workspace.run("predict", {"arm": "rag", "split": "test"}, {"dataset": made.dataset}),
    ):
        raise KeyboardInterrupt
    sealed, found = state(made, "test sealed")
    assert sealed["state"] == "pass"
    assert (found["readings"]["count"], found["readings"]["broken_off"]) == (4, 1)


@pytest.mark.parametrize(("trained_on", "expected"), [(0, "pass"), (3, "fail"), (None, "not measured")])
def test_test_rows_that_the_adapter_was_trained_on(trial, trained_on, expected):
    """Trained on some: the figures say nothing. Trained elsewhere: it is said, and stops nothing."""
    unseen, found = state(trial(trained_on=trained_on), "test rows not trained on")
    assert unseen["state"] == expected
    assert found["verdict"]["outcome"] == ("DO NOT SHIP" if expected == "fail" else "SHIP")


def test_an_adapter_that_changes_nothing_stops_the_ship(trial):
    made = trial()
    base = made.predictions.filter(pl.col("arm") == "base")
    same = pl.concat([base, base.with_columns(arm=pl.lit("tuned"))])
    found = evidence.check_adapter(same, None, "tuned")
    assert found["state"] == "fail" and found["detail"].startswith("0 of 120 answers differ")


def test_other_prompts_cannot_tell_whether_the_adapter_acts(trial):
    made = trial(rows=30)
    other = made.predictions.with_columns(prompt_hash=pl.concat_str("prompt_hash", "arm"))
    assert evidence.check_adapter(other, None, "tuned")["state"] == "not measured"
    assert evidence.check_adapter(other, True, "tuned")["state"] == "pass"
    assert evidence.check_adapter(other, False, "tuned")["state"] == "fail"


def test_answers_that_failed_stop_the_ship_and_lower_no_score(trial):
    made = trial(rows=30)
    failed = made.predictions.with_columns(
        finish_reason=pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("error")).otherwise("finish_reason")
    )
    found = evidence.check_errors(failed)
    assert found["state"] == "fail" and "base 3" in found["detail"]


def test_worse_form_than_the_best_baseline_stops_the_ship():
    chosen = Settings(primary="accuracy", margin=0.01, alpha=0.05, confidence=0.95, resamples=2000, seed=0)
    rows = [
        {"metric": "format", "arm": arm, "mean": mean, "n": 100, "nulls": 0}
        for arm, mean in (("base", 0.2), ("rag", 0.98), ("tuned", 0.9))
    ]
    assert evidence.check_format(rows, chosen, "tuned")["state"] == "fail"
    rows[2]["mean"] = 0.975
    assert evidence.check_format(rows, chosen, "tuned")["state"] == "pass"
    for row, mean in zip(rows, (0.001, 0.0, 0.0), strict=True):
        row["mean"] = mean
    none = evidence.check_format(rows, chosen, "tuned")  # no worse than the others, and of no use
    assert none["state"] == "fail" and "fewer than half" in none["detail"] and none["limit"] == 0.5
    assert evidence.check_format(rows, {**chosen, "limits": {"format": 1.0}}, "tuned")["state"] == "pass"
    nothing = evidence.check_format([], chosen, "tuned")
    assert (nothing["state"], nothing["required"]) == ("not measured", False)


def test_a_score_missing_in_one_arm_only_is_a_fault_and_in_all_arms_is_told(trial):
    made = trial(rows=60)
    first = made.scores["example_id"][0]
    for arms, expected in ((["rag"], "fail"), (["base", "few-shot", "rag", "tuned"], "pass")):
        hole = (pl.col("example_id") == first) & pl.col("arm").is_in(arms) & (pl.col("metric") == "accuracy")
        scores = made.scores.with_columns(value=pl.when(hole).then(None).otherwise("value"))
        score_again(made, scores)
        assert state(made, "pairing complete")[0]["state"] == expected


def test_groups_on_both_sides_stop_the_ship(trial):
    """A customer in train and in test: the test asks for what was learned by heart."""
    whole = trial(groups=40)
    assert state(whole, "groups not divided")[0]["detail"].startswith("40 groups of test rows, none")
    cut = whole.examples.with_columns(group=pl.col("group").str.replace("a-", "c-"))
    found = evidence.check_groups(cut)
    assert found["state"] == "fail" and found["required"]
    assert "40 of 40 groups of test rows are in train or validation too (120 test rows)" in found["detail"]
    none = evidence.check_groups(cut.with_columns(group=pl.lit(None, dtype=pl.String)))
    assert (none["state"], none["detail"]) == ("pass", "no groups given")


def failing(made, count, arms, error):
    """The predictions with the first rows of some arms failed."""
    ids = made.predictions["example_id"].unique(maintain_order=True)[:count].to_list()
    hit = pl.col("example_id").is_in(ids) & pl.col("arm").is_in(arms)
    return made.predictions.with_columns(
        finish_reason=pl.when(hit).then(pl.lit("error")).otherwise("finish_reason"),
        error=pl.when(hit).then(pl.lit(error)).otherwise("error"),
    )


@pytest.mark.parametrize(
    ("arms", "error", "expected"),
    [
        (["base", "few-shot", "rag", "tuned"], "the prompt has 1,900 tokens; the model has room for 9", "pass"),
        (["base", "few-shot"], "the prompt has 1,900 tokens; the model has room for 9", "fail"),
        (["base", "few-shot", "rag", "tuned"], "cannot be reached (ConnectError)", "fail"),
    ],
)  # fmt: skip
def test_a_row_that_fits_in_no_arm_is_left_out_of_all_alike(trial, arms, error, expected):
    made = trial(rows=30)
    found = evidence.check_errors(failing(made, 1, arms, error))
    assert found["state"] == expected
    if expected == "pass":
        assert found["detail"] == "1 row is too long for the model in every arm: left out"


def test_a_ship_that_is_mostly_wrong_says_so(trial):
    """Better is not good: the block has it."""
    made = trial(rows=400, rates={"base": 0.001, "few-shot": 0.001, "rag": 0.001, "tuned": 0.1})
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    mean = next(r["mean"] for r in found["metrics"] if (r["metric"], r["arm"]) == ("accuracy", "tuned"))
    assert found["verdict"]["outcome"] == "SHIP" and mean < 0.2
    words = f"Better than the baselines, and right in {100 * mean:.0f} of 100: look at the errors before you ship."
    assert found["verdict"]["advice"] == words
    assert words in " ".join(" ".join(verdict_block(found)).split())
