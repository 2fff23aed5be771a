"""A scan on a Ray cluster finds the same as one process, also when a node is lost in the middle."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from benchmarks.ray import compared


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra `ray`")
def test_two_nodes_and_the_loss_of_one_change_nothing(tmp_path):
    assert compared(tmp_path, 400) == (True, True)
