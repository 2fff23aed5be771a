"""Every check of a training run, by `seatrial train --prove` on the tiny base: held or not, and what it cost."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

from benchmarks.tickets import environment, here, prepare

NAME = "train-proofs"
HELP = "each check of a training run (c1 to c18, c6b) on the tiny base: 1 held, 0 failed, and its seconds"

KEYS = (*(f"c{number}" for number in range(1, 7)), "c6b", *(f"c{number}" for number in range(7, 19)))


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """One proven run with packing on, so that C7 has something to compare; `data` is not read.

    With --quick only what each run proves of itself: the rest trains several times.
    """
    count = 100 if quick else 600
    settings = ["threads=1", "packing=on", *(["max_steps=4", "batch_size=8"] if quick else ["epochs=4"])]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, count)
        words = [f"--set={each}" for each in settings]
        prove = [] if quick else ["--prove"]
        done = here(folder, environment(folder), "train", "tickets", *prove, "--json", *words)
    figures: dict[str, float | None] = {}
    why: dict[str, str] = {}
    if done.returncode:
        failed = {
            key.lower() for key in re.findall(r"\bC\d+b?(?=: )", done.stdout + done.stderr, re.IGNORECASE)
        }
        if not failed:
            raise RuntimeError(f"the run failed: {done.stderr[-2000:]}")
        for key in KEYS:
            figures |= {key: 0.0 if key in failed else None, f"{key}_seconds": None}
            why |= dict.fromkeys((key, f"{key}_seconds"), f"the run stopped: {done.stderr[-300:]}")
        return figures, why, {}, count
    told = json.loads(done.stdout)
    skipped = {each["key"]: each["why"] for each in told["does_not_apply"]}
    for key in KEYS:
        seconds = [each["seconds"] for each in told["checks"] if each["key"] == key]
        figures[key] = 1.0 if seconds and key not in skipped else None
        figures[f"{key}_seconds"] = round(sum(seconds), 3) if seconds else None
        why |= dict.fromkeys(
            (key, f"{key}_seconds"),
            skipped.get(key, "--quick proves what each run proves" if quick else "not in the record"),
        )
    return figures, {key: text for key, text in why.items() if figures[key] is None}, {}, count
