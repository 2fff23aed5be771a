"""The whole probe on a model that is made here: what it learned it can forget; and what the comparison reads."""

from __future__ import annotations

import json

import pytest

from curate.errors import ConfigError, MissingExtraError
from evalharness.asking.answerers import Local
from evalharness.commands.asked import adapters_of
from evalharness.deciding import probed
from evalharness.deciding.comparison import Limits
from evalharness.probes import forgetting, harness
from evalharness.probes.items import Question
from evalharness.probes.probe import PARTS, Probing, probe
from evalharness.statistics.paired import Rules
from tests.evalharness.conftest import save_model, save_tokenizer

TEXTS = [
    f"the {a} arrived {b}, please send a new one"
    for a in ("mug", "lamp", "kettle")
    for b in ("late", "broken")
]
QUESTIONS = [
    Question("things", f"hello about the {thing}", (right, *wrong))
    for thing, right, *wrong in (
        ("mug", "oak", "viola", "sierra"), ("lamp", "sierra", "oak", "viola"), ("kettle", "viola", "oak", "sierra"),
        ("card", "oak", "viola", "sierra"), ("parcel", "sierra", "oak", "viola"), ("invoice", "viola", "oak", "sierra"),
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A base that was taught the texts and the right answers."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("taught")
    save_model(folder)
    save_tokenizer(folder)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    turns = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": each.question}, {"role": "assistant", "content": each.choices[0]}],
            tokenize=False,
        )
        for each in QUESTIONS
    ]
    plain = tokenizer([*TEXTS, *turns], padding=True, return_tensors="pt", add_special_tokens=True)
    labels = plain.input_ids.masked_fill(plain.attention_mask == 0, -100)
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(80):
        loss = model(input_ids=plain.input_ids, attention_mask=plain.attention_mask, labels=labels).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def adapters(taught, tmp_path_factory):
    """(one that changes hardly anything, one that overwrites what the base knew)."""
    import torch
    from peft import LoraConfig, get_peft_model

    from evalharness.models.loaded import load_model

    folders = []
    for std in (1e-4, 1.0):
        loaded = load_model(str(taught), quantization="none")
        torch.manual_seed(1)
        model = get_peft_model(
            loaded.model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
        )
        for name, weights in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weights, std=std)
        folder = tmp_path_factory.mktemp("adapter")
        model.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)
        notes = {"quantization": "none", "base_digest": loaded.facts["base_digest"]}
        (folder / "training.json").write_text(json.dumps(notes))
        folders.append(folder)
    return folders


def test_what_the_base_knew_and_the_fine_tune_does_not_is_a_failure(taught, adapters):
    gentle, harsh = (Local(str(taught), "none", "cpu", 1, folder, "0" * 32) for folder in adapters)
    rules = Rules()
    kept, lost = (forgetting.general(local, QUESTIONS, rules) for local in (gentle, harsh))
    assert kept["state"] == "pass" and abs(kept["value"]) < 0.01
    assert lost["state"] == "fail" and lost["value"] > 0.2
    kept, lost = (forgetting.held_out(local, TEXTS, rules) for local in (gentle, harsh))
    assert kept["state"] == "pass" and abs(kept["value"]) < 0.05
    assert lost["state"] == "fail" and lost["value"] > 0.5 and lost["unit"] == "nats a token"


def test_a_base_that_knows_nothing_has_nothing_to_forget(base, adapter):
    local = Local(str(base), "none", "cpu", 1, adapter, "0" * 32)
    asked = [
        each._replace(choices=each.choices[turn:] + each.choices[:turn])
        for each in QUESTIONS
        for turn in range(3)
    ]
    for found in (
        forgetting.general(local, asked * 12, Rules()), forgetting.held_out(local, TEXTS, Rules()),
    ):  # fmt: skip
        assert found["state"] == "pass" and "nothing to forget" in found["detail"]
        assert "upper" not in found


def test_the_shell_probes_records_and_the_comparison_reads_it(
    workspace, base, adapter, tmp_path, monkeypatch
):
    from evalharness.commands.probe import probe as command
    from evalharness.probes import red_team

    monkeypatch.setattr(red_team, "LONGEST", 12)  # tokens that a model without sense may write
    (tmp_path / "own.tsv").write_text(
        "topic\tquestion\tright\twrong\n" + "".join(f"t\t{q.question}\toak\tviola\n" for q in QUESTIONS)
    )
    words = {
        "base": str(base), "adapter": str(adapter), "threads": 1, "general": [tmp_path / "own.tsv"],
        "only": ["forgetting", "red team", "instrument"],
    }  # fmt: skip
    told = command("tickets", show=True, **words)
    assert any("red team" in line for line in told.lines) and told.data["traps"]
    digest = adapters_of(workspace, workspace.dataset("tickets"), [str(adapter)])[0].digest
    made, found = probed.newest(workspace, digest)
    assert made and set(found) == {"forgetting", "red team", "instrument"}
    assert found["instrument"]["state"] == "pass" and "of 30 answers" in found["instrument"]["detail"]
    assert probed.check("red team", found, Limits())["state"] in ("pass", "fail")
    before = len(workspace.ledger.rows("select * from run where kind = 'probe'"))
    assert "as recorded" in command("tickets", **words).lines[0]
    assert len(workspace.ledger.rows("select * from run where kind = 'probe'")) == before


def test_a_part_that_does_not_exist_and_a_package_that_is_not_there_are_told(taught, adapters, monkeypatch):
    with pytest.raises(ConfigError, match="--only forgotten"):
        Probing(parts=("forgotten",))
    import sys

    monkeypatch.setitem(sys.modules, "lm_eval", None)
    with pytest.raises(MissingExtraError):
        harness.tasks(Local(str(taught), "none", "cpu", 1, adapters[0], "0" * 32), ["x"], 1, Rules())


def test_an_endpoint_tells_no_likelihoods(workspace, chat_server):
    from evalharness.commands.asked import Model

    url = chat_server(lambda body, number: (200, "oak: sorry?"))
    answerer = Model(endpoint=url, model="m", tuned_model="t").answerer()
    done = probe(workspace, workspace.dataset("tickets"), answerer, Probing(PARTS))
    assert done.found["forgetting"]["state"] == done.found["held-out loss"]["state"] == "not measured"
    assert done.found["red team"]["state"] in ("pass", "fail")
