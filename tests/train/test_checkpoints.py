"""Runs that are gone on with: only with their own data, and also when they had taken their last step."""

from __future__ import annotations

import os

import pytest

from curate.errors import ConfigError
from curate.progress import Progress
from tests.train.test_train import told_of, train  # noqa: F401  # the fixture
from train import checkpoints
from train import run as running

EARLY = {"learning_rate": 0.5, "epochs": 9, "evaluate_every": 2, "early_stopping": 1, "best_by": "loss"}


@pytest.mark.parametrize(
    "settings",
    [
        {"max_steps": 4, "evaluate_every": 2},
        {"max_steps": 4, "evaluate_every": 2, "method": "adalora"},
        EARLY,
    ],
    ids=["in mid-epoch", "adalora", "stopped early"],
)
def test_a_run_that_fell_after_its_last_step_takes_no_other(
    train,  # noqa: F811
    keep,
    tickets,
    workspace,
    monkeypatch,
    settings,
):
    """It falls while it saves what it has trained; transformers would go on with a further step.

    It was a run that is done already, trained anew: what it left is not taken for litter.
    """
    keep(tickets)
    settings = {"schedule": "constant", **settings}

    def falls(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    train(settings, name="straight")
    with monkeypatch.context() as patch:
        patch.setattr(running, "save", falls)
        with pytest.raises(KeyboardInterrupt):
            train(settings, again=True)
    assert "already done" in train(settings).lines[0]
    train(settings, resume=True)
    told, straight = told_of(workspace), told_of(workspace, "straight")
    assert told["resumed_at_step"] == told["steps"] == straight["steps"] > 0
    folder, other = (
        workspace.files(workspace.artifact("adapter", name)) for name in ("tickets-adapter", "straight")
    )
    for file in ("adapter_model.safetensors", "adapter_config.json", "log.jsonl"):
        assert (folder / file).read_bytes() == (other / file).read_bytes(), file


def test_a_run_does_not_go_on_with_its_base_held_otherwise(train, keep, tickets, workspace, monkeypatch):  # noqa: F811
    """NF4 was chosen by the machine's memory both times, but the second time its kernels cannot be trusted."""
    keep(tickets)
    monkeypatch.setattr("train.outline.device_memory", lambda _: 100_000)

    def falls(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(running, "save", falls)
        train({"epochs": 1, "evaluate": False})
    monkeypatch.setattr("evalharness.models.nf4.objection", lambda *_, **__: "its kernels are wrong here")
    with pytest.raises(ConfigError, match=r"quantization was nf4, is none \(.*its kernels are wrong here"):
        train({"epochs": 1, "evaluate": False}, resume=True)


def test_other_data_is_no_run_to_go_on_with(tmp_path):
    first = checkpoints.Identity(tmp_path, "mine", {"recipe": {"seed": 0}}, {"dataset": "abc"}, "code")
    assert checkpoints.place(first, resume=False, again=False).checkpoint is None
    with pytest.raises(ConfigError, match="dataset was abc, is xyz"):
        checkpoints.place(first._replace(inputs={"dataset": "xyz"}), resume=True, again=False)


def test_one_run_at_a_time_is_in_its_folder(train, keep, tickets, workspace, monkeypatch):  # noqa: F811
    """The same command at once is told which process is at it; another one is not held off."""
    keep(tickets)

    def meanwhile(*given: object, **more: object) -> object:
        monkeypatch.setattr(running, "train", once)
        with pytest.raises(ConfigError, match=rf"another process \({os.getpid()}\) is at this very train"):
            train({"epochs": 1, "evaluate": False})
        train({"epochs": 1, "evaluate": False, "seed": 1}, name="other")
        return once(*given, **more)

    once = running.train
    monkeypatch.setattr(running, "train", meanwhile)
    assert train({"epochs": 1, "evaluate": False}).data["resumed_at_step"] == 0


def test_evaluations_without_gain_before_a_kill_count(train, keep, tickets, workspace, monkeypatch):  # noqa: F811
    """Left to itself transformers begins at nought again; that would train on too long."""
    keep(tickets)
    settings = {
        "epochs": 9,
        "early_stopping": 3,
        "learning_rate": 0.5,
        "schedule": "constant",
    }  # little is gained
    straight = train(settings).data["steps"]
    assert 10 < straight < 27
    step = Progress.step

    def falls(self, count=1, note=""):
        step(self, count, note)
        if self.stage == "train" and self.done == 10:  # after its third evaluation
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Progress, "step", falls)
        train(settings, again=True)
    assert train(settings, resume=True).data["steps"] == straight
