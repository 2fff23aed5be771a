"""The checks of a run, each seen to fail on what it is there for."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from curate.errors import ResourceError, SeatrialError
from evalharness.models.loaded import load_model
from train import checks
from train.outline import load_base
from train.proofs import trained
from train.recipe import Recipe


@pytest.fixture
def model(base):
    """The random base in NF4 with an adapter that acts, and a batch."""
    import torch
    from peft import LoraConfig, get_peft_model

    loaded = load_model(str(base), quantization="nf4", device="cpu", threads=1, for_training=True)
    torch.manual_seed(0)
    tuned = get_peft_model(loaded.model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    return tuned


@pytest.fixture
def batch():
    """Two short rows."""
    import torch

    ids = torch.tensor([[2, 9, 10, 11, 5], [2, 12, 13, 14, 5]])
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids.clone()}


@pytest.fixture
def run(model, batch, tmp_path):
    """What the proofs look at."""
    run = SimpleNamespace(
        model=model, probe=batch, folder=tmp_path, plain=None, digest=checks.frozen_digest(model),
        loaded=SimpleNamespace(device="cpu"), recipe=Recipe(), sharded=False,
    )  # fmt: skip
    model.save_pretrained(tmp_path, save_embedding_layers=False)
    return run


def test_all_hold_on_a_sound_model(run):
    found = [
        checks.masters(run.model),
        checks.gradients_around_evaluation(run.model, run.probe, "cpu"),
        trained.acts(run),
        trained.base_unchanged(run),
        trained.reload(run),
    ]
    assert [each.name for each in found] == [
        "fp32 adapters", "gradients around an evaluation", "the adapter acts", "base unchanged", "reload equals",
    ]  # fmt: skip
    assert all(each.line().startswith(f"checked: {each.name}: ") for each in found)


def test_an_inert_adapter_is_found(run):
    for name, weight in run.model.named_parameters():
        if "lora_B" in name:
            weight.data.zero_()
    with pytest.raises(ResourceError, match=r"the adapter acts failed.*0 is not above 0.001"):
        trained.acts(run)


def test_adapters_in_half_precision_are_found(model):
    import torch

    weight = next(each for each in model.parameters() if each.requires_grad)
    weight.data = weight.data.to(torch.bfloat16)
    with pytest.raises(ResourceError, match="fp32 adapters failed"):
        checks.masters(model)


def test_a_base_in_half_precision_is_found_where_all_was_to_be_float32(model):
    """`precision=fp32` on a GPU: switching autocast off alone would leave the weights in bfloat16."""
    import torch

    norm = model.get_base_model().model.norm
    assert checks.masters(model, whole=True).value == 0
    norm.weight.data = norm.weight.data.to(torch.bfloat16)
    assert checks.masters(model).value == 0
    with pytest.raises(ResourceError, match=r"and all others \(precision=fp32\).*: 1 is not"):
        checks.masters(model, whole=True)


@pytest.mark.parametrize(("precision", "exact"), [("fp32", True), ("auto", False), ("bf16", False)])
def test_float32_is_asked_of_the_loader(precision, exact, monkeypatch):
    asked = {}

    def load(base, **more):
        asked.update(more)
        return SimpleNamespace(facts={"quantization": "none", "quantization_reason": ""})

    monkeypatch.setattr("train.outline.models.load_model", load)
    load_base(SimpleNamespace(recipe=replace(Recipe(), precision=precision), quantization="nf4", why=""))
    assert asked["exact"] is exact


@pytest.mark.gpu
def test_float32_on_a_gpu_is_of_all_weights(base):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    found = load_model(str(base), quantization="none", device="cuda", exact=True)
    assert {each.itemsize for each in found.model.parameters()} == {4}


def test_a_model_with_nothing_to_train_is_found(model):
    model.requires_grad_(False)
    with pytest.raises(SeatrialError, match="no parameter"):
        checks.masters(model)


def layer_of(model):
    """One that holds its weights in 4 bits."""
    return next(each for each in model.modules() if hasattr(each, "support_avx512bf16_for_cpu"))


def test_a_changed_base_is_found(run):
    layer_of(run.model).weight.data[0] += 1
    with pytest.raises(ResourceError, match="base unchanged failed"):
        trained.base_unchanged(run)


def test_a_saved_adapter_that_differs_is_found(run):
    weight = next(each for name, each in run.model.named_parameters() if "lora_B" in name)
    weight.data += 0.1
    with pytest.raises(ResourceError, match="reload equals failed"):
        trained.reload(run)


def test_an_evaluation_that_changes_gradients_is_found(model, batch):
    """As a fused kernel without gradients does: here a layer that answers otherwise once evaluated."""
    layer = layer_of(model)
    whole = layer.forward

    def forgets(values, **_):
        if not layer.training:
            layer.forward = lambda inputs, **_: whole(inputs).detach() * 0.5
        return whole(values)

    layer.forward = forgets
    with pytest.raises(ResourceError, match="gradients around an evaluation failed"):
        checks.gradients_around_evaluation(model, batch, "cpu")


def test_checks_leave_chance_and_mode_alone(model, batch):
    import torch

    torch.manual_seed(5)
    before, mode = torch.random.get_rng_state(), model.training
    checks.gradients_around_evaluation(model, batch, "cpu")
    checks.logits(model, batch)
    assert torch.equal(before, torch.random.get_rng_state()) and model.training == mode
    assert all(each.grad is None for each in model.parameters())
