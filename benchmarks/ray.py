"""The same scan on a Ray cluster of two nodes, also when one is lost in the middle: the same findings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.rows import write

NAME = "ray"
HELP = "findings of a scan on a Ray cluster of two nodes, and after the loss of one, against those of one process"

CHECKS = ("near-duplicate", "exact-duplicate", "pii", "leak")
SETTINGS = ("pii.names=none",)
TASK = "ray::_gathered"  # what a worker is called that finishes pieces: its node holds pieces of its own then
WORKERS = ("ray::_", "ray::IDLE")  # what workers are called, and agents of a node are not
TRIALS = 5  # scans after which it is given up to catch the node at that task
PAUSE = 0.005  # seconds between two looks at the workers
LISTED = 50  # looks after which it is asked anew which there are
MISSED = 300  # milliseconds between two looks of Ray at a node, which is given up after 5 without answer
STILL = 0.2  # seconds in which a scan ends whose last task was just over

COMMAND = [sys.executable, "-P", "-m", "tui"]

Result = TypeVar("Result")


def imported(folder: Path, home: Path) -> None:
    """A workspace with the rows."""
    environment = {**os.environ, "SEATRIAL_HOME": str(home)}
    words = [*COMMAND, "import", "rows.jsonl", "--label", "queue", "--group", "customer", "--json"]
    subprocess.run(words, cwd=folder, env=environment, check=True, capture_output=True)


def scanned(folder: Path, home: Path, engine: str) -> str:
    """The digest of the findings of a scan through the command, as though it were the first."""
    environment = {**os.environ, "SEATRIAL_HOME": str(home), "RAY_USAGE_STATS_ENABLED": "0"}
    words = [*COMMAND, "scan", "--engine", engine, "--encoder", "none", "--again", "--json"]
    words += [word for check in CHECKS for word in ("--check", check)]
    words += [word for setting in SETTINGS for word in ("--set", setting)]
    words += ["--protect", "protected.jsonl"]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, check=False)
    if done.returncode not in (0, 1):  # 1: blocking findings are open
        raise RuntimeError(done.stderr.decode()[-2000:])
    return str(json.loads(done.stdout)["findings"])


class Cluster:
    """Two nodes on this machine, of one core each."""

    def __enter__(self) -> Cluster:
        """Start them."""
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        from ray.cluster_utils import Cluster as Nodes

        head = {
            "num_cpus": 1,
            "include_dashboard": False,
            "_system_config": {"health_check_period_ms": MISSED},
        }
        self.nodes = Nodes(initialize_head=True, head_node_args=head)
        self.second = self.nodes.add_node(num_cpus=1)
        return self

    def __exit__(self, *error: object) -> None:
        """Stop what is left of them."""
        self.nodes.shutdown()

    @property
    def engine(self) -> str:
        """How the command names it."""
        return f"ray:{self.nodes.address}"

    def lose(self) -> None:
        """Kill the second node, without a word."""
        self.nodes.remove_node(self.second, allow_graceful=False)
        self.second = None

    def losing(self, work: Callable[[], Result]) -> Result:
        """What the work gives, the second node of which is killed, without a word, in the middle.

        It is killed while it has a task that it cannot end, so the work cannot have ended before. Where
        it was not met at such a task, the work is done again. RuntimeError after some times.
        """
        for _ in range(TRIALS):
            ended, lost = threading.Event(), threading.Event()
            watch = threading.Thread(target=self._lose, args=(ended, lost))
            watch.start()
            try:
                result = work()
            finally:
                ended.set()
                watch.join()
            if lost.is_set():
                return result
        raise RuntimeError(f"in {TRIALS} scans the second node was never met at work: nothing is shown")

    def _lose(self, ended: threading.Event, lost: threading.Event) -> None:
        """Kill the second node once a worker of it is at the task, unless the work ends before."""
        psutil = import_module("psutil")  # comes with ray
        raylet = psutil.Process(self.second.all_processes["raylet"][0].process.pid)
        workers, looks = [], 0
        while not ended.wait(PAUSE):
            # which processes there are takes far longer to tell than what a known one does
            workers = workers if looks % LISTED else raylet.children()
            looks += 1
            for worker in workers:
                with suppress(psutil.NoSuchProcess):  # a worker that has ended is none to lose
                    if not _held(worker):
                        continue
                    if ended.wait(STILL):
                        worker.resume()
                        return
                    self.lose()
                    worker.kill()  # stopped, it would not see that its node is gone
                    lost.set()
                    return


def _held(worker: Any) -> bool:  # noqa: ANN401
    """Stop a worker that is at the task; False, and it goes on, where it is not.

    It is stopped first and then looked at: a short task would be over between a look and the stop.
    """
    if not _called(worker).startswith(WORKERS):
        return False
    worker.suspend()
    if _called(worker).startswith(TASK):
        return True
    worker.resume()
    return False


def _called(worker: Any) -> str:  # noqa: ANN401
    """What a process calls itself."""
    return "".join(worker.cmdline())


def compared(folder: Path, rows: int) -> tuple[bool, bool]:
    """(whether two nodes, whether two of which one is lost find the same as one process)."""
    write(folder / "rows.jsonl", rows)
    lines = (folder / "rows.jsonl").read_text().splitlines(keepends=True)
    (folder / "protected.jsonl").write_text("".join(lines[:: max(1, rows // 20)]))
    for home in ("local", "two", "one"):
        imported(folder, folder / home)
    local = scanned(folder, folder / "local", "local")
    with Cluster() as cluster:
        equal = scanned(folder, folder / "two", cluster.engine) == local
        after_loss = cluster.losing(lambda: scanned(folder, folder / "one", cluster.engine)) == local
    return equal, after_loss


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """One process, two nodes, two nodes of which one is killed in the middle of the scan."""
    rows = 300 if quick else 20_000
    if quick or find_spec("ray") is None:
        reason = "a cluster takes half a minute to start" if quick else "needs the extra [ray]"
        figures: dict[str, float | None] = {
            "equal_to_local": None,
            "equal_after_node_loss": None,
            "rows": rows,
        }
        return figures, dict.fromkeys(("equal_to_local", "equal_after_node_loss"), reason), {}, rows
    with tempfile.TemporaryDirectory() as name:
        equal, after_loss = compared(Path(name), rows)
    figures = {"equal_to_local": int(equal), "equal_after_node_loss": int(after_loss), "rows": rows}
    return figures, {}, {"ray": version("ray")}, rows
