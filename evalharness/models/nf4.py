"""NF4 by bitsandbytes: when it can be trusted on a device, and the processor traps that it hides.

Three faults of bitsandbytes 0.50 are kept away here, each silent in its own right:

1. On AVX-512 processors a Linear whose in_features is not a multiple of the block size (64) is
   dequantised with the wrong scales. Nothing crashes. So such models are refused, and a round trip
   through each width must come back with less than MAX_ERROR.
2. On processors with AVX512-BF16 the first forward in evaluation mode repacks the weights for a
   kernel that has no gradient, so that training after it learns from wrong gradients. `unpacked`
   turns that off.
3. Its import asks the package `kernels`, where that is installed, to fetch and run code from the
   network, and warns where it is not. `import_bitsandbytes` keeps it from both.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from curate.errors import MissingExtraError
from evalharness.models.model_files import WEIGHTS

if TYPE_CHECKING:
    import torch
    from transformers import BitsAndBytesConfig, PreTrainedConfig, PreTrainedModel

BLOCK = 64
HELD_ERROR = 0.15  # trained weights have heavier tails than normal ones
MAX_ERROR = 0.12  # relative; NF4 on normal weights gives 0.092, wrong scales 0.22 and more
SMALL = 128  # below this hidden size a second quantisation of the scales costs more than it saves


class _KernelsLine(logging.Filter):
    """Drops the one line that says the optional network kernel was not loaded; we never want it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "gemm_4bit_forward" not in str(record.msg)


def import_bitsandbytes() -> ModuleType:
    """The package bitsandbytes, imported without its look for a kernel on the network.

    Call it before anything else may import bitsandbytes (peft does). Raises MissingExtraError.
    """
    if (known := sys.modules.get("bitsandbytes")) is not None:
        return known
    logger = logging.getLogger("bitsandbytes.backends.cpu.ops")
    quiet = _KernelsLine()
    logger.addFilter(quiet)
    absent = object()
    kernels: Any = sys.modules.get("kernels", absent)
    sys.modules["kernels"] = None  # type: ignore[assignment]  # an import of it now raises ImportError
    try:
        import bitsandbytes
    except ImportError as error:
        raise MissingExtraError("bitsandbytes", "train") from error
    finally:
        logger.removeFilter(quiet)
        if kernels is absent:
            del sys.modules["kernels"]
        else:
            sys.modules["kernels"] = kernels
    return bitsandbytes  # type: ignore[no-any-return]


def widths(config: PreTrainedConfig, *, trust_remote_code: bool = False) -> dict[int, str]:
    """in_features to the first module that has it, of each Linear that NF4 would replace.

    Builds the model without weights. The output embedding stays in full precision and is left out.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.pytorch_utils import Conv1D

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=trust_remote_code)
    head = model.get_output_embeddings()
    found: dict[int, str] = {}
    for name, module in model.named_modules():
        if module is head:
            continue
        if isinstance(module, torch.nn.Linear):
            found.setdefault(module.in_features, name)
        elif isinstance(module, Conv1D):
            found.setdefault(int(module.weight.shape[0]), name)
    return found


def round_trip_error(width: int, device: str) -> float:
    """Relative error of normal weights of this many in_features through NF4 and back, on `device`."""
    import torch

    functional = import_bitsandbytes().functional
    weights = torch.randn(64, width, generator=torch.Generator().manual_seed(0)).to(device)
    packed, state = functional.quantize_4bit(weights, blocksize=BLOCK, quant_type="nf4")
    back = functional.dequantize_4bit(packed, state)
    return float((back - weights).norm() / weights.norm())


def objection(config: PreTrainedConfig, device: str, *, trust_remote_code: bool = False) -> str:
    """Why NF4 cannot be trusted for this model on this device, in one clause; empty if it can."""
    try:
        import_bitsandbytes()
    except MissingExtraError:
        return "bitsandbytes is not installed"
    found = widths(config, trust_remote_code=trust_remote_code)
    for width, name in sorted(found.items()):
        if width % BLOCK:
            return f"{name} has {width} in_features, not a multiple of {BLOCK}"
    for width, name in sorted(found.items()):
        error = round_trip_error(width, device)
        if not error < MAX_ERROR:
            return f"{name}: weights come back from NF4 with {error:.2f} relative error (limit {MAX_ERROR})"
    return ""


def held(model: PreTrainedModel, folder: Path) -> dict[tuple[int, int], float]:
    """Relative error of the weights that 4-bit layers hold against the base's own files: a layer of each shape.

    Empty where no layer is held in 4 bits. A layer that the files do not have under its name is left out;
    a model whose files are quantised already is not for this.
    """
    if "bitsandbytes" not in sys.modules:
        return {}
    from safetensors import safe_open

    package = import_bitsandbytes()
    kept: dict[str, Path] = {}
    for path in sorted(folder.glob(WEIGHTS)):
        with safe_open(str(path), framework="pt") as file:
            kept |= dict.fromkeys(file.keys(), path)
    found: dict[tuple[int, int], float] = {}
    for name, layer in model.named_modules():
        own = name.removeprefix("base_model.model.").removesuffix(".base_layer") + ".weight"
        if not isinstance(layer, package.nn.Linear4bit) or own not in kept:
            continue
        shape = (int(layer.out_features), int(layer.in_features))
        if shape in found:
            continue
        with safe_open(str(kept[own]), framework="pt") as file:
            weights = file.get_tensor(own).to(layer.weight.device).float()
        back = package.functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state).float()
        # GPT-2's layers lie in their files the other way round
        ways = [each for each in (weights, weights.T) if each.shape == back.shape]
        found[shape] = min(float((back - each).norm() / each.norm()) for each in ways)
    return found


def unpacked(model: PreTrainedModel) -> int:
    """Keep each 4-bit layer from repacking its weights on the CPU; the number of layers."""
    linear = import_bitsandbytes().nn.Linear4bit
    layers = [module for module in model.modules() if isinstance(module, linear)]
    for layer in layers:
        layer.support_avx512bf16_for_cpu = False
    return len(layers)


def settings(config: PreTrainedConfig, compute: torch.dtype) -> BitsAndBytesConfig:
    """The BitsAndBytesConfig for NF4 with this compute type; double quantisation off for tiny models."""
    from transformers import BitsAndBytesConfig

    hidden = int(getattr(config, "hidden_size", 0) or 0)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=hidden >= SMALL,
        bnb_4bit_compute_dtype=compute,
    )
