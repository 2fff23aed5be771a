from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import polars as pl
import pytest

import curate.workspace
from curate.errors import ConfigError, GateError
from curate.runs import trainable
from evalharness.models.loaded import load_model
from train import checkpoints, cli

QUICK = {
    "threads": 1,
    "rank": 4,
    "epochs": 2,
    "batch_size": 8,
    "accumulate": 1,
    "learning_rate": 5e-3,
    "warmup": 0.0,
    "dropout": 0.0,
    "gradient_checkpointing": False,
    "log_every": 1,
    "report_to": ["none"],
}
NF4 = {"quantization": "nf4"}  # else so small a base is held in full precision


@pytest.fixture
def train(base, monkeypatch):
    """`seatrial train tickets` on the random base, with quick settings."""
    monkeypatch.setattr(curate.workspace, "code_version", lambda: "tested")

    def run(settings: dict[str, object] | None = None, **flags: object):
        words = [f"{key}={json.dumps(value)}" for key, value in {**QUICK, **(settings or {})}.items()]
        return cli.train("tickets", setting=words, **{"base": str(base), **flags})

    return run


def told_of(workspace, name: str = "tickets-adapter") -> dict[str, object]:
    """The training.json of an adapter."""
    folder = workspace.files(workspace.artifact("adapter", name))
    return json.loads((folder / "training.json").read_text())


def test_a_run_leaves_an_adapter_with_its_record(train, keep, tickets, workspace, base, capsys, monkeypatch):
    """Trained on the training rows alone, checked, carded, named, and found again instead of repeated.

    What a kill after the run's end leaves of it is cleared by the next one.
    """
    digest = keep(tickets)
    left = workspace.root / checkpoints.FOLDER

    def falls(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoints, "forget", falls)
        train(NF4)
    assert len(list(left.glob("*/checkpoint-*"))) == 2
    answer = train(NF4)
    assert "already done" in answer.lines[0] and list(left.iterdir()) == []
    folder = workspace.files(workspace.artifact("adapter", "tickets-adapter"))
    told = json.loads((folder / "training.json").read_text())
    assert (told["rows"]["train"]["rows"], told["rows"]["validation"]["rows"]) == (24, 4)
    assert 0 < told["rows"]["train"]["trained"] < told["rows"]["train"]["tokens"]
    assert told["dataset"] == {"name": "tickets", "digest": digest} and told["clean"]
    assert (told["quantization"], told["steps"], told["resumed_at_step"]) == ("nf4", 6, 0)
    assert [row["epoch"] for row in told["losses"]] == [1, 2]
    assert all(row["loss"] and row["validation_loss"] for row in told["losses"])
    assert [each["name"] for each in told["checks"]] == [
        "lengths", "mask oracle", "end token", "one begin token", "tokenizer kept",
        "fp32 adapters", "NF4 round trip", "gradients around an evaluation",
        "base unchanged", "the adapter acts", "reload equals",
    ]  # fmt: skip
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log if "loss" in line] == [1, 2, 3, 4, 5, 6]
    names = {path.name for path in folder.iterdir()}
    assert {"adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "README.md"} <= names
    assert json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"] == str(base)
    assert digest in (folder / "README.md").read_text()
    tuned = load_model(str(base), adapter=folder, device="cpu", threads=1)
    assert tuned.facts["quantization"] == "nf4"
    assert capsys.readouterr().out == ""  # stdout is for what the command returns
    again = train(NF4, name="other")
    assert "already done" in again.lines[0] and again.data["adapter"] == answer.data["adapter"]
    assert workspace.artifact("adapter", "other") == answer.data["adapter"]


@pytest.fixture
def few(tickets) -> pl.DataFrame:
    """Eight training rows: one batch."""
    return tickets.with_columns(
        split=pl.when(pl.int_range(pl.len()) < 8).then(pl.lit("train")).otherwise(pl.lit("test"))
    )


def test_one_batch_can_be_learned_by_heart(train, keep, few, workspace):
    """The loss falls below a tenth of its start."""
    keep(few)
    train({"epochs": 25, "learning_rate": 0.01, "rank": 16, "evaluate": False})
    first = told_of(workspace)
    assert first["losses"][-1]["loss"] < 0.1 * first["losses"][0]["loss"]


def test_equal_seeds_give_equal_runs(train, keep, few, workspace):
    """Another seed gives other weights, the same one the same bits."""
    keep(few)
    settings = {"epochs": 3, "evaluate": False}
    weights = []
    for name, seed in (("first", 0), ("second", 0), ("third", 1)):
        train({**settings, "seed": seed}, again=True, name=name)
        folder = workspace.files(workspace.artifact("adapter", name))
        weights.append((folder / "adapter_model.safetensors").read_bytes())
    assert told_of(workspace, "second")["losses"] == told_of(workspace, "first")["losses"]
    assert weights[1] == weights[0] != weights[2]


KILLED = """
import os, signal, sys
import curate.workspace
from curate.progress import Progress
from train import cli

curate.workspace.code_version = lambda: "tested"
step = Progress.step

def falls(self, count=1, note=""):
    step(self, count, note)
    if self.done == 8:  # in the third epoch of four
        os.kill(os.getpid(), signal.SIGKILL)

Progress.step = falls
cli.train("tickets", base=sys.argv[1], setting=sys.argv[2:])
"""


def test_a_killed_run_goes_on_to_the_same_bits(train, keep, tickets, workspace, base):
    """Killed without warning in its third epoch, then resumed: weights as of a run in one piece."""
    keep(tickets)
    settings = {"epochs": 4, "dropout": 0.1, **NF4}
    words = [f"{key}={json.dumps(value)}" for key, value in {**QUICK, **settings}.items()]
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(base), *words],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == -signal.SIGKILL, run.stderr
    with pytest.raises(ConfigError, match=r"learning_rate was 0\.005, is 0\.001"):
        train({**settings, "learning_rate": 0.001}, resume=True)
    train(settings, resume=True)
    resumed = told_of(workspace)
    assert resumed["resumed_at_step"] == 6
    folder = workspace.files(workspace.artifact("adapter", "tickets-adapter"))
    train(settings, again=True, name="straight")
    straight = workspace.files(workspace.artifact("adapter", "straight"))
    assert told_of(workspace, "straight")["losses"] == resumed["losses"]
    for name in ("adapter_model.safetensors", "log.jsonl"):
        assert (folder / name).read_bytes() == (straight / name).read_bytes(), name


