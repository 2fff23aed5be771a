"""The same scan on a Ray cluster of two nodes, also when one is lost in the middle: the same findings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from benchmarks.rows import write

NAME = "ray"
HELP = "findings of a scan on a Ray cluster of two nodes, and after the loss of one, against those of one process"

CHECKS = ("near-duplicate", "exact-duplicate", "pii", "leak")
SETTINGS = ("pii.names=none",)


COMMAND = [sys.executable, "-P", "-m", "tui"]


def imported(folder: Path, home: Path) -> None:
    """A workspace with the rows."""
    environment = {**os.environ, "SEATRIAL_HOME": str(home)}
    words = [*COMMAND, "import", "rows.jsonl", "--label", "queue", "--group", "customer", "--json"]
    subprocess.run(words, cwd=folder, env=environment, check=True, capture_output=True)


def scanned(folder: Path, home: Path, engine: str) -> str:
    """The digest of the findings of a scan through the command."""
    environment = {**os.environ, "SEATRIAL_HOME": str(home), "RAY_USAGE_STATS_ENABLED": "0"}
    words = [*COMMAND, "scan", "--engine", engine, "--encoder", "none", "--json"]
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

        self.nodes = Nodes(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        self.second = self.nodes.add_node(num_cpus=1)
        return self

    def __exit__(self, *error: object) -> None:
        """Stop what is left of them."""
        self.nodes.shutdown()

    @property
    def engine(self) -> str:
        """How the command names it."""
        return f"ray:{self.nodes.address}"

    def lose(self, after: float) -> threading.Thread:
        """Kill the second node, without a word, some seconds from now."""

        def kill() -> None:
            time.sleep(after)
            self.lost_at = time.perf_counter()
            self.nodes.remove_node(self.second, allow_graceful=False)

        thread = threading.Thread(target=kill)
        thread.start()
        return thread


def compared(folder: Path, rows: int) -> tuple[bool, bool]:
    """(whether two nodes, whether two of which one is lost find the same as one process)."""
    write(folder / "rows.jsonl", rows)
    lines = (folder / "rows.jsonl").read_text().splitlines(keepends=True)
    (folder / "protected.jsonl").write_text("".join(lines[:: max(1, rows // 20)]))
    for home in ("local", "two", "one"):
        imported(folder, folder / home)
    local = scanned(folder, folder / "local", "local")
    with Cluster() as cluster:
        began = time.perf_counter()
        equal = scanned(folder, folder / "two", cluster.engine) == local
        took = time.perf_counter() - began
    with Cluster() as cluster:
        killer = cluster.lose(after=took * 0.6)  # past the start of the command and of the workers
        after_loss = scanned(folder, folder / "one", cluster.engine) == local
        ended = time.perf_counter()
        killer.join()
        if cluster.lost_at > ended:
            raise RuntimeError("the scan had ended before the node was lost: nothing is shown")
    return equal, after_loss


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """One process, two nodes, two nodes of which one is killed in the middle of the scan."""
    rows = 300 if quick else 20_000
    if quick or find_spec("ray") is None:
        reason = "two clusters take a minute to start" if quick else "needs the extra [ray]"
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
