"""`python -m train.tinybase.pretrain --out DIR`: the whole run that makes the shipped weights.

On a machine that others use, set OMP_WAIT_POLICY=PASSIVE: threads that spin while they wait made the
run several times slower there.
"""

import argparse
import hashlib
import json
import platform
import random
import sys
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor

from train.tinybase.card import write_card
from train.tinybase.episodes import CURRICULUM, Stage, draw
from train.tinybase.export import write
from train.tinybase.losses import measure
from train.tinybase.model import Shape, TinyLlama
from train.tinybase.muon import Muon
from train.tinybase.pieces import build_tokenizer, vocabulary
from train.tinybase.unseen import ARMS, Desk, accuracy
from train.tinybase.world import Message

WARM_UP = 30  # steps
MASTERED = 0.9  # hit rate on keywords seen before, at which the next stage begins
LEAST_STEPS = 60  # a stage


@dataclass(frozen=True)
class Run:
    """Settings of a run. `tokens` is the whole budget: the schedule never looks at the clock."""

    tokens: int = 7_000_000
    seed: int = 0
    rate: float = 0.01
    embedding_rate: float = 3e-3
    threads: int = 2
    trial_every: int = 2_000_000
    trial_companies: int = 6


@dataclass
class Progress:
    """Where the run is; `smooth` holds running means of what `measure` reports."""

    tokens: int = 0
    step: int = 0
    stage: int = 0
    in_stage: int = 0
    smooth: dict[str, float] = field(default_factory=dict)

    def note(self, parts: dict[str, float]) -> None:
        """Take the parts of one step into the means; a part that is not a number had nothing to count."""
        for name, value in parts.items():
            if value == value:
                self.smooth[name] = 0.95 * self.smooth.get(name, value) + 0.05 * value


def learning_share(done: float, step: int) -> float:
    """Full rate for the first half after a short warm-up, then a line down to one hundredth."""
    return min(1.0, (step + 1) / WARM_UP) * (1.0 if done < 0.5 else max(0.01, (1 - done) / 0.5))


def stage_is_over(stage: Stage, progress: Progress, done: float) -> bool:
    """Whether the stage is mastered, or its share of the run used up."""
    mastered = progress.in_stage > LEAST_STEPS and progress.smooth.get("hit_exact", 0.0) > MASTERED
    return mastered or done >= stage.ends_by


def trial(model: TinyLlama, companies: int) -> dict[str, float]:
    """Accuracy of each arm on companies kept for development, 8 queues each; never the gate's."""
    tokenizer = build_tokenizer()
    known = vocabulary()

    def logits(ids: Tensor, last: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            states = model(ids).last
        return model.logits(states[torch.arange(len(ids)), last])

    def encode(chat: list[Message]) -> list[int]:
        text = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
        ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    desks = [Desk.open(1000 + number, 8, tests=30) for number in range(companies)]
    means = {arm: [accuracy(logits, encode, known.__getitem__, desk, arm) for desk in desks] for arm in ARMS}
    return {arm: sum(values) / max(1, len(values)) for arm, values in means.items()}


class Log:
    """Training log: one JSON object a line, in the folder and on stdout."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("w", encoding="utf-8")
        self.began = time.monotonic()

    def seconds(self) -> float:
        """Since the log was opened."""
        return time.monotonic() - self.began

    def say(self, **facts: object) -> None:
        """Write one line."""
        line = json.dumps({"seconds": round(self.seconds(), 1), **facts})
        for stream in (self.file, sys.stdout):
            stream.write(line + "\n")
            stream.flush()


def train(
    run: Run, folder: Path, curriculum: tuple[Stage, ...] = CURRICULUM
) -> tuple[TinyLlama, Log, Progress]:
    """Train from nothing; every `trial_every` tokens try the model and write what there is into `folder`."""
    torch.set_num_threads(run.threads)
    torch.manual_seed(run.seed)
    rng = random.Random(run.seed)
    model = TinyLlama(Shape(vocabulary=-(-len(vocabulary()) // 64) * 64))
    optimiser = Muon(model, run.rate, run.embedding_rate)
    log, progress = Log(folder / "training_log.jsonl"), Progress()
    log.say(parameters=sum(p.numel() for p in model.parameters()), tokens=run.tokens, seed=run.seed)
    next_trial = run.trial_every
    while progress.tokens < run.tokens:
        done = progress.tokens / run.tokens
        batch = draw(rng, curriculum[progress.stage])
        loss = measure(model, batch, aid=max(0.0, 1 - done / 0.6))
        torch.autograd.backward(loss.total)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step(learning_share(done, progress.step))
        model.zero_grad()
        progress.note(loss.parts)
        progress.tokens += batch.ids.size
        progress.step, progress.in_stage = progress.step + 1, progress.in_stage + 1
        if progress.step % 20 == 0:
            means = {name: round(value, 3) for name, value in progress.smooth.items()}
            log.say(step=progress.step, tokens=progress.tokens, stage=progress.stage + 1, **means)
        if progress.stage + 1 < len(curriculum) and stage_is_over(curriculum[progress.stage], progress, done):
            progress.stage, progress.in_stage = progress.stage + 1, 0
            progress.smooth.pop("hit_exact", None)
            log.say(stage_begins=progress.stage + 1, tokens=progress.tokens)
        if progress.tokens >= next_trial:
            next_trial += run.trial_every
            log.say(tokens=progress.tokens, trial=trial(model, run.trial_companies))
            write(model, folder)
    return model, log, progress


def record(run: Run, folder: Path, seconds: float, progress: Progress) -> None:
    """Write digest.json: what was made, from what, by which command."""
    facts = {
        "sha256": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
        "command": "python -m train.tinybase.pretrain --out DIR",
        "seed": run.seed,
        "tokens": progress.tokens,
        "steps": progress.step,
        "seconds": round(seconds),
        "threads": run.threads,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "transformers", "tokenizers", "numpy")},
        },
    }
    (folder / "digest.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    """Train, try, and write the files of the model."""
    defaults = Run()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the model files")
    parser.add_argument(
        "--tokens", type=int, default=defaults.tokens, help="token budget; the schedule scales with it"
    )
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--threads", type=int, default=defaults.threads)
    chosen = parser.parse_args(arguments)
    run = Run(tokens=chosen.tokens, seed=chosen.seed, threads=chosen.threads)
    chosen.out.mkdir(parents=True, exist_ok=True)
    model, log, progress = train(run, chosen.out)
    log.say(tokens=progress.tokens, final=trial(model, run.trial_companies))
    write(model, chosen.out)
    record(run, chosen.out, log.seconds(), progress)
    write_card(chosen.out, sum(p.numel() for p in model.parameters()), CURRICULUM[-1].length)


if __name__ == "__main__":
    main()
