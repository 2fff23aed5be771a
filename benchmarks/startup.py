"""How long the command takes to answer: help, a small batch job, the first paint of the screens."""

from __future__ import annotations

import json
import os
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NAME = "startup"
HELP = "seconds to --help, to a curated 10-row file, to the first paint of the screens"

RECIPE = """\
[import]
files = ["rows.jsonl"]

[scan]
checks = ["structure", "exact-duplicate", "near-duplicate", "contradiction", "leak"]
encoder = "none" # nor the encoder: torch alone takes longer than the rest

[gate]
allow_blocking = true # the personal-data check is left out on purpose

[split]
sizes = [60, 20, 20]

[export]
to = "out"
formats = ["openai"]
"""

WORDS = ["red", "blue", "green", "round", "flat", "tall", "heavy", "light", "quick", "slow"]


def rows(count: int) -> list[dict[str, object]]:
    """Rows that no check objects to."""
    return [
        {
            "messages": [
                {
                    "role": "user",
                    "content": f"What is {WORDS[i % 10]} and {WORDS[(i * 3 + 1) % 10]} in box {i}?",
                },
                {"role": "assistant", "content": f"Box {i} holds item {i * 7}."},
            ]
        }
        for i in range(count)
    ]


def seconds(words: list[str], folder: Path, times: int) -> float:
    """Median wall seconds of a command, run `times` times, each in a new workspace."""
    spent = []
    for turn in range(times):
        environment = {**os.environ, "SEATRIAL_HOME": str(folder / f"workspace-{turn}")}
        began = time.perf_counter()
        subprocess.run(words, cwd=folder, env=environment, check=True, capture_output=True)
        spent.append(time.perf_counter() - began)
    return statistics.median(spent)


def first_paint(words: list[str], folder: Path) -> float:
    """Wall seconds until the screens have drawn their footer in a real pseudo-terminal."""
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    began = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe(words[0], words, environment)
    seen = b""
    try:
        while time.perf_counter() - began < 60:
            if select.select([terminal], [], [], 0.5)[0]:
                seen += os.read(terminal, 65536)
            # the alternate screen is on and something was drawn into it
            if b"\x1b[?1049h" in seen and b"eatrial" in seen.split(b"\x1b[?1049h", 1)[1]:
                return time.perf_counter() - began
        raise TimeoutError("no first paint within 60 s")
    finally:
        os.kill(child, 15)
        os.waitpid(child, 0)
        os.close(terminal)


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """Run each command several times and take medians."""
    command = [sys.executable, "-P", "-m", "tui"]
    times = 3 if quick else 9
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows(10)))
        (folder / "recipe.toml").write_text(RECIPE)
        figures: dict[str, float | None] = {
            "help_seconds": seconds([*command, "--help"], folder, times),
            "curate_seconds": seconds([*command, "curate", "recipe.toml"], folder, times),
            "screens_first_paint_seconds": statistics.median(
                first_paint(command, folder) for _ in range(times)
            ),
        }
    return figures, {}, {}, times
