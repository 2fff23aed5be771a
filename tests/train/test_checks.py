"""The checks of a run, each seen to fail on what it is there for."""

from __future__ import annotations

import pytest

from curate.errors import ResourceError, SeatrialError
from evalharness.models import load_model
from train import checks


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


def test_all_hold_on_a_sound_model(model, batch, tmp_path):
    found = [
        checks.masters(model),
        checks.nf4_round_trip(model, "cpu"),
        checks.stays_open(model),
        checks.gradients_around_evaluation(model, batch, "cpu"),
        checks.adapter_acts(model, batch),
        checks.base_unchanged(checks.frozen_digest(model), checks.frozen_digest(model)),
    ]
    model.save_pretrained(tmp_path, save_embedding_layers=False)
    found.append(checks.reload_equals(model, tmp_path, batch, 1e-5))
    assert [each.name for each in found] == [
        "fp32 adapters", "NF4 round trip", "gradients stay open", "gradients around an evaluation",
        "the adapter acts", "base unchanged", "reload equals",
    ]  # fmt: skip
    assert all(each.line().startswith(f"checked: {each.name}: ") for each in found)
    assert 0.05 < found[1].value < 0.12


def test_an_inert_adapter_is_found(model, batch):
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.data.zero_()
    with pytest.raises(ResourceError, match=r"the adapter acts failed.*0 is not above 0.001"):
        checks.adapter_acts(model, batch)


def test_adapters_in_half_precision_are_found(model):
    import torch

    weight = next(each for each in model.parameters() if each.requires_grad)
    weight.data = weight.data.to(torch.bfloat16)
    with pytest.raises(ResourceError, match="fp32 adapters failed"):
        checks.masters(model)


def test_a_model_with_nothing_to_train_is_found(model):
    model.requires_grad_(False)
    with pytest.raises(SeatrialError, match="no parameter"):
        checks.masters(model)


def test_a_changed_base_is_found(model):
    before = checks.frozen_digest(model)
    checks.four_bit_layers(model)[0].weight.data[0] += 1
    with pytest.raises(ResourceError, match="base unchanged failed"):
        checks.base_unchanged(before, checks.frozen_digest(model))


def test_a_saved_adapter_that_differs_is_found(model, batch, tmp_path):
    model.save_pretrained(tmp_path, save_embedding_layers=False)
    weight = next(each for name, each in model.named_parameters() if "lora_B" in name)
    weight.data += 0.1
    with pytest.raises(ResourceError, match="reload equals failed"):
        checks.reload_equals(model, tmp_path, batch, 1e-5)


def test_layers_that_would_repack_are_found(model):
    """On processors with AVX512-BF16 an evaluation would ruin the gradients of what follows."""
    checks.four_bit_layers(model)[3].support_avx512bf16_for_cpu = True
    with pytest.raises(ResourceError, match=r"gradients stay open failed.*1 is not equal 0"):
        checks.stays_open(model)


def test_an_evaluation_that_changes_gradients_is_found(model, batch):
    """As a fused kernel without gradients does: here a layer that answers otherwise once evaluated."""
    layer = checks.four_bit_layers(model)[0]
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
    checks.adapter_acts(model, batch)
    assert torch.equal(before, torch.random.get_rng_state()) and model.training == mode
    assert all(each.grad is None for each in model.parameters())
