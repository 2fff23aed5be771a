"""Every engine gives the same results in the same order, and says so when a worker dies."""

from __future__ import annotations

import os
import pickle
import sys
from importlib.util import find_spec

import polars as pl
import pytest

from curate.engine import Engine, Local, Ray, Serial, _packed, _unpacked, engine_of
from curate.errors import ConfigError, MissingExtraError, ResourceError
from curate.example import digest
from curate.scanning.scan import make_checks

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


@pytest.mark.slow(25)
@pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra `ray`")
def test_ray_gives_the_same():
    engine: Engine = Ray(in_flight=4)
    assert list(engine.map(digest, BATCHES)) == [digest(batch) for batch in BATCHES]


def pieces(batch: str) -> list[str]:
    """Three pieces of a batch."""
    return [f"{batch}/{part}" for part in range(3)]


EXCHANGED = [[f"{batch}/{part}" for batch in BATCHES] for part in range(3)]


@pytest.mark.parametrize("engine", [Serial(), Local(workers=2)])
def test_pieces_with_one_number_are_finished_together_in_the_order_of_the_batches(engine):
    assert list(engine.exchange(pieces, BATCHES, list, 3)) == EXCHANGED


def test_an_exchange_of_nothing_finishes_nothing_each():
    assert list(Serial().exchange(pieces, [], list, 3)) == [[], [], []]


def test_what_fails_in_an_exchange_is_raised_here():
    with pytest.raises(ConfigError) as caught:
        list(Local(workers=1).exchange(make_checks, [["structur"]], list, 2))
    assert "structure" in caught.value.hint
    with pytest.raises(TypeError):
        list(Local(workers=1).exchange(pieces, BATCHES, float, 3))


@pytest.mark.parametrize(
    ("name", "engine"),
    [("local", Serial()), ("", Serial()), ("ray", Ray()), ("ray:10.0.0.1:6379", Ray("10.0.0.1:6379"))],
)
def test_engines_by_name(name, engine):
    assert engine_of(name) == engine
    assert engine_of("local", 3) == Local(3)


def test_an_engine_that_does_not_exist_is_an_error_with_the_names():
    with pytest.raises(ConfigError) as caught:
        engine_of("dask")
    assert "ray" in caught.value.hint


def test_a_slice_of_a_table_goes_to_a_worker_without_the_rest_of_the_table():
    table = pl.DataFrame({"name": ["a"] * 2_000, "turns": [["some words that are said"] * 5] * 2_000})
    whole = len(pickle.dumps(_packed(table)))
    slices = [pickle.dumps(_packed(part)) for part in table.iter_slices(100)]

    assert sum(len(each) for each in slices) < 2 * whole
    assert pl.concat([_unpacked(pickle.loads(each)) for each in slices]).equals(table)
    assert _unpacked(_packed([table, "other", 3]))[0].equals(table)
