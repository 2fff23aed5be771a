"""The task metric at evaluations, what chooses the weights and when to stop, and who is told."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

import train as package
from curate.errors import ConfigError, MissingExtraError
from evalharness.asking.answerers import Local
from evalharness.asking.arms import Tuned
from evalharness.asking.predict import Asking, predict
from evalharness.scoring.score import score
from evalharness.scoring.summary import means
from tests.train.test_train import told_of, train  # noqa: F401  # the fixture
from train import watch
from train.recipe import FIELDS, parse, resolve


def log_of(workspace, name="tickets-adapter"):
    folder = workspace.files(workspace.artifact("adapter", name))
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_no_setting_of_a_recipe_is_read_by_nothing():
    """Each field is read as an attribute in some file of train/ other than recipe.py."""
    read: set[str] = set()
    for path in Path(package.__file__).parent.glob("*.py"):
        if path.name != "recipe.py":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            read |= {
                node.attr
                for node in ast.walk(tree)
                if isinstance(node, ast.Attribute)
                and "recipe" in ast.unparse(node.value)  # recipe.x, job.resolved.recipe.x
            }
    # these are read through Recipe's own properties
    through = {"train_on": "turns", "unusable": "policies", "control_tokens": "policies", "context": "room"}
    assert {name for name in FIELDS if name not in read and through.get(name) not in read} == set()


def test_the_metric_is_that_of_the_harness(train, keep, tickets, workspace, base):  # noqa: F811
    """At each evaluation, in the log; at the last one it is what `seatrial predict` and `score` make of the adapter."""
    digest = keep(tickets)
    answer = train({"metric_rows": 4, "epochs": 3, "learning_rate": 0.02})
    told, log = told_of(workspace), log_of(workspace)
    found = [line["eval_metric"] for line in log if "eval_loss" in line]
    assert len(found) == 3 and all(0 <= each <= 1 for each in found)
    assert told["metric"] == {"name": "accuracy", "rows": 4}
    adapter = workspace.files(answer.data["adapter"])
    local = Local(str(base), device="cpu", threads=1, adapter=adapter, adapter_digest=answer.data["adapter"])
    said = predict(workspace, digest, [Tuned()], local, Asking(split="validation"))[0]
    scores = score(workspace, digest, {"tuned": said.digest})
    [mean] = [
        each.mean for each in means(scores.table, workspace.examples(digest)) if each.metric == "accuracy"
    ]
    assert found[-1] == pytest.approx(mean)


def test_the_metric_changes_neither_losses_nor_weights(train, keep, tickets, workspace):  # noqa: F811
    keep(tickets)
    train({"dropout": 0.1}, name="without")
    train({"dropout": 0.1, "metric_rows": 4}, name="with")
    assert told_of(workspace, "with")["losses"] == told_of(workspace, "without")["losses"]
    one, other = (workspace.files(workspace.artifact("adapter", each)) for each in ("with", "without"))
    weights = "adapter_model.safetensors"
    assert (one / weights).read_bytes() == (other / weights).read_bytes()


def test_the_best_by_metric_is_kept_and_stops_the_run(train, keep, tickets, workspace, monkeypatch):  # noqa: F811
    """The metric, made up here, is best at the second evaluation: its weights are kept, and two more end the run."""
    keep(tickets)
    values = iter([0.1, 0.9, 0.2, 0.3, 0.4, 0.5])
    monkeypatch.setattr("evalharness.encoding.questions.measure", lambda *_: next(values))
    settings = {"metric_rows": 2, "best_by": "metric", "early_stopping": 2, "epochs": 6}
    train(settings)
    told = told_of(workspace)
    assert told["steps"] == 12 and [line["eval_metric"] for line in log_of(workspace) if "eval_loss" in line] == [
        0.1, 0.9, 0.2, 0.3,
    ]  # fmt: skip
    rows = (workspace.files(workspace.artifact("adapter", "tickets-adapter")) / "rows.jsonl").read_text()
    assert json.loads(rows.splitlines()[0])["times"] == pytest.approx(2.0)  # two epochs are in these weights


def test_early_stopping_by_loss_keeps_the_last_weights(train, keep, tickets, workspace):  # noqa: F811
    """A rate that makes it worse from evaluation to evaluation stops it; `best_by` is left as it is."""
    keep(tickets)
    settings = {"learning_rate": 0.5, "schedule": "constant", "epochs": 9, "evaluate_every": 2}
    train({**settings, "early_stopping": 2})
    told = told_of(workspace)
    assert told["steps"] < 27 and told["settings"]["best_by"] == "last"


@pytest.mark.parametrize(
    "words",
    [
        ["best_by=metric"],
        ["metric_rows=5", "evaluate=false"],
        ["metric_rows=5", "objective=reward"],
        ["early_stopping=1", "evaluate=false"],
    ],
)
def test_settings_that_could_not_act_are_refused(words):
    with pytest.raises(ConfigError, match="do not go together"):
        resolve(parse(words))


def test_tensorboard_stands_beside_the_adapter_and_not_in_it(train, keep, tickets, workspace):  # noqa: F811
    keep(tickets)
    train({"report_to": ["tensorboard"]}, name="told")
    train({"report_to": ["none"]}, name="silent")
    where = told_of(workspace, "told")["reports"]["tensorboard"]
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(workspace.root / where)).Reload()
    losses = [line["loss"] for line in log_of(workspace, "told") if "loss" in line]
    assert [each.value for each in events.Scalars("train/loss")] == pytest.approx(losses, rel=1e-6)
    assert "eval/loss" in events.Tags()["scalars"]
    assert told_of(workspace, "silent")["reports"] == {}
    names = [
        sorted(path.name for path in workspace.files(workspace.artifact("adapter", each)).rglob("*"))
        for each in ("told", "silent")
    ]
    assert names[0] == names[1]
    assert len(list((workspace.root / watch.TENSORBOARD).iterdir())) == 1


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_tracker_is_told_in_the_workspace_and_asks_no_network(
    train,  # noqa: F811
    keep,
    tickets,
    workspace,
    name,
    monkeypatch,
):
    """By its own package, where that is installed; the test's environment is put back."""
    pytest.importorskip(name)
    for variable in ("WANDB_MODE", "WANDB_DIR", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    keep(tickets)
    train({"report_to": [name], "epochs": 1})
    assert list(told_of(workspace)["reports"]) == [name]
    assert [*workspace.root.glob("wandb/offline-run-*"), *workspace.root.glob("mlflow.db")]


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_tracker_that_is_not_there_is_an_error_that_says_so(train, keep, tickets, name, monkeypatch):  # noqa: F811
    keep(tickets)
    there = watch.find_spec
    monkeypatch.setattr(watch, "find_spec", lambda each: None if each == name else there(each))
    with pytest.raises(MissingExtraError, match=f"`{name}` is not installed") as caught:
        train({"report_to": [name]})
    assert f"pip install {name}" in caught.value.hint


def test_a_run_ends_with_its_diagnosis(train, keep, tickets, workspace):  # noqa: F811
    """In the record, on the card and in the answer; a run that cannot learn is told so."""
    keep(tickets)
    answer = train({"learning_rate": 2e-6})
    told = told_of(workspace)
    assert [each["finding"] for each in told["diagnosis"]] == ["nothing learned"]
    line = f"diagnosis: nothing learned: {told['diagnosis'][0]['evidence']}"
    assert any(each.startswith(line) for each in answer.lines)
    card = workspace.files(workspace.artifact("adapter", "tickets-adapter")) / "README.md"
    assert line in card.read_text()
