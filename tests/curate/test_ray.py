"""A scan on a Ray cluster finds the same as one process, also when a node is lost in the middle."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.ray import CHECKS, Cluster
from benchmarks.rows import rows
from curate.checks.near_duplicate import NearDuplicate
from curate.engine import Engine, Serial, engine_of
from curate.intake.sources import read_rows
from curate.scanning.scan import make_checks, scan

LONG = 120  # seconds; nothing waits so long unless it has failed


@dataclass(frozen=True)
class Held(NearDuplicate):
    """The check, which tells that pieces are compared, and then goes on only where and when it is let."""

    node: str = ""  # the id of the node on which it never ends
    begun: str = ""  # a file: written when the first piece is there
    lost: str = ""  # a file: once it is there, all goes on

    def meet(self, piece):
        """By now each node that was given rows holds pieces that the other needs."""
        import ray

        Path(self.begun).touch()
        there = ray.get_runtime_context().get_node_id() == self.node
        until = time.monotonic() + LONG
        while there or not Path(self.lost).exists():
            assert time.monotonic() < until, "the node was not lost"
            time.sleep(0.01)
        return super().meet(piece)


def lose(cluster: Cluster, begun: Path, lost: Path) -> None:
    """Kill the second node once pieces are compared."""
    until = time.monotonic() + LONG
    while not begun.exists():
        if time.monotonic() > until:
            return
        time.sleep(0.01)
    cluster.lose()
    lost.touch()


@pytest.mark.slow(30)
@pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra `ray`")
def test_two_nodes_and_the_loss_of_one_change_nothing(tmp_path):
    examples = read_rows(list(rows(160)), "rows", label="queue", group="customer").examples
    checks = make_checks(CHECKS, {"pii": {"names": "none"}}, encoder="none")

    def scanned(engine: Engine, checks=checks):
        # few rows a task, so that both nodes have some
        return scan(examples, checks, protected=examples[::8], engine=engine, rows=20).findings

    checks.sort(key=lambda check: check.name != NearDuplicate.name)
    local = scanned(Serial())
    assert set(local["check"]) == set(CHECKS)
    with Cluster() as cluster:
        from ray import cloudpickle

        cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no worker can import a test
        engine = engine_of(cluster.engine)
        try:
            assert scanned(engine).equals(local)
            begun, lost = tmp_path / "begun", tmp_path / "lost"
            held = Held(node=cluster.second.node_id, begun=str(begun), lost=str(lost))
            killer = threading.Thread(target=lose, args=(cluster, begun, lost))
            killer.start()
            after = scanned(engine, [held, *checks[1:]])
            killer.join()
            assert cluster.second is None
            assert after.equals(local)
        finally:
            engine.close()
            cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
