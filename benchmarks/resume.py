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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.tickets import command, environment, prepare

NAME = "resume"
HELP = "training killed at random moments, also while a checkpoint is written: largest difference at the end"
SEED, POLL, ROUNDS, STEPS = 5, 0.005, 6, 16  # rounds: within 25 minutes on two loaded cores

# a checkpoint every two steps, most of them in the middle of an epoch; dropout draws from chance
SETTINGS = (
    "threads=1",
    "batch_size=4",
    "accumulate=2",
    "dropout=0.1",
    "evaluate_every=2",
)


def start(folder: Path, objective: str, last: int) -> subprocess.Popen[bytes]:
    """`seatrial train` of `last` steps in a session of its own, so that all of it dies with it."""
    words = [f"--set={each}" for each in (*SETTINGS, f"objective={objective}", f"max_steps={last}")]
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


def finish(folder: Path, started: subprocess.Popen[bytes], last: int) -> Path | None:
    """Wait for a run that must succeed; a copy of its last checkpoint, which it removes when all is kept.

    None where there was nothing left to train: the run before it had kept its adapter when it was killed.
    """
    kept = folder / "last"
    while started.poll() is None:
        at = checkpoints(folder).get(last)
        if at is not None and (at / "whole.json").is_file() and not kept.exists():
            shutil.copytree(at, kept)
        time.sleep(POLL)
    talk = started.communicate()[1].decode()
    if started.returncode:
        raise RuntimeError(f"the run failed: {talk[-2000:]}")
    return kept if kept.exists() else None


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


def left_alone(folder: Path, objective: str, last: int) -> tuple[Path, float]:
    """The last checkpoint of a run that nobody kills, and the seconds that it took."""
    began = time.monotonic()
    kept = finish(folder, start(folder, objective, last), last)
    if kept is None:
        raise RuntimeError("a run in a new workspace trained nothing")
    return kept, time.monotonic() - began


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """For each objective once left alone, and several times killed and gone on with; `data` is not read."""
    if quick:  # three programs that train, each with seconds of imports; the tests kill a run as well
        keys = ("weights_max_difference", "optimizer_max_difference", "kills")
        return dict.fromkeys(keys), dict.fromkeys(keys, "--quick trains nothing"), {}, 0
    from train.proofs.learning import furthest, state

    draw = random.Random(SEED)
    rounds, last = ROUNDS, STEPS
    apart = {"weights": 0.0, "optimizer": 0.0}
    kills = 0
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(1) as beside:
        for objective in ("sft", "dpo"):
            fresh = Path(name) / objective
            prepare(fresh, 60, pairs=objective == "dpo")
            shutil.copytree(fresh, alone := Path(name) / f"{objective}-alone")
            straight = beside.submit(left_alone, alone, objective, last)
            for turn in range(rounds):
                shutil.copytree(fresh, folder := Path(name) / f"{objective}-{turn}")
                # one kill in two falls while a checkpoint is written; each third run is killed twice
                for again in range(1 + turn % 3 // 2):
                    within = draw.randrange(2, last - 3, 2) if (turn + again) % 2 == 0 else None
                    moment = 0.0 if within else draw.uniform(0.3, 0.9) * straight.result()[1]
                    while not killed(folder, start(folder, objective, last), moment, within):
                        shutil.rmtree(folder)  # it was quicker this time: from the beginning, and earlier
                        shutil.copytree(fresh, folder)
                        moment, within = moment * 0.8, 2 if within else None
                    kills += 1
                    where = f"in a checkpoint from step {within} on" if within else f"after {moment:.1f} s"
                    there = sorted(checkpoints(folder))
                    print(f"{objective} killed {where}; checkpoints {there}", file=sys.stderr)
                end = finish(folder, start(folder, objective, last), last)
                if end is None:
                    kills -= 1
                    continue
                for kind in apart:
                    found = furthest(state(straight.result()[0])[kind], state(end)[kind])
                    apart[kind] = max(apart[kind], found)
                print(f"  gone on with: {apart}", file=sys.stderr)
    figures: dict[str, float | None] = {f"{kind}_max_difference": value for kind, value in apart.items()}
    return {**figures, "kills": float(kills)}, {}, {}, 60
