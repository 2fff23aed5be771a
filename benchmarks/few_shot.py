"""A few-shot arm beside lm-evaluation-harness: the same prompts, the same greedy tokens, batches of 8."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

NAME = "few-shot"
HELP = "questions behind one prefix of 900 tokens: seconds of lm-evaluation-harness over ours, tokens equal"

PREFIX, SUFFIX, NEW = 900, 95, 16  # tokens
BATCH, ROWS, ROUNDS = 8, 32, 3
THREADS = 1  # and CPU seconds: on a shared machine threads wait for each other
PEER = ("lm_eval==0.4.13", "accelerate")


def make_model(folder: Path) -> None:
    """A random Llama of 7 million parameters with a tokenizer of whole words, seeded."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    words = {
        word: at for at, word in enumerate(["<pad>", "<s>", "</s>", "<unk>", *(f"w{n}" for n in range(4000))])
    }
    inner = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>",
        model_max_length=2048,
    ).save_pretrained(folder)  # fmt: skip
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=256, intermediate_size=704, num_hidden_layers=6,
        num_attention_heads=8, num_key_value_heads=8, max_position_embeddings=2048, initializer_range=0.2,
        tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)


def questions(count: int, tokens: int = PREFIX) -> list[str]:
    """Texts that begin with the same words and end with their own, of several lengths."""
    import random

    rng = random.Random(1)
    prefix = [f"w{rng.randrange(4000)}" for _ in range(tokens)]
    lengths = [SUFFIX - 25 + rng.randrange(51) for _ in range(count)]
    return [" ".join([*prefix, *(f"w{rng.randrange(4000)}" for _ in range(length))]) for length in lengths]


def ours(base: Path, texts: list[str]) -> tuple[float, list[list[int]]]:
    """CPU seconds and tokens of the answers, by the harness's model and its own order of batches."""
    from evalharness.asking.answerers import Local
    from evalharness.asking.prompts import Prompt
    from evalharness.models.generation import generate, read_prefix

    local = Local(str(base), "none", "cpu", THREADS)
    prompts = [Prompt(str(at), ids=tuple(local.chat.ids(text))) for at, text in enumerate(texts)]
    assert local.loaded.device == "cpu"
    generate(local.loaded, [prompts[0].ids[:40]] * BATCH, stops=frozenset({2}), max_new_tokens=2)  # first use
    began = time.process_time()
    said: dict[int, list[int]] = {}
    prefix = read_prefix(local.loaded, [prompt.ids for prompt in prompts])
    for batch in local.batches(prompts):
        ids = [prompts[at].ids for at in batch]
        found = generate(local.loaded, ids, stops=frozenset({2}), max_new_tokens=NEW, prefix=prefix)
        said |= {at: each.ids for at, each in zip(batch, found, strict=True)}
    return time.process_time() - began, [said[at] for at in range(len(texts))]


def peer_python(folder: Path) -> Path:
    """A Python with lm-evaluation-harness in an environment of its own, which sees the packages of this one."""
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True, capture_output=True)
    python = folder / "venv" / "bin" / "python"
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    here = [path for path in sys.path if path.endswith("site-packages")]
    (site / "seen.pth").write_text("\n".join(here) + "\n")
    subprocess.run([python, "-m", "pip", "install", "-q", *PEER], check=True, stdout=sys.stderr)
    return python


def peers(python: Path, base: Path, texts: list[str], folder: Path) -> dict[str, Any]:
    """What lm-evaluation-harness says: seconds, the answers' texts, its version."""
    source = folder / "texts.json"
    source.write_text(json.dumps({"texts": texts, "new": NEW, "batch": BATCH, "threads": THREADS}))
    script = Path(__file__).parent / "peers" / "lm_eval_generate.py"
    done = subprocess.run(
        [python, str(script), str(base), str(source)], check=True, capture_output=True, text=True
    )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """Ours and theirs in turn, medians of CPU seconds on one thread, without loading; `data` is not read."""
    count = 4 if quick else ROWS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = folder / "base"
        make_model(base)
        texts = questions(count, 60 if quick else PREFIX)
        if quick:
            ours(base, texts)
            told = dict.fromkeys(
                ("ratio_lm_eval", "tokens_equal"), "its environment is not made for a quick look"
            )
            return dict.fromkeys(told), told, {}, count
        python = peer_python(folder)
        spent: list[tuple[float, float]] = []
        equal = True
        for _ in range(ROUNDS):
            seconds, said = ours(base, texts)
            theirs = peers(python, base, texts, folder)
            spent.append((seconds, theirs["seconds"]))
            told_words = [" ".join(each.split()) for each in theirs["answers"]]
            equal &= [" ".join(f"w{token - 4}" for token in each) for each in said] == told_words
            print(f"ours {seconds:.2f} s, lm_eval {theirs['seconds']:.2f} s", file=sys.stderr)
    ratio = statistics.median(their / our for our, their in spent)
    figures: dict[str, float | None] = {"ratio_lm_eval": round(ratio, 2), "tokens_equal": float(equal)}
    return figures, {}, {"name": "lm-evaluation-harness", "version": theirs["version"]}, count
