"""Exports that other trainers and services run: their configurations, and the rules of OpenAI's files."""

from __future__ import annotations

import json

import pytest

from curate.errors import ConfigError
from curate.formats import openai_rules
from curate.formats.trainers import write_configuration

SETTINGS = {
    "base": "some/base", "method": "lora", "objective": "sft", "quantization": "nf4", "rank": 8, "alpha": 16,
    "dropout": 0.05, "targets": ["all-linear"], "rslora": False, "context": 512, "packing": "auto", "batch_size": 4,
    "accumulate": 2, "epochs": 3, "max_steps": 0, "learning_rate": 1e-05, "schedule": "constant", "warmup": 0.03,
    "weight_decay": 0.0, "beta2": 0.999, "max_grad_norm": 1.0, "gradient_checkpointing": "auto", "log_every": 10,
    "seed": 7, "beta": 0.1, "train_on": "assistant", "precision": "auto",
}  # fmt: skip


def written(folder, format: str, **changed: object) -> dict[str, object]:
    """The configuration as YAML reads it again."""
    yaml = pytest.importorskip("yaml")
    (folder / "mine-train.jsonl").write_text("{}\n")
    (folder / "mine-train.json").write_text(json.dumps([{}] * 1000))
    (folder / "mine-validation.jsonl").write_text("{}\n")
    (folder / "mine.axolotl.yaml").write_text('datasets:\n  - path: "mine-train.jsonl"\n')
    path, command = write_configuration(format, {**SETTINGS, **changed}, folder, "mine")
    assert path.name in command
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.unlink()
    return told


def test_axolotl_gets_the_same_training(tmp_path):
    told = written(tmp_path, "axolotl")
    wanted = {"base_model": "some/base", "adapter": "qlora", "load_in_4bit": True, "lora_r": 8, "lora_target_linear": True, "sequence_len": 512, "sample_packing": False, "micro_batch_size": 4, "gradient_accumulation_steps": 2, "num_epochs": 3, "learning_rate": 1e-05, "lr_scheduler": "constant_with_warmup", "warmup_ratio": 0.03, "seed": 7, "eval_strategy": "epoch", "train_on_inputs": False}  # fmt: skip
    assert {key: told[key] for key in wanted} == wanted
    assert isinstance(told["learning_rate"], float)  # YAML reads 1e-05 as text
    assert told["datasets"] == [{"path": "mine-train.jsonl"}] and "max_steps" not in told
    other = written(
        tmp_path, "axolotl", method="dora", targets=["q_proj"], packing="on", warmup=10.0, objective="dpo"
    )
    assert (
        other["peft_use_dora"] and other["lora_target_modules"] == ["q_proj"] and other["warmup_steps"] == 10
    )
    assert other["sample_packing"] is False and other["rl_beta"] == 0.1
    packed = written(tmp_path, "axolotl", packing="on", gradient_checkpointing=False)
    assert packed["sample_packing"] and packed["attn_implementation"] == "flash_attention_2"
    assert packed["gradient_checkpointing"] is False
    whole = written(tmp_path, "axolotl", method="full", quantization="none")
    assert "adapter" not in whole and whole["load_in_4bit"] is False


def test_llamafactory_gets_the_same_training(tmp_path):
    told = written(tmp_path, "llamafactory")
    wanted = {"model_name_or_path": "some/base", "stage": "sft", "finetuning_type": "lora", "lora_rank": 8, "lora_target": "all", "quantization_bit": 4, "dataset": "mine-train", "eval_dataset": "mine-validation", "cutoff_len": 512, "num_train_epochs": 3.0, "learning_rate": 1e-05, "bf16": True, "packing": False, "warmup_steps": 11}  # fmt: skip
    assert {key: told[key] for key in wanted} == wanted and "template" not in told
    packed = written(tmp_path, "llamafactory", packing="on")
    assert packed["neat_packing"] and packed["cutoff_len"] == 513  # it takes one off
    other = written(tmp_path, "llamafactory", train_on="last", objective="orpo", precision="fp32")
    assert (
        other["mask_history"]
        and other["pref_loss"] == "orpo"
        and other["stage"] == "dpo"
        and not other["bf16"]
    )


@pytest.mark.parametrize(
    ("format", "changed", "said"),
    [
        ("axolotl", {"method": "prefix"}, "Axolotl has no method `prefix`"),
        ("axolotl", {"objective": "reward"}, "Axolotl has no objective `reward`"),
        ("axolotl", {"train_on": "last"}, "no word for train_on"),
        ("llamafactory", {"method": "vera"}, "LLaMA-Factory has no method `vera`"),
        ("torchtune", {}, "no configuration for `torchtune`"),
    ],
)
def test_what_a_trainer_has_no_word_for_is_refused(tmp_path, format, changed, said):
    with pytest.raises(ConfigError, match=said):
        written(tmp_path, format, **changed)


def test_a_configuration_of_something_else_is_not_replaced(tmp_path):
    (tmp_path / "mine.llamafactory.yaml").write_text("mine: 1\n")
    with pytest.raises(ConfigError, match="with other content"):
        write_configuration("llamafactory", SETTINGS, tmp_path, "mine")
    assert (tmp_path / "mine.llamafactory.yaml").read_text() == "mine: 1\n"


