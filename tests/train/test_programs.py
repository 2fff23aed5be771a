"""Settings that act on the trainers, pairs as rows, packing, and several processes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
import transformers

from curate.errors import ConfigError, ResourceError
from evalharness.encoding.encode import Encoded
from evalharness.encoding.losses import in_pairs
from evalharness.encoding.rows import Gate, whole_pairs
from evalharness.models.loaded import load_model
from tests.train.test_train import QUICK, told_of, train  # noqa: F401  # the fixture
from train import preference, processes, sft
from train.methods import METHODS, OBJECTIVES, lines, peft_config
from train.recipe import FIELDS, Given, Recipe, resolve
from train.trainer import PROGRAMS, arguments

pytestmark = pytest.mark.slow(40)

CHANGED = {
    "method": "dora",
    "objective": "orpo",
    "targets": ("q_proj",),
    "schedule": "constant",
    "precision": "bf16",
    "gradient_checkpointing": "on",
    "packing": "on",
    "best_by": "loss",
}
# settings of the base, of rows and of what is watched: each acts in a test of its own
ELSEWHERE = {
    "base", "quantization", "threads", "train_on", "context", "over_long", "unusable", "control_tokens",
    "evaluate", "metric_rows", "report_to",
}  # fmt: skip


def built(recipe: Recipe, tmp_path) -> str:
    """All that TRL and PEFT are asked for, as text."""
    loaded = SimpleNamespace(device="cpu", facts={"compute_dtype": "float32"})
    rows = [row(f"f:{number}", (1, 2, 3), 1) for number in range(2_000)]
    shared = arguments(sft.Asked(loaded, recipe, rows, rows), tmp_path)
    prompts = peft_config(replace(recipe, method="prompt")).to_dict()
    told = [shared, peft_config(recipe).to_dict(), prompts, preference.settings(recipe, shared)]
    callbacks = (recipe.early_stopping, PROGRAMS[recipe.objective].__module__)
    return json.dumps([told, callbacks, sft.packing(recipe, "cpu")], default=str, sort_keys=True)


@pytest.mark.parametrize("key", sorted(FIELDS.keys() - ELSEWHERE))
def test_a_setting_changes_what_the_trainer_is_asked_for(key, tmp_path):
    before = resolve([]).recipe
    value = getattr(before, key)
    other = CHANGED[key] if key in CHANGED else not value if isinstance(value, bool) else value + 1
    if isinstance(value, float):
        other = value / 2 or 0.5
    assert built(replace(before, **{key: other}), tmp_path) != built(before, tmp_path)


def test_methods_and_objectives_are_listed_with_what_they_are_for(train):  # noqa: F811
    kinds = {each.name: each.metadata["choices"] for each in fields(Recipe)}
    assert tuple(METHODS) == kinds["method"] and tuple(OBJECTIVES) == kinds["objective"]
    assert set(PROGRAMS) == set(OBJECTIVES)
    assert train(methods=True).lines == lines()


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "full", "quantization": "nf4"},
        {"rslora": True, "method": "vera"},
        {"rslora": True, "method": "adalora"},
        {"method": "prompt", "objective": "orpo"},
        {"method": "prefix", "objective": "reward"},
        {"method": "prefix", "packing": "on"},
        {"objective": "dpo", "packing": "on"},
        {"method": "prefix", "gradient_checkpointing": "on"},
        {"method": "adalora", "best_by": "loss"},
        {"objective": "kto", "batch_size": 1},
        {"best_by": "loss", "evaluate": False},
        {"early_stopping": 2, "evaluate": False},
    ],
)
def test_settings_that_exclude_each_other_are_named(settings):
    with pytest.raises(ConfigError, match="do not go together") as caught:
        resolve([Given(key, value, f"here:{key}") for key, value in settings.items()])
    assert all(f"{key}={value} (here:{key})" in caught.value.message for key, value in settings.items())


def test_the_pace_goes_by_method_and_objective_unless_it_is_given():
    def rate(**settings: object) -> float:
        return resolve([Given(key, value, "here") for key, value in settings.items()]).recipe.learning_rate

    assert rate(base="org/model", method="full") == 2e-5
    assert rate(base="org/model", objective="dpo") == 2e-5
    assert rate(base="org/model", method="full", objective="dpo") == 2e-6
    assert rate(method="full", learning_rate=0.5) == 0.5


def test_rows_end_to_end_give_the_losses_of_rows_side_by_side(train, keep, tickets, workspace):  # noqa: F811
    keep(tickets)
    train({"packing": "on"})
    packed = told_of(workspace)
    train({"packing": "off"}, name="apart")
    apart = told_of(workspace, "apart")
    assert packed["packing"] == "on: asked for" and apart["packing"] == "off: asked for"
    assert {each["name"] for each in packed["checks"]} - {each["name"] for each in apart["checks"]} == {
        "packing equals unpacked"
    }
    for one, other in zip(packed["losses"], apart["losses"], strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)
    assert packed["steps"] == apart["steps"]


def test_a_model_that_mixes_rows_is_not_packed(train, keep, tickets, workspace, monkeypatch):  # noqa: F811
    """Attention that does not look where rows begin: found by the check; refused, or trained unpacked."""
    keep(tickets)
    monkeypatch.setattr(transformers.masking_utils, "find_packed_sequence_indices", lambda places: None)
    with pytest.raises(ResourceError, match="packing equals unpacked failed"):
        train({"packing": "on"})
    monkeypatch.setattr(sft, "packing", lambda recipe, device: (True, "tried"))
    train({"packing": "auto", "epochs": 1})
    assert told_of(workspace)["packing"].startswith("off: this model does not keep rows of a pass apart")


def test_the_best_evaluation_is_kept_and_training_stops_without_gain(train, keep, tickets, workspace):  # noqa: F811
    """A learning rate that destroys: the loss rises from the first evaluation on."""
    keep(tickets)
    train(
        {
            "learning_rate": 0.5,
            "epochs": 9,
            "evaluate_every": 2,
            "early_stopping": 2,
            "best_by": "loss",
            "schedule": "constant",
        }
    )
    told = told_of(workspace)
    log = (workspace.files(workspace.artifact("adapter", "tickets-adapter")) / "log.jsonl").read_text()
    judged = [line for line in map(json.loads, log.splitlines()) if "eval_loss" in line]
    assert [line["step"] for line in judged] == [2 * place for place in range(1, len(judged) + 1)]
    best = min(judged, key=lambda line: line["eval_loss"])
    assert told["steps"] == best["step"] + 4 < 27


def test_rows_that_are_no_pairs_are_named(train, keep, pairs, workspace):  # noqa: F811
    rows = pairs.to_dicts()
    rows[0]["rejected"] = None
    rows[1]["rejected"] = rows[1]["chosen"]
    rows[2]["messages"].append({"role": "assistant", "content": "oak"})
    rows[3]["rejected"] = "mug " * 60
    keep(pl.DataFrame(rows, schema=pairs.schema))
    with pytest.raises(ConfigError) as caught:
        train({"objective": "dpo"})
    for what in ("no chosen and rejected answer", "answers are the same", "end with an answer beside"):
        assert what in caught.value.message
    train({"objective": "dpo", "epochs": 1, "unusable": "drop", "over_long": "drop"})
    told = told_of(workspace)
    assert told["lengths"]["train"]["dropped"] == ["tickets.jsonl:4 rejected", "tickets.jsonl:4 chosen"]
    assert len(told["lengths"]["train"]["unusable"]) == 3 and told["rows"]["train"]["rows"] == 40
    assert told["steps"] == 3  # 20 pairs, 8 at a time
    with pytest.raises(
        ConfigError, match="no assistant turn but a chosen and a rejected answer: --set objective=dpo"
    ):
        train()


def row(where: str, ids: tuple[int, ...], trained: int) -> Encoded:
    return Encoded("a", where, ids, tuple(place >= len(ids) - trained for place in range(len(ids))))


def test_a_pair_keeps_the_prompt_and_both_answers_up_to_their_end_token():
    """What a template puts after an answer is not part of it; a copy of a row is a pair of its own."""
    chosen = Encoded("a", "f:1 chosen", (1, 2, 3, 4, 9), (False, False, True, True, False))
    rejected = row("f:1 rejected", (1, 2, 5, 4), 2)
    assert list(in_pairs([chosen, rejected])) == [([1, 2], [3, 4], [5, 4])]
    gate = Gate(10, "drop")
    kept, left = whole_pairs([chosen, chosen, rejected, rejected, chosen, rejected], gate)
    assert [each.where for each in kept] == ["f:1 chosen", "f:1 rejected"] * 2
    assert left.dropped == ("f:1 chosen", "f:1 rejected") and left.lost == 4


def test_kto_shuffles_once_and_pairs_each_answer_with_another():
    rows = [each for at in range(4) for each in (row("c", (at, 10 + at), 1), row("r", (at, 20 + at), 1))]
    table = preference.kto_table(rows, replace(Recipe(), batch_size=4))
    assert sorted(zip(table["prompt_ids"], table["completion_ids"], table["label"], strict=True)) == sorted(
        ([at], [side + at], side == 10) for at in range(4) for side in (10, 20)
    )
    first, others = table["completion_ids"][:4], table["KL_completion_ids"][:4]
    assert others == [first[3], *first[:3]] and table["completion_ids"] != sorted(table["completion_ids"])


def test_a_reward_model_scores_and_does_not_answer(train, keep, pairs, workspace, base, tmp_path):  # noqa: F811
    from evalharness.models.reward import reward

    keep(pairs)
    train({"objective": "reward", "epochs": 4})
    told, folder = (
        told_of(workspace),
        workspace.files(workspace.artifact("adapter", "tickets-adapter")),
    )
    with pytest.raises(ConfigError, match="it gives scores, no answers"):
        load_model(str(base), adapter=folder, device="cpu")
    found = reward("tickets", to=tmp_path / "scores.jsonl", threads=1)
    assert told["pairs"]["validation"] == 4 and len(found.data["rows"]) == 4
    right = sum(row["chosen"] > row["rejected"] for row in found.data["rows"])
    assert right == told["pairs"]["right"] and f"higher in {right} of 4 pairs" in found.lines[1]
    lines = (tmp_path / "scores.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == found.data["rows"]
    with pytest.raises(ConfigError, match="--split test"):
        reward("tickets", split="test")


def test_rows_without_an_answer_are_left_out_by_name_and_an_ordinary_adapter_scores_nothing(
    train,  # noqa: F811
    keep,
    pairs,
    tickets,
    workspace,
):
    from evalharness.models.reward import reward

    keep(pairs)
    train({"objective": "reward", "epochs": 1}, name="judge")
    rows = tickets.to_dicts()
    del rows[24]["messages"][2]
    keep(pl.DataFrame(rows, schema=tickets.schema))
    found = reward("tickets", adapter="judge", threads=1)
    assert [set(row) for row in found.data["rows"]] == [{"example_id", "source", "row", "score"}] * 3
    assert found.data["left_out"] == ["tickets.jsonl:25 (no answer to score)"]
    train({"epochs": 1, "evaluate": False}, name="plain", allow_unclean=True)
    with pytest.raises(ConfigError, match="gives answers, no scores"):
        reward("tickets", adapter="plain", threads=1)


TWO = """
import json, os, sys
import torch
import curate.workspace
from accelerate import PartialState
from accelerate.utils import DistributedType
from tui.cli import main

