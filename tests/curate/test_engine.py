"""Every engine gives the same results in the same order, and says so when a worker dies."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

import pytest

from curate.engine import Engine, Local, Ray, Serial
from curate.errors import ConfigError, MissingExtraError, ResourceError
from curate.example import digest
from curate.scan import make_checks

BATCHES = [f"batch {at}" for at in range(40)]


def test_results_come_in_the_order_of_the_batches():
    expected = [digest(batch) for batch in BATCHES]
    assert list(Serial().map(digest, BATCHES)) == expected
    assert list(Local(workers=2).map(digest, BATCHES)) == expected


def test_nothing_to_map_gives_nothing():
    assert list(Local(workers=2).map(digest, [])) == []


def test_no_more_is_taken_than_is_in_flight():
    """A source of a million batches is not read into memory ahead of the work."""
    taken = []

    def source():
        for batch in BATCHES:
            taken.append(batch)
            yield batch

    results = Local(workers=2).map(digest, source())
    next(results)
    assert len(taken) <= 4
    results.close()


def test_a_killed_worker_is_an_error_and_not_a_hang():
    with pytest.raises(ResourceError, match="killed"):
        list(Local(workers=1).map(os._exit, [9, 9, 9]))


def test_what_the_function_raises_is_raised_here_with_its_hint():
    """Our own errors too, of which not each can be unpickled by its constructor."""
    with pytest.raises(ZeroDivisionError):
        list(Local(workers=1).map((0).__rfloordiv__, [1]))
    with pytest.raises(ConfigError) as caught:
        list(Local(workers=1).map(make_checks, [["structur"]]))
    assert "structure" in caught.value.hint


def test_a_number_of_workers_is_not_negative():
    with pytest.raises(ConfigError):
        Local(workers=-1)


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError) as caught:
        list(Ray().map(digest, BATCHES))
    assert "[ray]" in caught.value.hint


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra `ray`")
def test_ray_gives_the_same():
    engine: Engine = Ray(in_flight=4)
    assert list(engine.map(digest, BATCHES)) == [digest(batch) for batch in BATCHES]
