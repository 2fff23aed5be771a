"""Tasks of lm-evaluation-harness: which are asked, and how what is lost by them counts."""

import importlib.util
import json

import pytest

from curate.errors import ConfigError
from evalharness.deciding.comparison import Limits
from evalharness.deciding.probed import check
from evalharness.probes.harness import _named, _one, counted, tasks
from evalharness.statistics.paired import Rules

KEPT = {"state": "pass", "detail": "general", "value": 0.0, "upper": 0.01, "limit": 0.05, "n": 200}
TASK = """task: parcels
dataset_path: json
dataset_kwargs:
  data_files:
    test: {file}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: ["oak", "sierra", "viola"]
doc_to_target: "{{{{label}}}}"
metric_list:
  - metric: acc
"""


def samples(hits, offered=3):
    return [{"doc_hash": str(n), "acc": float(hit), "arguments": [0] * offered} for n, hit in enumerate(hits)]


def test_what_is_lost_by_a_task_counts_as_forgotten():
    lost = _one(samples([1] * 90 + [0] * 10), samples([1] * 60 + [0] * 40), Rules())
    assert lost["value"] == pytest.approx(0.3) and lost["upper"] > 0.3
    found = counted(KEPT, {"parcels": lost})
    assert (
        found["state"] == "fail"
        and found["upper"] == lost["upper"]
        and "parcels: acc 0.900" in found["detail"]
    )
    assert check("forgetting", {"forgetting": found}, Limits())["state"] == "fail"
    assert check("forgetting", {"forgetting": found}, Limits(forgetting=0.5))["state"] == "pass"
    same = _one(samples([1] * 90 + [0] * 10), samples([1] * 90 + [0] * 10), Rules())
    assert counted(KEPT, {"parcels": same})["state"] == "pass"


def test_a_base_that_guesses_has_nothing_to_lose_and_what_was_not_measured_stays_so():
    guessed = _one(samples([1, 0, 0] * 200), samples([0, 0, 0] * 200), Rules())
    assert guessed["upper"] is None and "nothing to forget" in guessed["detail"]
    assert counted(KEPT, {"parcels": guessed})["state"] == "pass"
    unknown = {"state": "not measured", "detail": "too few"}
    assert counted(unknown, {"parcels": guessed}) == unknown
    assert "no metric" in counted(KEPT, {"x": _one([], [], Rules())})["detail"]


def test_a_file_of_ones_own_is_asked_by_the_name_in_it(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("# mine\ntask: 'parcels'\n")
    assert _named(["arc_easy", str(path)]) == (["arc_easy", "parcels"], [str(tmp_path)])
    for wrong in (tmp_path / "none.yaml", tmp_path / "empty.yml"):
        (tmp_path / "empty.yml").write_text("dataset_path: json\n")
        with pytest.raises(ConfigError, match="no file that names a task"):
            _named([str(wrong)])


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("lm_eval") is None, reason="needs lm_eval (extra forgetting)")
def test_a_task_of_ones_own_is_asked_before_and_after(base, adapter, tmp_path, monkeypatch):
    from evalharness.asking.answerers import Local

    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    file = tmp_path / "rows.jsonl"
    file.write_text(
        "".join(json.dumps({"question": f"parcel {n} arrived", "label": n % 3}) + "\n" for n in range(12))
    )
    (tmp_path / "mine.yaml").write_text(TASK.format(file=file))
    local = Local(str(base), "none", "cpu", 1, adapter, "0" * 32)
    told = tasks(local, [str(tmp_path / "mine.yaml")], 9, Rules())["parcels"]
    assert told["metric"] == "acc" and told["n"] == 9 and 0 <= told["after"] <= 1
