"""Tokens to tokens: greedy answers and the likeliest of some candidates, a batch at a time.

What all prompts begin with (an instruction, the same solved examples) can be read once: see `Prefix`.
"""

from __future__ import annotations

import copy
import inspect
import logging
from collections.abc import Callable, Sequence
from functools import cache as remembered
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from curate.errors import ResourceError
from evalharness.models import adapted
from evalharness.models.candidates import Candidates
from evalharness.models.loaded import LoadedModel

if TYPE_CHECKING:
    import torch

BRANCH_TOKENS = 65_536  # cached tokens that candidates of one pass may stand on, all rows together
LOGITS = 1 << 28  # floats (1 GiB) of logits that one pass over candidates may make
AGREE = 0.02  # relative difference of two ways to the same likelihood, in bfloat16
WORTH = 24  # tokens that all prompts must begin with for them to be read once
CHECKED = 12  # tokens behind such a beginning, to see whether this model can


class Generated(NamedTuple):
    """What the model said to one prompt."""

    ids: list[int]  # without the token that ended it
    finish_reason: str  # stop or length
    choice: int | None  # position of the likeliest candidate; None without candidates


class Prefix(NamedTuple):
    """What all prompts begin with, as the model has read it: its tokens, and a cache of one row."""

    tokens: tuple[int, ...]
    cache: Any


def shared(prompts: Sequence[Sequence[int]]) -> int:
    """Tokens that all prompts begin with, so that each has at least one more."""
    if not prompts:
        return 0
    ordered = sorted(map(tuple, prompts))  # the first and the last differ soonest
    same = takewhile(lambda pair: pair[0] == pair[1], zip(ordered[0], ordered[-1], strict=False))
    return min(sum(1 for _ in same), min(map(len, prompts)) - 1)


def read_prefix(loaded: LoadedModel, prompts: Sequence[Sequence[int]]) -> Prefix | None:
    """The common beginning of the prompts, read once; None where it is short or this model cannot share it.

    It cannot where its cache is no plain one (sliding windows, recurrent states), where learned tokens stand
    before each prompt, or where the logits after a shared beginning are seen not to be those after a whole
    prompt. It belongs to the adapter that acts now.
    """
    import torch

    count = shared(prompts)
    if count < WORTH or adapted.virtual_tokens(loaded.model) or "position_ids" not in _takes(_inner(loaded)):
        return None
    begin = tuple(prompts[0][:count])
    with torch.inference_mode():
        if not _shares(
            loaded, begin[:WORTH], [begin[-CHECKED:], *(tuple(prompt[-3:]) for prompt in prompts[:2])]
        ):
            return None
        return Prefix(begin, _State.read(loaded, [begin]).cache)


def _shares(loaded: LoadedModel, begin: Sequence[int], ends: Sequence[Sequence[int]]) -> bool:
    """Whether prompts of these ends have the same logits behind a shared beginning as when read whole."""
    import torch

    read = _State.read(loaded, [begin])
    if {type(layer).__name__ for layer in getattr(read.cache, "layers", ())} != {"DynamicLayer"}:
        return False
    some = [[*begin, *end] for end in ends]
    whole = torch.cat([_State.read(loaded, [prompt]).logits for prompt in some])
    parted = _State.read(loaded, some, Prefix(tuple(begin), read.cache)).logits
    near = AGREE if read.dtype in (torch.bfloat16, torch.float16) else AGREE / 20
    if torch.allclose(whole.log_softmax(-1), parted.log_softmax(-1), rtol=near, atol=near):
        return True
    logging.getLogger(__name__).info(
        "this model reads a shared beginning otherwise: each prompt is read whole"
    )
    return False


def generate(
    loaded: LoadedModel,
    prompts: Sequence[Sequence[int]],
    *,
    stops: frozenset[int],
    max_new_tokens: int,
    candidates: Candidates | None = None,
    prefix: Prefix | None = None,
    began: Callable[[], None] | None = None,
) -> list[Generated]:
    """The greedy answer to each prompt, and which candidate is likeliest right after it.

    `prefix` is what they all begin with, if it was read before; `began` is called when the first tokens
    are known.

    Prompts are padded on the left and positions counted from each prompt's own first token, so that a
    prompt gets the same tokens in a batch as alone. Greedy means greedy: penalties and the like in the
    model's own generation settings are not applied. A batch that does not fit in memory is halved;
    ResourceError when a single prompt does not fit.
    """
    import torch

    try:
        with torch.inference_mode():
            return _generate(loaded, prompts, stops, max_new_tokens, candidates, prefix, began)
    except torch.OutOfMemoryError as error:
        if len(prompts) == 1:
            raise ResourceError(
                f"out of memory on one prompt of {len(prompts[0]):,} tokens",
                hint="--quantization nf4, a smaller base, fewer --shots or --neighbours",
            ) from error
    torch.cuda.empty_cache()
    half = len(prompts) // 2
    parts = (prompts[:half], prompts[half:])
    settings: dict[str, Any] = {
        "stops": stops, "max_new_tokens": max_new_tokens, "candidates": candidates, "prefix": prefix,
    }  # fmt: skip
    return [each for part in parts for each in generate(loaded, part, **settings)]