def test_a_checkpoint_that_is_not_whole_does_not_count(tmp_path):
    for step in (3, 6, 9):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "optimizer.pt").write_bytes(b"state" * step)
        if step < 9:  # the last one was being written when the power went
            checkpoints.seal(folder)
    assert checkpoints.newest(tmp_path).name == "checkpoint-6"
    (tmp_path / "checkpoint-6" / "optimizer.pt").write_bytes(b"other")
    assert checkpoints.newest(tmp_path).name == "checkpoint-3"


def test_resume_without_a_run_to_resume_is_refused(train, keep, tickets):
    keep(tickets)
    with pytest.raises(ConfigError, match="no unfinished run called `tickets-adapter`"):
        train(resume=True)
    with pytest.raises(ConfigError, match="opposite"):
        train(resume=True, again=True)


def finding(examples: pl.DataFrame, **more: object) -> dict[str, object]:
    """A blocking finding on the first row."""
    return {
        "example_id": examples["example_id"][0], "label": "EMAIL", "message": 1, "field": "content",
        "start": 0, "end": 5, "action": "redact", "blocking": True, **more,
    }  # fmt: skip


def test_unclean_data_is_refused_and_recorded_when_allowed(train, keep, tickets, workspace):
    keep(tickets, [finding(tickets)])
    with pytest.raises(GateError, match=r"1 open blocking finding \(pii 1\)"):
        train()
    answer = train({"epochs": 1, "evaluate": False}, allow_unclean=True)
    told = told_of(workspace)
    assert not told["clean"] and "1 open blocking finding (pii 1)" in told["objections"]
    assert told["losses"][0]["validation_loss"] is None
    card = (workspace.files(answer.data["adapter"]) / "README.md").read_text()
    assert "did not pass the gate" in card and "open blocking finding" in card


def test_unclean_data_may_hold_rows_that_cannot_be_trained_on(train, keep, tickets, workspace):
    """They are left out by name; without --allow-unclean they stop the run."""
    rows = tickets.to_dicts()
    del rows[2]["messages"][2]
    rows[4]["messages"][1]["content"] = "mug " * 80
    keep(pl.DataFrame(rows, schema=tickets.schema))
    with pytest.raises(ConfigError, match=r"1 of 24 rows cannot be trained on: tickets\.jsonl:3"):
        train()
    text = "\n".join(train(plan=True).lines)
    assert "1 training row cannot be trained on: tickets.jsonl:3" in text
    assert "1 training row over-long (tickets.jsonl:5)" in text
    text = "\n".join(train(plan=True, allow_unclean=True).lines)
    assert "2 training rows: tickets.jsonl:3 (no assistant turn), tickets.jsonl:5" in text
    answer = train({"epochs": 1, "evaluate": False}, allow_unclean=True)
    told = told_of(workspace)
    assert told["rows"]["train"]["rows"] == 22
    assert told["lengths"]["train"]["unusable"] == ["tickets.jsonl:3 (no assistant turn)"]
    assert told["lengths"]["train"]["dropped"] == ["tickets.jsonl:5"]
    assert any(line.startswith("left out: 2 training rows, 0 validation rows") for line in answer.lines)


