"""A step of training beside plain TRL: equal settings, TRL's defaults, TRL tuned; packed and unpacked losses.

Over NF4 TRL rounds a new adapter to bfloat16 by itself, and has no setting against that; the product keeps float32,
since small updates round to nothing and a resumed run would differ. With equal settings TRL's is put into float32
too, and it is given the product's order of rows: which long rows fall into a few steps would tell more than the
programs do. The losses must then be the same to the last bit, which shows that both do the
same work. How much quicker it is as TRL leaves it is told beside (`peer`).
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from benchmarks.tickets import prepare
from benchmarks.train_memory import SETTINGS, SHAPES, both
from benchmarks.train_memory import base as random_base

NAME = "train-step"
HELP = "step time and tokens a second beside TRL (equal, default, tuned), packed and unpacked losses, memory"

Event: TypeAlias = Any  # what transformers hands to its callbacks, and a callback
Setting: TypeAlias = Any

ROUNDS = 4
RATIOS = ("step_ratio_trl_equal", "token_rate_ratio_trl_default", "token_rate_ratio_trl_tuned")
EIGHT_B = {
    "vocab_size": 128_256, "hidden_size": 4096, "intermediate_size": 14_336, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "max_position_embeddings": 8192,
}  # fmt: skip


def stopwatch(warm: int) -> Event:
    """A callback that takes each step's seconds and counts its tokens; the first `warm` steps are left out.

    A step lasts from the end of the one before to its own: with its rows put together, its log line and every
    callback's work, as a person waits for it. On a processor the seconds are those that this process computed: other work on the machine does not count.
    """
    import torch
    from transformers import TrainerCallback

    def now() -> float:
        if not torch.cuda.is_available():
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()

    class Stopwatch(TrainerCallback):
        def __init__(self) -> None:
            self.seconds: list[float] = []
            self.tokens: list[float] = []
            self.losses: list[float] = []
            self.began = 0.0

        def on_train_begin(self, *_: Event, **__: Event) -> None:
            self.began = now()

        def on_step_end(self, *_: Event, **__: Event) -> None:
            ended = now()
            self.seconds.append(ended - self.began)
            self.began = ended

        def on_log(self, args: Event, state: Event, control: Event, logs: Event = None, **_: Event) -> None:
            if "loss" in logs:
                self.losses.append(logs["loss"])
                self.tokens.append(logs["num_tokens"])

        @property
        def rate(self) -> float:
            return (self.tokens[-1] - self.tokens[warm - 1]) / sum(self.seconds[warm:])

    return Stopwatch()


def eight_b(folder: Path, sizes: dict[str, int]) -> Path:
    """A Llama of these sizes with random weights and the tiny base's tokenizer: right in speed and memory, not in loss."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from evalharness.tinybase import PATH

    tokenizer = AutoTokenizer.from_pretrained(PATH, local_files_only=True)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = LlamaForCausalLM(
            LlamaConfig(dtype=torch.bfloat16, eos_token_id=tokenizer.eos_token_id, **sizes)
        )
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


