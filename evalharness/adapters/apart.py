"""How two adapters differ: settings, training rows, curves, and what they do to the base's weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from curate.errors import NotFoundError
from evalharness.adapters.registry import Adapter
from evalharness.adapters.trained_on import rows_of
from evalharness.models.model_files import ADAPTER

FACTS = ("base", "base_digest", "quantization", "steps", "trainable", "code", "clean")


def apart(first: Adapter, second: Adapter) -> dict[str, Any]:
    """What differs, as JSON: `settings` and `facts` hold (first, second) under each key where they differ."""
    told = (first.told, second.told)
    settings = tuple({**each.get("settings", {}), **_versions(each)} for each in told)
    return {
        "first": first.digest,
        "second": second.digest,
        "facts": _pairs(*({key: each.get(key) for key in FACTS} for each in told)),
        "settings": _pairs(*settings),
        "rows": _rows(first, second),
        "losses": [each.get("losses", []) for each in told],
        "weights": _weights(first.folder, second.folder),
    }


def _versions(told: dict[str, Any]) -> dict[str, Any]:
    return {f"version of {name}": known for name, known in told.get("versions", {}).items()}


def _pairs(first: dict[str, Any], second: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    keys = [*first, *(key for key in second if key not in first)]
    return {key: (first.get(key), second.get(key)) for key in keys if first.get(key) != second.get(key)}


def _rows(first: Adapter, second: Adapter) -> dict[str, Any]:
    """Training rows of both, and of one alone; an edited row is another, and so is one that is masked otherwise."""
    found = []
    for each in (first, second):
        try:
            table = rows_of(each.folder or Path())
        except NotFoundError:
            return {"unknown": f"{each.digest[:12]} does not say which rows it was trained on"}
        found.append(set(table.select("example_id", "digest").iter_rows()))
    one, other = found
    return {"both": len(one & other), "first alone": len(one - other), "second alone": len(other - one)}


def _weights(first: Path | None, second: Path | None) -> dict[str, Any]:
    """Distance and cosine of the two changes to the base's weights.

    LoRA's change of a layer is scale * B A; the matrices themselves may differ where their product does
    not. <B A, D C> = sum((B' D) * (A C')), so that no product is ever made. Other adapters are compared
    number by number.
    """
    sides = [_change(folder) for folder in (first, second) if folder and (folder / ADAPTER).is_file()]
    if len(sides) < 2 or sides[0].keys() != sides[1].keys():
        return {"unknown": "their weights are not on the same layers"}
    one, other = sides
    try:
        dots = [
            sum(_dot(a[name], b[name]) for name in one) for a, b in ((one, one), (other, other), (one, other))
        ]
    except RuntimeError:
        return {"unknown": "their weights are not of the same sizes"}
    apart = max(dots[0] + dots[1] - 2 * dots[2], 0.0) ** 0.5
    size = (dots[0] * dots[1]) ** 0.5
    return {"distance": apart / max(dots[0] ** 0.5, 1e-30), "cosine": dots[2] / max(size, 1e-30)}


def _change(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Layer to (B, A) with the scale in A; a tensor that is of no such pair stands alone."""
    from safetensors.torch import load_file

    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    scale = config.get("lora_alpha", 1) / (config.get("r") or 1) ** (0.5 if config.get("use_rslora") else 1)
    found: dict[str, tuple[Any, ...]] = {}
    tensors = {name: each.float() for name, each in load_file(str(folder / ADAPTER)).items()}
    for name, tensor in tensors.items():
        if (partner := name.replace(".lora_A.", ".lora_B.")) in tensors and partner != name:
            found[name] = (tensors[partner], tensor * scale)
        elif name.replace(".lora_B.", ".lora_A.") not in tensors or ".lora_B." not in name:
            found[name] = (tensor,)
    return found


def _dot(one: tuple[Any, ...], other: tuple[Any, ...]) -> float:
    if len(one) == 1:
        return float((one[0] * other[0]).sum())
    return float(((one[0].T @ other[0]) * (one[1] @ other[1].T)).sum())


def lines(told: dict[str, Any]) -> list[str]:
    """The difference for a person."""
    said = [
        f"{key}: {_word(one)} | {_word(two)}"
        for key, (one, two) in {**told["facts"], **told["settings"]}.items()
    ]
    said = said or ["same base, settings and versions"]
    said.append("training rows: " + ", ".join(f"{key} {_word(value)}" for key, value in told["rows"].items()))
    one, other = ({each["epoch"]: each for each in side} for side in told["losses"])
    for epoch in sorted({*one, *other}):
        pairs = (
            f"{name.replace('_', ' ')} {_word(one.get(epoch, {}).get(name))} | {_word(other.get(epoch, {}).get(name))}"
            for name in ("loss", "validation_loss")
        )
        said.append(f"epoch {epoch}: {', '.join(pairs)}")
    weights = told["weights"]
    said.append(
        f"weights: {weights['unknown']}"
        if "unknown" in weights
        else f"change of the base's weights: {weights['distance']:.3f} of the first's size apart, cosine {weights['cosine']:.4f}"
    )
    return said


def _word(value: Any) -> str:  # noqa: ANN401
    return f"{value:.4g}" if isinstance(value, float) else "-" if value is None else str(value)
