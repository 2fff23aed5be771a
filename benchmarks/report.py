"""The report of 10,000 items: its size, the time it takes, what a browser says of it; and how a large run opens.

The workspace is made as the commands make one (import, split, score, compare), but for the answers: no model is
asked, each arm's are drawn. One answer in twenty is a row of the hostile corpus, and so is one question in fifty.
`seconds` is `seatrial report` from start to end, all files. The page is opened in headless Chromium, where each
script that comes to be is counted by the browser's own debugger, and checked by axe-core (MPL-2.0, from npm, for
this benchmark alone) with all but its first 150 examples taken out, in light at the width of a desk and in dark at a phone's. `open_seconds_200k` is `seatrial
verdict` on a comparison of 200,000 samples (four arms of 50,000 items) from start to end: header, conditions, verdict.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.browser import Browser, axe_source, chromium
from benchmarks.hostile_rows import TEXTS, half
from benchmarks.rows import texts

NAME = "report"
HELP = "10,000 items: HTML size and time, axe violations, scripts run; 200,000 samples: seconds to open"
LABELS = (
    "billing",
    "delivery",
    "returns",
    "account",
    "warranty",
    "stock",
    "other",
    "invoice",
    "refund",
    "login",
)
RATES = {"base": 0.55, "few-shot": 0.68, "rag": 0.74, "tuned": 0.84}
ITEMS, SAMPLES = 10_000, 200_000
TIMES = 5
CHECKED = 150  # examples that axe looks at: it takes the square of their number, and all are made alike
Figures = dict[str, float | None]
SCHEMA = {
    "example_id": pl.String, "arm": pl.String, "answer": pl.String, "choice": pl.String, "finish_reason": pl.String,
    "prompt_tokens": pl.Int32, "answer_tokens": pl.Int32, "seconds": pl.Float64, "prompt_hash": pl.String,
    "error": pl.String,
}  # fmt: skip


def command(folder: Path, *words: str) -> float:
    """Run a command of the product there; the seconds from start to end. Exit codes 0 and 1 are answers."""
    home = {**os.environ, "SEATRIAL_HOME": str(folder / ".seatrial")}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tui", *words],
        cwd=folder,
        env=home,
        capture_output=True,
        text=True,
        check=False,
    )
    spent = time.perf_counter() - began
    if done.returncode not in (0, 1):
        raise RuntimeError(f"seatrial {' '.join(words)}: {done.stderr[-2000:]}")
    return spent


def rows_file(path: Path, items: int, train: int) -> None:
    """Labelled rows with a split; some questions are hostile."""
    hostile = [text for text in TEXTS.values() if text.strip() and not half(text)]
    draw = np.random.default_rng(3)
    with path.open("w", encoding="utf-8") as file:
        for number, words in enumerate(texts(items + train, 12, 60, 11)):
            label = LABELS[int(draw.integers(0, len(LABELS)))]
            question = " ".join(words).capitalize() + "?"
            if number % 50 == 0:
                question = f"{number} {hostile[number // 50 % len(hostile)][:2000]}"
            row = {
                "messages": [
                    {"role": "user", "content": question},
                    {"role": "assistant", "content": f"{label}: {' '.join(words[:8])}, thank you for asking."},
                ],
                "queue": label, "part": "train" if number < train else "test",
            }  # fmt: skip
            file.write(json.dumps(row) + "\n")


def answers(workspace: object, dataset: str) -> None:
    """A predict run for each arm, as the command records it; the answers are drawn."""
    from curate.workspace import Workspace

    assert isinstance(workspace, Workspace)
    hostile = [text for text in TEXTS.values() if text.strip() and not half(text)]
    test = workspace.examples(dataset).filter(pl.col("split") == "test")
    draw = np.random.default_rng(5)
    shared = draw.random(test.height)
    for arm, rate in RATES.items():
        right = (0.5 * shared + 0.5 * draw.random(test.height)) < rate * 0.75
        rows = []
        for number, (example_id, label) in enumerate(test.select("example_id", "label").iter_rows()):
            said = label if right[number] else LABELS[(LABELS.index(label) + 1 + number % 3) % len(LABELS)]
            text = f"{said}: your message about {said} was read, thank you for asking. ({arm})"
            if number % 20 == 0:
                text = f"{said}: {hostile[number // 20 % len(hostile)][:2000]}"
            tokens = {"few-shot": 640, "rag": 530}.get(arm, 70)
            rows.append(
                (example_id, arm, text, said, "stop", tokens, 14, 0.02 + tokens / 9000, f"h{number}", None)
            )
        params = {"arm": arm, "split": "test", "base": "bench", "max_new_tokens": 32, "decoding": "greedy"}
        with workspace.run("predict", params, {"dataset": dataset}) as run:
            table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
            run.outputs["predictions"] = workspace.put_table("predictions", table)


def compared(folder: Path, items: int, train: int) -> None:
    """A workspace with a comparison of so many items."""
    from curate.workspace import Workspace

    rows_file(folder / "rows.jsonl", items, train)
    command(folder, "import", "rows.jsonl", "--label", "queue", "--split-column", "part", "--as", "rows")
    workspace = Workspace(folder / ".seatrial")
    answers(workspace, workspace.dataset("rows"))
    workspace.close()
    command(folder, "score", "rows")
    command(folder, "compare", "rows")


def looked_at(page: Path, why: dict[str, str]) -> Figures:
    """What a browser and axe say of the page."""
    program, source = chromium(), axe_source()
    if program is None:
        why |= {"axe_violations": "no Chromium here", "scripts_run": "no Chromium here"}
        return {"axe_violations": None, "scripts_run": None}
    figures: Figures = {"axe_violations": None, "scripts_run": 0.0}
    violations = 0
    for dark, width in ((False, 1280), (True, 390)):
        with Browser(program, dark=dark, width=width) as browser:
            browser.open(page)
            figures["scripts_run"] = (figures["scripts_run"] or 0) + browser.scripts_seen()
            if source is not None:
                browser.keep(".example", CHECKED)
                browser.value("document.getElementById('k-all').click()")
                found = browser.axe(source)
                violations += len(found)
                for each in found:
                    print(f"axe: {each['id']}: {each['nodes'][0]['html'][:200]}", file=sys.stderr)
    if source is None:
        why["axe_violations"] = "axe-core cannot be had: npm is missing, or its registry"
    else:
        figures["axe_violations"] = float(violations)
    return figures


def run(data: Path | None, quick: bool) -> tuple[Figures, dict[str, str], dict[str, str], int]:
    """The report's size and time, what a browser finds in it, and how soon a large run opens."""
    items = 120 if quick else ITEMS
    figures: Figures = {}
    why: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compared(folder, items, items // 4)
        times = [command(folder, "report", "--to", "out") for _ in range(1 if quick else TIMES)]
        page = folder / "out" / "report.html"
        figures["html_mb"] = round(page.stat().st_size / 1e6, 2)
        figures["seconds"] = round(statistics.median(times), 2)
        if quick:
            slow = ("axe_violations", "scripts_run", "open_seconds_200k")
            return figures | dict.fromkeys(slow), dict.fromkeys(slow, "not with --quick"), {}, items
        figures |= looked_at(page, why)
        shutil.rmtree(folder / ".seatrial")
        compared(folder, SAMPLES // len(RATES), 0)
        times = [command(folder, "verdict") for _ in range(TIMES)]
        figures["open_seconds_200k"] = round(statistics.median(times), 2)
    return figures, why, {"axe-core": "from npm"} if figures.get("axe_violations") is not None else {}, items
