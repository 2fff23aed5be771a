"""What a scan costs of a version that has 1 % new rows, beside a scan of it from nothing: and the same findings."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rows import rows

NAME = "incremental"
HELP = "CPU seconds of a scan of a version with 1 % new rows, beside one from nothing, and whether they find the same"

CHECKS = ("structure", "quality", "exact-duplicate", "near-duplicate", "pii")
COMMAND = [sys.executable, "-P", "-m", "tui"]
ROWS, MILLION = 200_000, 1_000_000
FEW = 20  # rows of a version of which a scan is next to nothing but the start of the program
EVERY = 100  # rows of which one is changed or taken out


def used() -> float:
    """CPU seconds of all commands that have ended: what other work on the machine changes little."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def called(folder: Path, *words: str) -> tuple[dict[str, object], float]:
    """What a command answers, and its CPU seconds, user and system, its start among them."""
    environment = {**os.environ, "SEATRIAL_HOME": str(folder / "home")}
    # compiled modules and patterns are kept, as they are where the program is installed
    environment |= {"PYTHONPYCACHEPREFIX": str(folder / "modules"), "XDG_CACHE_HOME": str(folder / "cache")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began = used()
    done = subprocess.run([*COMMAND, *words, "--json"], cwd=folder, env=environment, capture_output=True)
    spent = used() - began
    if done.returncode not in (0, 1):  # 1: blocking findings are open
        raise RuntimeError(done.stderr.decode()[-2000:])
    return json.loads(done.stdout), spent


def imported(folder: Path, lines: list[str]) -> None:
    """A version of these rows."""
    (folder / "rows.jsonl").write_text("".join(lines), encoding="utf-8")
    called(folder, "import", "rows.jsonl", "--label", "queue", "--group", "customer", "--as", "rows")


def scanned(folder: Path, *words: str) -> tuple[str, float]:
    """The digest of the findings on the newest version, and the seconds."""
    asked = [word for check in CHECKS for word in ("--check", check)]
    told, spent = called(folder, "scan", *asked, "--set", "pii.names=none", "--encoder", "none", *words)
    return str(told["findings"]), spent


def changed(lines: list[str]) -> Iterator[str]:
    """The rows, one in so many with another answer."""
    for at, line in enumerate(lines):
        row = json.loads(line)
        if at % EVERY == EVERY // 2:
            row["messages"][-1]["content"] += " Indeed so, dear reader."
        yield json.dumps(row, ensure_ascii=False) + "\n"


def measured(count: int) -> dict[str, float | None]:
    """A version is scanned, then others made of it: as a user does, and with nothing taken over."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows(count * 101 // 100)]
        first = lines[:count]
        imported(folder, first)
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
        if count != ROWS:
            return figures
        others = {
            "changed": list(changed(first)),
            "removed": [line for at, line in enumerate(first) if at % EVERY != EVERY // 2],
        }
        for kind, version in others.items():
            imported(folder, version)
            figures[f"{kind}_share"] = round(scanned(folder)[1] / full_seconds, 4)
        imported(folder, first[:FEW])
        start = scanned(folder, "--again")[1]
        figures["start_seconds"] = round(start, 2)
        figures["added_share_beside_start"] = round((added_seconds - start) / (full_seconds - start), 4)
    return figures


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """1 % of the rows of a version are new, changed or taken out; and new ones beside a million."""
    count = 300 if quick else ROWS
    figures = measured(count)
    if quick:
        figures |= dict.fromkeys(
            ("changed_share", "removed_share", "start_seconds", "added_share_beside_start")
        )
    million = {} if quick else measured(MILLION)
    figures |= {f"{key}_1m": million.get(key) for key in ("added_share", "added_seconds", "equal")}
    why = "takes minutes, of a million rows ten"
    return figures, {key: why for key, value in figures.items() if value is None}, {}, count
