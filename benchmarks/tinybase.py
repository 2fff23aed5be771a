"""The ship gate of the tiny base model: zero-shot, eight shots and retrieval on companies it never saw."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalharness.tinybase import PATH

if TYPE_CHECKING:
    from torch import Tensor

    from train.tinybase.world import Message

NAME = "tinybase"
HELP = "the shipped tiny model on 20 companies it never saw, 8 queues each: zero-shot, 8 shots, RAG"

QUEUES = 8
FIRST_SEED = 50_000  # no setting was chosen on these companies


def reader(
    folder: Path = PATH,
) -> "tuple[Callable[[Tensor, Tensor], Tensor], Callable[[list[Message]], list[int]], Any]":
    """The model's logits at the last places, the prompt encoder, and the tokenizer, through from_pretrained."""
    # Not at the top: the list of benchmarks reads this module, and torch takes seconds.
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)

    def logits(ids: "Tensor", last: "Tensor") -> "Tensor":
        states = model.model(input_ids=ids).last_hidden_state[torch.arange(len(ids)), last]
        scores: Tensor = model.lm_head(states)
        return scores

    def encode(chat: "list[Message]") -> list[int]:
        ids: list[int] = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=True)[
            "input_ids"
        ]
        return ids

    return logits, encode, tokenizer


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """Accuracy of choice by likelihood with 95 % bootstrap bounds over companies; `data` is not read."""
    from train.tinybase.unseen import ARMS, Desk, accuracy, interval

    companies, tests = (4, 20) if quick else (20, 50)
    logits, encode, tokenizer = reader()
    desks = [Desk.open(FIRST_SEED + number, QUEUES, tests=tests) for number in range(companies)]
    figures: dict[str, float | None] = {"chance": 1 / QUEUES}
    for arm in ARMS:
        means = [accuracy(logits, encode, tokenizer.convert_tokens_to_ids, desk, arm) for desk in desks]
        figures[arm], figures[f"{arm}_low"], figures[f"{arm}_high"] = interval(means)
    figures["megabytes"] = sum(path.stat().st_size for path in PATH.iterdir() if path.is_file()) / 1e6
    return figures, {}, {}, companies * tests
