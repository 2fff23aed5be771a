"""A check is loaded when it is asked for, and not before."""

from __future__ import annotations

import subprocess
import sys

import pytest

from curate.checks import CHECKS, PLACES


def test_every_place_has_the_check_of_its_name():
    assert list(CHECKS) == list(PLACES)
    assert len(CHECKS) == len(PLACES)
    assert [check.name for check in CHECKS.values()] == list(PLACES)


def test_an_unknown_name_is_none_of_them():
    assert "order" not in CHECKS
    assert CHECKS.get("order") is None
    with pytest.raises(KeyError):
        CHECKS["order"]


def test_what_is_not_asked_for_is_not_loaded():
    code = """
import sys
from curate.checks import CHECKS
from curate.scanning.scan import make_checks
import curate.runs.job
assert "pii" in CHECKS
make_checks(["structure", "near-duplicate", "leak"])
heavy = ("curate.checks.pii", "curate.checks.quality", "curate.names", "sklearn", "scipy", "numba", "spacy", "torch")
loaded = [name for name in heavy if name in sys.modules]
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
