"""Adapters that others trained: taken in with their settings, tried on their base, refused where they do not fit."""

from __future__ import annotations

import json
import shutil

import polars as pl
import pytest

from curate.errors import ConfigError, GateError, SourceError
from evalharness.adapters import elsewhere, merging, registry
from evalharness.asking.predict import trained_on
from evalharness.deciding.evidence import check_unseen
from evalharness.models.loaded import load_model
from train import cli_adapters

AXOLOTL = """---
base_model: some/base
tags:
- axolotl
- generated_from_trainer
---

<details><summary>See axolotl config</summary>

axolotl version: `0.19.0`
```yaml
base_model: some/base
load_in_4bit: true
adapter: qlora
lora_r: 4
sequence_len: 512
sample_packing: true
micro_batch_size: 2
gradient_accumulation_steps: 8
num_epochs: 3
learning_rate: 0.0002
lr_scheduler: cosine
warmup_ratio: 0.1
```
</details>

### Training hyperparameters

The following hyperparameters were used during training:
- learning_rate: 0.0002
- train_batch_size: 2
- seed: 42
- num_epochs: 3.0

### Training results
"""
LLAMAFACTORY = """---
library_name: peft
tags:
- llama-factory
- lora
---
### Training hyperparameters

The following hyperparameters were used during training:
- learning_rate: 5e-05
- train_batch_size: 1
- gradient_accumulation_steps: 4
- lr_scheduler_type: constant
- num_epochs: 2
"""
HISTORY = [
    {"step": 1, "epoch": 0.5, "loss": 3.0, "learning_rate": 1e-4},
    {"step": 2, "epoch": 1.0, "loss": 2.0, "learning_rate": 1e-4},
    {"step": 2, "epoch": 1.0, "eval_loss": 1.5},
    {"step": 4, "epoch": 2.0, "loss": 1.0, "learning_rate": 1e-4},
    {"step": 4, "epoch": 2.0, "train_runtime": 3.0},
]


