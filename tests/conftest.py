"""What holds for all tests."""

from __future__ import annotations

import gc
import os
import sys

import pytest
from hypothesis import HealthCheck, settings

SLOW = 20  # seconds of a file that is marked without saying how many

# Several files run at once: a second thread of each would only wait for a core, and spin while it does.
# Before torch and numpy are loaded; programs that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Compiled files are kept, whatever the surroundings say: each process that collects the tests, and each
# program that they start, would compile all of it again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A machine may be busy: how long an example takes says nothing of what is tested.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_collection_modifyitems(items):
    """The slowest files first, so that no core is idle at the end while one file is still under way."""
    seconds = {}
    for item in items:
        if marker := item.get_closest_marker("slow"):
            seconds[item.path] = marker.args[0] if marker.args else SLOW
    items.sort(key=lambda item: -seconds.get(item.path, 0))


def pytest_collection_finish():
    """What was imported for all tests is set aside, and what they make is looked through less often.

    Nobody drops the former, and each look for garbage goes through it; a tenth of the time went into that.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


@pytest.fixture(autouse=True)
def _no_encoder_unasked(request, monkeypatch):
    """A scan compares meaning only where a test asks for it: loading the encoder takes seconds."""
    if "encoder" in request.keywords:
        return
    from curate.scanning import scan
    from curate.scanning.embedding import AUTO, find_encoder

    monkeypatch.setattr(scan, "find_encoder", lambda name: None if name == AUTO else find_encoder(name))