def turn(role: str, content: str | None = "text", **more: object) -> dict[str, object]:
    return {"role": role, "content": content, **more}


CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
GOOD = [
    {"messages": [turn("system"), turn("user"), turn("assistant", weight=0), turn("user"), turn("assistant")]},
    {"messages": [turn("user"), turn("assistant", None, tool_calls=[CALL]), turn("tool", tool_call_id="c1"), turn("assistant")],
     "tools": [{"type": "function", "function": {"name": "look"}}]},
    {"input": {"messages": [turn("user")]}, "preferred_output": [turn("assistant")], "non_preferred_output": [turn("assistant")]},
]  # fmt: skip
BAD = [
    ({"messages": [turn("user")]}, "no assistant message to learn from"),
    ({"messages": [turn("developer"), turn("assistant")]}, "no role is called `developer`"),
    ({"messages": [turn("user"), turn("assistant")], "tools": [{"type": "function", "function": {"name": f"f{n}"}} for n in range(129)]}, "more than 128 `tools`"),
    ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}, turn("assistant")]}, "neither text nor an image"),
    ({"messages": [turn("user"), turn("assistant", weight=0)]}, "no assistant message to learn from"),
    ({"messages": [turn("user"), turn("assistant", weight=0.5)]}, "a `weight` that is not 0 or 1"),
    ({"messages": [turn("human"), turn("assistant")]}, "no role is called `human`"),
    ({"messages": [turn("user", None), turn("assistant")]}, "a message without content"),
    ({"messages": [turn("user", name="a b"), turn("assistant")]}, "a `name` that is not"),
    ({"messages": [turn("user", label="x"), turn("assistant")]}, "a message has no `label`"),
    ({"messages": [turn("user"), turn("tool", tool_call_id="c9"), turn("assistant")]}, "names no call"),
    ({"messages": [turn("user"), turn("assistant", tool_calls=[{"id": "c1"}])]}, "a tool call without"),
    ({"messages": [turn("user"), turn("assistant", tool_calls=[CALL | {"id": ["c1"]}])]}, "a tool call without"),
    ({"messages": [turn("user"), turn("tool", tool_call_id={"c": 1}), turn("assistant")]}, "names no call"),
    ({"messages": [turn("user"), turn("assistant")], "tools": [{"function": {"name": "a b"}}]}, "a tool without"),
    ({"messages": "hello"}, "`messages` is no list"),
    ({"input": {"messages": [turn("user")]}, "preferred_output": []}, "`preferred_output` is not one"),
    ([1], "no object"),
]  # fmt: skip


def test_openais_rules_find_what_it_would_refuse(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in GOOD * 4))
    assert openai_rules.objections(path) == []
    for row, said in BAD:
        path.write_text("".join(json.dumps(each) + "\n" for each in [*GOOD * 4, row]))
        [found] = [each for each in openai_rules.objections(path) if said in each]
        assert found.endswith("1 lines, the first is 13")
    path.write_text(json.dumps(GOOD[0]) + "\n{\n")
    assert openai_rules.objections(path) == [
        "no JSON: 1 lines, the first is 2",
        "2 rows, and at least 10 are asked for",
    ]


def test_an_export_says_what_openai_would_refuse(tmp_path):
    train, test = tmp_path / "a-train.jsonl", tmp_path / "a-test.jsonl"
    for path in (train, test):
        path.write_text(json.dumps(GOOD[0]) + "\n")
    said = openai_rules.lines([(train, 1), (test, 1), (tmp_path / "a.card.md", 0)], ["openai"])
    assert said == ["  OpenAI's service would refuse a-train.jsonl: 1 rows, and at least 10 are asked for"]
    assert openai_rules.lines([(train, 1)], ["trl"]) == []


def test_axolotls_own_schema_takes_it(tmp_path):
    """Where Axolotl is installed."""
    schema = pytest.importorskip("axolotl.utils.schemas.config")
    for changed in ({}, {"method": "full", "quantization": "none"}, {"packing": "on"}, {"method": "dora"}):
        told = written(tmp_path, "axolotl", **changed)
        told["datasets"][0] |= {"type": "chat_template", "ds_type": "json"}
        schema.AxolotlInputConfig(**told)
        assert set(told) <= set(schema.AxolotlInputConfig.model_fields)


def test_llamafactorys_own_parser_takes_it(tmp_path, monkeypatch):
    """Where LLaMA-Factory is installed."""
    monkeypatch.setenv("DISABLE_VERSION_CHECK", "1")
    parser = pytest.importorskip("llamafactory.hparams")
    monkeypatch.chdir(tmp_path)
    for changed in (
        {},
        {"objective": "dpo"},
        {"objective": "reward"},
        {"method": "full", "quantization": "none"},
    ):
        told = written(tmp_path, "llamafactory", **{"precision": "fp32", **changed})
        found = parser.get_train_args(told)
        assert found[1].cutoff_len == 512 and found[2].learning_rate == 1e-05
