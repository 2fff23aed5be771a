"""Which arithmetic is taken for how much text: what is found is the same."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from curate.dedup import examples
from curate.dedup.bands import Met
from curate.dedup.shingling import Shingling

SHINGLING = Shingling(words=3, characters=4)


def test_little_text_is_read_without_the_compiler_and_much_with_it(monkeypatch):
    pytest.importorskip("numba")
    for name in [name for name in sys.modules if name.startswith("curate.dedup.kernels")]:
        monkeypatch.delitem(sys.modules, name)
    taken = []
    arithmetic = examples.arithmetic
    monkeypatch.setattr(examples, "arithmetic", lambda how=None: taken.append(how) or arithmetic(False))
    monkeypatch.setattr(examples, "FEW", 100)
    monkeypatch.setattr(examples, "_PLAIN", examples._Plain())
    for size in (40, 50, 40, 1):  # bytes, one after the other
        examples.by(pl.Series(["x" * size]))
    assert taken == [False, False, None, None]


def test_a_crowd_is_compared_by_the_compiler_however_little_text_it_is(monkeypatch):
    draw = random.Random(1)
    words = [f"word{number}" for number in range(400)]
    texts = pl.Series([" ".join(["one two three four five six", *draw.sample(words, 2)]) for _ in range(400)])
    sets = examples.sets_of(texts, SHINGLING)
    nothing = np.empty(0, dtype=np.int64)
    met = Met(nothing, nothing, np.arange(400, dtype=np.int64))
    taken, found = [], []
    arithmetic = examples.arithmetic
    monkeypatch.setattr(examples, "arithmetic", lambda how=None: taken.append(how) or arithmetic(how))
    for many in (1, 10**9):
        monkeypatch.setattr(examples, "MANY", many)
        found.append(examples.near_pairs(met, sets, sets, 0.5, met.crowd, texts))
    assert taken[0] is None
    for one, two in zip(*found, strict=True):
        assert np.array_equal(one, two)
    assert len(found[0].left) > 100


def test_the_compiler_is_not_loaded_for_few_rows():
    code = (
        "import sys, polars as pl; from curate.dedup.examples import sketches;"
        "from curate.dedup.shingling import Shingling;"
        "sketches(pl.Series(['a b c d e f'] * 50), Shingling(words=3, characters=4), 0.7);"
        "sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
