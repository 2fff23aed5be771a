"""What decides is declared and hashed before any answer; what is changed after is shown and does not bind."""

import shutil

import polars as pl
import pytest

from curate.errors import ConfigError
from evalharness.commands import declare as cli_declare
from evalharness.deciding.comparison import Limits
from evalharness.deciding.content import Scored, content_digest, content_of, form_digest, scored_by
from evalharness.deciding.declared import (
    check_settings,
    declare,
    declare_by_default,
    declared_of,
    rows_digest,
)
from evalharness.deciding.verdict import verdict_block
from evalharness.metrics import Format
from evalharness.metrics.asked import asked_metric
from evalharness.report.comparing import compare_dataset, read_comparison
from evalharness.scoring.score import score
from tests.evalharness.verdict.conftest import answer_test, predict_and_score


def fixed(made, **more):
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset, **more))
    return next(check for check in found["checks"] if check["check"] == "settings fixed before"), found


def unasked(made, drop=1):
    """A version with fresh test rows that nothing has answered: the trial's with other words."""
    rows = made.examples.with_columns(
        example_id=pl.col("example_id").str.reverse(), content_hash=pl.lit("fresh ") + pl.col("content_hash")
    )
    made.examples, made.scored = rows, {}
    made.dataset = made.workspace.put_dataset(rows)
    for name in ("scores", "predictions"):
        table = getattr(made, name)
        setattr(made, name, table.with_columns(pl.col("example_id").str.reverse()))
    return made


def test_what_was_declared_before_any_answer_decides_without_being_said_again(trial, tmp_path):
    made = unasked(trial(rows=60))
    stands = declare(made.workspace, made.dataset, primary="rougeL", margin=0.05, limits=Limits(seconds=3.0))
    assert (
        stands["before"]
        and stands["digest"] == declared_of(made.workspace, made.dataset)["binding"]["digest"]
    )
    predict_and_score(made, tmp_path / "adapter")
    check, found = fixed(made)
    assert check["state"] == "pass" and "rougeL, margin 5.0 points" in check["detail"]
    assert stands["digest"][:8] in check["detail"]
    assert (found["settings"]["primary"], found["settings"]["margin"]) == ("rougeL", 0.05)
    assert found["settings"]["limits"] == {"seconds": 3.0}
    assert found["artifacts"]["declaration"] == stands["digest"] == found["evidence"]["declaration"]
    latency = next(c for c in found["checks"] if c["check"] == "latency")
    assert (latency["limit"], latency["unit"]) == (3.0, "seconds")


def test_other_settings_than_declared_do_not_ship(trial, tmp_path):
    made = unasked(trial(rows=60))
    declare(made.workspace, made.dataset, primary="accuracy", margin=0.02)
    predict_and_score(made, tmp_path / "adapter")
    check, found = fixed(made, margin=0.0)
    assert check["state"] == "fail" and "margin 2.0 points" in check["detail"]
    assert "this comparison has primary accuracy, margin 0.0 points" in check["detail"]
    assert found["verdict"]["outcome"] == "DO NOT SHIP"
    assert "settings fixed before" in " ".join(verdict_block(found))


def test_a_change_before_any_answer_binds_and_one_after_is_shown_and_does_not(trial, tmp_path):
    made = unasked(trial(rows=60))
    declare(made.workspace, made.dataset, margin=0.02)
    second = declare(made.workspace, made.dataset, margin=0.03)
    predict_and_score(made, tmp_path / "adapter")
    late = declare(made.workspace, made.dataset, margin=0.0)
    assert not late["before"]
    check, found = fixed(made)
    assert check["state"] == "pass" and "1 declared after the answers, which do not bind" in check["detail"]
    assert found["declared"]["binding"]["digest"] == second["digest"]
    assert [row["before"] for row in found["declared"]["all"]] == [True, True, False]
    assert fixed(made, margin=0.0)[0]["state"] == "fail"


def test_with_nothing_declared_only_the_programs_own_defaults_were_fixed(trial):
    made = trial(rows=60)
    check, _ = fixed(made)
    assert check["state"] == "pass" and "the program's own defaults" in check["detail"]
    for other in ({"margin": 0.0}, {"primary": "rougeL"}, {"alpha": 0.1}, {"seed": 7}):
        check, found = fixed(made, **other)
        assert check["state"] == "fail" and found["verdict"]["exit_code"] == 1, other