class Arms:
    """The product and plain TRL on the same rows of one workspace."""

    def __init__(self, folder: Path, base: str, steps: int, warm: int) -> None:
        from curate.workspace import Workspace
        from evalharness.encoding.encode import template_of
        from evalharness.encoding.rows import encode_rows
        from train.outline import outline
        from train.recipe import Given, resolve

        self.folder, self.steps, self.warm = folder, steps, warm
        given = [Given("base", base, ""), Given("max_steps", steps, ""), Given("log_every", 1, "")]
        self.recipe = replace(resolve(given).recipe, evaluate=False, report_to=("none",))
        workspace = Workspace(folder / "home")
        self.examples = workspace.examples(workspace.dataset("tickets")).filter(pl.col("split") == "train")
        workspace.close()
        self.template = template_of(outline(self.recipe), self.recipe.turns)
        self.rows, _ = encode_rows(self.template, self.examples)

    def ours(self, **settings: Setting) -> Event:
        """`seatrial train` from its loaded base on, as the command runs it."""
        from evalharness.models.loaded import load_model
        from train.checkpoints import Unfinished
        from train.proofs.subject import Given
        from train.run import train

        recipe, watch = replace(self.recipe, **settings), stopwatch(self.warm)
        loaded = load_model(recipe.base, quantization="nf4", for_training=True, seed=recipe.seed)
        with tempfile.TemporaryDirectory(dir=self.folder) as work:
            given = Given(recipe, self.template, loaded, self.examples, self.rows, [])
            train(loaded, given, Unfinished(Path(work) / "a", None), Path(work) / "b", [watch])
        gc.collect()
        return watch

    def trl(self, *, rounded: bool = True, **settings: Setting) -> Event:
        """TRL's SFTTrainer by its own documentation: messages in, loss on the assistant, LoRA on NF4.

        The adapter is as TRL leaves it, `rounded` to bfloat16, or else in float32. With the product's settings
        rows come in the product's order too.
        """
        import torch
        from datasets import Dataset
        from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback
        from trl import SFTConfig, SFTTrainer

        from evalharness.models.loaded import load_config
        from evalharness.models.model_files import find_base
        from evalharness.models.nf4 import settings as nf4_settings
        from train.methods import peft_config
        from train.trainer import in_order

        base, cuda = find_base(self.recipe.base), torch.cuda.is_available()
        dtype = torch.bfloat16 if cuda else torch.float32
        model = AutoModelForCausalLM.from_pretrained(
            base, dtype=dtype, local_files_only=True, device_map={"": "cuda" if cuda else "cpu"},
            quantization_config=nf4_settings(load_config(base, str(base)), dtype),
        )  # fmt: skip
        messages = [
            [{"role": turn["role"], "content": turn["content"]} for turn in row]
            for row in self.examples["messages"].to_list()
        ]
        watch = stopwatch(self.warm)
        with tempfile.TemporaryDirectory(dir=self.folder) as work:
            config = SFTConfig(
                use_cpu=not cuda, assistant_only_loss=True, report_to="none", logging_steps=1, disable_tqdm=True,
                save_strategy="no", **{"output_dir": work, "max_steps": self.steps, **settings},
            )  # fmt: skip
            trainer = SFTTrainer(
                model=model, args=config, train_dataset=Dataset.from_dict({"messages": messages}),
                processing_class=AutoTokenizer.from_pretrained(base, local_files_only=True),
                peft_config=peft_config(self.recipe), callbacks=[watch, *([in_order()] if "train_sampling_strategy" in settings else [])],
            )  # fmt: skip
            trainer.remove_callback(PrinterCallback)
            for weight in trainer.model.parameters():
                if weight.requires_grad and not rounded:
                    weight.data = weight.data.float()
            trainer.train()
        gc.collect()
        return watch

    def equal(self) -> dict[str, Any]:
        """Our settings as TRL names them."""
        from evalharness.models.loaded import load_model
        from train.sft import Asked, packing
        from train.trainer import arguments

        loaded = load_model(self.recipe.base, quantization="nf4", for_training=True)
        told = arguments(Asked(loaded, self.recipe, self.rows), self.folder)
        given = ("output_dir", "max_steps", "use_cpu", "logging_steps", "disable_tqdm", "report_to")
        told["padding_free"] = packing(self.recipe, loaded.device)[0]
        skipped = (*given, "save_strategy", "eval_strategy", "logging_nan_inf_filter")
        return {key: value for key, value in told.items() if key not in skipped}


