"""What a scan costs of a version that has 1 % new rows, beside a scan of it from nothing: and the same findings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.rows import rows

NAME = "incremental"
HELP = "seconds of a scan of a version with 1 % new rows, beside one from nothing, and whether they find the same"

CHECKS = ("structure", "quality", "exact-duplicate", "near-duplicate", "pii")
COMMAND = [sys.executable, "-P", "-m", "tui"]


def called(folder: Path, *words: str) -> tuple[dict[str, object], float]:
    """What a command answers, and its wall seconds, its start among them."""
    environment = {**os.environ, "SEATRIAL_HOME": str(folder / "home")}
    began = time.perf_counter()
    done = subprocess.run([*COMMAND, *words, "--json"], cwd=folder, env=environment, capture_output=True)
    wall = time.perf_counter() - began
    if done.returncode not in (0, 1):  # 1: blocking findings are open
        raise RuntimeError(done.stderr.decode()[-2000:])
    return json.loads(done.stdout), wall


def imported(folder: Path, lines: list[str]) -> None:
    """A version of these rows."""
    (folder / "rows.jsonl").write_text("".join(lines), encoding="utf-8")
    called(folder, "import", "rows.jsonl", "--label", "queue", "--group", "customer", "--as", "rows")


def scanned(folder: Path, *words: str) -> tuple[str, float]:
    """The digest of the findings on the newest version, and the seconds."""
    asked = [word for check in CHECKS for word in ("--check", check)]
    told, wall = called(folder, "scan", *asked, "--set", "pii.names=none", "--encoder", "none", *words)
    return str(told["findings"]), wall


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """A version is scanned, then one with 1 % more rows: as a user does, and with nothing taken over."""
    count = 300 if quick else 200_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows(count * 101 // 100)]
        imported(folder, lines[:count])
        scanned(folder)
        imported(folder, lines)
        added, added_seconds = scanned(folder)
        whole, full_seconds = scanned(folder, "--again")
    figures: dict[str, float | None] = {
        "full_seconds": round(full_seconds, 2),
        "added_seconds": round(added_seconds, 2),
        "added_share": round(added_seconds / full_seconds, 4),
        "equal": int(added == whole),
    }
    return figures, {}, {}, count