def test_the_first_answer_is_preceded_by_the_defaults_once(trial, tmp_path):
    made = unasked(trial(rows=60))
    assert declare_by_default(made.workspace, made.dataset, "validation") is None
    stands = declare_by_default(made.workspace, made.dataset, "test")
    assert stands is not None
    assert (stands["by"], stands["primary"], stands["margin"]) == ("predict", "accuracy", 0.01)
    assert declare_by_default(made.workspace, made.dataset, "test") is None
    predict_and_score(made, tmp_path / "adapter")
    assert declare_by_default(made.workspace, made.dataset, "test") is None
    assert "declared by default" in fixed(made)[0]["detail"]


def test_rows_that_were_answered_before_get_no_default_declaration(trial):
    assert declare_by_default((made := trial(rows=30)).workspace, made.dataset, "test") is None


def test_a_declaration_is_of_the_rows_in_whatever_version_they_stand(trial, tmp_path):
    made = unasked(trial(rows=60))
    declare(made.workspace, made.dataset, margin=0.04)
    made.examples = made.examples.filter((pl.col("split") != "train") | (pl.int_range(pl.len()) > 0))
    made.dataset = made.workspace.put_dataset(made.examples)
    predict_and_score(made, tmp_path / "adapter")
    assert fixed(made)[1]["settings"]["margin"] == 0.04


def test_the_hash_is_of_the_rows_and_not_of_their_order(trial):
    made = trial(rows=30)
    test = made.examples.filter(pl.col("split") == "test")
    assert rows_digest(test) == rows_digest(test.reverse())
    assert rows_digest(test) != rows_digest(test.head(29))


@pytest.mark.parametrize(
    "wrong",
    [
        {"alpha": 0.6},
        {"seed": -1},
        {"margin": -0.1},
        {"limits": {"seconds": -1.0}},
        {"limits": {"forgetting": 1.5}},
    ],
)
def test_what_means_nothing_cannot_be_declared(trial, wrong):
    made = unasked(trial(rows=30))
    with pytest.raises(ConfigError):
        declare(made.workspace, made.dataset, **wrong)
    assert declared_of(made.workspace, made.dataset)["all"] == []


def test_a_version_without_test_rows_has_nothing_to_declare(trial):
    made = trial(rows=30)
    other = made.workspace.put_dataset(made.examples.filter(pl.col("split") == "train"))
    with pytest.raises(ConfigError, match="no test rows"):
        declare(made.workspace, other)


def test_the_command_declares_and_lists(trial, tmp_path):
    made = unasked(trial(rows=30))
    made.workspace.ledger.set_name("fresh", made.dataset)
    assert "nothing is declared" in "\n".join(cli_declare.declare("fresh").lines)
    said = "\n".join(cli_declare.declare("fresh", margin=0.02, most=["tokens=120"]).lines)
    assert "binds, before any answer" in said and "margin 2.0 points" in said and "tokens 120" in said
    predict_and_score(made, tmp_path / "adapter")
    answer = cli_declare.declare("fresh", margin=0.0)
    assert "does not bind, after the first answer" in "\n".join(answer.lines)
    assert "answered before" in answer.lines[-1]
    assert len(answer.data["declared"]["all"]) == 2


