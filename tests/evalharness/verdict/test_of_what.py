"""A condition speaks of this data, this model and these answers, or reads not measured."""

import polars as pl
import pytest

from curate.finding import FINDINGS
from evalharness.asking.arms import ARMS
from evalharness.deciding import evidence, probed
from evalharness.deciding.fair import as_chosen
from evalharness.deciding.seal import predict_runs, readings
from evalharness.report.comparing import compare_dataset, read_comparison
from tests.evalharness.verdict.conftest import NOTHING_LOST, adapter_of, scan


def finding(made, check, **more):
    ids = made.examples["example_id"]
    row = dict.fromkeys(FINDINGS) | {
        "finding_id": f"f-{check}-{more.get('label', '')}", "check": check, "version": 1, "label": "train/test",
        "example_id": ids[-1], "other_id": ids[0], "score": 0.9, "action": "drop", "blocking": True,
        "evidence": "{}",
    }  # fmt: skip
    return pl.DataFrame([row | more], schema=FINDINGS, orient="row")


def test_data_is_clean_by_the_version_that_was_split_not_by_the_one_kept_away_from(trial):
    made = trial()
    workspace = made.workspace
    raw = workspace.put_dataset(made.examples.with_columns(split=pl.lit(None, dtype=pl.String)).head(100))
    scan(workspace, raw, finding(made, "pii"))
    other = workspace.put_dataset(made.examples.head(20))
    scan(workspace, other)
    for away in ({"away_from": other}, {"a_first": other}):
        with workspace.run("split", dict(away), {**away, "dataset": raw}) as run:
            run.outputs["dataset"] = made.dataset
        found = evidence.check_clean(workspace, made.dataset)
        assert found["state"] == "fail" and "1 blocking findings open" in found["detail"]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"base_digest": "other"}, "its base digest is other, that of the answers mine"),
        ({"quantization": "none"}, "its quantization is none, that of the answers nf4"),
        ({"device": "cpu"}, "its device is cpu, that of the answers cuda"),
    ],
)
def test_a_probe_of_another_instrument_says_nothing(trial, told, said):
    made = trial()
    answered = {"base_digest": "mine", "quantization": "nf4", "device": "cuda"}
    with made.workspace.run("probe", {**answered, **told}, {"dataset": made.dataset}) as run:
        run.outputs["probes"] = digest = made.workspace.put_json("probes", {"of": said})
    assert said in probed.unlike(made.workspace, digest, answered, {made.dataset})
    assert "it looked at " in probed.unlike(made.workspace, digest, told, {"another"})
    assert probed.unlike(made.workspace, digest, {**answered, **told}, {made.dataset}) == ""
    assert probed.unlike(made.workspace, digest, {}, set()) == ""


def test_a_probe_of_rows_that_the_adapter_was_not_trained_on_is_not_measured(trial, tmp_path):
    made = trial()
    adapter = adapter_of(made, tmp_path / "adapter")
    other = made.workspace.put_dataset(made.examples.head(20))
    with made.workspace.run("probe", {}, {"dataset": other, "adapter": adapter}) as run:
        run.outputs["probes"] = made.workspace.put_json("probes", {**NOTHING_LOST, "of": "other"})
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    checks = {check["check"]: check for check in found["checks"]}
    assert checks["red team"]["state"] == "not measured" and "it looked at" in checks["red team"]["detail"]
    assert found["verdict"]["outcome"] == "NOT SHOWN"


def test_open_leaks_that_do_not_block_are_told_and_so_is_what_was_not_looked_for(trial):
    made = trial()
    some = [
        finding(made, "leak", label=label, blocking=False, action="review")
        for label in ("train/test-time", "answer-in-prompt")
    ]
    unseen = {"leak (meaning)": "no encoder: rephrased questions are not looked for"}
    with made.workspace.run("scan", {"leak": {}, "not_run": unseen}, {"dataset": made.dataset}) as run:
        run.outputs["findings"] = made.workspace.put_table("findings", pl.concat(some))
    found = evidence.check_leaks(made.workspace, made.dataset)
    assert found["state"] == "pass"
    assert found["detail"] == (
        "scanned after the split; none that blocks, open and told: answer-in-prompt 1, train/test-time 1; "
        "no encoder: rephrased questions are not looked for"
    )


def test_an_adapter_must_differ_more_than_the_base_from_itself(trial):
    made = trial()
    base = made.predictions.filter(pl.col("arm") == "base")
    other = base.with_row_index().with_columns(
        answer=pl.when(pl.col("index") == 0).then(pl.lit("else")).otherwise("answer"), arm=pl.lit("tuned")
    )
    both = pl.concat([base, other.drop("index")])
    assert evidence.check_adapter(both, None, "tuned")["state"] == "pass"
    noisy = evidence.check_adapter(both, None, "tuned", noise=0.02)
    assert noisy["state"] == "fail" and "as many where the base is asked twice (2%)" in noisy["detail"]
    inert = {"state": "fail", "detail": "0 of 32 answers differ"}
    assert evidence.check_adapter(both, None, "tuned", inert)["detail"] == "0 of 32 answers differ"


def test_another_set_of_documents_is_another_reading(trial):
    made = trial()
    before = len({run.of for run in predict_runs(made.workspace)})
    for role, value in (("documents", "d1"), ("documents", "d2"), ("tuning", "t1"), ("tuning", "t2")):
        text = made.workspace.put_json("passages", {"of": value})
        inputs = {"dataset": made.dataset, role: text}
        with made.workspace.run("predict", {"arm": "rag", "split": "test", "by": role}, inputs):
            pass
    assert (
        len({run.of for run in predict_runs(made.workspace)}) == before + 3
    )  # what tuning chose is a setting


def test_what_will_not_pass_is_told_before_the_test_is_read_and_not_after(trial):
    from evalharness.deciding.ahead import hopeless, warning

    made = trial(scanned=False)
    assert hopeless(made.workspace, made.dataset) == []  # the trial has read it
    fresh = made.workspace.put_dataset(made.examples.with_columns(group=pl.lit("one")))
    found = hopeless(made.workspace, fresh)
    assert {check["check"]: check["state"] for check in found} == {
        "data clean": "not measured", "leaks between splits": "not measured", "groups not divided": "fail",
    }  # fmt: skip
    said = warning(found)
    assert said[0].startswith("warning: no SHIP can come of this reading") and len(said) == 4
    assert "seatrial scan" in said[1] and warning([]) == []


def test_a_baseline_that_is_asked_again_as_a_tuning_chose_does_not_break_the_seal(trial):
    made = trial()
    workspace = made.workspace

    def counted(began=None, base="tiny"):
        params = {"arm": "few-shot", "split": "test", "base": base, "n": len(predict_runs(workspace))}
        with workspace.run("predict", params, {"dataset": made.dataset}, began=began):
            pass
        return readings(workspace, made.dataset, made.examples, None, ARMS, (), tuned=tuned)["count"]

    runs = {run.arm: run.predictions for run in predict_runs(workspace)}
    tuned = as_chosen(workspace, made.dataset, runs.values())
    assert tuned == {runs[arm] for arm in ("base", "few-shot", "rag")}
    early = "2001-01-01T00:00:00+00:00"
    assert counted(early, base="another") == 5  # of another model: one more look
    assert counted("2000" + early[4:]) == 5  # before all: the tuned one of the trial stands in its place
    assert counted() == 6  # by hand, afterwards
