"""The whole main job, as `seatrial demo` does it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NAME = "demo"
HELP = "the main job end to end: seconds, accuracy of the four arms, share of planted faults found"

KEYS = ("accuracy_base", "accuracy_fewshot", "accuracy_rag", "accuracy_tuned", "accuracy_tuned_uncurated")


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """Run the demo in a new folder and hold what it found against the answer key."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-P", "-m", "tui", "demo", "--json", "--to", folder]
        began = time.perf_counter()
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        spent = time.perf_counter() - began
        answer = json.loads(done.stdout.splitlines()[-1])
        from benchmarks.planted import found_share

        share = found_share(Path(folder) / ".seatrial")
    figures: dict[str, float | None] = {"seconds": round(spent, 1)}
    figures |= {key: answer["accuracy"][key.removeprefix("accuracy_")] for key in KEYS}
    figures["planted_found_share"] = share
    return figures, {}, {}, int(answer["test_rows"])
