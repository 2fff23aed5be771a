"""Greedy answers by transformers' own continuous batching: a row that has ended makes room for the next at once.

It is `generate_batch` with a paged cache, in which prompts that begin alike share their pages. It gives
answers and nothing of what stands before them, so likelihoods of labels are read by `generation` alone.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from evalharness.models import adapted
from evalharness.models.generation import Generated
from evalharness.models.loaded import LoadedModel

PAGE = 32  # tokens of a page, where the cache is sized here
STEP = 2_048  # tokens of one pass, at most, there
NAME = "transformers.generation.continuous_batching"


def objection(loaded: LoadedModel) -> str | None:
    """Why this model cannot be asked so; None where nothing is known to be against it."""
    inner: Any = loaded.model.get_base_model() if hasattr(loaded.model, "get_base_model") else loaded.model
    if not hasattr(inner, "generate_batch"):
        return "this version of transformers has no generate_batch"
    if adapted.virtual_tokens(loaded.model):
        return "learned tokens stand before each prompt"
    if getattr(inner.config, "_attn_implementation", None) != "sdpa":
        return f"its attention is {getattr(inner.config, '_attn_implementation', 'not known')}, not sdpa"
    return None


def generate(
    loaded: LoadedModel, prompts: Sequence[Sequence[int]], *, stops: frozenset[int], max_new_tokens: int
) -> list[Generated] | None:
    """The greedy answer to each prompt; None where any of them was not answered, and all are to be asked otherwise.

    The adapter that acts now acts here too. Attention is left as it is: a change to flash attention would
    fetch kernels and give other tokens.
    """
    import torch
    from transformers import GenerationConfig

    inner: Any = loaded.model.get_base_model() if hasattr(loaded.model, "get_base_model") else loaded.model
    one_more = max_new_tokens + 1  # to see whether the answer would have ended there
    wanted = GenerationConfig(
        max_new_tokens=one_more,
        do_sample=False,
        eos_token_id=sorted(stops),
        pad_token_id=int(loaded.tokenizer.pad_token_id or 0),
    )
    try:
        with _quiet(), torch.inference_mode():
            found = inner.generate_batch(
                [list(prompt) for prompt in prompts],
                generation_config=wanted,
                continuous_batching_config=_settings(loaded, prompts, one_more),
                warmup=False,
            )
    except (
        RuntimeError,
        ValueError,
        TypeError,
        AttributeError,
    ) as error:  # out of memory is one of the first
        logging.getLogger(__name__).info("asked in batches after all: %s", error)
        return None
    said = list(found.values())  # in the order of the prompts
    if len(said) != len(prompts) or any(each.error or not each.is_finished() for each in said):
        logging.getLogger(__name__).info("%d of %d were answered: asked in batches", len(said), len(prompts))
        return None
    return [_one(each.generated_tokens, stops, max_new_tokens) for each in said]


def _one(tokens: Sequence[int], stops: frozenset[int], max_new_tokens: int) -> Generated:
    """Up to the token that ended it, also right behind the last that was asked for; else as many as were."""
    for place, token in enumerate(tokens[: max_new_tokens + 1]):
        if token in stops:
            return Generated(list(tokens[:place]), "stop", None)
    return Generated(list(tokens[:max_new_tokens]), "length", None)


def _settings(loaded: LoadedModel, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> Any:  # noqa: ANN401
    """On a GPU the cache is sized by its free memory; elsewhere by what these prompts can need."""
    from transformers.generation.configuration_utils import ContinuousBatchingConfig

    if loaded.device == "cuda":
        return ContinuousBatchingConfig(auto_switch_to_flash=False)
    pages = sum(-(-(len(prompt) + max_new_tokens) // PAGE) + 1 for prompt in prompts)
    return ContinuousBatchingConfig(
        auto_switch_to_flash=False, page_size=PAGE, num_blocks=pages, max_batch_tokens=STEP
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """None of its lines between ours: what went wrong is seen by what is missing."""
    logger = logging.getLogger(NAME)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