def test_a_declaration_that_was_interrupted_binds_nothing(trial, monkeypatch):
    made = unasked(trial(rows=30))
    with monkeypatch.context() as patch:
        patch.setattr(type(made.workspace), "put_json", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            declare(made.workspace, made.dataset, margin=0.0)
    assert declared_of(made.workspace, made.dataset)["binding"] is None
    assert declare(made.workspace, made.dataset, margin=0.02)["before"]


def test_the_seed_is_declared_and_another_one_does_not_ship(trial, tmp_path):
    """Of 100 seeds some push a p near alpha below it."""
    made = unasked(trial(rows=60))
    declare(made.workspace, made.dataset, seed=4)
    predict_and_score(made, tmp_path / "adapter")
    check, found = fixed(made)
    assert check["state"] == "pass" and found["settings"]["seed"] == 4 and "seed 4" in check["detail"]
    assert fixed(made, seed=0)[0]["state"] == "fail"


OURS = '''better, scale = "more", (0, 1)


def score(answer, reference, row):
    """Good."""
    return {}
'''


def chosen_by(name):
    return {"primary": name, "margin": 0.01, "alpha": 0.05, "confidence": 0.95, "resamples": 1, "seed": 0}


def bound_to(made, **more):
    declare(made.workspace, made.dataset, **more)
    return declared_of(made.workspace, made.dataset)


def test_a_file_is_declared_by_its_text_and_not_by_its_name(trial, tmp_path):
    made = unasked(trial(rows=30))
    path = tmp_path / "ours.py"
    path.write_text(OURS.format("0.0"))
    name, content = content_of(str(path), None, "")
    found = bound_to(made, primary=name, content=content)
    chosen = chosen_by(name)
    same = Scored(content_digest(content))
    assert check_settings(found, chosen, "accuracy", same)["state"] == "pass"
    path.write_text(OURS.format("1.0"))
    changed = Scored(content_digest(content_of(str(path), None, "")[1]))
    check = check_settings(found, chosen, "accuracy", changed)
    assert check["state"] == "fail" and "ours.py was changed" in check["detail"]


def test_a_judge_is_declared_by_rubric_address_and_model(trial):
    made = unasked(trial(rows=30))
    name, content = content_of("judge:helpful", "http://localhost:8000/v1", "one")
    other = content_of("judge:helpful", "http://localhost:8000/v1", "two")[1]
    found = bound_to(made, primary=name, content=content)
    states = [check_settings(found, chosen_by(name), "rougeL", Scored(content_digest(each)))["state"]
              for each in (content, other)]  # fmt: skip
    assert states == ["pass", "fail"]


def test_a_name_alone_of_what_is_not_built_in_was_not_fixed(trial):
    made = unasked(trial(rows=30))
    found = bound_to(made, primary="judge:helpful")
    check = check_settings(found, chosen_by("judge:helpful"), "rougeL", Scored("abc"))
    assert check["state"] == "not measured" and "judge:helpful is not built in" in check["detail"]


def test_a_form_that_came_with_the_scores_was_not_fixed(trial):
    made = unasked(trial(rows=30))
    found, chosen = bound_to(made), chosen_by("accuracy")
    assert check_settings(found, chosen, "accuracy", Scored(None, "regex"))["state"] == "not measured"
    assert check_settings(found, chosen, "accuracy", Scored())["state"] == "pass"


def test_answers_in_a_version_that_was_purged_are_not_called_unseen(trial, tmp_path):
    made = unasked(trial(rows=30))
    table = made.predictions.filter(pl.col("arm") == "base").with_columns(pl.col("example_id") + "-before")
    run = answer_test(made, made.dataset, table, arm="base")
    old = made.workspace.store.path(made.dataset)
    made.examples = made.examples.with_columns(source=pl.lit("clean"))
    made.dataset = made.workspace.put_dataset(made.examples)
    shutil.move(old, tmp_path / "purged")
    declare(made.workspace, made.dataset, alpha=0.4)
    predict_and_score(made, tmp_path / "adapter")
    check, found = fixed(made)
    assert check["state"] == "not measured" and run in check["detail"]
    assert found["verdict"]["exit_code"] == 1


def test_what_is_declared_of_a_file_is_what_the_score_run_records(trial, tmp_path):
    made = trial(rows=30)
    path = tmp_path / "ours.py"
    path.write_text(OURS.format("0.5"))
    name, content = content_of(str(path), None, "")
    tables = {arm: made.scored[f"predictions_{arm}"] for arm in ("base", "tuned")}
    digest = score(made.workspace, made.dataset, tables, more=[asked_metric(str(path))]).digest
    assert scored_by(made.workspace, {"scores": digest}, name) == Scored(content_digest(content))
    formed = score(made.workspace, made.dataset, tables, form=Format(regex=".*")).digest
    declared = form_digest({"regex": ".*", "schema": None})
    assert scored_by(made.workspace, {"scores": formed}, "accuracy") == Scored(None, declared)
