"""A training run killed at random moments and gone on with: the weights and optimizer of one left alone."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.tickets import command, environment, prepare, seatrial

NAME = "resume"
HELP = "training killed at random moments, also while a checkpoint is written: largest difference at the end"
SEED, POLL = 5, 0.005

# a checkpoint every two steps, most of them in the middle of an epoch; dropout draws from chance
SETTINGS = (
    "threads=1",
    "epochs=3",
    "batch_size=8",
    "accumulate=2",
    "dropout=0.1",
    "evaluate_every=2",
    "max_steps=16",
)


def start(folder: Path, objective: str) -> subprocess.Popen[bytes]:
    """`seatrial train` in a session of its own, so that all of it dies with it."""
    words = [f"--set={each}" for each in (*SETTINGS, f"objective={objective}")]
    return subprocess.Popen(
        command("train", "tickets", "--quantization", "nf4", *words),
        cwd=folder,
        env=environment(folder),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def checkpoints(folder: Path) -> dict[int, Path]:
    """The checkpoints of the folder's run, whole or not, by step."""
    found = (folder / "home" / "training").glob("*/checkpoint-*")
    return {int(path.name.rpartition("-")[2]): path for path in found}


def finish(folder: Path, started: subprocess.Popen[bytes], last: int) -> Path:
    """Wait for a run that must succeed; a copy of its last checkpoint, which it removes when all is kept."""
    kept = folder / "last"
    while started.poll() is None:
        at = checkpoints(folder).get(last)
        if at is not None and (at / "whole.json").is_file() and not kept.exists():
            shutil.copytree(at, kept)
        time.sleep(POLL)
    if started.returncode or not kept.exists():
        raise RuntimeError(f"the run failed: {started.communicate()[1].decode()[-2000:]}")
    return kept


def killed(folder: Path, started: subprocess.Popen[bytes], moment: float, within: int | None) -> bool:
    """Kill a run after `moment` seconds, or as soon as a checkpoint from step `within` on is begun and not whole."""
    began = time.monotonic()
    while started.poll() is None:
        if within is None:
            hit = time.monotonic() - began >= moment
        else:
            hit = any(
                step >= within and not (path / "whole.json").is_file()
                for step, path in checkpoints(folder).items()
            )
        if hit:
            os.killpg(started.pid, signal.SIGKILL)
            started.communicate()
            return True
        time.sleep(POLL if within is None else POLL / 10)
    started.communicate()
    return False


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """For each objective once left alone, then killed and gone on with; `data` is not read."""
    from train.proofs.learning import furthest, state

    draw = random.Random(SEED)
    rounds = 1 if quick else 8
    apart = {"weights": 0.0, "optimizer": 0.0}
    kills = 0
    with tempfile.TemporaryDirectory() as name:
        for objective in ("sft",) if quick else ("sft", "dpo"):
            alone = Path(name) / objective
            prepare(alone, 60, pairs=objective == "dpo")
            shutil.copytree(alone, fresh := Path(name) / f"{objective}-fresh")
            began = time.monotonic()
            straight = finish(alone, start(alone, objective), 16)
            whole = time.monotonic() - began
            for turn in range(rounds):
                folder = Path(name) / f"{objective}-{turn}"
                shutil.copytree(fresh, folder)
                # one kill in two falls while a checkpoint is written; some runs are killed twice
                for again in range(1 if quick else 1 + turn % 3 // 2):
                    within = draw.randrange(2, 13, 2) if (turn + again) % 2 == 0 else None
                    moment = draw.uniform(0.4, 0.95) * whole
                    if killed(folder, start(folder, objective), moment, within):
                        kills += 1
                        steps = sorted(checkpoints(folder))
                        where = (
                            f"in a checkpoint from step {within} on" if within else f"after {moment:.1f} s"
                        )
                        print(f"{objective} killed {where}; checkpoints {steps}", file=sys.stderr)
                if not (folder / "last").exists():
                    end = finish(folder, start(folder, objective), 16)
                    for kind in apart:
                        found = furthest(state(straight, kind), state(end, kind))
                        apart[kind] = max(apart[kind], found)
                    print(f"  gone on with: {apart}", file=sys.stderr)
    figures: dict[str, float | None] = {f"{kind}_max_difference": value for kind, value in apart.items()}
    return {**figures, "kills": float(kills)}, {}, {}, 60