def beside(arms: Arms, *, gpu: bool) -> tuple[dict[str, float | None], float]:
    """Ours and each way of TRL in turn, several times: medians of the ratios; and of TRL's adapter as it rounds it."""
    tuned: dict[str, Any] = {"packing": True, "activation_checkpointing": False}
    if gpu:  # as many rows in a step; 8 x 1,024 tokens at once would not fit into 80 GB
        tuned |= {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2}
    else:  # its steps have about 8,000 tokens each, four times those of the others
        tuned["max_steps"] = arms.warm + 3
    ratios: dict[str, list[float]] = {name: [] for name in RATIOS}
    as_rounded = []
    equal = arms.equal()
    for turn in range(ROUNDS):
        # ours on both sides of the others, so that a drift of the machine falls on both
        before, same, rounded, after = (
            arms.ours(), arms.trl(rounded=False, **equal), arms.trl(**equal), arms.ours(),
        )  # fmt: skip
        if not gpu and not before.losses == same.losses == after.losses:
            raise AssertionError(f"not the same work: {before.losses} and {same.losses}")
        rate = (before.rate + after.rate) / 2
        as_rounded.append(rounded.rate / rate)
        found = [same.rate / rate]  # of the same rows: the time of a step
        if turn % 2 == 0:  # far from 1, so that half as many tell it
            found += [rate / each.rate for each in (arms.trl(), arms.trl(**tuned))]
        for name, value in zip(RATIOS, found, strict=False):
            ratios[name].append(value)
        told = ", ".join(f"{name} {value:.3f}" for name, value in zip(RATIOS, found, strict=False))
        print(
            f"round {turn + 1}: ours {rate:,.0f} tokens/s; {told}; {as_rounded[-1]:.3f} as TRL rounds",
            file=sys.stderr,
        )
    return {name: statistics.median(values) for name, values in ratios.items()}, statistics.median(as_rounded)


def furthest(folder: Path, *, quick: bool) -> float:
    """Of several bases and settings on a processor, the formula's error that is largest, by the allocator's own count."""
    errors = []
    for kind in list(SHAPES)[: 1 if quick else None]:
        path = random_base(folder / kind, kind)
        for words in SETTINGS[: 1 if quick else None]:
            held, said = both(path, words)
            errors.append(said / held - 1)
            print(f"{kind}, {words}: held {held / 2**20:.1f} MiB, formula {errors[-1]:+.1%}", file=sys.stderr)
    return max(errors, key=abs)


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """The tiny base on a processor, an 8B-shaped one on a GPU; `data` is not read."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command does: for all of them
    import torch

    from train.outline import outline
    from train.sizes import estimate

    gpu = torch.cuda.is_available()
    steps, warm = (4, 1) if quick else (70, 20) if gpu else (20, 4)
    figures: dict[str, float | None] = dict.fromkeys((*RATIOS, "loss_difference_50", "memory_estimate_error"))
    why = dict.fromkeys(figures, "left out of --quick")
    figures["gpu"] = float(gpu)
    peer: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = 40 if quick else 4_000 if gpu else 800
        prepare(folder, count, typical=20 if quick else 190 if gpu else 50, longest=1_000 if gpu else 300)
        base = str(eight_b(folder / "base", EIGHT_B)) if gpu else "tiny"
        arms = Arms(folder, base, steps, warm)
        if not quick:
            found, as_rounded = beside(arms, gpu=gpu)
            figures |= found
            peer = {
                "trl": version("trl"),
                "step ratio with TRL's adapter in bfloat16": f"{as_rounded:.3f}",
                "unsloth": "not measured: 2026.10 asks for TRL 1.15 and transformers 5.17 at most",
            }
            few = {"batch_size": 4, "accumulate": 1, "max_steps": 50}
            apart, packed = arms.ours(packing="off", **few), arms.ours(packing="on", **few)
            pairs = zip(apart.losses, packed.losses, strict=True)
            figures["loss_difference_50"] = sum(abs(a - b) for a, b in pairs) / sum(apart.losses)
        else:
            print(f"ours: {arms.ours().rate:,.0f} tokens/s", file=sys.stderr)
        if gpu and not quick:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
            arms.ours()
            longest = max(len(row.ids) for row in arms.rows)
            shape = outline(arms.recipe).facts["shape"]
            said = estimate(shape, arms.recipe, longest, quantization="nf4", device="cuda").memory
            figures["memory_estimate_error"] = said / torch.cuda.max_memory_allocated() - 1
        elif not gpu:
            figures["memory_estimate_error"] = furthest(folder, quick=quick)
    why = {key: text for key, text in why.items() if figures[key] is None}
    return figures, why, peer, count
