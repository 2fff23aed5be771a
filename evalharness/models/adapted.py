"""A trained artifact on its base: an adapter, or all weights anew; and the base without it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate.errors import ConfigError, SourceError
from evalharness.models.damage import must_be_whole
from evalharness.models.model_files import ADAPTER, WEIGHTS, adapter_notes

if TYPE_CHECKING:
    import torch

FITS = "give --base as it was given to `seatrial train`"


def is_whole_model(folder: Path) -> bool:
    """Whether the folder holds all weights anew (full fine-tuning) rather than an adapter."""
    return not (folder / ADAPTER).is_file() and any(folder.glob(WEIGHTS))


def is_reward(folder: Path) -> bool:
    """Whether the folder holds a reward model: it gives a score, no answers."""
    return dict(adapter_notes(folder).get("settings") or {}).get("objective") == "reward"


def must_answer(folder: Path | None, *, scores: bool) -> None:
    """ConfigError for a reward model, unless `scores` are what is wanted; SourceError for a damaged file."""
    if folder is not None:
        must_be_whole(folder)
    if folder is not None and not scores and is_reward(folder):
        raise ConfigError(
            "this adapter is a reward model: it gives scores, no answers",
            hint="--adapter names another; `seatrial adapters` lists them",
        )


def must_fit(folder: Path, base_digest: str) -> None:
    """SourceError where there is no adapter; ConfigError where it was trained on another base."""
    if not (folder / ADAPTER).is_file() and not is_whole_model(folder):
        raise SourceError(
            f"{folder.name}: no {ADAPTER} in it", hint="an adapter's folder is what `seatrial train` makes"
        )
    made_on = adapter_notes(folder).get("base_digest")
    if made_on and made_on != base_digest:
        raise ConfigError(
            f"the adapter was trained on another base ({made_on[:8]}, this one is {base_digest[:8]})",
            hint=FITS,
        )


def put_adapter(model: Any, folder: Path, *, trainable: bool) -> Any:  # noqa: ANN401  a PeftModel on a PreTrainedModel
    """The model with the adapter on it; ConfigError where they do not fit, SourceError for a damaged file."""
    from peft import PeftModel
    from safetensors import SafetensorError

    must_be_whole(folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of missing keys: `_must_be_whole` refuses those
            warnings.simplefilter("ignore", FutureWarning)  # between peft and transformers, not ours to mend
            loaded = PeftModel.from_pretrained(model, str(folder), is_trainable=trainable)
    except (ValueError, TypeError, RuntimeError, KeyError, re.error, SafetensorError) as error:
        # what a configuration that somebody wrote may say is not looked at before PEFT does
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]
        raise ConfigError(f"the adapter does not fit this base: {first}", hint=FITS) from error
    _must_be_whole(loaded, folder)
    return loaded


def put_further(model: Any, folder: Path, name: str) -> None:  # noqa: ANN401  a PeftModel
    """One more adapter beside the first, by a name; ConfigError where they cannot share the base."""
    together = hasattr(model, "load_adapter") and not is_whole_model(folder)
    if not together or virtual_tokens(model):
        raise ConfigError(
            f"the adapter {name} cannot share a loaded base with the first one",
            hint="all weights anew and learned tokens are asked by themselves: --adapter once",
        )
    must_be_whole(folder)
    first = model.active_adapter
    try:
        model.load_adapter(str(folder), adapter_name=name, is_trainable=False)
    except (ValueError, RuntimeError, KeyError) as error:
        raise ConfigError(f"the adapter {name} does not fit: {str(error)[:300]}", hint=FITS) from error
    _must_be_whole(model, folder, name)
    model.set_adapter(first)


@contextmanager
def acting(model: Any, name: str) -> Iterator[None]:  # noqa: ANN401  a PeftModel
    """The adapter of that name in place of the one that acts, while this lasts."""
    before = model.active_adapter
    model.set_adapter(name)
    try:
        yield
    finally:
        model.set_adapter(before)


def _must_be_whole(model: Any, folder: Path, name: str = "default") -> None:  # noqa: ANN401  a PeftModel
    """Refuse an adapter that is not wholly placed in the model: the rest would be silently inert."""
    from peft import get_peft_model_state_dict
    from safetensors import safe_open

    with safe_open(str(folder / ADAPTER), framework="pt") as file:
        saved = set(file.keys())
    # "auto" would ask the hub about the base when its name is no folder
    own = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
    odd = sorted(saved ^ set(own))
    if odd:
        raise ConfigError(
            f"{len(odd)} tensors of the adapter and layers of this base do not meet, such as {odd[0]}",
            hint=FITS,
        )


def put_weights(model: Any, tuned: Any) -> dict[str, torch.Tensor]:  # noqa: ANN401  both PreTrainedModels
    """Give the model the weights of `tuned`; returns its own. ConfigError where they are not alike."""
    theirs = dict(tuned.named_parameters())
    own = {name: weight.data for name, weight in model.named_parameters()}
    odd = [name for name in sorted(own.keys() | theirs.keys()) if not _alike(own.get(name), theirs.get(name))]
    if odd:
        raise ConfigError(f"{len(odd)} weights are not those of this base, such as {odd[0]}", hint=FITS)
    for name, weight in model.named_parameters():
        weight.data = theirs[name].data
    return own


def _alike(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    return one is not None and other is not None and one.shape == other.shape


@contextmanager
def without(model: Any, base_weights: Mapping[str, torch.Tensor]) -> Iterator[None]:  # noqa: ANN401
    """The base alone, while this lasts: its adapter off, or its own weights back in place."""
    if not base_weights and not hasattr(model, "disable_adapter"):
        yield  # there is none
        return
    if not base_weights:
        with model.disable_adapter():
            yield
        return
    tuned = {name: weight.data for name, weight in model.named_parameters()}
    for name, weight in model.named_parameters():
        weight.data = base_weights[name]
    try:
        yield
    finally:
        for name, weight in model.named_parameters():
            weight.data = tuned[name]


def virtual_tokens(model: Any) -> int:  # noqa: ANN401  a PreTrainedModel or PeftModel
    """Learned tokens that stand before each prompt now; 0 where there are none, or they are off."""
    if getattr(model, "_adapters_disabled", True) or not model.active_peft_config.is_prompt_learning:
        return 0
    return int(model.active_peft_config.num_virtual_tokens)


def opened(model: Any, tokens: torch.Tensor) -> tuple[dict[str, Any], Any]:  # noqa: ANN401
    """(what to feed first, cache) for a batch of prompts behind their virtual tokens.

    PEFT's own forward gives each pass the virtual tokens anew and no positions, so it can neither go on
    from a cache nor pad on the left.
    """
    learned = model.get_prompt(batch_size=len(tokens))
    if model.active_peft_config.peft_type == "PREFIX_TUNING":
        return {"input_ids": tokens}, learned
    embedded = model.get_base_model().get_input_embeddings()(tokens)
    import torch

    return {"inputs_embeds": torch.cat([learned.to(embedded.dtype), embedded], dim=1)}, None


def behind(
    virtual: int, mask: torch.Tensor, positions: torch.Tensor, *, embedded: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mask and positions of a pass that stands behind virtual tokens; `embedded` if they are fed in it.

    A mask (rows, keys) holds 1 where a key is seen; one of four dimensions is added to the attention,
    and holds 0 there.
    """
    import torch

    seen = torch.ones if mask.dim() == 2 else torch.zeros
    front = seen((*mask.shape[:-1], virtual), dtype=mask.dtype, device=mask.device)
    places = positions + virtual
    if embedded:
        own = torch.arange(virtual, device=positions.device).expand(len(positions), -1)
        places = torch.cat([own, places], dim=1)
    return torch.cat([front, mask], dim=-1), places
