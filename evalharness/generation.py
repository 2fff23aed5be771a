"""Tokens to tokens: greedy answers and the likeliest of some candidates, a batch at a time."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from curate.errors import ResourceError
from evalharness.models import LoadedModel

if TYPE_CHECKING:
    import torch

BRANCH_TOKENS = 65_536  # cached tokens that candidates of one pass may stand on, all rows together


class Generated(NamedTuple):
    """What the model said to one prompt."""

    ids: list[int]  # without the token that ended it
    finish_reason: str  # stop or length
    choice: int | None  # position of the likeliest candidate; None without candidates


def generate(
    loaded: LoadedModel,
    prompts: Sequence[Sequence[int]],
    *,
    stops: frozenset[int],
    max_new_tokens: int,
    candidates: Sequence[Sequence[int]] = (),
) -> list[Generated]:
    """The greedy answer to each prompt, and which candidate is likeliest right after it.

    Prompts are padded on the left and positions counted from each prompt's own first token, so that a
    prompt gets the same tokens in a batch as alone. Greedy means greedy: penalties and the like in the
    model's own generation settings are not applied. A batch that does not fit in memory is halved;
    ResourceError when a single prompt does not fit.
    """
    import torch

    try:
        with torch.inference_mode():
            return _generate(loaded, prompts, stops, max_new_tokens, candidates)
    except torch.OutOfMemoryError as error:
        if len(prompts) == 1:
            raise ResourceError(
                f"out of memory on one prompt of {len(prompts[0]):,} tokens",
                hint="--quantization nf4, a smaller base, fewer --shots or --neighbours",
            ) from error
    torch.cuda.empty_cache()
    half = len(prompts) // 2
    parts = (prompts[:half], prompts[half:])
    settings: dict[str, Any] = {"stops": stops, "max_new_tokens": max_new_tokens, "candidates": candidates}
    return [each for part in parts for each in generate(loaded, part, **settings)]


def _generate(
    loaded: LoadedModel,
    prompts: Sequence[Sequence[int]],
    stops: frozenset[int],
    max_new_tokens: int,
    candidates: Sequence[Sequence[int]],
) -> list[Generated]:
    state = _State.read(loaded, prompts)
    choices = state.choose(candidates) if candidates else [None] * len(prompts)
    answers = state.finish(stops, max_new_tokens)
    return [Generated(ids, reason, choice) for (ids, reason), choice in zip(answers, choices, strict=True)]


class _State:
    """A batch of prompts that the model has read: its cache, and the logits (B, vocabulary) after each."""

    def __init__(self, loaded: LoadedModel, cache: Any, mask: torch.Tensor, logits: torch.Tensor) -> None:  # noqa: ANN401  any of the caches of transformers
        self.loaded, self.cache, self.mask, self.logits = loaded, cache, mask, logits
        self.lengths = mask.sum(dim=1)  # (B,) tokens of each prompt

    @classmethod
    def read(cls, loaded: LoadedModel, prompts: Sequence[Sequence[int]]) -> _State:
        import torch

        longest = max(map(len, prompts))
        tokens = torch.full((len(prompts), longest), _padding(loaded), dtype=torch.long)
        mask = torch.zeros((len(prompts), longest), dtype=torch.long)
        for row, prompt in enumerate(prompts):
            tokens[row, longest - len(prompt) :] = torch.tensor(prompt)
            mask[row, longest - len(prompt) :] = 1
        tokens, mask = tokens.to(loaded.device), mask.to(loaded.device)
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
        logits, cache = _forward(loaded, tokens, mask, positions, None, last=True)
        return cls(loaded, cache, mask, logits[:, -1].float())

    def choose(self, candidates: Sequence[Sequence[int]]) -> list[int | None]:
        """Position of the likeliest candidate for each prompt: the sum of its tokens' log probabilities.

        Exact, though not all are computed: a candidate is no likelier than its first token, so once the
        best found is likelier than the first tokens of all that are left, those need no look.
        """
        import torch

        first = torch.log_softmax(self.logits, dim=-1)[:, [tokens[0] for tokens in candidates]]  # (B, C)
        if all(len(tokens) == 1 for tokens in candidates):
            return [int(position) for position in first.argmax(dim=1)]
        if not hasattr(self.cache, "batch_repeat_interleave"):
            return [None] * len(self.lengths)
        order = first.sort(dim=1, descending=True, stable=True).indices
        rows, count = first.shape
        width = max(1, min(count, BRANCH_TOKENS // max(1, self.mask.numel())))
        best = torch.full((rows,), -torch.inf, device=first.device)
        winner = torch.zeros(rows, dtype=torch.long, device=first.device)
        for start in range(0, count, width):
            if bool((first.gather(1, order[:, start : start + 1])[:, 0] < best).all()):
                break
            tried = order[:, start : start + width]
            total = first.gather(1, tried) + self._rest(tried, candidates)
            value, place = total.max(dim=1)
            better = value > best
            best = torch.where(better, value, best)
            winner = torch.where(better, tried.gather(1, place[:, None])[:, 0], winner)
        return [int(position) for position in winner]

    def _rest(self, tried: torch.Tensor, candidates: Sequence[Sequence[int]]) -> torch.Tensor:
        """(B, K): log probability of what follows the first token of each tried candidate."""
        import torch

        rows, width = tried.shape
        chosen = [list(candidates[int(position)]) for position in tried.flatten()]
        longest = max(map(len, chosen)) - 1
        if longest == 0:
            return torch.zeros(rows, width, device=tried.device)
        fed = torch.full((len(chosen), longest), _padding(self.loaded), dtype=torch.long)
        wanted = torch.zeros((len(chosen), longest), dtype=torch.long)
        real = torch.zeros((len(chosen), longest), dtype=torch.long)
        for row, tokens in enumerate(chosen):
            fed[row, : len(tokens) - 1] = torch.tensor(tokens[:-1], dtype=torch.long)
            wanted[row, : len(tokens) - 1] = torch.tensor(tokens[1:], dtype=torch.long)
            real[row, : len(tokens) - 1] = 1
        fed, wanted, real = (part.to(tried.device) for part in (fed, wanted, real))
        cache = copy.deepcopy(self.cache)
        cache.batch_repeat_interleave(width)
        mask = torch.cat([self.mask.repeat_interleave(width, dim=0), real], dim=1)
        begun = self.lengths.repeat_interleave(width)[:, None]
        positions = begun + torch.arange(longest, device=tried.device)[None, :]
        logits, _ = _forward(self.loaded, fed, mask, positions, cache, last=False)
        told = torch.log_softmax(logits.float(), dim=-1).gather(2, wanted[:, :, None])[:, :, 0]
        return (told * real).sum(dim=1).reshape(rows, width)

    def finish(self, stops: frozenset[int], max_new_tokens: int) -> list[tuple[list[int], str]]:
        """(tokens, stop or length) for each prompt, the likeliest token each time. Uses the cache up."""
        import torch

        rows = len(self.lengths)
        said: list[list[int]] = [[] for _ in range(rows)]
        open_rows = set(range(rows))
        logits, mask, positions = self.logits, self.mask, self.lengths[:, None]
        for step in range(max_new_tokens + 1):
            following = logits.argmax(dim=-1)
            for row in sorted(open_rows):
                token = int(following[row])
                if token in stops:
                    open_rows.discard(row)
                elif step < max_new_tokens:
                    said[row].append(token)
            if not open_rows or step == max_new_tokens:
                break
            mask = torch.cat([mask, mask.new_ones(rows, 1)], dim=1)
            found, self.cache = _forward(
                self.loaded, following[:, None], mask, positions, self.cache, last=True
            )
            logits, positions = found[:, -1].float(), positions + 1
        return [(tokens, "length" if row in open_rows else "stop") for row, tokens in enumerate(said)]


def _padding(loaded: LoadedModel) -> int:
    """A token to fill up with; it is masked, so any would do."""
    return int(loaded.tokenizer.pad_token_id or 0)


def _forward(
    loaded: LoadedModel,
    tokens: torch.Tensor,
    mask: torch.Tensor,
    positions: torch.Tensor,
    cache: Any,  # noqa: ANN401  any of the caches of transformers, or None
    *,
    last: bool,
) -> tuple[torch.Tensor, Any]:
    """(logits, cache) of one pass; `last` asks for the logits of the last position only."""
    inner = loaded.model.get_base_model() if hasattr(loaded.model, "get_base_model") else loaded.model
    known = inspect.signature(inner.forward).parameters
    more: dict[str, Any] = {}
    if "position_ids" in known:
        more["position_ids"] = positions
    if last and "logits_to_keep" in known:
        more["logits_to_keep"] = 1
    if cache is not None:
        more["past_key_values"] = cache
    out = loaded.model(input_ids=tokens, attention_mask=mask, use_cache=True, **more)
    return out.logits, out.past_key_values