def _generate(
    loaded: LoadedModel,
    prompts: Sequence[Sequence[int]],
    stops: frozenset[int],
    max_new_tokens: int,
    candidates: Candidates | None,
    prefix: Prefix | None = None,
    began: Callable[[], None] | None = None,
) -> list[Generated]:
    state = _State.read(loaded, prompts, prefix)
    if began:
        began()
    if candidates and not candidates.single and candidates.by_tree is None:
        candidates.by_tree = _takes_trees(loaded, prompts[0], candidates)
    choices = state.choose(candidates) if candidates else [None] * len(prompts)
    answers = state.finish(stops, max_new_tokens)
    return [Generated(ids, reason, choice) for (ids, reason), choice in zip(answers, choices, strict=True)]


def _takes_trees(loaded: LoadedModel, prompt: Sequence[int], candidates: Candidates) -> bool:
    """Whether this model gives candidates read as one tree the likelihoods that it gives them singly.

    A tree needs a mask of its own. Some attention code refuses one, and some might misread it, so both
    ways are tried on one prompt.
    """
    import torch

    state = _State.read(loaded, [prompt])
    if not hasattr(state.cache, "batch_select_indices"):
        return False
    try:
        tree = state.by_tree(candidates)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        logging.getLogger(__name__).info("candidates are read singly: %s", error)
        return False
    every = torch.arange(len(candidates), device=tree.device)[None]
    singly = state.first(candidates) + state.rest(every, candidates)
    return bool(torch.allclose(tree, singly, rtol=AGREE, atol=AGREE))


