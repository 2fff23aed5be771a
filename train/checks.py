"""What a training run proves about itself; each check says what it compared, the number and the limit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from curate.errors import AccountError
from evalharness import nf4
from evalharness.checked import Checked, must

GRADIENT_LIMIT = {"cpu": 1e-6, "cuda": 1e-2}  # kernels of a GPU add in no fixed order
ACTS_LIMIT = 1e-3
# In bfloat16 rows end to end move a logit of the tiny base by 0.07, rows that see one another by 17.
PACKING_LIMIT = {"cpu": 1e-4, "cuda": 0.25}
RELOAD_LIMIT = {"cpu": 1e-5, "cuda": 1e-2}
ROUND_TRIP_ROWS = 256


def four_bit_layers(model: Any) -> list[Any]:  # noqa: ANN401
    """The layers whose weights bitsandbytes holds in 4 bits."""
    if "bitsandbytes" not in sys.modules:
        return []
    kind = nf4.import_bitsandbytes().nn.Linear4bit  # peft's layer around it bears the same name
    return [module for module in model.modules() if isinstance(module, kind)]


def nf4_round_trip(model: Any, device: str) -> Checked | None:  # noqa: ANN401
    """Random weights of each shape of the base go to NF4 and back: the worst relative error. None without NF4."""
    layers = four_bit_layers(model)
    if not layers:
        return None
    import torch
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    shapes = sorted({(layer.out_features, layer.in_features) for layer in layers})
    generator = torch.Generator().manual_seed(0)
    worst, at = 0.0, shapes[0]
    for outs, ins in shapes:
        weight = torch.randn(min(outs, ROUND_TRIP_ROWS), ins, generator=generator).to(device)
        state = layers[0].weight.quant_state
        packed, found = quantize_4bit(weight, blocksize=state.blocksize, quant_type=state.quant_type)
        error = float((dequantize_4bit(packed, found) - weight).norm() / weight.norm())
        worst, at = max((worst, at), (error, (outs, ins)))
    compared = (
        f"relative error of {len(shapes)} layer shapes through NF4 and back, worst at {at[0]} x {at[1]}"
    )
    return must("NF4 round trip", compared, worst, "below", nf4.MAX_ERROR)


def stays_open(model: Any) -> Checked | None:  # noqa: ANN401
    """No 4-bit layer may repack its weights when it is evaluated: it would have no gradient after. None without NF4."""
    layers = four_bit_layers(model)
    if not layers:
        return None
    unpacked = sum(1 for layer in layers if layer.support_avx512bf16_for_cpu)
    return must("gradients stay open", "4-bit layers that would repack when evaluated", unpacked, "equal", 0)


def gradients_around_evaluation(model: Any, batch: dict[str, Any], device: str) -> Checked:  # noqa: ANN401
    """Gradients of one batch, an evaluation, and the gradients again: the same, or training is ruined."""
    import torch

    with _aside(model):
        before = _gradients(model, batch)
        model.eval()
        with torch.no_grad():
            model(**batch, use_cache=False)
        after = _gradients(model, batch)
    scale = max(float(before.norm()), 1e-30)
    compared = f"relative change of {before.numel():,} gradients after an evaluation"
    value = float((after - before).norm()) / scale
    return must("gradients around an evaluation", compared, value, "below", GRADIENT_LIMIT[device])


def _gradients(model: Any, batch: dict[str, Any]) -> Any:  # noqa: ANN401
    """All trainable gradients as one vector, chance the same each time."""
    import torch

    torch.manual_seed(0)
    model.train()
    model.zero_grad(set_to_none=True)
    out = model(**batch, use_cache=False)
    (out.loss if "labels" in batch else out.logits.float().square().mean()).backward()
    found = [each.grad.float().flatten().cpu() for each in model.parameters() if each.grad is not None]
    model.zero_grad(set_to_none=True)
    return torch.cat(found)


@contextmanager
def _aside(model: Any) -> Iterator[None]:  # noqa: ANN401
    """Leave chance and the model's mode as they were."""
    import torch

    mode = model.training
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            model.train(mode)