@pytest.fixture
def foreign(base, tmp_path):
    """A folder as PEFT saves an adapter, with the files that a trainer puts beside it."""
    import peft
    import torch

    def make(
        card: str = "", *, kind: str = "lora", files: dict[str, object] | None = None, scale: float = 0.3
    ):
        loaded = load_model(str(base), quantization="none", device="cpu", threads=1)
        layers = {"target_modules": "all-linear", "task_type": "CAUSAL_LM"}
        configs = {
            "lora": lambda: peft.LoraConfig(r=4, lora_alpha=8, **layers),
            "dora": lambda: peft.LoraConfig(r=4, lora_alpha=8, use_dora=True, **layers),
            "vera": lambda: peft.VeraConfig(r=8, **layers),
            "adalora": lambda: peft.AdaLoraConfig(init_r=4, target_r=4, total_step=100, **layers),
            "prompt": lambda: peft.PromptTuningConfig(num_virtual_tokens=3, task_type="CAUSAL_LM"),
        }
        torch.manual_seed(1)
        model = peft.get_peft_model(loaded.model, configs[kind]())
        for name, weight in model.named_parameters():
            if weight.requires_grad and ("lora_B" in name or "vera_lambda" in name or "lora_E" in name):
                torch.nn.init.normal_(weight, std=scale)
        folder = tmp_path / f"foreign-{kind}"
        model.save_pretrained(str(folder), save_embedding_layers=False)
        config = json.loads((folder / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = "elsewhere/base"
        (folder / "adapter_config.json").write_text(json.dumps(config))
        (folder / "README.md").write_text(card)
        for name, content in (files or {}).items():
            (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
        return folder

    return make


def take(folder, base, **more):
    """`seatrial adapters import FOLDER --base BASE`."""
    return cli_adapters.adapters("import", str(folder), base=str(base), **more)


def test_axolotl_settings_and_curve_come_along(foreign, base, keep, tickets, workspace):
    """From the YAML in its card and the trainer's state; judged like one of ours on the data it names."""
    digest = keep(tickets)
    state = {"trainer_state.json": {"log_history": HISTORY}, "training_args.bin": "pickle"}
    folder = foreign(AXOLOTL, files=state)
    told = take(folder, base, data="tickets", alias="theirs").data
    assert told["imported"]["from"] == "Axolotl" and told["quantization"] == "nf4"
    settings = told["settings"]
    wanted = {"learning_rate": 2e-4, "epochs": 3, "batch_size": 2, "accumulate": 8, "schedule": "cosine", "warmup": 0.1, "context": 512, "packing": True, "seed": 42, "rank": 4, "alpha": 8, "method": "lora"}  # fmt: skip
    assert {key: settings[key] for key in wanted} == wanted
    assert told["losses"] == [
        {"epoch": 1, "loss": 2.5, "validation_loss": 1.5}, {"epoch": 2, "loss": 1.0, "validation_loss": None},
    ]  # fmt: skip
    kept = workspace.files(told["adapter"])
    assert not (kept / "training_args.bin").exists()  # opening it would run code
    assert len((kept / "log.jsonl").read_text().splitlines()) == 4
    assert workspace.made_from(digest, kind="train", role="adapter") == told["adapter"]  # `predict` takes it
    examples = workspace.examples(digest)
    assert trained_on(workspace, told["adapter"], examples, []) == 0
    each = registry.adapter(workspace, "theirs")
    assert registry.load(each).facts["quantization"] == "nf4"
    assert "from Axolotl" in "\n".join(cli_adapters.adapters("list").lines)
    assert cli_adapters.adapters("promote", "theirs", anyway=True).data["checks"] == []


@pytest.mark.parametrize(
    ("card", "files", "who", "settings"),
    [
        (
            LLAMAFACTORY,
            {"trainer_log.jsonl": ""},
            "LLaMA-Factory",
            {"learning_rate": 5e-5, "epochs": 2, "schedule": "constant"},
        ),
        ("base_model: unsloth/x-bnb-4bit\ntags:\n- unsloth\n- trl\n", {}, "Unsloth", {"rank": 4}),
        ("---\ntags:\n- trl\n- sft\n---\n", {}, "TRL", {"alpha": 8}),
        ("", {"train.yaml": "cutoff_len: 2048\nquantization_bit: 4\n"}, "PEFT", {"context": 2048}),
    ],
)
def test_who_trained_it_and_how(foreign, card, files, who, settings):
    folder = foreign(card, files=files)
    found = elsewhere.read_settings(folder, json.loads((folder / "adapter_config.json").read_text()))
    assert found["from"] == who
    assert {key: found["settings"][key] for key in settings} == settings
    assert found["quantization"] == ("nf4" if "cutoff_len" in str(files) else "none")


def test_without_a_word_on_its_rows_nothing_is_claimed(foreign, base, workspace):
    told = take(foreign(), base).data
    assert told["dataset"] == {} and "tells no settings" in told["imported"]["notes"][0]
    assert told["imported"]["notes"][1].startswith("nothing says that its base was held in 4 bits")
    assert trained_on(workspace, told["adapter"], pl.DataFrame(), []) is None
    assert check_unseen(None)["state"] == "not measured"
    with pytest.raises(ConfigError, match="no rows to compare on"):
        cli_adapters.adapters("merge", told["name"], to=workspace.root / "merged")


def test_what_is_no_adapter_is_refused(foreign, base, workspace, tmp_path):
    with pytest.raises(SourceError, match=r"no adapter_config\.json"):
        take(tmp_path, base)
    folder = foreign()
    with pytest.raises(SourceError, match="no folder with a model"):
        cli_adapters.adapters("import", str(folder), base="no/such base")
    (folder / "adapter_config.json").write_text("{")
    with pytest.raises(SourceError, match=r"adapter_config\.json"):
        take(folder, base)
    (folder / "adapter_config.json").write_text('{"r": 4}')
    with pytest.raises(SourceError, match="names no peft_type"):
        take(folder, base)
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(SourceError, match=r"no adapter_model\.safetensors") as error:
        take(folder, base)
    assert "can run code" in error.value.hint
    with pytest.raises(ConfigError, match="seatrial adapters import"):
        cli_adapters.adapters("import")


def test_one_that_changes_nothing_or_speaks_another_template_is_refused(foreign, base, workspace):
    inert = foreign(scale=0.0)
    with pytest.raises(GateError, match="it changes nothing"):
        take(inert, base)
    folder = foreign()
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (base / name).is_file():
            shutil.copy(base / name, folder / name)
    assert take(folder, base, alias="same").data["name"] == "same"
    template = folder / "chat_template.jinja"
    template.write_text(template.read_text().replace("'<a>'", "'<u>'"))
    with pytest.raises(GateError, match="another chat template"):
        take(folder, base)
    told = take(folder, base, anyway=True).data
    assert any("another chat template" in note for note in told["imported"]["notes"])


def test_one_of_another_base_does_not_fit(foreign, base, workspace, tmp_path):
    from transformers import LlamaConfig, LlamaForCausalLM

    other = tmp_path / "other"
    shutil.copytree(base, other)
    config = LlamaConfig.from_pretrained(base)
    config.num_hidden_layers = 1
    LlamaForCausalLM(config).save_pretrained(other)
    with pytest.raises(ConfigError, match=r"this base"):
        take(foreign(), other)


@pytest.mark.parametrize("kind", ["dora", "vera", "adalora"])
def test_each_kind_that_changes_weights_can_be_merged(
    foreign, base, keep, tickets, workspace, tmp_path, kind
):
    keep(tickets)
    take(foreign(kind=kind), base, data="tickets", alias=kind)
    told = cli_adapters.adapters("merge", kind, to=tmp_path / "merged", dtype="float32").data
    assert told["kl"] < merging.KL_LIMIT and told["agree"] > merging.AGREE_LIMIT
    assert "not by vLLM" in cli_adapters.adapters("show", kind).data["serve"]


def test_tokens_before_the_prompt_cannot_be_merged(foreign, base, keep, tickets, workspace, tmp_path):
    keep(tickets)
    take(foreign(kind="prompt"), base, data="tickets", alias="prompt")
    with pytest.raises(ConfigError, match="tokens before the prompt"):
        cli_adapters.adapters("merge", "prompt", to=tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
