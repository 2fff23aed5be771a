"""What holds for all tests."""

from __future__ import annotations

import os

import pytest

# Several files run at once: a second thread of each would only wait for a core, and spin while it does.
# Before torch and numpy are loaded; programs that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items):
    """The long files first, so that no core is idle at the end while one file is still under way."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(autouse=True)
def _no_encoder_unasked(request, monkeypatch):
    """A scan compares meaning only where a test asks for it: loading the encoder takes seconds."""
    if "encoder" in request.keywords:
        return
    from curate.scanning import scan
    from curate.scanning.embedding import AUTO, find_encoder

    monkeypatch.setattr(scan, "find_encoder", lambda name: None if name == AUTO else find_encoder(name))
