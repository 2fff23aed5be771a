"""A scan on a Ray cluster finds the same as one process, also when a node is lost in the middle."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from benchmarks.ray import CHECKS, Cluster
from benchmarks.rows import rows
from curate.engine import Engine, Serial, engine_of
from curate.intake.sources import read_rows
from curate.scanning.scan import make_checks, scan


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra `ray`")
def test_two_nodes_and_the_loss_of_one_change_nothing():
    examples = read_rows(list(rows(160)), "rows", label="queue", group="customer").examples
    checks = make_checks(CHECKS, {"pii": {"names": "none"}}, encoder="none")

    def scanned(engine: Engine):
        # few rows a task, so that both nodes have some
        return scan(examples, checks, protected=examples[::8], engine=engine, rows=20).findings

    local = scanned(Serial())
    assert set(local["check"]) == set(CHECKS)
    with Cluster() as cluster:
        engine = engine_of(cluster.engine)
        try:
            assert scanned(engine).equals(local)
            assert cluster.losing(lambda: scanned(engine)).equals(local)
        finally:
            engine.close()