def logits(model: Any, batch: dict[str, Any]) -> Any:  # noqa: ANN401
    """Logits of a batch in evaluation mode, float32, on the CPU."""
    import torch

    inputs = {key: value for key, value in batch.items() if key != "labels"}
    with _aside(model), torch.no_grad():
        model.eval()
        found = model(**inputs, use_cache=False).logits.float().cpu()
    return found[:, -batch["input_ids"].shape[1] :]  # learned tokens stand before the row's own


def adapter_acts(model: Any, batch: dict[str, Any]) -> Checked:  # noqa: ANN401
    """Logits with the adapter and without it must differ."""
    with model.disable_adapter():
        plain = logits(model, batch)
    return acts(logits(model, batch), plain)


def acts(tuned: Any, plain: Any) -> Checked:  # noqa: ANN401
    """Logits of one batch after training and without it must differ."""
    value = float((tuned - plain).abs().max())
    return must(
        "the adapter acts", "largest difference of a logit with and without it", value, "above", ACTS_LIMIT
    )


def reload_equals(
    model: Any,  # noqa: ANN401
    folder: Path,
    batch: dict[str, Any],
    limit: float,
) -> Checked:
    """The saved adapter, loaded again onto the same base, must answer as the trained one does."""
    trained, active = logits(model, batch), model.active_adapter
    model.load_adapter(str(folder), adapter_name="reloaded", is_trainable=False)
    model.set_adapter("reloaded")
    again = logits(model, batch)
    model.set_adapter(active)
    model.delete_adapter("reloaded")
    value = float((trained - again).abs().max())
    compared = "largest difference of a logit between the trained and the saved adapter"
    return must("reload equals", compared, value, "below", limit)


def saved_equals(model: Any, folder: Path) -> Checked:  # noqa: ANN401
    """All weights as they were saved must be those in memory: read back one by one, not loaded again."""
    import torch
    from safetensors import safe_open

    held, other = dict(model.state_dict()), 0
    saved = set()
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(str(path), framework="pt") as file:
            for name in file.keys():  # noqa: SIM118  # it is no dictionary
                saved.add(name)
                other += name not in held or not torch.equal(held[name].cpu(), file.get_tensor(name))
    tied = {weight.data_ptr() for name, weight in held.items() if name in saved}
    other += sum(name not in saved and weight.data_ptr() not in tied for name, weight in held.items())
    compared = f"of {len(held)} tensors, those that differ from memory or are not there"
    return must("reload equals", compared, other, "equal", 0)


def packing_equals(apart: float, device: str) -> Checked:
    """Rows end to end in a pass must give the logits that they give side by side."""
    compared = "largest difference of a logit between rows end to end and side by side"
    return must("packing equals unpacked", compared, apart, "below", PACKING_LIMIT[device])


def frozen_digest(model: Any) -> str:  # noqa: ANN401
    """Digest of all weights that are not trained: the base, as it is held in memory."""
    hasher = blake2b(digest_size=16)
    for name, weight in sorted(model.named_parameters()):
        if not weight.requires_grad and "lora_" not in name:
            hasher.update(name.encode())
            import torch

            raw = weight.detach().contiguous().flatten().view(torch.uint8).cpu()
            hasher.update(raw.numpy().tobytes())
    return hasher.hexdigest()


def base_unchanged(before: str, after: str) -> Checked:
    """The base's weights must be the same bytes as before training."""
    return must(
        "base unchanged", f"digests of its weights that differ ({before[:8]})", before != after, "equal", 0
    )


def masters(model: Any) -> Checked:  # noqa: ANN401
    """Every trained parameter must be float32: in bfloat16 small updates round to nothing."""
    other = [
        name for name, weight in model.named_parameters() if weight.requires_grad and weight.itemsize != 4
    ]
    trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    if not trained:
        raise AccountError(
            "no parameter of the model would be trained", hint="look at the recipe's `targets`"
        )
    return must(
        "fp32 adapters", f"of {trained:,} trained parameters, tensors not in fp32", len(other), "equal", 0
    )
