"""What torch's allocator holds during a step of training, by its own count, beside the formula of `seatrial train --plan`."""

from __future__ import annotations

import gc
import random
import tempfile
from pathlib import Path
from typing import Any, TypeAlias

Event: TypeAlias = Any  # what transformers hands to its callbacks

# Random bases from configuration: the vocabulary, the widths and the depth are what memory goes by.
SHAPES = {
    "llama": {
        "vocab_size": 4096, "hidden_size": 192, "intermediate_size": 512, "num_hidden_layers": 6,
        "num_attention_heads": 6, "num_key_value_heads": 6,
    },
    "qwen3": {
        "vocab_size": 8192, "hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 8, "head_dim": 64,
        "num_attention_heads": 8, "num_key_value_heads": 4, "tie_word_embeddings": True,
    },
    "gemma2": {
        "vocab_size": 4096, "hidden_size": 192, "intermediate_size": 768, "num_hidden_layers": 6, "head_dim": 64,
        "num_attention_heads": 6, "num_key_value_heads": 3, "sliding_window": 128,
    },
}  # fmt: skip
SETTINGS = (
    "method=lora",
    "method=lora dropout=0.1 precision=bf16",
    "method=lora quantization=nf4 dropout=0.1",
    "method=lora gradient_checkpointing=on",
    "method=dora dropout=0.1",
    "method=full",
    "method=full precision=bf16 accumulate=2",
    "method=lora objective=dpo",
    "method=full objective=dpo",
    "method=lora objective=orpo dropout=0.1",
    "method=lora objective=kto",
    "method=lora objective=reward gradient_checkpointing=on",
)
USUAL = "dropout=0.0 quantization=none gradient_checkpointing=off packing=off batch_size=2 accumulate=1 max_steps=3 evaluate=false report_to=none threads=1"


def base(folder: Path, kind: str, **sizes: int) -> str:
    """A random base of this kind (but for these sizes) with the tiny base's tokenizer; its folder."""
    import transformers

    from evalharness.tinybase import PATH

    tokenizer = transformers.AutoTokenizer.from_pretrained(PATH, local_files_only=True)
    name = kind.capitalize()
    ends: Any = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    config = getattr(transformers, f"{name}Config")(
        **{**SHAPES[kind], **sizes, **ends}, max_position_embeddings=2048
    )
    getattr(transformers, f"{name}ForCausalLM")(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def both(base: str, words: str, length: int = 160) -> tuple[int, int]:
    """(bytes that the third step held at most, bytes by formula), on a processor, for rows of `length` tokens and a few less."""
    from torch.profiler import ProfilerActivity, profile
    from transformers import TrainerCallback

    from evalharness.encoding.encode import Encoded
    from evalharness.models.loaded import load_model
    from train.outline import outline
    from train.recipe import parse, resolve
    from train.sft import Asked
    from train.sizes import estimate
    from train.trainer import build, go
    from train.watch import quiet

    settings = dict(word.split("=") for word in f"{USUAL} {words}".split())
    recipe = resolve(parse([f"base={base}", *(f"{key}={value}" for key, value in settings.items())])).recipe
    held = {"quantization": recipe.quantization, "device": "cpu"}
    draw = random.Random(0)
    rows = []
    for number in range(recipe.batch_size * recipe.accumulate * (2 if recipe.pairs else 1)):
        size = length - number % 3
        ids = tuple(draw.randrange(50, 300) for _ in range(size))
        rows.append(Encoded(f"{number}", f"rows:{number}", ids, tuple(at >= size // 2 for at in range(size))))
    others = _held()  # of whatever else this process does
    loaded = load_model(
        base, quantization=held["quantization"], threads=1, for_training=True, scores=recipe.objective == "reward"  # type: ignore[arg-type]
    )  # fmt: skip

    class Watch(TrainerCallback):  # type: ignore[misc]  # the way TRL is told of its callbacks
        before = 0
        seen: Any = None

        def on_step_begin(self, args: Event, state: Event, control: Event, **_: Event) -> None:
            if state.global_step == 2:  # the optimizer's moments are there
                self.before = _held() - others
                self.seen = profile(activities=[ProfilerActivity.CPU], profile_memory=True)
                self.seen.__enter__()

        def on_step_end(self, args: Event, state: Event, control: Event, **_: Event) -> None:
            if state.global_step == 3:
                self.seen.__exit__(None, None, None)

    watch = Watch()
    quiet()
    with tempfile.TemporaryDirectory() as folder:
        trainer = build(Asked(loaded, recipe, rows), Path(folder), None).trainer
        trainer.add_callback(watch)
        go(trainer, None)
    events = (each for each in watch.seen.profiler.kineto_results.events() if each.name() == "[memory]")
    now = most = 0
    for _, change in sorted((each.start_ns(), each.nbytes()) for each in events):
        now += change
        most = max(most, now)
    return watch.before + most, estimate(outline(recipe).facts["shape"], recipe, length, **held).memory


def _held() -> int:
    """Bytes of all tensors that are alive."""
    import torch

    gc.unfreeze()  # what is frozen is not among the objects
    gc.collect()
    found = (each for each in gc.get_objects() if issubclass(type(each), torch.Tensor))
    parts = (each.untyped_storage() for each in found if each.device.type == "cpu")
    return sum({each.data_ptr(): each.nbytes() for each in parts}.values())
