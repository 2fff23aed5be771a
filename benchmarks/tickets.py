"""Seeded tickets, and a workspace in which they are split and scanned: what the benchmarks of training start from."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

QUEUES = {
    "billing": ["invoice", "charge", "refund", "card"],
    "delivery": ["parcel", "courier", "address", "package"],
    "access": ["password", "login", "account", "code"],
    "repair": ["screen", "handle", "battery", "lamp"],
}
FILLERS = [
    "hello",
    "again",
    "still",
    "my",
    "is",
    "wrong",
    "please",
    "for",
    "days",
    "order",
    "since",
    "we",
    "would",
    "help",
]
RECIPE = """\
[import]
files = ["tickets.jsonl"]
label = "queue"
name = "tickets"

[scan]
checks = ["structure"]
encoder = "none"

[gate]
allow_blocking = true

[split]
sizes = [80, 10, 10]

[export]
to = "out"
formats = ["openai"]
"""


def ticket(number: int, *, pairs: bool, typical: int, longest: int) -> dict[str, object]:
    """A ticket of 8 to `longest` words, half of them under `typical`, whose queue follows from its thing; each eighth has two questions."""
    draw = random.Random(number)
    queue = draw.choice(sorted(QUEUES))
    thing = draw.choice(QUEUES[queue])
    words = draw.choices(FILLERS, k=min(longest, max(8, round(draw.lognormvariate(math.log(typical), 0.6)))))
    words.insert(draw.randrange(len(words)), thing)
    system = {"role": "system", "content": f"Queues: {', '.join(sorted(QUEUES))}."}
    asked = {"role": "user", "content": f"{' '.join(words)} ({number})"}
    answer = f"{queue}: we look at the {thing}{' at once' * (number % 3)}."
    turns = [system, asked]
    if number % 8 == 0 and not pairs:
        said = {"role": "assistant", "content": f"{queue}: which {thing}?"}
        turns += [said, {"role": "user", "content": f"the {draw.choice(FILLERS)} one"}]
    if pairs:
        other = draw.choice([each for each in sorted(QUEUES) if each != queue])
        return {
            "prompt": turns,
            "chosen": answer,
            "rejected": answer.replace(queue, other, 1),
            "queue": queue,
        }
    return {"messages": [*turns, {"role": "assistant", "content": answer}], "queue": queue}


def seatrial(folder: Path, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A command in the workspace of a folder."""
    return subprocess.run(
        command(*words), cwd=folder, env=environment(folder), check=check, capture_output=True, text=True
    )


def here(folder: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """A command in this process, of which nothing is timed or killed: what it prints, and its exit code."""
    from tui.cli import main

    said, talk = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, environment), contextlib.chdir(folder),
        contextlib.redirect_stdout(said), contextlib.redirect_stderr(talk),
    ):  # fmt: skip
        code = main(list(words))
    return subprocess.CompletedProcess(words, code, said.getvalue(), talk.getvalue())


def command(*words: str) -> list[str]:
    """The product's command as a person would give it."""
    return [sys.executable, "-P", "-m", "tui", *words]


def environment(folder: Path) -> dict[str, str]:
    """Where the workspace of a folder is."""
    return {**os.environ, "SEATRIAL_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}


def prepare(folder: Path, count: int, *, pairs: bool = False, typical: int = 13, longest: int = 60) -> None:
    """Tickets, imported, scanned and split under the name `tickets` in the folder's workspace."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = (ticket(number, pairs=pairs, typical=typical, longest=longest) for number in range(count))
    (folder / "tickets.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    seatrial(folder, "curate", "recipe.toml")
