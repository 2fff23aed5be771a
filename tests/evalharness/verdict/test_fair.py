"""A SHIP needs baselines that were tuned on validation rows, and were asked as that chose."""

import pytest

from evalharness.asking.arms import BASE, FEW_SHOT, RAG, Rag
from evalharness.deciding import fair
from evalharness.deciding.content import Scored
from evalharness.report import html, markdown
from evalharness.report.comparing import compare_dataset, read_comparison
from evalharness.tuning.grid import to_json
from tests.evalharness.verdict.conftest import BASELINES, tune_baselines


def compared(made):
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    return next(each for each in found["checks"] if each["check"] == fair.NAME), found


def asked(made, arm, tuning, **more):
    """The baseline's answers again, as another run made them; more: settings of that run."""
    table = made.workspace.table(made.scored[f"predictions_{arm}"])
    params = {"arm": arm, "split": "test", "base": "tiny", "max_new_tokens": 32}
    params |= fair.settings_of(BASELINES[arm]) | more
    inputs = {"dataset": made.dataset} | ({"tuning": tuning} if tuning else {})
    with made.workspace.run("predict", params, inputs) as run:
        run.outputs["predictions"] = made.workspace.put_table("predictions", table)


def test_tuned_baselines_pass_and_it_is_said_by_what(trial):
    made = trial()
    check, found = compared(made)
    assert (check["state"], check["required"]) == ("pass", True) and found["verdict"]["outcome"] == "SHIP"
    assert check["detail"] == (
        "each asked as chosen on 24 validation rows, by accuracy, of 3, 3 and 3 candidates"
    )


def test_how_many_candidates_all_tunings_tried_is_told(trial):
    """Of the same model and version alone; the newest counts, the others were tried too."""
    made = trial()
    tune_baselines(made, "other model", number=5)
    newest = tune_baselines(made, number=2)
    for arm in BASELINES:
        asked(made, arm, newest)
    check, _ = compared(made)
    assert check["state"] == "pass"
    assert check["detail"].endswith(
        "; the newest of 2 tunings, which tried 18 candidates on these rows in all"
    )


@pytest.mark.parametrize(
    ("arm", "tuning", "more", "words"),
    [
        (FEW_SHOT, {}, {"shots": 4}, "few-shot: tuned, and asked with other settings than were chosen"),
        (BASE, {}, {"instruction": "d"}, "base: tuned, and asked under a system message of your own"),
        (RAG, None, {}, "rag: not tuned"),
        (RAG, {"rows": 7}, {}, "rag: 7 validation rows are too few to choose by: at least 8"),
        (RAG, {"arms": {RAG: {"tried": [{}]}}}, {}, "rag: a choice of one is none"),
        (RAG, {"split": "test"}, {}, "rag: its settings were not chosen on validation rows"),
        (RAG, {"base": "other"}, {}, "rag: tuned on another model"),
        (RAG, {"dataset": "before"}, {}, "is not in this workspace, or is of another version"),
        (RAG, {"chosen": {RAG: to_json(Rag(3))}}, {}, "rag: tuned, and asked with other settings"),
    ],
)
def test_a_baseline_without_its_chance_is_not_measured_and_does_not_ship(trial, arm, tuning, more, words):
    made = trial()
    told = dict(tuning or {})
    base, place = told.pop("base", "tiny"), told.pop("dataset", None)
    home, made.dataset = made.dataset, made.dataset if place is None else split_from(made)
    digest = None if tuning is None else tune_baselines(made, base, number=1, **told)
    made.dataset = home
    asked(made, arm, digest, **more)
    check, found = compared(made)
    assert check["state"] == "not measured" and words in check["detail"], check
    assert found["verdict"]["exit_code"] == 1 and check["remedy"]
    if not more:  # other settings are also another look at the test, which fails
        assert found["verdict"]["outcome"] == "NOT SHOWN"
        assert "But not measured: baselines tuned." in found["verdict"]["reason"]
    else:
        assert "takes what was chosen" in check["remedy"] and "fresh test rows" in check["remedy"]


def split_from(made):
    """The version that was split."""
    query = (
        "select digest from run_artifact join run using (run_id) where kind = 'split' and direction = 'in'"
    )
    return str(made.workspace.ledger.rows(query)[0]["digest"])


def test_the_remedy_is_the_command_for_this_model(trial):
    made = trial(base="models/big base")
    asked(made, RAG, None, base="models/big base")
    asked(made, BASE, None, base="models/big base")
    check, _ = compared(made)
    assert check["detail"] == "base and rag: not tuned"
    assert check["remedy"].startswith("this version has no validation rows: seatrial split")
    rows = made.examples.with_columns(split=fair.pl.lit("validation"))
    tables = {arm: made.scored[f"predictions_{arm}"] for arm in BASELINES}
    check = fair.check_tuned(made.workspace, made.dataset, rows, tables, "accuracy", Scored())
    assert check["remedy"].startswith(
        "seatrial tune tickets --base 'models/big base', then seatrial predict;"
    )
    few = fair.check_tuned(made.workspace, made.dataset, rows.head(6), tables, "accuracy", Scored())
    assert few["remedy"].startswith("this version has only 6 validation rows: seatrial split")
    asked(made, BASE, None, base="m", endpoint="http://localhost:1/v1")
    check = fair.check_tuned(made.workspace, made.dataset, rows, tables, "accuracy", Scored())
    assert "tune tickets --endpoint http://localhost:1/v1 --model m, then" in check["remedy"]
    assert fair.check_tuned(made.workspace, made.dataset, rows, {}, "accuracy", Scored())["detail"] == (
        "base, few-shot and rag: not tuned"
    )


def test_another_metric_passes_and_is_told_in_condition_and_report(trial):
    made = trial()
    asked(made, FEW_SHOT, tune_baselines(made, metric="rougeL"))
    check, found = compared(made)
    said = "by another metric: rougeL, where accuracy decides"
    assert check["state"] == "pass" and f"few-shot as chosen on 24 validation rows, {said}" in check["detail"]
    rows = found["fair_chance"]
    assert {row["prompt"] for row in rows} == {"default"}, "what is told is what a run noted of its tuning"
    rows[1] |= {"metric": "rougeL", "prompt": "tuned on validation"}
    found["fair_chance"] = fair.told(rows, "accuracy")
    assert [row["prompt"] for row in found["fair_chance"]] == [
        "default",
        f"tuned on validation {said}",
        "default",
    ]
    found["checks"] = []  # the table says so by itself
    assert said in html(found) and said.replace(":", r"\:") in markdown(found)


def test_a_file_that_was_changed_between_tuning_and_scoring_is_told(trial):
    made = trial()
    tuning = tune_baselines(made, metric="ours.py", content="1" * 32)
    for arm in BASELINES:
        asked(made, arm, tuning)
    tables = {arm: made.scored[f"predictions_{arm}"] for arm in BASELINES}

    def detail(content):
        given = (made.workspace, made.dataset, made.examples, tables, "ours.py", Scored(content))
        return fair.check_tuned(*given)["detail"]

    assert "of which the content was another then" in detail("2" * 32)
    assert "another" not in detail("1" * 32)
