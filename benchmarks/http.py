"""An arm asked over HTTP, 32 requests in flight, of a server that takes 200 ms for each."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

NAME = "http"
HELP = "requests a second against a 200 ms mock with 32 in flight, as a share of the ideal; CPU ms a request"

SECONDS, IN_FLIGHT = 0.2, 32
ROWS, QUICK_ROWS = 4_000, 200


@contextlib.contextmanager
def server(seconds: float) -> Iterator[str]:
    """The address of a mock in a process of its own."""
    words = [sys.executable, str(Path(__file__).parent / "mock_chat.py"), str(seconds)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            yield f"http://127.0.0.1:{child.stdout.readline().strip()}/v1"
        finally:
            child.kill()


def dataset(rows: int) -> str:
    """The digest of a split dataset in the workspace: a few train rows, and this many of test."""
    from curate.example import frame, with_ids
    from curate.workspace import Workspace

    def row(number: int, split: str) -> dict[str, object]:
        asked = f"hello, my parcel {number} arrived broken and I would like a new one, please"
        turns = [("system", "Queues: oak, sierra."), ("user", asked), ("assistant", "oak: sorry about it")]
        messages = [{"role": role, "content": content} for role, content in turns]
        return {
            "messages": messages, "label": "oak", "split": split, "source": "mock.jsonl",
            "source_row": number, "meta": "{}", "layout": "{}",
        }  # fmt: skip

    every = [row(n, "train") for n in range(8)] + [row(8 + n, "test") for n in range(rows)]
    space = Workspace.open(create=True)
    digest = space.put_dataset(with_ids(frame(every), [str(n) for n in range(len(every))]))
    space.ledger.set_name("mock", digest)
    space.close()
    return digest


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """`seatrial predict --arm base --endpoint`, through the command's own function; `data` is not read.

    Seconds go from the arm's start to its recorded answers, prompts, records and fsync included; the start of
    Python and the opening of the workspace are not in them. CPU is this process's, over the same time.
    """
    from evalharness.commands.predict import predict

    rows = QUICK_ROWS if quick else ROWS
    with tempfile.TemporaryDirectory() as folder, server(SECONDS) as url:
        os.environ["SEATRIAL_HOME"] = folder
        dataset(rows)
        predict("mock", ["base"], endpoint=url, model="mock", limit=4)  # imports
        began, spent = time.perf_counter(), time.process_time()
        answer = predict("mock", ["base"], endpoint=url, model="mock", setting=[f"in-flight={IN_FLIGHT}"])
        wall, cpu = time.perf_counter() - began, time.process_time() - spent
        (arm,) = answer.data["arms"]  # type: ignore[misc]
    notes = arm["notes"]
    assert notes["errors"] == 0 and notes["questions"] == rows, notes
    sent = notes["model"]["requests"]
    figures: dict[str, float | None] = {
        "share_of_ideal": round(sent * SECONDS / IN_FLIGHT / wall, 4),
        "cpu_ms_per_request": round(cpu / sent * 1000, 3),
    }
    why: dict[str, str] = {}
    if quick:
        figures["share_of_ideal"], why["share_of_ideal"] = None, "too few requests to get up to speed"
    return figures, why, {"name": "the mock's own time", "version": f"{SECONDS} s"}, sent
