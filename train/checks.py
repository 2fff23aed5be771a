"""What a training run proves about itself; each check says what it compared, the number and the limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from curate.errors import AccountError
from evalharness.adapters.checked import Checked, must
from train import processes

GRADIENT_LIMIT = {"cpu": 1e-6, "cuda": 1e-2}  # kernels of a GPU add in no fixed order
# In bfloat16 rows end to end move a logit of the tiny base by 0.07, rows that see one another by 17.
PACKING_LIMIT = {"cpu": 1e-4, "cuda": 0.25}


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


def reloaded(model: Any, folder: Path, batch: dict[str, Any]) -> Any:  # noqa: ANN401
    """Logits of a saved adapter, loaded onto the same base beside the trained one."""
    active = model.active_adapter
    model.load_adapter(str(folder), adapter_name="reloaded", is_trainable=False)
    model.set_adapter("reloaded")
    found = logits(model, batch)
    model.set_adapter(active)
    model.delete_adapter("reloaded")
    return found


def saved_equals(held: Mapping[str, Any], folder: Path, whose: str) -> Checked:
    """All weights as they were saved must be those that are held: read back one by one, not loaded again."""
    import torch
    from safetensors import safe_open

    other, saved = 0, set()
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(str(path), framework="pt") as file:
            for name in file.keys():  # noqa: SIM118  # it is no dictionary
                saved.add(name)
                other += name not in held or not torch.equal(held[name].cpu(), file.get_tensor(name))
    tied = {held[name].data_ptr() for name in saved & held.keys()}
    other += sum(name not in saved and weight.data_ptr() not in tied for name, weight in held.items())
    compared = f"of {len(held)} tensors, those that differ from {whose} or are not there"
    return must("reload equals", compared, other, "equal", 0)


def frozen_digest(model: Any) -> str:  # noqa: ANN401
    """Digest of all weights that are not trained: the base, as it is held in memory."""
    hasher = blake2b(digest_size=16)
    for name, weight in sorted(model.named_parameters()):
        if not weight.requires_grad and "lora_" not in name:
            hasher.update(name.encode())
            import torch

            # a copy: numpy would hold on to memory that a sharded model has to free
            raw = processes.whole(weight.detach()).to("cpu", copy=True).contiguous().flatten()
            hasher.update(raw.view(torch.uint8).numpy())
    return hasher.hexdigest()


def masters(model: Any, *, whole: bool = False) -> Checked:  # noqa: ANN401
    """Every trained parameter must be float32: in bfloat16 small updates round to nothing.

    With `whole` all others too, but for those that are packed in 4 bits.
    """
    looked = [each for each in model.parameters() if whole or each.requires_grad]
    other = [each for each in looked if each.is_floating_point() and each.itemsize != 4]
    trained = sum(each.numel() for each in model.parameters() if each.requires_grad)
    if not trained:
        raise AccountError("no parameter would be trained", hint="look at the recipe's `targets`")
    what = f"of {trained:,} trained parameters{' and all others (precision=fp32)' if whole else ''}"
    return must("fp32 adapters", f"{what}, tensors not in fp32", len(other), "equal", 0)
