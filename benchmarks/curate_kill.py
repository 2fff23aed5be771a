"""A batch job killed at random moments and started again: the same bytes as one that was left alone."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.rows import write

NAME = "curate-kill"
HELP = "a job killed at random moments and started again: outputs equal to those of one left alone"
SEED = 11

RECIPE = """\
[import]
files = ["rows.jsonl"]
label = "queue"
group = "customer"

[scan]
checks = ["structure", "quality", "exact-duplicate", "near-duplicate", "pii", "leak"]
encoder = "none"

[checks.pii]
names = "none"

[split]
sizes = [80, 10, 10]

[export]
to = "{out}"
formats = ["openai", "trl"]
overwrite = true
"""


def job(folder: Path, home: Path, out: Path) -> subprocess.Popen[bytes]:
    """The job, started in a session of its own, so that its workers die with it."""
    recipe = folder / f"{home.name}.toml"
    recipe.write_text(RECIPE.format(out=out.name))
    words = [sys.executable, "-P", "-m", "tui", "curate", recipe.name]
    environment = {**os.environ, "SEATRIAL_HOME": str(home)}
    return subprocess.Popen(
        words,
        cwd=folder,
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def finish(started: subprocess.Popen[bytes]) -> None:
    """Wait for a job that must succeed."""
    _, talk = started.communicate()
    if started.returncode:
        raise RuntimeError(f"the job failed: {talk.decode()[-1000:]}")


def killed(started: subprocess.Popen[bytes], moment: float) -> bool:
    """Whether the job was still at work when it was killed."""
    time.sleep(moment)
    running = started.poll() is None
    if running:
        os.killpg(started.pid, signal.SIGKILL)
    started.communicate()
    return running


def contents(out: Path) -> dict[str, str]:
    """A digest of each file of rows that the job wrote."""
    files = sorted(file for file in out.rglob("*.jsonl") if file.is_file())
    return {file.relative_to(out).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """Once left alone; then `kills` times killed, started again, and compared."""
    kills, rows = (1, 100) if quick else (50, 2_000)
    draw = random.Random(SEED)
    equal = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "rows.jsonl", rows)
        for which in ("",) if quick else ("-cold", ""):  # the first one fills the disk's cache
            began = time.perf_counter()
            finish(job(folder, folder / f"home{which}", folder / f"out{which}"))
            whole = time.perf_counter() - began
        expected = contents(folder / "out")
        if not expected:
            raise RuntimeError("the job wrote no rows")
        for turn in range(kills):
            home, out = folder / f"home-{turn}", folder / f"out-{turn}"
            moment = draw.uniform(0.05, 0.95) * whole
            while not killed(job(folder, home, out), moment):
                # it was quicker this time: from the beginning, and earlier
                shutil.rmtree(home)
                shutil.rmtree(out, ignore_errors=True)
                moment *= 0.8
            finish(job(folder, home, out))
            same = contents(out) == expected
            equal += same
            print(
                f"kill {turn + 1} at {moment:.2f} of {whole:.2f} s: {'equal' if same else 'NOT EQUAL'}",
                file=sys.stderr,
            )
    return {"kills": kills, "resumes_equal": equal}, {}, {}, rows