class _State:
    """A batch of prompts that the model has read: its cache, and the logits (B, vocabulary) after each."""

    def __init__(self, loaded: LoadedModel, cache: Any, mask: torch.Tensor, logits: torch.Tensor) -> None:  # noqa: ANN401  any of the caches of transformers
        self.loaded, self.cache, self.mask = loaded, cache, mask
        self.dtype, self.logits = logits.dtype, logits.float()
        self.lengths = mask.sum(dim=1)  # (B,) tokens of each prompt

    @classmethod
    def read(
        cls, loaded: LoadedModel, prompts: Sequence[Sequence[int]], prefix: Prefix | None = None
    ) -> _State:
        """Read the prompts, or what follows the prefix that they begin with; padding stands before that."""
        import torch

        known = len(prefix.tokens) if prefix else 0
        longest = max(map(len, prompts)) - known
        tokens = torch.full((len(prompts), longest), _padding(loaded), dtype=torch.long)
        mask = torch.zeros((len(prompts), known + longest), dtype=torch.long)
        mask[:, :known] = 1
        for row, prompt in enumerate(prompts):
            start = longest - (len(prompt) - known)
            tokens[row, start:] = torch.tensor(prompt[known:])
            mask[row, known + start :] = 1
        tokens, mask = tokens.to(loaded.device), mask.to(loaded.device)
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, known:]
        cache = None
        if prefix:
            cache = copy.deepcopy(prefix.cache)
            cache.batch_repeat_interleave(len(prompts))
        logits, cache = _forward(loaded, tokens, mask, positions, cache, last=True)
        return cls(loaded, cache, mask, logits[:, -1])

    def choose(self, candidates: Candidates) -> list[int | None]:
        """Position of the likeliest candidate for each prompt: the sum of its tokens' log probabilities.

        None where the model's cache cannot be used more than once, as that of recurrent models.
        """
        if candidates.single:
            return [int(position) for position in self.first(candidates).argmax(dim=1)]
        if not hasattr(self.cache, "batch_select_indices"):
            return [None] * len(self.lengths)
        found = self.by_tree(candidates).argmax(dim=1) if candidates.by_tree else self.by_branch(candidates)
        return [int(position) for position in found]

    def first(self, candidates: Candidates) -> torch.Tensor:
        """(B, C): log probability of each candidate's first token."""
        return self.logits.log_softmax(dim=-1)[:, candidates.first]

    def by_tree(self, candidates: Candidates) -> torch.Tensor:
        """(B, C): log probability of each candidate, all read in one pass in which a token sees its own past.

        The pass takes as many prompts at once as LOGITS allows.
        """
        import torch

        at_once = max(1, LOGITS // (len(candidates.nodes) * self.logits.shape[1]))
        parts = [
            self._tree(candidates, torch.arange(start, min(start + at_once, len(self.lengths))))
            for start in range(0, len(self.lengths), at_once)
        ]
        return torch.cat(parts)

    def _tree(self, candidates: Candidates, rows: torch.Tensor) -> torch.Tensor:
        import torch

        rows = rows.to(self.mask.device)
        token, depth, sees = (part.to(rows.device) for part in candidates.tree)
        past = self.mask[rows].bool()[:, None, :].expand(-1, len(token), -1)
        allowed = torch.cat([past, sees[None].expand(len(rows), -1, -1)], dim=2)[:, None]
        bias = torch.zeros(allowed.shape, dtype=self.dtype, device=rows.device)
        bias.masked_fill_(~allowed, torch.finfo(self.dtype).min)
        cache = copy.deepcopy(self.cache)
        cache.batch_select_indices(rows)
        fed = token[None].expand(len(rows), -1)
        positions = self.lengths[rows][:, None] + depth[None]
        logits, _ = _forward(self.loaded, fed, bias, positions, cache, last=False)
        candidate, node, wanted = (part.to(rows.device) for part in candidates.steps)
        whole = logits.float().logsumexp(dim=-1)  # (R, N)
        told = logits[:, node, wanted].float() - whole[:, node]  # (R, steps)
        return self.first(candidates)[rows].index_add(1, candidate, told)

    def by_branch(self, candidates: Candidates) -> torch.Tensor:
        """(B,): position of the likeliest candidate, each read by itself on a copy of the prompt's cache.

        Exact, though not all are computed: a candidate is no likelier than its first token, so once the
        best found is likelier than the first tokens of all that are left, those need no look.
        """
        import torch

        first = self.first(candidates)
        order = first.sort(dim=1, descending=True, stable=True).indices
        rows, count = first.shape
        longest = max(map(len, candidates.tokens))
        width = min(
            BRANCH_TOKENS // self.mask.numel(), LOGITS // (rows * longest * self.logits.shape[1]), count
        )
        width = max(1, width)
        best = torch.full((rows,), -torch.inf, device=first.device)
        winner = torch.zeros(rows, dtype=torch.long, device=first.device)
        for start in range(0, count, width):
            if bool((first.gather(1, order[:, start : start + 1])[:, 0] < best).all()):
                break
            tried = order[:, start : start + width]
            value, place = (first.gather(1, tried) + self.rest(tried, candidates)).max(dim=1)
            better = value > best
            best = torch.where(better, value, best)
            winner = torch.where(better, tried.gather(1, place[:, None])[:, 0], winner)
        return winner

    def rest(self, tried: torch.Tensor, candidates: Candidates) -> torch.Tensor:
        """(B, K): log probability of what follows the first token of each tried candidate."""
        import torch

        rows, width = tried.shape
        chosen = [candidates.tokens[int(position)] for position in tried.flatten()]
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
        ended = [False] * rows
        live = list(range(rows))  # the rows that are still in the batch
        logits, mask, positions = self.logits, self.mask, self.lengths[:, None]
        for step in range(max_new_tokens + 1):
            following = logits.argmax(dim=-1)
            for row, token in zip(live, following.tolist(), strict=True):
                if token in stops:
                    ended[row] = True
                elif step < max_new_tokens and not ended[row]:
                    said[row].append(token)
            if step == max_new_tokens or all(ended):
                break
            kept = [place for place, row in enumerate(live) if not ended[row]]
            if 2 * len(kept) <= len(live) and hasattr(self.cache, "batch_select_indices"):
                chosen = torch.tensor(kept, device=mask.device)
                self.cache.batch_select_indices(chosen)
                mask, positions, following = mask[chosen], positions[chosen], following[chosen]
                live = [live[place] for place in kept]
            mask = torch.cat([mask, mask.new_ones(len(live), 1)], dim=1)
            found, self.cache = _forward(
                self.loaded, following[:, None], mask, positions, self.cache, last=True
            )
            logits, positions = found[:, -1].float(), positions + 1
        return [(tokens, "stop" if end else "length") for tokens, end in zip(said, ended, strict=True)]


@remembered
def _takes(kind: Any) -> frozenset[str]:  # noqa: ANN401  a class of transformers
    """What a model's forward takes."""
    return frozenset(inspect.signature(kind.forward).parameters)


def _inner(loaded: LoadedModel) -> type:
    """The class of the model below its adapter."""
    model: Any = loaded.model
    return type(model.get_base_model() if hasattr(model, "get_base_model") else model)


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
    kind: Any = type(inner)
    known = _takes(kind)
    more: dict[str, Any] = {"input_ids": tokens}
    model = loaded.model
    if virtual := adapted.virtual_tokens(model):
        model = inner
        if cache is None:
            more, cache = adapted.opened(loaded.model, tokens)
        mask, positions = adapted.behind(virtual, mask, positions, embedded="inputs_embeds" in more)
    if "position_ids" in known:
        more["position_ids"] = positions
    if last and "logits_to_keep" in known:
        more["logits_to_keep"] = 1
    if cache is not None:
        more["past_key_values"] = cache
    out = model(attention_mask=mask, use_cache=True, **more)
    return out.logits, out.past_key_values