@pytest.mark.parametrize("name", ["", " ", "../x", "a/b", "..", "-x"])
def test_what_is_no_name_is_refused_before_anything(train, keep, tickets, workspace, name):
    keep(tickets)
    for plan in (True, False):
        with pytest.raises(ConfigError, match="not a name"):
            train(name=name, plan=plan)
    assert not (workspace.root / checkpoints.FOLDER).exists()


def test_what_belongs_to_a_plan_trains_nothing(train, keep, tickets):
    keep(tickets)
    for asked in ({"measure": True}, {"price_per_hour": 2.0}):
        with pytest.raises(ConfigError, match="belong to a plan"):
            train(**asked)
    with pytest.raises(ConfigError, match="`base` cannot be ''"):
        train(base="", plan=True)


def test_rows_that_are_all_left_out_stop_a_plan_too(train, keep, tickets):
    keep(tickets)
    answer = train({"context": 4, "over_long": "drop"}, plan=True)
    assert answer.exit_code == 1 and "no training row is left" in "\n".join(answer.lines)


def test_a_run_of_one_step_is_not_all_warm_up(train, keep, few, workspace):
    keep(few)
    train({"warmup": 10, "epochs": 1, "evaluate": False})  # else nothing is learned, and a check says so
    assert told_of(workspace)["steps"] == 1


def test_unknown_data_is_refused(train, keep, tickets):
    keep(tickets, None)
    with pytest.raises(GateError, match="never scanned"):
        train()


def test_training_rows_among_the_rows_held_out_are_refused(train, keep, tickets):
    copy = tickets.with_columns(
        content_hash=pl.when(pl.int_range(pl.len()) == 30)
        .then(pl.col("content_hash").first())
        .otherwise("content_hash")
    )
    keep(copy)
    with pytest.raises(GateError, match="1 training row stands word for word among the rows held out"):
        train()


def test_a_group_in_train_and_among_the_rows_held_out_is_refused(train, keep, tickets):
    """Row 1 and a test row are one customer's, rows 2 and a validation row another's; nulls are no group."""
    places = pl.int_range(pl.len())
    group = (
        pl.when(places.is_in([0, 1, 30])).then(pl.lit("c-1")).when(places.is_in([2, 25])).then(pl.lit("c-2"))
    )
    keep(tickets.with_columns(group=group.when(places == 3).then(pl.lit("c-3"))))
    with pytest.raises(GateError, match="2 groups stand both in train and in validation or test"):
        train()
    keep(tickets.with_columns(group=pl.when(places.is_in([0, 30])).then(pl.lit("c-1"))))
    with pytest.raises(GateError, match="1 group stands both in train"):
        train()


def test_groups_that_keep_to_one_side_are_no_objection(workspace, keep, tickets):
    whole = tickets.with_columns(group=pl.col("split"))
    assert trainable.objections(workspace, keep(whole), whole) == []


@pytest.mark.parametrize("split", [None, "train"])
def test_data_without_rows_held_out_is_refused(train, keep, tickets, split):
    keep(tickets.with_columns(split=pl.lit(split, dtype=pl.String)))
    with pytest.raises(ConfigError) as caught:
        train()
    assert caught.value.hint == "seatrial split tickets"


def test_a_plan_trains_nothing_and_says_everything(train, keep, tickets, workspace):
    keep(tickets)
    answer = train({"context": 28}, plan=True)
    text = "\n".join(answer.lines)
    assert answer.exit_code == 1 and "over-long" in text
    assert workspace.ledger.rows("select * from run where kind = 'train'") == []
    answer = train(plan=True)
    text = "\n".join(answer.lines)
    assert answer.exit_code == 0 and answer.data["steps"] == 6
    assert "8,704 of 90,432 parameters (9.62%)" in text  # as the run itself counts them
    assert "24 training rows, 4 validation rows; the test rows are not touched" in text
    assert "none on cpu" in text and "by formula" in text


def test_the_mask_of_a_row_is_shown(train, keep, tickets):
    keep(tickets)
    answer = train(show_mask="tickets.jsonl:3")
    assert "of" in answer.lines[0] and any(line.endswith("train  <e>") for line in answer.lines)
    with pytest.raises(Exception, match="no training and validation rows"):
        train(show_mask="tickets.jsonl:31")  # a test row


def test_a_layer_that_the_base_lacks_is_a_wrong_setting(train, keep, tickets):
    keep(tickets)
    with pytest.raises(ConfigError) as caught:
        train({"targets": ["no_such_layer"]})
    assert "all-linear" in caught.value.hint and "q_proj" in caught.value.hint
    with pytest.raises(ConfigError, match="no linear layer `v_prj`"):  # beside one that is there, too
        train({"targets": ["q_proj", "v_prj"]}, plan=True)
