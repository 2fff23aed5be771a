"""A whole batch job on a million rows: what each stage takes, how much memory, and that no row is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.memory import Peak
from benchmarks.rows import write

NAME = "curate-million"
HELP = "a whole batch job on 1,000,000 rows: seconds, memory, and the account of the rows"

RECIPE = """\
[import]
files = ["rows.jsonl"]
label = "queue"
group = "customer"

[scan]
checks = ["structure", "quality", "exact-duplicate", "near-duplicate", "pii", "leak"]
encoder = "none"
workers = 0

[checks.pii]
names = "none"

[split]
sizes = [98, 1, 1]

[export]
to = "out"
formats = ["openai"]
"""


def stages(home: Path) -> dict[str, float]:
    """Wall seconds of the runs that the ledger has, summed by kind."""
    words = [sys.executable, "-P", "-m", "tui", "log", "--json", "--limit", "1000"]
    environment = {**os.environ, "SEATRIAL_HOME": str(home)}
    done = subprocess.run(words, env=environment, check=True, capture_output=True)
    spent: dict[str, float] = {}
    for each in json.loads(done.stdout)["runs"]:
        key = f"{each['kind'].replace('-', '_')}_seconds"
        spent[key] = round(spent.get(key, 0.0) + float(each["seconds"] or 0.0), 1)
    return spent


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """One job through the command, in a process of its own, whose memory is then known."""
    count = 1_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "rows.jsonl", count)
        # processes take longer to start than a thousand rows take one
        recipe = RECIPE.replace("workers = 0", "workers = 1") if quick else RECIPE
        (folder / "recipe.toml").write_text(recipe)
        environment = {**os.environ, "SEATRIAL_HOME": str(folder / "home")}
        words = [sys.executable, "-P", "-m", "tui", "curate", "recipe.toml", "--json"]
        began = time.perf_counter()
        with (folder / "told.json").open("wb") as answer:
            started = subprocess.Popen(
                words, cwd=folder, env=environment, stdout=answer, start_new_session=True
            )
            peak = Peak(started).close()
        wall = time.perf_counter() - began
        if started.returncode:
            raise RuntimeError(f"the job ended with {started.returncode}")
        told = json.loads((folder / "told.json").read_text())
        account = told["account"]
        dropped = sum(account["dropped"].values())
        written = sum(1 for file in (folder / "out").rglob("*.jsonl") for _ in file.open("rb"))
        if account["read"] != written + dropped + account["rejected"]:
            raise RuntimeError(f"rows do not balance: {account}, {written} written")
        figures: dict[str, float | None] = {
            "wall_seconds": round(wall, 1),
            "peak_mb": round(peak),
            "rows_in": account["read"],
            "rows_out": written,
            "rows_dropped": dropped,
            "rows_rejected": account["rejected"],
            **stages(folder / "home"),
        }
    return figures, {}, {}, count
