"""What a SHIP may cost: seconds, tokens, and what probes say was lost; not measured is never a pass."""

import numpy as np
import pytest

from evalharness.deciding import budget, probed
from evalharness.deciding.comparison import Limits
from evalharness.report.comparing import compare_dataset, read_comparison
from tests.evalharness.verdict.conftest import NOTHING_LOST, adapter_of


def cost(arm, seconds=0.1, tokens=80.0):
    return {"arm": arm, "n": 10, "errors": 0, "cut_short": 0, "prompt_tokens": tokens, "answer_tokens": 10.0,
            "seconds": seconds, "seconds_p95": seconds}  # fmt: skip


ROWS = [cost("base"), cost("rag", 0.2, 300.0), cost("tuned", 0.3, 290.0)]


def test_without_a_declared_limit_the_budget_is_what_one_would_pay_otherwise():
    fast, cheap = budget.check_latency(ROWS, Limits(), "tuned"), budget.check_cost(ROWS, Limits(), "tuned")
    assert (fast["state"], fast["value"], fast["limit"]) == ("pass", 0.3, pytest.approx(0.4))
    assert (cheap["state"], cheap["limit"], cheap["unit"]) == ("pass", 310.0, "tokens")
    dear = [*ROWS[:2], cost("tuned", 0.5, 301.0)]
    assert budget.check_latency(dear, Limits(), "tuned")["state"] == "fail"
    assert budget.check_cost(dear, Limits(), "tuned")["state"] == "fail"


def test_a_declared_limit_goes_before_it():
    assert budget.check_latency(ROWS, Limits(seconds=0.25), "tuned")["state"] == "fail"
    assert budget.check_cost(ROWS, Limits(tokens=1000), "tuned")["detail"].endswith("(as declared)")


@pytest.mark.parametrize("rows", [[], [cost("base")], [cost("base"), cost("tuned", None, None)]])
def test_what_the_answers_do_not_tell_is_not_measured_and_required(rows):
    for check in (budget.check_latency(rows, Limits(), "tuned"), budget.check_cost(rows, Limits(), "tuned")):
        assert (check["state"], check["required"]) == ("not measured", True)


def test_a_probe_passes_only_if_the_upper_bound_of_the_drop_is_within_the_limit():
    told = {
        "forgetting": {"state": "pass", "detail": "200 rows", "value": 0.01, "limit": 0.03, "upper": 0.025}
    }
    assert probed.check("forgetting", told, Limits())["state"] == "pass"
    strict = probed.check("forgetting", told, Limits(forgetting=0.02))
    assert strict["state"] == "fail" and "up to 2.5 points, allowed are 2.0 points" in strict["detail"]
    assert (strict["value"], strict["limit"]) == (0.025, 0.02)


@pytest.mark.parametrize("told", [{}, {"red team": None}, {"red team": {"state": "fine"}},
                                  {"red team": {"state": "not measured", "detail": "no set"}}])  # fmt: skip
def test_what_no_probe_tells_is_not_measured(told):
    assert probed.check("red team", told, Limits())["state"] == "not measured"


def test_nothing_lost_still_leaves_a_bound_of_about_three_in_n():
    found = probed.loss(np.ones(100), np.ones(100))
    assert found.drop == 0 and found.upper == pytest.approx(0.0263, abs=0.002)
    worse = probed.loss(np.ones(100), np.r_[np.zeros(10), np.ones(90)])
    assert worse.drop == pytest.approx(0.1) and 0.13 < worse.upper < 0.2
    rng = np.random.default_rng(0)
    scores = rng.random(200)
    assert probed.loss(scores, scores - 0.01 * rng.random(200)).upper == pytest.approx(0.0055, abs=0.001)
    assert probed.loss(np.ones(1), np.ones(1)).upper is None


def probe(made, tmp_path, **conditions):
    with made.workspace.run("probe", {}, {"adapter": adapter_of(made, tmp_path / "adapter")}) as run:
        run.outputs["probes"] = made.workspace.put_json("probes", conditions)
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    return {check["check"]: check for check in found["checks"]}, found


def test_the_newest_probe_of_the_adapter_counts(trial, tmp_path):
    made = trial(lost=None)
    lost = {"state": "fail", "detail": "lost 9 of 100", "value": 0.09, "limit": 0.02, "upper": 0.14}
    checks, found = probe(
        made, tmp_path, forgetting=lost, instrument={"state": "pass", "noise": "0 of 50 differ"}
    )
    assert checks["forgetting"]["state"] == "fail" and found["verdict"]["outcome"] == "DO NOT SHIP"
    assert found["verdict"]["reason"].startswith("Its price is too high: forgetting")
    assert checks["red team"]["state"] == "not measured" and checks["instrument"]["state"] == "pass"
    assert found["instrument"]["noise"] == "0 of 50 differ" and "probes" in found["evidence"]
    fine = lost | {"state": "pass", "upper": 0.01}
    assert probe(made, tmp_path, **{**NOTHING_LOST, "forgetting": fine})[1]["verdict"]["outcome"] == "SHIP"


def test_required_probes_that_were_not_made_do_not_ship(trial):
    made = trial(lost=None)
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    assert found["verdict"]["outcome"] == "NOT SHOWN"
    assert "not measured: forgetting, held-out loss, red team and instrument" in found["verdict"]["reason"]