curate.workspace.code_version = lambda: "tested"
failed = main([*sys.argv[1:], "--as=two"])

# accelerate turns FSDP on for accelerators alone; PyTorch's own runs on processors too
os.environ.update(json.loads(os.environ["SHARDED"]))
PartialState._prepare_backend = lambda *_, **__: ("gloo", DistributedType.MULTI_GPU)
PartialState.set_device = lambda self: setattr(self, "device", torch.device("cpu"))
sys.exit(failed or main([*sys.argv[1:], "--as=sharded"] + ["--again"]))
"""


def fsdp_of_the_docs(tmp_path):
    """The configuration for FSDP in the docs, as accelerate reads it: it refuses keys that it does not know."""
    from accelerate.commands.config.config_args import load_config_from_file

    docs = (Path(__file__).parents[2] / "docs" / "train.md").read_text(encoding="utf-8")
    path = tmp_path / "fsdp.yaml"
    path.write_text(docs.partition("```yaml\n")[2].partition("```")[0], encoding="utf-8")
    found = load_config_from_file(str(path))
    assert str(found.distributed_type).endswith("FSDP") and found.num_processes == 2
    return found.fsdp_config


def test_two_processes_train_as_one(train, keep, tickets, workspace, base, tmp_path):  # noqa: F811
    """Half the rows each in a step: the losses of one process with all of them; and one adapter is kept.

    So do two that hold half the weights each, by the configuration in the docs.
    """
    keep(tickets)
    settings = {**QUICK, "group_by_length": False, "evaluate": False, "epochs": 1, "quantization": "none"}
    train({**settings, "batch_size": 8}, name="one")
    words = [f"--set={key}={json.dumps(value)}" for key, value in {**settings, "batch_size": 4}.items()]
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes=2",
              "--num_machines=1", "--mixed_precision=no", "--dynamo_backend=no", "--main_process_port=0"]  # fmt: skip
    (tmp_path / "two.py").write_text(TWO)
    sharded = {key.upper(): str(value).lower() for key, value in fsdp_of_the_docs(tmp_path).items()}
    sharded |= {"ACCELERATE_USE_FSDP": "true"}
    for key in ("FSDP_AUTO_WRAP_POLICY", "FSDP_STATE_DICT_TYPE"):
        sharded[key] = sharded[key].upper()
    run = subprocess.run(
        [*launch, str(tmp_path / "two.py"), "train", "tickets", f"--base={base}", *words],
        env={
            **os.environ,
            "ACCELERATE_USE_CPU": "true",
            "OMP_NUM_THREADS": "1",
            "SHARDED": json.dumps(sharded),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout.count("adapter two") == run.stdout.count("adapter sharded") == 1
    one, two, parts = (told_of(workspace, name) for name in ("one", "two", "sharded"))
    assert (one["processes"], two["processes"], parts["processes"]) == (1, 2, 2)
    assert one["steps"] == two["steps"] == parts["steps"] == 3
    assert [one["sharded"], two["sharded"], parts["sharded"]] == [False, False, True]
    assert "what the processes hold" in next(
        each["compared"] for each in parts["checks"] if each["name"] == "reload equals"
    )
    for told in (two, parts):
        assert told["losses"][0]["loss"] == pytest.approx(one["losses"][0]["loss"], rel=1e-4)
    assert not list((workspace.root / "training").iterdir())


def test_fsdp_that_would_not_be_is_refused(monkeypatch):
    """Accelerate takes it on processors without a word, and each process would hold the whole model."""
    trainer = SimpleNamespace(is_fsdp_enabled=False)
    assert processes.sharded(trainer) is False
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(ConfigError, match="FSDP on for accelerators alone"):
        processes.sharded(trainer)
    assert processes.sharded(SimpleNamespace(is_fsdp_enabled=True)) is True


REFUSED = """
import sys
from curate.answer import Answer
from curate.errors import ConfigError, SeatrialError
from train import processes

def work():
    if processes.first() or sys.argv[1] == "all":
        raise ConfigError("refused here")
    processes.wait()
    return Answer([])

try:
    sys.exit(processes.together(work).exit_code)
except SeatrialError as error:
    print(error.message)
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("who", ["first", "all"])
def test_of_several_processes_one_says_why_they_end(base, who):
    """The first refuses, and the others wait for it; or all refuse: one message, and no traceback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    told = {**os.environ, **place, "WORLD_SIZE": "2", "LOCAL_RANK": "0", "ACCELERATE_USE_CPU": "true"}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", REFUSED, who], env={**told, "RANK": rank, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in "01"
    ]  # fmt: skip
    ended = [run.communicate(timeout=120) for run in runs]
    assert "".join(out for out, _ in ended) == "refused here\n"
    assert not [err for _, err in ended if "Traceback" in err]
    assert all(run.returncode for run in runs)
